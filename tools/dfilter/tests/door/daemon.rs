//! A daemon that records what reaches it and answers from a small world.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use ds01_door::chunks::Chunks;
use ds01_door::http::{Framing, Head};
use serde_json::{Value, json};

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub target: String,
    pub upgrade: Option<String>,
    pub body: Vec<u8>,
}

pub type Log = Arc<Mutex<Vec<Seen>>>;

/// The ids of the world.
pub fn id(prefix: &str) -> String {
    // Distinct, hexadecimal, 64 long.
    let fill = prefix.bytes().map(|b| format!("{b:02x}")).collect::<String>();
    let mut id = format!("{prefix}{fill}");
    while id.len() < 64 {
        id.push('7');
    }
    id
}

pub struct World {
    /// name, id, labels
    pub containers: Vec<(&'static str, String, Value)>,
}

impl World {
    pub fn new(bobs_folder: &str) -> Self {
        Self {
            // The newest first, as the daemon lists them.
            containers: vec![
                ("bob1", id("b1"), json!({"ds01.user": "bob"})),
                ("legacy", id("c1"), json!({"aime.mlc.USER": "bob"})),
                ("dev", id("d1"), json!({"devcontainer.local_folder": bobs_folder})),
                // The folder's owner agrees, but it is not mounted: anybody can write a label.
                (
                    "forged",
                    id("d2"),
                    json!({"devcontainer.local_folder": bobs_folder, "unmounted": "yes"}),
                ),
                ("nobodys", id("e1"), json!({})),
                ("alice1", id("a1"), json!({"ds01.user": "alice"})),
                ("alice2", id("a2"), json!({"ds01.user": "alice"})),
            ],
        }
    }

    /// A dev container's folder is mounted into it.
    fn mounts(labels: &Value) -> Value {
        match labels["devcontainer.local_folder"].as_str() {
            Some(folder) if labels["unmounted"].is_null() => {
                json!([{"Type": "bind", "Source": folder, "Destination": "/w"}])
            }
            _ => json!([]),
        }
    }

    fn find(&self, name: &str) -> Option<&(&'static str, String, Value)> {
        self.containers.iter().find(|(n, id, _)| *n == name || id.starts_with(name))
    }

    fn answer(&self, method: &str, target: &str) -> (u16, Value) {
        let path = target.split('?').next().unwrap();
        let path = path.strip_prefix("/v1.41").unwrap_or(path);
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let missing = |what: &str| (404, json!({"message": format!("No such {what}")}));
        match (method, &parts[..]) {
            (_, ["_ping"]) => (200, json!("OK")),
            ("GET", ["containers", "json"]) => {
                let all = self.containers.iter();
                let volume = target.contains("volume");
                let all = all
                    .filter(|(name, ..)| !volume || (target.contains("ivol") && *name == "bob1"));
                let user = ["alice", "bob"]
                    .into_iter()
                    .find(|user| target.contains(&format!("ds01.user%3D{user}")));
                let all = all.filter(|(.., labels)| user.is_none_or(|u| labels["ds01.user"] == u));
                let item = |(name, id, labels): &(&str, String, Value)| json!({"Id": id, "Names": [format!("/{name}")], "Labels": labels, "State": "running", "Mounts": Self::mounts(labels)});
                (200, Value::Array(all.map(item).collect()))
            }
            ("GET", ["containers", name, "json"]) => match self.find(name) {
                Some((name, id, labels)) => (
                    200,
                    json!({"Id": id, "Name": format!("/{name}"), "Config": {"Labels": labels}, "Mounts": Self::mounts(labels)}),
                ),
                None => missing(&format!("container: {name}")),
            },
            ("GET", ["exec", exec, "json"]) => match *exec {
                "ae" => (200, json!({"ID": exec, "ContainerID": id("a1")})),
                "be" => (200, json!({"ID": exec, "ContainerID": id("b1")})),
                _ => missing("exec instance"),
            },
            ("GET", ["volumes", name]) => match *name {
                "avol" => (200, json!({"Name": name, "Labels": {"ds01.user": "alice"}})),
                "bvol" => (200, json!({"Name": name, "Labels": {"ds01.user": "bob"}})),
                "ivol" => (200, json!({"Name": name, "Labels": null})),
                _ => missing("volume"),
            },
            ("GET", ["networks", name]) => {
                let (short, owner) = match *name {
                    name if name == "anet" || name == id("4a") => ("4a", "alice"),
                    name if name == "bnet" || name == id("4b") => ("4b", "bob"),
                    _ => return missing("network"),
                };
                (
                    200,
                    json!({"Id": id(short), "Name": name, "Labels": {"ds01.user": owner}, "Containers": {
                    id("a1"): {"Name": "alice1"}, id("b1"): {"Name": "bob1"}}}),
                )
            }
            ("GET", ["networks"]) => (
                200,
                json!([
                {"Id": id("4a"), "Name": "anet", "Labels": {"ds01.user": "alice"}},
                {"Id": id("4b"), "Name": "bnet", "Labels": {"ds01.user": "bob"}},
                {"Id": id("4c"), "Name": "bridge", "Labels": {}, "Containers": {id("b1"): {"Name": "bob1"}}}]),
            ),
            ("GET", ["volumes"]) => (
                200,
                json!({"Volumes": [
                {"Name": "avol", "Labels": {"ds01.user": "alice"}},
                {"Name": "bvol", "Labels": {"ds01.user": "bob"}}], "Warnings": null}),
            ),
            // One own image, and any shared one.
            ("GET", ["images", .., "json"])
                if path.contains("/ds01-") && path != "/images/ds01-alice/built/json" =>
            {
                missing("image")
            }
            ("GET", ["images", .., "json"]) if path != "/images/json" => (
                200,
                json!({"Id": format!("sha256:{}", id("f1")), "RepoTags": ["bb:latest"],
                    "Config": {"Labels": {"aime.mlc.GPUS": "all", "maintainer": "x"}}}),
            ),
            ("POST", ["containers", "create"]) if target.contains("taken") => {
                (409, json!({"message": "Conflict. The container name is already in use"}))
            }
            ("POST", ["containers", "create"]) => (201, json!({"Id": id("a9"), "Warnings": []})),
            ("POST", ["containers", _, "exec"]) => (201, json!({"Id": "ae2"})),
            ("POST", ["volumes", "create"]) => {
                (201, json!({"Name": "x", "Labels": {"ds01.user": "alice"}}))
            }
            ("GET", ["info"]) => {
                (200, json!({"Containers": 99, "ContainersRunning": 99, "ID": "x"}))
            }
            ("DELETE", _) => (204, Value::Null),
            _ => (200, json!({})),
        }
    }
}

/// Starts it.
pub fn start(socket: &Path, world: World) -> Log {
    let log: Log = Arc::default();
    let listener = UnixListener::bind(socket).unwrap();
    let world = Arc::new(world);
    let seen = Arc::clone(&log);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (world, seen) = (Arc::clone(&world), Arc::clone(&seen));
            thread::spawn(move || serve(stream.unwrap(), &world, &seen));
        }
    });
    log
}

fn serve(mut stream: UnixStream, world: &World, log: &Log) {
    let mut buf: Vec<u8> = Vec::new();
    loop {
        let head = loop {
            match Head::parse(&buf).expect("what reaches the daemon is HTTP") {
                Some((head, taken)) => {
                    buf.drain(..taken);
                    break head;
                }
                None => {
                    if !more(&mut stream, &mut buf) {
                        return;
                    }
                }
            }
        };
        let mut body = Vec::new();
        match head.framing {
            Framing::Length(length) => {
                while (buf.len() as u64) < length {
                    if !more(&mut stream, &mut buf) {
                        return;
                    }
                }
                body.extend(buf.drain(..length as usize));
            }
            _ => {
                let mut chunks = Chunks::default();
                while !chunks.is_done() {
                    let used = chunks.read(&buf, |data| body.extend_from_slice(data)).unwrap();
                    buf.drain(..used);
                    if !chunks.is_done() && !more(&mut stream, &mut buf) {
                        return;
                    }
                }
            }
        }
        log.lock().unwrap().push(Seen {
            method: head.method.clone(),
            target: head.target.clone(),
            upgrade: head.upgrade.clone(),
            body,
        });
        let raw = head.target.contains("/attach")
            || head.target.ends_with("/start") && head.target.contains("/exec/")
            || head.target.contains("/session")
            || head.target.ends_with("/grpc");
        if raw {
            let first = match head.upgrade {
                Some(protocol) => format!(
                    "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\n\r\n"
                ),
                None => {
                    "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n"
                        .into()
                }
            };
            stream.write_all(first.as_bytes()).unwrap();
            // Echoes in capitals until the client ends its half, then says so.
            let mut input = std::mem::take(&mut buf);
            stream.read_to_end(&mut input).unwrap();
            input.make_ascii_uppercase();
            input.extend_from_slice(b"|end");
            let _ = stream.write_all(&input);
            return;
        }
        if head.target.contains("/events") {
            events(&mut stream);
            return;
        }
        let (status, value) = world.answer(&head.method, &head.target);
        let mut body = if value.is_null() { Vec::new() } else { value.to_string().into_bytes() };
        if head.method == "HEAD" {
            body.clear();
        }
        let framing = if status == 204 {
            String::new()
        } else {
            format!("Content-Length: {}\r\n", body.len())
        };
        let text = format!(
            "HTTP/1.1 {status} X\r\nApi-Version: 1.41\r\nContent-Type: application/json\r\n{framing}\r\n"
        );
        if stream.write_all(text.as_bytes()).and_then(|()| stream.write_all(&body)).is_err() {
            return;
        }
    }
}

fn events(stream: &mut UnixStream) {
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
    for (user, name) in [("bob", "theirs"), ("alice", "mine")] {
        let record = json!({"Type": "container", "Action": "start", "Actor": {"ID": name, "Attributes": {"ds01.user": user, "name": name}}}).to_string() + "\n";
        // In two chunks, so that records and chunks do not coincide.
        let (a, b) = record.split_at(10);
        for part in [a, b] {
            stream.write_all(format!("{:x}\r\n{part}\r\n", part.len()).as_bytes()).unwrap();
        }
    }
    // Open until the client goes.
    let mut byte = [0u8; 1];
    let _ = stream.read(&mut byte);
}

fn more(stream: &mut UnixStream, buf: &mut Vec<u8>) -> bool {
    let mut piece = [0u8; 65536];
    match stream.read(&mut piece) {
        Ok(count) if count > 0 => {
            buf.extend_from_slice(&piece[..count]);
            true
        }
        _ => false,
    }
}
