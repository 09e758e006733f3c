//! A gibibyte through each contender: files out of and into a container, and the output of
//! an exec. From the stand-in, which has nothing to do but to copy memory, and from a real
//! daemon, which reads files and asks containerd.

use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Instant;

use ds01_fault::Fault;
use ds01_standin::{Client, as_user, container_id};
use ds01_test_dockerd::{Dockerd, IMAGE};
use ds01_text::Table;

use super::failed;
use super::rival::{self, Rival, UID, USER};
use crate::Args;

const AMOUNT: u64 = 1 << 30;
const TURNS: usize = 3;

/// One of the streams.
#[derive(Clone, Debug)]
enum Stream {
    /// A request whose answer is the stream.
    Down(String),
    /// A request to start an exec, made anew for each time.
    Exec { make: String, body: String },
    /// A body that is the stream.
    Up(String),
}

pub fn measure(
    folder: &tempfile::TempDir,
    args: &Args,
    standin: &Path,
    text: &mut String,
) -> Result<(), Fault> {
    let id = container_id(0);
    let cases = [
        (
            "files out, stand-in",
            Stream::Down(format!("GET /v1.41/containers/{id}/archive?path={AMOUNT}")),
        ),
        ("files in, stand-in", Stream::Up(format!("PUT /v1.41/containers/{id}/archive?path=/tmp"))),
        (
            "exec, stand-in",
            Stream::Exec {
                make: format!("/v1.41/containers/{id}/exec"),
                body: r#"{"Cmd":["yes"]}"#.into(),
            },
        ),
    ];
    let mut table = Table::new(["1 GIB", "", "MB/S", "CPU ms", "OF DIRECT"]);
    race(&rival::all(folder, standin, args, &mut String::new())?, &cases, &mut table)?;
    match Dockerd::start() {
        Ok(dockerd) => {
            let cases = real(&dockerd)?;
            let everybody = std::fs::Permissions::from_mode(0o666);
            failed(std::fs::set_permissions(dockerd.socket(), everybody), "the daemon is gone")?;
            let rivals = rival::all(folder, &dockerd.socket(), args, &mut String::new())?;
            race(&rivals, &cases, &mut table)?;
            *text += &table.render();
        }
        Err(why) => *text += &format!("{}no real daemon: {why}\n", table.render()),
    }
    Ok(())
}

/// A container of the one who asks, with a gibibyte in it.
fn real(dockerd: &Dockerd) -> Result<[(&'static str, Stream); 2], Fault> {
    let label = format!("ds01.user={USER}");
    let run = [
        "run",
        "-d",
        "--network",
        "none",
        "--label",
        &label,
        "--name",
        "big",
        IMAGE,
        "sleep",
        "86400",
    ];
    for args in [&run[..], &["exec", "big", "dd", "if=/dev/zero", "of=/big", "bs=1M", "count=1024"]]
    {
        let out = failed(dockerd.docker(args).output(), "cannot run docker")?;
        if !out.status.success() {
            return Err(Fault::failed("docker failed").why(String::from_utf8_lossy(&out.stderr)));
        }
    }
    let out =
        failed(dockerd.docker(["inspect", "-f", "{{.Id}}", "big"]).output(), "cannot run docker")?;
    let id = String::from_utf8_lossy(&out.stdout).trim().to_owned();
    Ok([
        (
            "files out, Docker",
            Stream::Down(format!("GET /v1.41/containers/{id}/archive?path=/big")),
        ),
        (
            "exec, Docker",
            Stream::Exec {
                make: format!("/v1.41/containers/{id}/exec"),
                body: r#"{"AttachStdout":true,"Cmd":["dd","if=/dev/zero","bs=64k","count=16384"]}"#
                    .into(),
            },
        ),
    ])
}

fn race(
    rivals: &[Rival],
    cases: &[(&'static str, Stream)],
    table: &mut Table,
) -> Result<(), Fault> {
    for (name, stream) in cases {
        let mut best = vec![(f64::MAX, f64::MAX); rivals.len()];
        for _ in 0..TURNS {
            for (rival, best) in rivals.iter().zip(&mut best) {
                let (socket, stream) = (rival.socket.clone(), stream.clone());
                let before = rival.cpu();
                let took = as_user(UID, move || once(&socket, &stream)).join();
                let cpu = rival.cpu().zip(before).map_or(0.0, |(after, before)| after - before);
                let took = took.map_err(|_| Fault::failed("a client panicked"))?;
                let took = failed(took, &format!("{name} through {} broke", rival.name))?;
                *best = (best.0.min(took), best.1.min(cpu / 1e3));
            }
        }
        for (rival, (took, cpu)) in rivals.iter().zip(&best) {
            let first = if rival.pid.is_none() { name } else { "" };
            table.row([
                first.to_owned(),
                rival.name.to_owned(),
                format!("{:.0}", AMOUNT as f64 / took / 1e6),
                if rival.pid.is_none() { "-".into() } else { format!("{cpu:.0}") },
                format!("{:.0}%", 100.0 * best[0].0 / took),
            ]);
        }
    }
    Ok(())
}

/// Seconds for the stream.
fn once(socket: &Path, stream: &Stream) -> io::Result<f64> {
    let mut client = Client::connect(socket)?;
    let wrong = |bytes: u64| io::Error::other(format!("{bytes} bytes came"));
    let begun = match stream {
        Stream::Down(request) => {
            let begun = Instant::now();
            let reply = client.ask(format!("{request} HTTP/1.1\r\nHost: d\r\n\r\n").as_bytes())?;
            if reply.bytes < AMOUNT {
                return Err(wrong(reply.bytes));
            }
            begun
        }
        Stream::Up(request) => {
            let begun = Instant::now();
            let head =
                format!("{request} HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n");
            client.stream.write_all(head.as_bytes())?;
            upload(&mut client)?;
            let reply = client.reply("PUT", |_| {})?;
            if reply.status != 200 {
                return Err(io::Error::other(format!("the answer was {}", reply.status)));
            }
            begun
        }
        Stream::Exec { make, body } => {
            let mut made = Vec::new();
            let post = |path: &str, upgrade: &str, body: &str| {
                format!(
                    "POST {path} HTTP/1.1\r\nHost: d\r\n{upgrade}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                )
            };
            client.ask_for(post(make, "", body).as_bytes(), |data| made.extend_from_slice(data))?;
            let made: serde_json::Value = serde_json::from_slice(&made)?;
            let id = made["Id"].as_str().unwrap_or_default();
            let begun = Instant::now();
            let upgrade = "Connection: Upgrade\r\nUpgrade: tcp\r\n";
            let start = post(
                &format!("/v1.41/exec/{id}/start"),
                upgrade,
                "{\"Detach\":false,\"Tty\":false}",
            );
            client.stream.write_all(start.as_bytes())?;
            let head = client.head("POST")?;
            let mut bytes = 0;
            loop {
                match client.some()? {
                    0 => break,
                    count => bytes += count as u64,
                }
            }
            if ![101, 200].contains(&head.status) || bytes < AMOUNT {
                return Err(wrong(bytes));
            }
            begun
        }
    };
    Ok(begun.elapsed().as_secs_f64())
}

/// The blocks of nothing that end a tar archive, many of them.
fn upload(client: &mut Client) -> io::Result<()> {
    const PIECE: usize = 32 << 10;
    let mut chunk = format!("{PIECE:x}\r\n").into_bytes();
    let front = chunk.len();
    chunk.resize(front + PIECE, 0);
    chunk.extend_from_slice(b"\r\n");
    for _ in 0..AMOUNT / PIECE as u64 {
        client.stream.write_all(&chunk)?;
    }
    client.stream.write_all(b"0\r\n\r\n")
}
