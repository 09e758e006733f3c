//! Calls over `POST /grpc`, with a daemon of the test's own that answers each in its way.

use std::future::{Future, poll_fn};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use dfilter::Mode;
use ds01_door::buildkit::messages;
use ds01_door::proto::{self, Parsed};
use h2::client::SendRequest;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::lab::{self, connect_as, uid};

const CONTROL: &str = "/moby.buildkit.v1.Control/";
const BRIDGE: &str = "/moby.buildkit.v1.frontend.LLBBridge/";
const LARGE: usize = 24 << 20;

/// A call's path, metadata and message.
type Call = (String, HeaderMap, Vec<u8>);

/// What reached the daemon, call by call.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Call>>>);

impl Seen {
    fn calls(&self) -> Vec<Call> {
        self.0.lock().unwrap().clone()
    }
    /// Waits until something is so: what is given up is seen a little later.
    async fn until(&self, what: &str, is: impl Fn(&[Call]) -> bool) {
        for _ in 0..600 {
            if is(&self.calls()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{what}: {:?}", self.calls());
    }
}

/// Reads an HTTP/1 head and nothing behind it.
async fn head(stream: &mut UnixStream) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(bytes).unwrap()
}

async fn daemon(listener: UnixListener, seen: Seen) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let seen = seen.clone();
        tokio::spawn(async move {
            if !head(&mut stream).await.to_lowercase().contains("upgrade: h2c") {
                // The list of images, which a build's names are told from.
                let none = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n[]";
                stream.write_all(none.as_bytes()).await.unwrap();
                return;
            }
            let switched = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
            stream.write_all(switched.as_bytes()).await.unwrap();
            let mut server = h2::server::handshake(stream).await.unwrap();
            while let Some(Ok((request, respond))) = server.accept().await {
                let (head, body) = request.into_parts();
                let seen = seen.clone();
                if head.uri.path().ends_with("/Info") {
                    return; // It dies in the middle.
                }
                tokio::spawn(answer(head.uri.path().to_owned(), head.headers, body, respond, seen));
            }
        });
    }
}

async fn answer(
    path: String,
    headers: HeaderMap,
    mut body: RecvStream,
    mut respond: h2::server::SendResponse<Bytes>,
    seen: Seen,
) {
    let note = |bytes: Vec<u8>| seen.0.lock().unwrap().push((path.clone(), headers.clone(), bytes));
    if path.ends_with("/Session") {
        // Says everything back, as it comes, until the other half ends.
        note(Vec::new());
        let mut out = respond.send_response(Response::new(()), false).unwrap();
        while let Some(Ok(piece)) = body.data().await {
            let length = piece.len();
            send(&mut out, piece).await.unwrap();
            body.flow_control().release_capacity(length).unwrap();
        }
        out.send_trailers(status("0")).unwrap();
        return;
    }
    let message = collected(&mut body).await.unwrap_or_default();
    note(message);
    match path.rsplit('/').next().unwrap() {
        "Status" => {
            // As `docker build` waits for its build: until the client has enough.
            let mut out = respond.send_response(Response::new(()), false).unwrap();
            let reason = poll_fn(|context| out.poll_reset(context)).await;
            seen.0.lock().unwrap().push(("gone".into(), headers, format!("{reason:?}").into()));
        }
        "ListWorkers" => {
            let mut out = respond.send_response(Response::new(()), false).unwrap();
            send(&mut out, Bytes::from(vec![7; LARGE])).await.unwrap();
            out.send_trailers(status("0")).unwrap();
        }
        "UpdateBuildHistory" => respond.send_reset(Reason::INTERNAL_ERROR),
        _ => {
            let head = Response::builder().header("grpc-status", "0").body(()).unwrap();
            respond.send_response(head, true).unwrap();
        }
    }
}

fn status(code: &'static str) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", code.parse().unwrap());
    trailers
}

async fn send(out: &mut SendStream<Bytes>, mut bytes: Bytes) -> Result<(), h2::Error> {
    while !bytes.is_empty() {
        out.reserve_capacity(bytes.len());
        let Some(room) = poll_fn(|context| out.poll_capacity(context)).await else {
            return Err(Reason::CANCEL.into());
        };
        let room = room?.min(bytes.len());
        out.send_data(bytes.split_to(room), false)?;
    }
    Ok(())
}

async fn collected(body: &mut RecvStream) -> Result<Vec<u8>, h2::Error> {
    let mut all = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece?;
        all.extend_from_slice(&piece);
        body.flow_control().release_capacity(piece.len())?;
    }
    Ok(all)
}

/// Somebody's connection, turned to HTTP/2.
async fn connected(socket: &Path, actor: &str) -> SendRequest<Bytes> {
    let stream = connect_as(socket, uid(actor));
    stream.set_nonblocking(true).unwrap();
    let mut stream = UnixStream::from_std(stream).unwrap();
    let upgrade = "POST /grpc HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
    stream.write_all(upgrade.as_bytes()).await.unwrap();
    assert!(head(&mut stream).await.starts_with("HTTP/1.1 101"));
    let (client, link) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(link);
    client.ready().await.unwrap()
}

fn framed(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0][..], &length, message].concat().into()
}

/// How a call ended.
#[derive(Debug)]
struct Ended {
    status: String,
    message: String,
    body: usize,
}

fn posted(path: &str, metadata: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::post(format!("http://localhost{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    for (key, value) in metadata {
        request = request.header(*key, *value);
    }
    request.body(()).unwrap()
}

async fn call(client: &mut SendRequest<Bytes>, request: Request<()>, body: Bytes) -> Ended {
    let (answer, mut up) = client.send_request(request, false).unwrap();
    up.send_data(body, true).unwrap();
    let (head, mut body) = match answer.await {
        Ok(answer) => answer.into_parts(),
        Err(error) => {
            let status = format!("reset {:?}", error.reason());
            return Ended { status, message: String::new(), body: 0 };
        }
    };
    let length = collected(&mut body).await.map_or(0, |bytes| bytes.len());
    let trailers = body.trailers().await.ok().flatten().unwrap_or_default();
    let text = |key: &str| {
        let value = head.headers.get(key).or_else(|| trailers.get(key));
        value.map_or(String::new(), |value| value.to_str().unwrap().to_owned())
    };
    Ended { status: text("grpc-status"), message: text("grpc-message"), body: length }
}

fn a_solve(reference: &str, session: &str) -> Parsed {
    let mut solve = Parsed::new(&messages::SOLVE);
    solve.set("Ref", reference);
    solve.set("Session", session);
    solve
}

fn a_status(reference: &str) -> Parsed {
    let mut status = Parsed::new(&messages::STATUS);
    status.set("Ref", reference);
    status
}

/// A door before such a daemon, for a test that runs to its end.
fn with<F: Future<Output = ()>>(test: impl FnOnce(std::path::PathBuf, Seen) -> F) {
    if !nix::unistd::Uid::effective().is_root() {
        eprintln!("skipped: only root can connect as other people");
        return;
    }
    let dir = lab::scratch();
    let upstream = dir.path().join("real.sock");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let seen = Seen::default();
        let listener = UnixListener::bind(&upstream).unwrap();
        tokio::spawn(daemon(listener, seen.clone()));
        let socket = lab::open(&dir, lab::CONFIG, Mode::Enforce, upstream.clone());
        tokio::time::timeout(Duration::from_secs(120), test(socket, seen)).await.unwrap();
    });
    // Written by a thread of its own, so a little later.
    let log = dir.path().join("root/var/log/ds01/door.jsonl");
    for _ in 0..600 {
        if std::fs::read_to_string(&log).is_ok_and(|text| text.contains("/grpc/moby.buildkit")) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("no call was written down");
}

#[test]
fn calls_are_judged_one_by_one_on_one_connection() {
    with(|socket, seen| async move {
        let mut alice = connected(&socket, "alice").await;
        let solve = format!("{CONTROL}Solve");
        let metadata = [("traceparent", "t1"), ("x-forged", "1")];
        let body = framed(&proto::write(&a_solve("r1", "s1")));
        let ended = call(&mut alice, posted(&solve, &metadata), body).await;
        assert_eq!(ended.status, "0");
        let (path, headers, sent) = seen.calls().remove(0);
        assert_eq!(path, solve);
        assert!(headers.contains_key("traceparent") && !headers.contains_key("x-forged"));
        let sent = proto::parse(&sent[5..], &messages::SOLVE, ds01_door::UnknownFields::Deny);
        let attrs = sent.unwrap().map("FrontendAttrs");
        assert!(attrs.contains(&("label:ds01.user".into(), "alice".into())), "{attrs:?}");

        // Refused, with the reason, and the connection goes on.
        let mut host = a_solve("r2", "s1");
        host.set("Entitlements", "device");
        let oversized = framed(&[0; (4 << 20) + 1]);
        for (path, body, status, said) in [
            (solve.clone(), framed(&proto::write(&host)), "7", "entitlement"),
            (format!("{CONTROL}Prune"), framed(b""), "7", "is for admins"),
            ("/other.Service/Call".to_owned(), framed(b""), "7", "not known"),
            (solve.clone(), framed(b"\x0b"), "3", "cannot be read"),
            (solve.clone(), Bytes::from_static(b"\0\0\0"), "3", "no message"),
            (solve.clone(), Bytes::from_static(b"\0\0\0\0\x01"), "3", "exactly one"),
            (solve.clone(), [framed(b""), framed(b"")].concat().into(), "3", "exactly one"),
            (solve.clone(), Bytes::from_static(b"\x01\0\0\0\0"), "3", "compressed"),
            (solve.clone(), oversized, "8", "larger"),
            (format!("{BRIDGE}Ping"), framed(b""), "7", "no build"),
        ] {
            let ended = call(&mut alice, posted(&path, &[]), body).await;
            assert_eq!(ended.status, status, "{path}: {ended:?}");
            assert!(ended.message.contains(said), "{path}: {ended:?}");
        }
        let no_grpc = Request::post("http://localhost/x").body(()).unwrap();
        assert_eq!(call(&mut alice, no_grpc, Bytes::new()).await.status, "3");
        let build = [("buildkit-controlapi-buildid", "r1")];
        let ping = posted(&format!("{BRIDGE}Ping"), &build);
        assert_eq!(call(&mut alice, ping, framed(b"")).await.status, "0");
        assert_eq!(seen.calls().len(), 2);
    });
}

#[test]
fn anothers_build_and_session_are_closed() {
    with(|socket, seen| async move {
        let mut alice = connected(&socket, "alice").await;
        let mut bob = connected(&socket, "bob").await;
        let mut admin = connected(&socket, "admin").await;
        let solve = posted(&format!("{CONTROL}Solve"), &[]);
        let mine = framed(&proto::write(&a_solve("r1", "s1")));
        assert_eq!(call(&mut alice, solve.clone(), mine).await.status, "0");
        let twice = [("buildkit-controlapi-buildid", "r1"), ("buildkit-controlapi-buildid", "r2")];
        let history = |reference: &str| {
            let mut listen = Parsed::new(&messages::LISTEN_HISTORY);
            listen.set("Ref", reference);
            framed(&proto::write(&listen))
        };
        let listen = posted(&format!("{CONTROL}ListenBuildHistory"), &[]);
        for (request, body, status) in [
            (solve.clone(), framed(&proto::write(&a_solve("r2", "s1"))), "7"),
            (solve.clone(), framed(&proto::write(&a_solve("r1", "s2"))), "7"),
            (posted(&format!("{CONTROL}Status"), &[]), framed(&proto::write(&a_status("r1"))), "7"),
            (posted(&format!("{BRIDGE}Ping"), &twice[..1]), framed(b""), "7"),
            (posted(&format!("{BRIDGE}Ping"), &twice), framed(b""), "3"),
            (listen.clone(), history("r1"), "7"),
            (listen.clone(), history("never"), "7"),
            (listen.clone(), history(""), "7"),
            (posted(&format!("{CONTROL}Session"), &[(UUID, "s1")]), Bytes::new(), "7"),
            (posted(&format!("{CONTROL}Session"), &[]), Bytes::new(), "3"),
        ] {
            let ended = call(&mut bob, request, body).await;
            assert_eq!(ended.status, status, "{ended:?}");
        }
        assert_eq!(call(&mut alice, listen.clone(), history("r1")).await.status, "0");
        assert_eq!(call(&mut admin, listen, history("")).await.status, "0");
        let prune = posted(&format!("{CONTROL}Prune"), &[]);
        assert_eq!(call(&mut admin, prune, framed(b"\xfa\x3f\x02hi")).await.status, "0");
        assert!(seen.calls().last().unwrap().2.ends_with(b"\xfa\x3f\x02hi"));
        assert_eq!(seen.calls().len(), 4);
    });
}

const UUID: &str = "x-docker-expose-session-uuid";

#[test]
fn streams_run_both_ways_at_their_takers_pace() {
    with(|socket, seen| async move {
        let mut alice = connected(&socket, "alice").await;
        let mut bob = connected(&socket, "bob").await;
        let workers = posted(&format!("{CONTROL}ListWorkers"), &[]);
        assert_eq!(call(&mut alice, workers, framed(b"")).await.body, LARGE);

        let session = posted(&format!("{CONTROL}Session"), &[(UUID, "s1")]);
        let (answer, mut up) = alice.send_request(session, false).unwrap();
        let mut back = answer.await.unwrap().into_body();
        let sending = async {
            send(&mut up, Bytes::from(vec![1; LARGE])).await.unwrap();
            up.send_data(Bytes::new(), true).unwrap();
        };
        let (bytes, ()) = tokio::join!(collected(&mut back), sending);
        assert!(bytes.unwrap() == vec![1; LARGE]);
        assert_eq!(back.trailers().await.unwrap().unwrap()["grpc-status"], "0");

        // A call that is given up is given up at the daemon's too, alone or with its client.
        let status = posted(&format!("{CONTROL}Status"), &[]);
        let gone = |calls: &[Call]| calls.iter().filter(|(path, ..)| path == "gone").count();
        for (client, count) in [(&mut alice, 1), (&mut bob, 2)] {
            let (answer, mut up) = client.send_request(status.clone(), false).unwrap();
            let own = framed(&proto::write(&a_status(&format!("r{count}"))));
            up.send_data(own, true).unwrap();
            let back = answer.await.unwrap();
            drop((back, up));
            seen.until("the call is given up", |calls| gone(calls) == count).await;
        }
        let (answer, mut up) = bob.send_request(status, false).unwrap();
        up.send_data(framed(&proto::write(&a_status("r2"))), true).unwrap();
        let back = answer.await.unwrap();
        drop(bob);
        drop((back, up));
        seen.until("its client is gone", |calls| gone(calls) == 3).await;

        // And the other way round.
        let solve = framed(&proto::write(&a_solve("r1", "s1")));
        let request = posted(&format!("{CONTROL}Solve"), &[]);
        assert_eq!(call(&mut alice, request, solve).await.status, "0");
        let mut update = Parsed::new(&messages::UPDATE_HISTORY);
        update.set("Ref", "r1");
        let request = posted(&format!("{CONTROL}UpdateBuildHistory"), &[]);
        let ended = call(&mut alice, request, framed(&proto::write(&update))).await;
        assert_eq!(ended.status, "reset Some(INTERNAL_ERROR)");
        let ended = call(&mut alice, posted(&format!("{CONTROL}Info"), &[]), framed(b"")).await;
        assert_eq!(ended.status, "14", "{ended:?}");
        assert!(ended.message.contains("does not answer"));
    });
}
