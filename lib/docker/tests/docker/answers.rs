//! Good answers in every form, and refusals.

use std::io::Write;
use std::time::Duration;

use ds01_docker::{Method, Next, State, read_listing};
use ds01_fault::Code;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::server::{Script, Server, answer, says};

#[test]
fn a_request_names_the_version_and_encodes_every_part() {
    let server =
        Server::start(vec![says(answer("200 OK", "{}")), says(answer("201 Created", "{}"))]);
    let docker = server.docker();
    let _: Value =
        docker.get(&["containers", "../x?a=b", "json"], &[("filters", "{\"a\":1}&all=1")]).unwrap();
    docker
        .post(&["containers", "create"], &[("name", "a._.b")], Some(&json!({"Image": "x"})))
        .unwrap();
    let requests = server.requests();
    assert!(
        requests[0].starts_with(
            "GET /v1.41/containers/..%2Fx%3Fa%3Db/json?filters=%7B%22a%22%3A1%7D%26all%3D1 HTTP/1.1\r\n"
        ),
        "{}",
        requests[0]
    );
    assert!(requests[1].starts_with("POST /v1.41/containers/create?name=a._.b HTTP/1.1\r\n"));
    assert!(
        requests[1].ends_with("Content-Length: 13\r\n\r\n{\"Image\":\"x\"}"),
        "{}",
        requests[1]
    );
}

#[test]
fn an_engine_too_new_for_us_is_asked_in_its_oldest_version() {
    let version = r#"{"Version":"99","ApiVersion":"1.90","MinAPIVersion":"1.80"}"#;
    let server = Server::start_as(version, vec![says(answer("200 OK", "[]"))]);
    assert_eq!(server.docker().list().unwrap(), []);
    assert!(server.requests()[0].starts_with("GET /v1.80/containers/json?all=1 "));
}

#[test]
fn what_the_ping_says_is_believed_only_of_a_version_that_we_know() {
    let version = r#"{"Version":"99","ApiVersion":"1.90","MinAPIVersion":"1.80"}"#;
    for (ping, spoken) in [
        ("Api-Version: 1.41\r\n", "1.41"),
        ("api-version: 1.90\r\n", "1.80"),
        ("Api-Version: x\r\n", "1.80"),
        ("", "1.80"),
    ] {
        let server = Server::start_pinged(ping, version, vec![says(answer("200 OK", "[]"))]);
        assert_eq!(server.docker().list().unwrap(), []);
        let asked = format!("GET /v{spoken}/containers/json?all=1 ");
        assert!(server.requests()[0].starts_with(&asked), "{ping:?}: {}", server.requests()[0]);
    }
}

#[test]
fn answers_are_read_in_every_framing() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
        4\r\n[{\"I\r\n1;x=y\r\nd\r\n8\r\n\":\"abc\"}\r\n1\r\n]\r\n0\r\nTrailer: x\r\n\r\n";
    let closed = "HTTP/1.1 200 OK\r\n\r\n[{\"Id\":\"abc\"}]";
    let bare_newlines = "HTTP/1.1 200 OK\nContent-Length: 14\n\n[{\"Id\":\"abc\"}]";
    let early = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n[{\"Id\":\"abc\"}] and more";
    for text in [chunked, closed, bare_newlines, early] {
        let server = Server::start(vec![says(text)]);
        let listed = server.docker().list().unwrap();
        assert_eq!(listed.len(), 1, "{text}");
        assert_eq!(listed[0].id, "abc");
    }
    let server = Server::start(vec![says("HTTP/1.1 204 No Content\r\n\r\n")]);
    assert_eq!(server.docker().send(Method::Delete, &["x"], &[], None).unwrap().status, 204);
    let server = Server::start(vec![says("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")]);
    assert_eq!(server.docker().send(Method::Head, &["_ping"], &[], None).unwrap().body, b"");
}

#[test]
fn a_refusal_keeps_dockers_words_and_its_code() {
    for (status, code) in [
        ("404 Not Found", Code::NotFound),
        ("403 Forbidden", Code::NotPermitted),
        ("409 Conflict", Code::Failed),
        ("500 Internal Server Error", Code::Failed),
        ("502 Bad Gateway", Code::Unreachable),
    ] {
        let server = Server::start(vec![says(answer(status, r#"{"message":"because of this"}"#))]);
        let fault = server.docker().post(&["containers", "x", "start"], &[], None).unwrap_err();
        assert_eq!((fault.code, fault.what.as_str()), (code, "Docker refuses: because of this"));
        assert_eq!(fault.details["request"], "POST /v1.41/containers/x/start");
        assert_eq!(fault.details["status"].to_string(), status[..3]);
    }
    // What the door says is three lines already, and they are nobody's but its own.
    let said = r#"{"message":"the Docker daemon does not answer\n  why: it is not running\n  do: try again"}"#;
    let server = Server::start(vec![says(answer("502 Bad Gateway", said))]);
    let fault = server.docker().get::<serde_json::Value>(&["containers", "json"], &[]).unwrap_err();
    let lines = (fault.what.as_str(), fault.why.as_str(), fault.todo.as_str());
    assert_eq!(lines, ("the Docker daemon does not answer", "it is not running", "try again"));
    assert_eq!(fault.code, Code::Unreachable);
    let server = Server::start(vec![says(answer("404 Not Found", "{}"))]);
    assert_eq!(server.docker().inspect("gone").unwrap(), None);
    let server = Server::start(vec![says(answer("304 Not Modified", ""))]);
    assert!(server.docker().post(&["containers", "x", "start"], &[], None).is_ok());
}

#[test]
fn a_list_and_a_container_are_read_with_their_nulls() {
    let list = json!([
        {"Id": "1", "Names": ["/other/alias", "/a._.alice"], "Image": "i", "State": "running",
            "Created": 1_700_000_000, "Labels": {"ds01.user": "alice"}, "NewKey": {}},
        {"Id": "2", "Names": null, "Labels": null, "State": "hibernating"},
    ]);
    let inspected = json!({
        "Id": "1", "Name": "/a._.alice", "Created": "2026-11-21T10:30:00.123456789Z",
        "State": {"Status": "exited", "Pid": 0, "ExitCode": 137,
            "StartedAt": "2026-11-21T10:31:00Z", "FinishedAt": "2026-11-21T12:00:00Z"},
        "Config": {"Image": "i", "Env": null, "Labels": {"aime.mlc.USER": "alice"}},
        "HostConfig": {"CgroupParent": "x.slice", "Runtime": "runc", "NetworkMode": "bridge",
            "Privileged": false, "DeviceRequests": null, "Devices": null},
    });
    let server = Server::start(vec![
        says(answer("200 OK", &list.to_string())),
        says(answer("200 OK", &inspected.to_string())),
    ]);
    let docker = server.docker();
    let listed = docker.list_where(&[("label", "a=b"), ("label", "c"), ("status", "x")]).unwrap();
    assert_eq!(listed[0].name, "a._.alice");
    assert_eq!(listed[1].state, State::Other("hibernating".into()));
    let container = docker.inspect("1").unwrap().unwrap();
    assert_eq!(container.owner(), Some("alice"));
    assert_eq!(container.stopped_since().unwrap().to_string(), "2026-11-21T12:00:00Z");
    assert_eq!((container.pid, container.exit_code), (None, 137));
    assert!(container.gpu_use().is_none() && !container.is_running());
    let filters =
        "filters=%7B%22label%22%3A%5B%22a%3Db%22%2C%22c%22%5D%2C%22status%22%3A%5B%22x%22%5D%7D";
    assert!(server.requests()[0].contains(filters), "{}", server.requests()[0]);
}

#[test]
fn a_listing_on_stdin_is_an_array_or_objects_one_after_another() {
    let one = json!({"Id": "1", "HostConfig": {"DeviceRequests": [{"Count": -1, "Capabilities": [["gpu"]]}]}});
    for text in
        [json!([one, one]).to_string(), format!("{one}\n{one}\n"), format!("[{one}][{one}]")]
    {
        assert_eq!(read_listing(&text).unwrap().len(), 2, "{text}");
    }
    assert_eq!(read_listing("").unwrap(), []);
    assert_eq!(read_listing("[]").unwrap(), []);
    for bad in ["[", "7", "{}", r#"{"ID":"1","Names":"x"}"#, r#"{"HostConfig":{}}"#, "[[]]"] {
        assert_eq!(read_listing(bad).unwrap_err().code, Code::Usage, "{bad}");
    }
}

#[test]
fn events_are_handed_on_as_they_come_and_silence_is_no_fault() {
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let script: Script = Box::new(move |stream| {
        // An event in three chunks, with a pause inside the line of a chunk's size.
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        write!(stream, "{head}8\r\n{{\"n\":1}}\n\r\n4\r\n{{\"n\"\r\n0").unwrap();
        wait.recv().unwrap();
        write!(stream, "3\r\n:2}}\r\n1\r\n\n\r\n0\r\n\r\n").unwrap();
    });
    let server = Server::start(vec![script]);
    let mut events =
        server.docker().patience(Duration::from_secs(20)).follow(&["events"], &[]).unwrap();
    let soon = Some(Duration::from_millis(30));
    let first = loop {
        match events.next_within(soon).unwrap() {
            Next::Quiet => {}
            other => break other,
        }
    };
    assert_eq!(first, Next::Item(json!({"n": 1})));
    assert_eq!(events.next_within(soon).unwrap(), Next::Quiet);
    assert_eq!(events.next_within(soon).unwrap(), Next::Quiet);
    go.send(()).unwrap();
    assert_eq!(events.next_within(None).unwrap(), Next::Item(json!({"n": 2})));
    assert_eq!(events.next_within(None).unwrap(), Next::End);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_body_is_the_same_however_it_is_cut_into_chunks(
        words in proptest::collection::vec("[a-zA-Z\r\n0-9 ;]{0,30}", 0..6), sizes in proptest::collection::vec(1..9usize, 1..9),
    ) {
        let body = json!(words).to_string();
        let mut bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        let (mut rest, mut sizes) = (body.as_bytes(), sizes.into_iter().cycle());
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(sizes.next().unwrap().min(rest.len()));
            bytes.extend(format!("{:x}\r\n", chunk.len()).bytes().chain(chunk.iter().copied()));
            bytes.extend(b"\r\n");
            rest = after;
        }
        bytes.extend(b"0\r\n\r\n");
        let server = Server::start(vec![says(bytes)]);
        let read: Vec<String> = server.docker().get(&["x"], &[]).unwrap();
        prop_assert_eq!(read, words);
    }
}
