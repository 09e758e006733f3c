//! Raw streams, events, and what becomes of connections.

use std::io::{Read, Write};
use std::net::Shutdown;

use dfilter::Mode;

use crate::daemon::id;
use crate::lab::{self, connect_as, exchange, request, uid};

fn hijacked(head: &str, stdin: &[u8]) -> Option<String> {
    let lab = lab::start(lab::CONFIG, Mode::Enforce)?;
    let mut stream = connect_as(&lab.socket, uid("alice"));
    // All at once, as `echo x | docker exec -i` may: stdin behind the request.
    stream.write_all(&[head.as_bytes(), stdin].concat()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).unwrap();
    Some(all)
}

#[test]
fn a_raw_stream_without_upgrade_carries_stdin_and_its_end() {
    let head = "POST /exec/ae/start HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"Detach\":false}";
    let Some(all) = hijacked(head, b"hello") else { return };
    assert!(all.starts_with("HTTP/1.1 200 OK\r\n"), "{all}");
    assert!(all.ends_with("\r\n\r\nHELLO|end"), "{all}");
}

#[test]
fn a_raw_stream_with_upgrade_carries_both_directions() {
    let head = "POST /containers/alice1/attach?stream=1&stdin=1 HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
    let Some(all) = hijacked(head, b"hello") else { return };
    assert!(
        all.starts_with("HTTP/1.1 101 UPGRADED\r\n") && all.contains("Upgrade: tcp\r\n"),
        "{all}"
    );
    assert!(all.ends_with("\r\n\r\nHELLO|end"), "{all}");
}

#[test]
fn a_raw_stream_of_megabytes_comes_out_as_it_went_in() {
    let head = "POST /containers/alice1/attach?stream=1&stdin=1 HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
    // Of no period that any buffer has.
    let stdin: String = (0..500_000).map(|n| format!("{n:x} ")).collect();
    let Some(all) = hijacked(head, stdin.as_bytes()) else { return };
    let (_, echo) = all.split_once("\r\n\r\n").unwrap();
    assert!(echo == stdin.to_uppercase() + "|end", "{} bytes came back", echo.len());
}

#[test]
fn an_upgrade_elsewhere_is_no_upgrade() {
    let Some(lab) = lab::start(lab::CONFIG, Mode::Enforce) else { return };
    let reply =
        request(&lab, "alice", "GET", "/version", "Connection: Upgrade\r\nUpgrade: h2c\r\n", b"");
    assert_eq!(reply.status, 200);
    assert_eq!(lab.log.lock().unwrap()[0].upgrade, None);
}

#[test]
fn own_events_come_at_once_and_others_never() {
    let Some(lab) = lab::start(lab::CONFIG, Mode::Enforce) else { return };
    let mut stream = connect_as(&lab.socket, uid("alice"));
    stream.write_all(b"GET /events HTTP/1.1\r\nHost: d\r\n\r\n").unwrap();
    let mut all = Vec::new();
    let mut piece = [0u8; 4096];
    while !String::from_utf8_lossy(&all).contains("mine") {
        let count = stream.read(&mut piece).unwrap();
        assert!(count > 0, "the stream ended: {}", String::from_utf8_lossy(&all));
        all.extend_from_slice(&piece[..count]);
    }
    assert!(!String::from_utf8_lossy(&all).contains("theirs"));
}

#[test]
fn each_request_of_a_connection_is_judged() {
    let Some(lab) = lab::start(lab::CONFIG, Mode::Enforce) else { return };
    let mut stream = connect_as(&lab.socket, uid("alice"));
    for (path, status) in [
        ("/_ping", 200),
        ("/containers/alice1/json", 200),
        ("/containers/bob1/json", 403),
        ("/containers/alice1/json", 200),
    ] {
        let reply =
            exchange(&mut stream, format!("GET {path} HTTP/1.1\r\nHost: d\r\n\r\n").as_bytes());
        assert_eq!(reply.status, status, "{path}");
    }
    // Pipelined: the second waits for the first's answer.
    let two = "GET /containers/bob1/json HTTP/1.1\r\nHost: d\r\n\r\nGET /version HTTP/1.1\r\nHost: d\r\n\r\n";
    assert_eq!(exchange(&mut stream, two.as_bytes()).status, 403);
    assert_eq!(lab::read_reply(&mut stream, false).status, 200);
}

#[test]
fn a_known_full_id_costs_no_look_up() {
    let Some(lab) = lab::start(lab::CONFIG, Mode::Enforce) else { return };
    let path = format!("/containers/{}/logs?stdout=1", id("a1"));
    for _ in 0..2 {
        lab.log.lock().unwrap().clear();
        assert_eq!(request(&lab, "alice", "GET", &path, "", b"").status, 200);
    }
    assert_eq!(lab.log.lock().unwrap().len(), 1);
}

#[test]
fn a_body_in_chunks_is_judged_and_sent_on_whole() {
    let Some(lab) = lab::start(lab::CONFIG, Mode::Enforce) else { return };
    let mut stream = connect_as(&lab.socket, uid("alice"));
    let head = "POST /containers/alice1/exec HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut go = [0u8; 25];
    stream.read_exact(&mut go).unwrap();
    assert_eq!(&go, b"HTTP/1.1 100 Continue\r\n\r\n");
    let reply = exchange(&mut stream, b"8\r\n{\"Cmd\":[\r\n7\r\n\"true\"]\r\n1\r\n}\r\n0\r\n\r\n");
    assert_eq!(reply.status, 201, "{}", reply.text());
    let seen = lab.log.lock().unwrap().last().unwrap().clone();
    assert_eq!(seen.body, br#"{"Cmd":["true"]}"#);
    assert_eq!(seen.target, format!("/containers/{}/exec", id("a1")));
}

#[test]
fn no_daemon_is_said_and_the_next_request_finds_it_again() {
    let Some(lab) = lab::start(lab::CONFIG, Mode::Enforce) else { return };
    let (real, aside) = (lab.dir.path().join("real.sock"), lab.dir.path().join("aside"));
    std::fs::rename(&real, &aside).unwrap();
    let mut stream = connect_as(&lab.socket, uid("alice"));
    let ask = b"GET /containers/json HTTP/1.1\r\nHost: d\r\n\r\n";
    let reply = exchange(&mut stream, ask);
    assert_eq!(reply.status, 502);
    assert_eq!(reply.json()["code"], "daemon.gone");
    std::fs::rename(&aside, &real).unwrap();
    let mut stream = connect_as(&lab.socket, uid("alice"));
    assert_eq!(exchange(&mut stream, ask).status, 200);
}

#[test]
fn warn_passes_what_enforce_refuses() {
    let Some(lab) = lab::start(lab::CONFIG, Mode::Warn) else { return };
    assert_eq!(request(&lab, "alice", "GET", "/containers/bob1/json", "", b"").status, 200);
    assert_eq!(request(&lab, "alice", "GET", "/containers%2fjson", "", b"").status, 400);
}

#[test]
fn a_create_carries_owner_slice_and_limits() {
    let Some(lab) = lab::start(lab::CONFIG, Mode::Enforce) else { return };
    let body = br#"{"image":"bb","Labels":{"x":"y","ds01.managed":"no"},"Env":["NVIDIA_VISIBLE_DEVICES=void"],"HostConfig":{"Memory":99999999999999,"NetworkMode":"anet","Binds":["data1:/d","/home/alice/w:/w"]}}"#;
    let reply = request(
        &lab,
        "alice",
        "POST",
        "/v1.41/containers/create?name=t1",
        "Content-Type: application/json\r\n",
        body,
    );
    assert_eq!(reply.status, 201, "{}", reply.text());
    assert!(reply.text().contains("ds01: stopped when idle"), "{}", reply.text());
    let log = lab.log.lock().unwrap();
    let made: Vec<&str> =
        log.iter().filter(|seen| seen.method == "POST").map(|seen| seen.target.as_str()).collect();
    assert_eq!(made, ["/volumes/create", "/v1.41/containers/create?name=t1"]);
    let body: serde_json::Value = serde_json::from_slice(&log.last().unwrap().body).unwrap();
    for (key, value) in [
        ("ds01.user", "alice"),
        ("ds01.uid", "61001"),
        ("ds01.managed", "true"),
        ("aime.mlc.USER", "alice"),
        ("aime.mlc.GPUS", ""),
        ("x", "y"),
        ("ds01.name", "t1"),
    ] {
        assert_eq!(body["Labels"][key], value, "{key}");
    }
    let host = &body["HostConfig"];
    assert_eq!(host["CgroupParent"], "ds01-students-alice.slice");
    assert_eq!(host["Memory"], 16u64 << 30);
    assert_eq!(host["ShmSize"], 2u64 << 30);
    assert_eq!(host["PidsLimit"], 512);
    assert_eq!(host["CpuQuota"], 400_000);
    assert_eq!(host["NetworkMode"], id("4a"));
    assert_eq!(host["Binds"], serde_json::json!(["data1:/d", "/home/alice/w:/w"]));
    assert_eq!(body["Env"], serde_json::json!(["NVIDIA_VISIBLE_DEVICES=void"]));
    assert_eq!(body["Image"], "bb");
}

#[test]
fn what_is_nobodys_cannot_be_named_after_somebody() {
    let Some(lab) = lab::start(lab::CONFIG, Mode::Enforce) else { return };
    let rename = |actor: &str, name: &str| {
        let path = format!("/containers/{name}/rename?name=mine");
        request(&lab, actor, "POST", &path, "", b"")
    };
    // Where `unowned` is open she may use it, but a name could make it hers.
    assert_eq!(request(&lab, "alice", "POST", "/containers/nobodys/stop", "", b"").status, 200);
    let refused = rename("alice", "nobodys");
    assert_eq!((refused.status, &refused.json()["code"]), (403, &"rename.nobody".into()));
    // A label alone makes nothing bob's.
    assert_eq!(rename("bob", "forged").json()["code"], "rename.nobody");
    assert_eq!(rename("bob", "dev").status, 200);
    assert_eq!(rename("alice", "alice1").status, 200);
    assert_eq!(rename("admin", "nobodys").status, 200);
}

#[test]
fn lists_and_counts_are_ones_own() {
    let Some(lab) = lab::start(&lab::CONFIG.replace("open", "admin"), Mode::Enforce) else {
        return;
    };
    let names = |actor: &str, path: &str| {
        let list = request(&lab, actor, "GET", path, "", b"").json();
        let list = list.as_array().unwrap().clone();
        list.iter().map(|c| c["Names"][0].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("alice", "/containers/json?all=1"), ["/alice1", "/alice2"]);
    assert_eq!(names("alice", "/containers/json?limit=1"), ["/alice1"]);
    assert_eq!(names("bob", "/containers/json?all=1"), ["/bob1", "/legacy", "/dev"]);
    assert_eq!(names("admin", "/containers/json?all=1").len(), 7);
    assert_eq!(names("ds01-dashboard", "/containers/json?all=1").len(), 7);
    let info = request(&lab, "alice", "GET", "/info", "", b"").json();
    assert_eq!((&info["Containers"], &info["ID"]), (&2.into(), &"x".into()));
    let networks = request(&lab, "alice", "GET", "/networks", "", b"").text();
    assert!(
        networks.contains("anet")
            && networks.contains("bridge")
            && !networks.contains("bnet")
            && !networks.contains("bob1")
    );
    let network = request(&lab, "alice", "GET", "/networks/anet", "", b"").text();
    assert!(network.contains("alice1") && !network.contains("bob1"));
    let volumes = request(&lab, "alice", "GET", "/volumes", "", b"").text();
    assert!(volumes.contains("avol") && !volumes.contains("bvol"));
    assert_eq!(
        request(&lab, "ds01-dashboard", "POST", "/containers/alice1/stop", "", b"").status,
        403
    );
    assert_eq!(
        request(&lab, "alice", "GET", &format!("/containers/{}/json", id("e1")), "", b"").status,
        403
    );
}
