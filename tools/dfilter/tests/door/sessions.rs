//! Sessions and builds of BuildKit belong to whoever begins them.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use dfilter::Mode;

use crate::lab::{self, Lab, Reply, connect_as, read_reply, request, uid};

fn session(lab: &Lab, actor: &str, id: &str) -> (UnixStream, Reply) {
    let mut stream = connect_as(&lab.socket, uid(actor));
    let head = format!(
        "POST /session HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\
         X-Docker-Expose-Session-Uuid: {id}\r\nX-Docker-Expose-Session-Sharedkey: k\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let reply = read_reply(&mut stream, false);
    (stream, reply)
}

fn build(lab: &Lab, actor: &str, query: &str) -> Reply {
    request(lab, actor, "POST", &format!("/v1.41/build?version=2&{query}"), "", b"")
}

#[test]
fn nobody_builds_with_anothers_session_or_ends_anothers_build() {
    let Some(lab) = lab::start(lab::CONFIG, Mode::Enforce) else { return };
    let (_held, reply) = session(&lab, "alice", "s1");
    assert_eq!(reply.status, 101);
    // The build may come first, as it does with some clients.
    assert_eq!(build(&lab, "alice", "session=s2&buildid=b2").status, 200);
    for refused in [
        build(&lab, "bob", "session=s1"),
        build(&lab, "bob", "session=s2"),
        build(&lab, "bob", "session=x&buildid=b2"),
        build(&lab, "bob", "session=x&buildid=upload-request:b2"),
        request(&lab, "bob", "POST", "/build/cancel?id=b2", "", b""),
        request(&lab, "bob", "POST", "/build/cancel?id=unknown", "", b""),
        session(&lab, "bob", "s2").1,
    ] {
        assert_eq!((refused.status, &refused.json()["code"]), (403, &"build.foreign".into()));
    }
    assert_eq!(build(&lab, "alice", "session=s1&buildid=b1").status, 200);
    assert_eq!(request(&lab, "alice", "POST", "/build/cancel?id=b1", "", b"").status, 200);
    assert_eq!(request(&lab, "admin", "POST", "/build/cancel?id=b1", "", b"").status, 200);
    // Nobody takes over what an admin has begun either.
    assert_eq!(session(&lab, "admin", "s3").1.status, 101);
    assert_eq!(build(&lab, "alice", "session=s3").json()["code"], "build.foreign");
    let twice = "X-Docker-Expose-Session-Uuid: s1\r\nX-Docker-Expose-Session-Uuid: s9\r\n";
    assert_eq!(request(&lab, "bob", "POST", "/session", twice, b"").status, 400);
}

/// An older docker command waits for ever for the session of a build that was refused,
/// where the refusal reaches it before the session has begun.
#[test]
fn the_session_of_a_refused_build_ends_whichever_comes_first() {
    let Some(lab) = lab::start(lab::CONFIG, Mode::Enforce) else { return };
    let (mut before, reply) = session(&lab, "alice", "s1");
    assert_eq!(reply.status, 101);
    assert_eq!(build(&lab, "alice", "session=s1&t=ds01-bob/x").status, 403);
    assert_eq!(build(&lab, "alice", "session=s2&t=ds01-bob/x").status, 403);
    let (mut after, reply) = session(&lab, "alice", "s2");
    assert_eq!(reply.status, 101);
    for stream in [&mut before, &mut after] {
        let mut rest = Vec::new();
        // Ended by the door: the test's daemon would wait for this half to end.
        stream.read_to_end(&mut rest).expect("the session ends");
    }
    // One that was not refused stays.
    let (mut kept, _) = session(&lab, "alice", "s3");
    assert_eq!(build(&lab, "alice", "session=s3").status, 200);
    kept.write_all(b"still").unwrap();
    kept.shutdown(std::net::Shutdown::Write).unwrap();
    let mut said = String::new();
    kept.read_to_string(&mut said).unwrap();
    assert_eq!(said, "STILL|end");
}
