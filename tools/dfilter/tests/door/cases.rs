//! `tests/cases/socket.tsv`, row by row.

use std::path::Path;

use dfilter::Mode;

use crate::daemon::{Seen, id};
use crate::lab::{self, Lab, Reply};

struct Case {
    id: String,
    actor: String,
    method: String,
    path: String,
    upgrade: Option<String>,
    body: Vec<u8>,
    expected: String,
    code: String,
}

fn placed(text: &str) -> String {
    let mut text = text.to_owned();
    for (mark, value) in [
        ("{A12}", id("a1")[..12].to_owned()),
        ("{B12}", id("b1")[..12].to_owned()),
        ("{B1}", "b1".to_owned()),
        ("{AE}", "ae".to_owned()),
        ("{BE}", "be".to_owned()),
        ("{A}", id("a1")),
        ("{B}", id("b1")),
        ("{L}", id("c1")),
        ("{V}", id("d1")),
        ("{N}", id("e1")),
    ] {
        text = text.replace(mark, &value);
    }
    text
}

/// As a client writes what may not stand in a request line.
fn encoded(path: &str) -> String {
    path.replace('"', "%22").replace('{', "%7B").replace('}', "%7D").replace(' ', "%20")
}

/// A tar with one file.
pub fn tar(name: &str, content: &str) -> Vec<u8> {
    let mut block = vec![0u8; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[100..107].copy_from_slice(b"0000644");
    block[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    block[156] = b'0';
    let sum: u32 = block.iter().map(|b| u32::from(*b)).sum::<u32>() + 8 * 32;
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block.extend_from_slice(content.as_bytes());
    block.resize(block.len().next_multiple_of(512) + 1024, 0);
    block
}

fn read() -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases/socket.tsv");
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    rows.map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        assert_eq!(fields.len(), 9, "{line}");
        let body = match fields[5] {
            "-" => Vec::new(),
            "@tar" => tar("a.txt", ""),
            "@load-own" => tar("manifest.json", r#"[{"RepoTags":["ds01-alice/x:1"]}]"#),
            "@load-shared" => tar("manifest.json", r#"[{"RepoTags":["pytorch/pytorch:latest"]}]"#),
            "@load-foreign" => tar("manifest.json", r#"[{"RepoTags":["ds01-bob/x:latest"]}]"#),
            "@xz" => [&[0xfd, b'7', b'z', b'X', b'Z', 0][..], &[1; 600]].concat(),
            json => placed(json).into_bytes(),
        };
        Case {
            id: fields[0].into(),
            actor: fields[1].into(),
            method: fields[2].into(),
            path: encoded(&placed(fields[3])),
            upgrade: (fields[4] != "-").then(|| fields[4].to_owned()),
            body,
            expected: fields[6].into(),
            code: fields[7].into(),
        }
    })
    .collect()
}

fn send(lab: &Lab, case: &Case) -> (Reply, Vec<Seen>) {
    lab.log.lock().unwrap().clear();
    let mut headers = String::new();
    if let Some(protocol) = &case.upgrade {
        headers += &format!("Connection: Upgrade\r\nUpgrade: {protocol}\r\n");
    }
    if case.body.starts_with(b"{") || case.body.starts_with(b"[") {
        headers += "Content-Type: application/json\r\n";
    }
    let reply = lab::request(lab, &case.actor, &case.method, &case.path, &headers, &case.body);
    let seen = lab.log.lock().unwrap().clone();
    (reply, seen)
}

/// A look-up of ours, which has no version.
fn is_look_up(seen: &Seen) -> bool {
    seen.method == "GET" && !seen.target.starts_with("/v1.")
}

#[test]
fn every_case_is_decided_as_written() {
    let Some(lab) = lab::start(lab::CONFIG, Mode::Enforce) else { return };
    let mut wrong = Vec::new();
    for case in read() {
        let (reply, seen) = send(&lab, &case);
        let say = |what: &str| {
            format!(
                "{} {} {} {}: {what}: {} {}",
                case.id,
                case.actor,
                case.method,
                case.path,
                reply.status,
                reply.text()
            )
        };
        match case.expected.as_str() {
            "deny" => {
                let code = reply.json()["code"].as_str().unwrap_or_default().to_owned();
                if ![400, 403, 415].contains(&reply.status)
                    || (code != case.code && case.method != "HEAD")
                {
                    wrong.push(say(&format!("not refused for {}", case.code)));
                }
                if !seen.iter().all(is_look_up) {
                    wrong.push(say(&format!("reached the daemon: {seen:?}")));
                }
                if case.code == "owner.foreign"
                    && case.method != "HEAD"
                    && !reply.json()["message"]
                        .as_str()
                        .unwrap()
                        .starts_with("Permission denied: container owned by bob")
                {
                    wrong.push(say("does not name the owner"));
                }
            }
            "allow" | "rewrite" | "filter" => {
                let missing = case.path.contains("nosuch");
                if reply.status >= 400 && !missing {
                    wrong.push(say("refused"));
                    continue;
                }
                let Some(last) = seen.last() else {
                    wrong.push(say("nothing reached the daemon"));
                    continue;
                };
                if last.method != case.method && !missing {
                    wrong.push(say(&format!("something else reached it: {last:?}")));
                }
                let sent = format!("{} {}", last.target, String::from_utf8_lossy(&last.body));
                if case.code != "-" && !sent.contains(&case.code) {
                    wrong.push(say(&format!("not rewritten to {}: {sent}", case.code)));
                }
                // A container's name never reaches the daemon for an ordinary user.
                let named = last.target.contains("alice1")
                    || String::from_utf8_lossy(&last.body).contains("\"alice1");
                if case.actor != "admin" && named {
                    wrong.push(say(&format!("by name: {last:?}")));
                }
                if reply.text().contains("bob1") && case.actor == "alice" {
                    wrong.push(say("shows bob's container"));
                }
            }
            other => panic!("{}: {other}", case.id),
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
