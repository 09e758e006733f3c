//! One call: judged, then passed in both directions, or answered here.

use std::rc::Rc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use ds01_door::buildkit::{self, Begun, Call, Ids, Metadata};
use ds01_door::{Denial, Facts, Role, Stop, Words, json};
use h2::client::SendRequest;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{HeaderMap, Request, Response};
use tokio::time::timeout;

use crate::audit::Recorded;
use crate::daemon::Daemon;
use crate::grpc::{Caller, pass};
use crate::{Mode, builds, resolve};

/// For a message that is read to be judged.
const PATIENCE: Duration = Duration::from_secs(30);
/// One byte that says whether it is compressed, and its length.
const PREFIX: usize = 5;
/// More facts than any call needs.
const MOST_QUESTIONS: usize = 200;
/// Metadata that BuildKit and gRPC read. Whatever else a client says is not sent on.
const METADATA: &[&str] =
    &["content-type", "te", "user-agent", "traceparent", "tracestate", "baggage", BUILD];
const METADATA_KINDS: &[&str] = &["grpc-", "x-docker-expose-session-", "buildkit-"];
const BUILD: &str = "buildkit-controlapi-buildid";

/// A call that may go to the daemon.
struct Allowed {
    request: Request<()>,
    /// The whole of it, or nothing where its body passes as it comes.
    message: Option<Bytes>,
}

/// Why a call does not.
enum Ended {
    Denied(Denial),
    /// The client has given it up.
    Gone,
}

impl From<Denial> for Ended {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

/// Serves one call.
pub async fn serve(
    caller: Rc<Caller>,
    upstream: SendRequest<Bytes>,
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
) {
    let (head, mut body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let judged = judge(&caller, &path, &head, &mut body).await;
    let allowed = match judged {
        Ok(allowed) => allowed,
        Err(Ended::Gone) => return respond.send_reset(Reason::CANCEL),
        Err(Ended::Denied(denial)) => {
            if !buildkit::is_unwanted(&denial) {
                note(&caller, "deny", &denial, &path);
            }
            return refuse(&mut respond, &denial);
        }
    };
    caller.door.counters.allow();
    if changes(&path) {
        let ok = Denial::new(200, "", "");
        note(&caller, "allow", &ok, &path);
    }
    let body = allowed.message.is_none().then_some(body);
    pass::both(upstream, allowed.request, allowed.message, body, respond).await;
}

async fn judge(
    caller: &Caller,
    path: &str,
    head: &http::request::Parts,
    body: &mut RecvStream,
) -> Result<Allowed, Ended> {
    let kind = head.headers.get("content-type").and_then(|kind| kind.to_str().ok());
    if head.method != http::Method::POST || !kind.is_some_and(|k| k.starts_with("application/grpc"))
    {
        return Err(Denial::malformed("grpc.call", "this is no gRPC call").into());
    }
    let metadata = Metadata {
        build: single(&head.headers, BUILD)?,
        session: single(&head.headers, builds::SESSION)?,
    };
    let mut request = Request::new(());
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = format!("http://localhost{path}")
        .parse()
        .map_err(|_| Denial::malformed("grpc.call", "the call's path cannot be read"))?;
    *request.headers_mut() = kept(&head.headers, caller);

    let words = caller.door.words(&caller.who.user);
    let begun = buildkit::begin(path, metadata);
    let message = match begun {
        Ok((call, Begun::Message)) => {
            let message = whole(caller, body).await?;
            Some(decided(caller, call, metadata, message, &words).await?)
        }
        Ok((_, Begun::Stream(ids))) => {
            claim(caller, &ids, path)?;
            None
        }
        Err(denial) => {
            passes(caller, denial, path)?;
            None
        }
    };
    Ok(Allowed { request, message })
}

/// Whether what is refused passes all the same: for an admin, and where nothing is refused.
fn passes(caller: &Caller, denial: Denial, path: &str) -> Result<(), Denial> {
    if caller.who.role == Role::Admin {
        return Ok(());
    }
    if caller.door.mode == Mode::Warn && denial.status == 403 {
        caller.door.counters.would_deny();
        note(caller, "warn", &denial, path);
        return Ok(());
    }
    Err(denial)
}

/// The message as it is sent on.
async fn decided(
    caller: &Caller,
    call: &Call,
    metadata: Metadata<'_>,
    message: Bytes,
    words: &Words,
) -> Result<Bytes, Denial> {
    if caller.who.role == Role::Admin {
        claim(caller, &buildkit::named_by(Some(call), metadata, &message[PREFIX..]), call.path)?;
        return Ok(message);
    }
    match settled(caller, call, metadata, &message[PREFIX..], words).await {
        Ok((bytes, ids)) => {
            claim(caller, &ids, call.path)?;
            let mut framed = BytesMut::with_capacity(PREFIX + bytes.len());
            framed.extend_from_slice(&[0]);
            framed.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
            framed.extend_from_slice(&bytes);
            Ok(framed.freeze())
        }
        Err(denial) => passes(caller, denial, call.path).map(|()| message),
    }
}

/// The rules, with what they ask answered.
async fn settled(
    caller: &Caller,
    call: &Call,
    metadata: Metadata<'_>,
    message: &[u8],
    words: &Words,
) -> Result<(Vec<u8>, Ids), Denial> {
    let mut facts = Facts::default();
    let mut daemon = Daemon::default();
    for _ in 0..MOST_QUESTIONS {
        match buildkit::judge(call, metadata, message, &caller.who, words, &facts) {
            Ok(judged) => return Ok(judged),
            Err(Stop::Need(ask)) => {
                let answer = resolve::answer(&caller.door, &mut daemon, &caller.who, &ask).await?;
                facts.add(ask, answer);
            }
            Err(Stop::Deny(denial)) => return Err(denial),
            Err(Stop::Missing(_)) => return Err(Denial::new(404, "daemon.missing", "not found")),
        }
    }
    Err(Denial::forbidden("door.facts", "the call names more than 200 things")
        .why("each must be looked up before it can be judged")
        .todo("ask for fewer images at once"))
}

fn claim(caller: &Caller, ids: &Ids, path: &str) -> Result<(), Denial> {
    let claimed = caller.door.builds.borrow_mut().claim(&caller.who, ids);
    claimed.or_else(|denial| passes(caller, denial, path))
}

/// The one message of a call that has one.
async fn whole(caller: &Caller, body: &mut RecvStream) -> Result<Bytes, Ended> {
    let _one_by_one = caller.reading.lock().await;
    let read = async {
        let mut message = BytesMut::new();
        while let Some(piece) = body.data().await {
            let piece = piece.map_err(|_| Ended::Gone)?;
            let _ = body.flow_control().release_capacity(piece.len());
            if message.len() + piece.len() > PREFIX + json::LARGEST {
                return Err(Ended::Denied(Denial::new(
                    413,
                    "grpc.too_large",
                    "the message is larger than 4 MiB",
                )));
            }
            message.extend_from_slice(&piece);
        }
        Ok(message.freeze())
    };
    let message = match timeout(PATIENCE, read).await {
        Ok(read) => read?,
        Err(_) => {
            return Err(
                Denial::new(408, "http.timeout", "the message did not come within 30 s").into()
            );
        }
    };
    let Some((prefix, rest)) = message.split_first_chunk::<PREFIX>() else {
        return Err(Denial::malformed("grpc.message", "the call has no message").into());
    };
    if prefix[0] != 0 {
        return Err(
            Denial::new(415, "grpc.encoding", "a compressed message cannot be judged").into()
        );
    }
    let length = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]);
    if rest.len() as u64 != u64::from(length) {
        return Err(
            Denial::malformed("grpc.message", "the call has not exactly one message").into()
        );
    }
    Ok(message)
}

/// Metadata that may come once.
fn single<'a>(headers: &'a HeaderMap, key: &str) -> Result<Option<&'a str>, Denial> {
    let mut all = headers.get_all(key).iter();
    let Some(first) = all.next() else { return Ok(None) };
    match (first.to_str(), all.next()) {
        (Ok(text), None) => Ok(Some(text)),
        _ => Err(Denial::malformed("grpc.metadata", format!("`{key}` comes twice, or is no text"))),
    }
}

/// The metadata as it is sent on.
fn kept(headers: &HeaderMap, caller: &Caller) -> HeaderMap {
    let mut kept = HeaderMap::new();
    for (key, value) in headers {
        let name = key.as_str();
        if METADATA.contains(&name) || METADATA_KINDS.iter().any(|kind| name.starts_with(kind)) {
            let text = value.to_str().map(|value| builds::header(name, value, &caller.who));
            let value = text.ok().and_then(|text| text.parse().ok());
            kept.extend(value.map(|value| (key.clone(), value)));
        }
    }
    kept
}

/// Answers without asking the daemon.
pub fn refuse(respond: &mut SendResponse<Bytes>, denial: &Denial) {
    let status = match denial.status {
        400 | 415 => 3,
        403 => 7,
        404 => 5,
        408 => 4,
        413 => 8,
        501 => 12,
        502 | 503 => 14,
        _ => 13,
    };
    let response = Response::builder()
        .header("content-type", "application/grpc")
        .header("grpc-status", status)
        .header("grpc-message", percent(&denial.message()));
    if let Ok(response) = response.body(()) {
        // A client that is gone needs no answer.
        let _ = respond.send_response(response, true);
    }
}

/// Text as gRPC has it in a header.
fn percent(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if (b' '..=b'~').contains(&byte) && byte != b'%' {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}

/// Calls that are kept in the audit log: those that begin or change something. A build asks
/// for files and images by the hundred.
fn changes(path: &str) -> bool {
    buildkit::find(path).is_none()
        || ["/Solve", "/Session", "/Prune", "/UpdateBuildHistory", "/NewContainer", "/ExecProcess"]
            .iter()
            .any(|end| path.ends_with(end))
}

fn note(caller: &Caller, decision: &str, denial: &Denial, path: &str) {
    if decision == "deny" {
        caller.door.counters.deny(denial.code);
    }
    let target = format!("/grpc{path}");
    let said = Recorded {
        decision,
        code: denial.code,
        user: &caller.who.user,
        method: "POST",
        target: &target,
        status: denial.status,
    };
    said.write(&caller.door, &caller.peer);
}
