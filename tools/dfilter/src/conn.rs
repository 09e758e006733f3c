//! One client's connection: requests one after the other, each read, decided and forwarded.

use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::time::Duration;

use ds01_door::http::{Head, LONGEST_HEAD};
use ds01_door::{
    Denial, Expected, Forward, Request, Role, Target, Who, Words, expected, is_plain_tar, json,
    routes,
};
use serde_json::json;
use tokio::time::timeout;

use crate::Mode;
use crate::answer::{self, Next};
use crate::audit::Recorded;
use crate::builds;
use crate::daemon::Daemon;
use crate::door::Door;
use crate::gate;
use crate::judge::{Refused, settle};
use crate::lease::Lease;
use crate::passing::sent;
use crate::peer::Peer;
use crate::reply;
use crate::wire::{self, Source, Wire};

/// For a head, and for a body that is read to be judged. Streams have no time-out.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client of the door.
#[derive(Debug)]
pub struct Connection {
    pub door: Rc<Door>,
    pub peer: Peer,
    pub client: Wire,
    pub daemon: Daemon,
    pub who: Option<Who>,
    /// Held while this person's create is under way.
    pub turn: Option<tokio::sync::OwnedMutexGuard<()>>,
    /// The GPUs of the create under way.
    pub lease: Option<Lease>,
    /// The session of the build under way.
    pub session: Option<String>,
}

impl Connection {
    /// Serves until either side is done.
    pub async fn serve(mut self) {
        // Whatever ends it, the client has been told what there was to tell.
        let door = Rc::clone(&self.door);
        let fresh = door.drain.fresh();
        let mut next = self.one().await;
        drop(fresh);
        while let Ok(Next::Request) = next {
            next = self.one().await;
        }
    }

    async fn one(&mut self) -> io::Result<Next> {
        if self.client.buf.is_empty() && self.client.fill().await? == 0 {
            return Ok(Next::Close);
        }
        let mut head = match timeout(PATIENCE, self.head()).await {
            Ok(Ok(Some(head))) => head,
            Ok(Ok(None)) => return Ok(Next::Close),
            Ok(Err(Broken::Denied(denial))) => {
                self.refuse("?", "?", &denial, true).await?;
                return Ok(Next::Close);
            }
            Ok(Err(Broken::Io(error))) => return Err(error),
            Err(_) => {
                let denial =
                    Denial::new(408, "http.timeout", "the request head did not come within 30 s");
                self.refuse("?", "?", &denial, true).await?;
                return Ok(Next::Close);
            }
        };
        let door = Rc::clone(&self.door);
        let _counted = door.drain.request(&head.method);
        head.keep_alive &= !door.drain.ending();
        // Boxed, so that an idle connection is small.
        Box::pin(self.request(head)).await
    }

    async fn head(&mut self) -> Result<Option<Head>, Broken> {
        let mut seen = 0;
        loop {
            // Newer engines speak HTTP/2 on the same socket; a tunnel of it would be a
            // tunnel around the door.
            if self.client.buf.starts_with(b"PRI * HTTP/2") {
                let denial = Denial::new(505, "http.version", "the Docker door speaks HTTP/1.1")
                    .why("HTTP/2 without an upgrade is not judged")
                    .todo("use a client that begins with HTTP/1.1; all docker clients do");
                return Err(Broken::Denied(denial));
            }
            if may_be_whole(&self.client.buf, seen)
                && let Some((head, taken)) =
                    Head::parse(&self.client.buf).map_err(Broken::Denied)?
            {
                self.client.used(taken);
                return Ok(Some(head));
            }
            seen = self.client.buf.len();
            if self.client.fill().await.map_err(Broken::Io)? == 0 {
                return if self.client.buf.is_empty() {
                    Ok(None)
                } else {
                    Err(Broken::Io(ErrorKind::UnexpectedEof.into()))
                };
            }
        }
    }

    async fn request(&mut self, head: Head) -> io::Result<Next> {
        if gate::is_ours(&head) {
            return self.gate(&head).await;
        }
        let mut source = Source::new(head.framing);
        let judged = self.judge(&head, &mut source).await?;
        let (forward, who, first) = match judged {
            Ok(judged) => judged,
            Err(Refused::Missing(words)) => {
                reply::whole(&self.client, 404, &words, &head, source.is_done()).await?;
                return Ok(answer::next(&head, source.is_done()));
            }
            Err(Refused::Denied(denial)) => {
                self.refuse(&head.method, &head.target, &denial, !source.is_done()).await?;
                return Ok(answer::next(&head, source.is_done()));
            }
        };
        self.door.counters.allow();
        let audited = !matches!(head.method.as_str(), "GET" | "HEAD");
        let result = self.forward(&head, &forward, &who, first, source).await?;
        self.end_session(result.status);
        if audited {
            self.record("allow", "", &who.user, &head.method, &forward.path, result.status);
        }
        Ok(result.next)
    }

    /// Reads what must be read, asks what must be known, decides.
    async fn judge(
        &mut self,
        head: &Head,
        source: &mut Source,
    ) -> io::Result<Result<(Forward, Who, Vec<u8>), Refused>> {
        let target = match Target::parse(&head.target) {
            Ok(target) => target,
            Err(denial) => return Ok(Err(denial.into())),
        };
        let route = routes::of(&head.method, &target);
        let who = match self.identify(route.as_ref()).await {
            Ok(who) => who,
            Err(denial) => return Ok(Err(denial.into())),
        };
        if route == Some(routes::Route::Build) {
            self.session = target.query.get("session").map(str::to_owned);
        }
        if let Err(denial) = acceptable(head, &who, route.as_ref()) {
            return Ok(Err(denial.into()));
        }
        let expected = expected(route.as_ref(), who.role);
        let first = match self.first_of_body(head, source, expected).await? {
            Ok(first) => first,
            Err(denial) => return Ok(Err(denial.into())),
        };
        let body = match expected {
            Expected::Json(_) if first.iter().all(u8::is_ascii_whitespace) => None,
            Expected::Json(_) => match json::parse(&first) {
                Ok(body) => Some(body),
                Err(denial) => return Ok(Err(denial.into())),
            },
            _ => None,
        };
        let header = |name: &str| head.header(name).unwrap_or_default().to_owned();
        let request = Request {
            method: head.method.clone(),
            target,
            route,
            content_type: header("content-type"),
            content_encoding: header("content-encoding"),
            user_agent: header("user-agent"),
            body,
        };
        let words = self.door.words(&who.user);
        let decided = self.decide(&request, &who, &words).await;
        let forward = match decided {
            Ok(forward) => forward,
            Err(Refused::Denied(denial))
                if self.door.mode == Mode::Warn && denial.status == 403 =>
            {
                self.door.counters.would_deny();
                self.record("warn", denial.code, &who.user, &head.method, &head.target, 0);
                let admin = Who { role: Role::Admin, ..who.clone() };
                match self.decide(&request, &admin, &words).await {
                    Ok(forward) => forward,
                    Err(refused) => return Ok(Err(refused)),
                }
            }
            Err(refused) => return Ok(Err(refused)),
        };
        if let Err(denial) = self.claim(&request, head, &who) {
            return Ok(Err(denial.into()));
        }
        Ok(Ok((forward, who, first)))
    }

    /// Ends the session of a build that was refused: an older docker command waits for that
    /// for ever where the refusal reaches it before its session has begun.
    fn end_session(&mut self, status: u16) {
        if let Some((session, who)) = self.session.take().zip(self.who.as_ref())
            && status >= 400
        {
            self.door.builds.borrow_mut().end(who, &session);
        }
    }

    /// The session and the build that a request names must be this person's.
    fn claim(&self, request: &Request, head: &Head, who: &Who) -> Result<(), Denial> {
        let ids = builds::named(request.route.as_ref(), head, &request.target.query)?;
        let claimed = self.door.builds.borrow_mut().claim(who, &ids);
        match claimed {
            Err(denial) if self.door.mode == Mode::Warn => {
                self.door.counters.would_deny();
                self.record("warn", denial.code, &who.user, &head.method, &head.target, 0);
                Ok(())
            }
            claimed => claimed,
        }
    }

    /// A ping needs no name service; anything else does, once a connection.
    pub(crate) async fn identify(&mut self, route: Option<&routes::Route>) -> Result<Who, Denial> {
        if let Some(who) = &self.who {
            return Ok(who.clone());
        }
        if matches!(route, Some(routes::Route::Ping)) {
            return Ok(crate::people::nobody(self.peer.uid, self.peer.gid));
        }
        let who = self.door.who(&self.peer, &mut self.daemon).await?;
        self.who = Some(who.clone());
        Ok(who)
    }

    /// Reads as much of the body as must be seen before anything is sent.
    async fn first_of_body(
        &mut self,
        head: &Head,
        source: &mut Source,
        expected: Expected,
    ) -> io::Result<Result<Vec<u8>, Denial>> {
        if head.expect_continue && !source.is_done() {
            self.client.write(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let Wire { stream, buf } = &mut self.client;
        let read = async {
            match expected {
                Expected::Stream => io::Result::Ok(Ok(Vec::new())),
                Expected::Tar => {
                    let mut first = Vec::new();
                    while first.len() < 512 && !source.is_done() {
                        first.extend(source.next(stream, buf).await?);
                    }
                    if is_plain_tar(&first) {
                        return Ok(Ok(first));
                    }
                    Ok(Err(Denial::forbidden("archive.compressed", "only a plain tar archive can be copied in")
                        .why("Docker would unpack a compressed one as root, with a program from the container")
                        .todo("send it uncompressed; `docker cp` does")))
                }
                Expected::Json(_) | Expected::Nothing => {
                    let whole = source.whole(stream, buf, json::LARGEST).await?;
                    let Some(whole) = whole else {
                        return Ok(Err(Denial::new(
                            413,
                            "json.too_large",
                            "the body is larger than 4 MiB",
                        )));
                    };
                    let text = String::from_utf8_lossy(&whole);
                    let empty = matches!(text.trim(), "" | "{}" | "null");
                    if matches!(expected, Expected::Nothing) && !empty {
                        return Ok(Err(Denial::malformed("http.body", "this request has no body")
                            .why("what it says would not be judged")));
                    }
                    Ok(Ok(whole))
                }
            }
        };
        match timeout(PATIENCE, read).await {
            Ok(Err(error)) if error.kind() == ErrorKind::InvalidData => {
                Ok(Err(Denial::malformed("http.chunked", error.to_string())))
            }
            Ok(read) => read,
            Err(_) => {
                Ok(Err(Denial::new(408, "http.timeout", "the body did not come within 30 s")))
            }
        }
    }

    async fn decide(
        &mut self,
        request: &Request,
        who: &Who,
        words: &Words,
    ) -> Result<Forward, Refused> {
        let settled = settle(&self.door, &mut self.daemon, request, who, words).await?;
        self.turn = settled.turn;
        self.lease = settled.lease;
        Ok(settled.forward)
    }

    async fn forward(
        &mut self,
        head: &Head,
        forward: &Forward,
        who: &Who,
        first: Vec<u8>,
        source: Source,
    ) -> io::Result<answer::Outcome> {
        for name in &forward.volumes {
            if let Err(denial) = self.make_volume(name, who).await {
                self.turn = None;
                self.give_back().await;
                self.refuse(&head.method, &head.target, &denial, !source.is_done()).await?;
                return Ok(answer::Outcome {
                    next: answer::next(head, source.is_done()),
                    status: denial.status,
                });
            }
        }
        let sent = sent(head, forward, who, first, source);
        let outcome = answer::exchange(self, head, forward, who, sent).await;
        self.turn = None;
        self.lease = None;
        match outcome {
            Ok(Ok(outcome)) => Ok(outcome),
            Ok(Err(denial)) => {
                // Nothing of an answer was sent yet, so the client can still be told.
                self.daemon.close();
                self.refuse(&head.method, &head.target, &denial, true).await?;
                Ok(answer::Outcome { next: Next::Close, status: denial.status })
            }
            Err(error) => {
                self.daemon.close();
                Err(error)
            }
        }
    }

    /// Frees what was leased for a create that is not sent.
    async fn give_back(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.abort().await;
        }
    }

    /// Makes a volume with its owner's label. A create answers with the volume that is
    /// there, so the label in the answer says whose it is, without a race.
    async fn make_volume(&mut self, name: &str, who: &Who) -> Result<(), Denial> {
        let body = json!({"Name": name, "Labels": {
            ds01_door::USER_LABEL: who.user, "ds01.uid": who.uid.to_string(),
        }});
        let answered = self
            .daemon
            .ask(&self.door.upstream, "POST", "/volumes/create", Some(body.to_string().as_bytes()))
            .await?;
        let made: serde_json::Value = serde_json::from_slice(&answered.body).unwrap_or_default();
        if answered.status != 201 {
            let why = made["message"].as_str().unwrap_or("the daemon gave no reason");
            return Err(Denial::new(answered.status, "daemon.refused", why));
        }
        if made["Labels"][ds01_door::USER_LABEL] != who.user.as_str() {
            return Err(Denial::forbidden(
                "owner.foreign_object",
                format!("Permission denied: the volume {name} belongs to somebody else"),
            ));
        }
        Ok(())
    }

    /// Tells the client why not. `close` where its body was not read to the end.
    pub(crate) async fn refuse(
        &mut self,
        method: &str,
        target: &str,
        denial: &Denial,
        close: bool,
    ) -> io::Result<()> {
        self.door.counters.deny(denial.code);
        self.end_session(denial.status);
        let user = self.who.as_ref().map_or(String::new(), |who| who.user.clone());
        self.record("deny", denial.code, &user, method, target, denial.status);
        let mut body = denial.body();
        if method == "HEAD" {
            body.clear();
        }
        let bytes = reply::plain_head(denial.status, body.len(), close);
        self.client.write(&[bytes, body].concat()).await?;
        if close {
            // What the client still sends is read for a moment, or the kernel would throw
            // our answer away with it.
            wire::end_writing(&self.client.stream);
            let drain = async {
                while self.client.fill().await? > 0 {
                    self.client.buf.clear();
                }
                io::Result::Ok(())
            };
            let _ = timeout(Duration::from_secs(2), drain).await;
        }
        Ok(())
    }

    fn record(
        &self,
        decision: &str,
        code: &str,
        user: &str,
        method: &str,
        target: &str,
        status: u16,
    ) {
        let said = Recorded { decision, code, user, method, target, status };
        said.write(&self.door, &self.peer);
    }
}

/// Whether bytes behind those that were `seen` can have ended the head. Looking at all of it
/// for every byte of a head that comes in drops would keep the door from everybody else.
fn may_be_whole(buf: &[u8], seen: usize) -> bool {
    let new = &buf[seen.saturating_sub(3)..];
    buf.len() > LONGEST_HEAD
        || buf.starts_with(b"\r")
        || buf.starts_with(b"\n")
        || new.windows(2).any(|pair| pair == b"\n\n")
        || new.windows(3).any(|three| three == b"\n\r\n")
}

/// Why a head was not read.
enum Broken {
    Denied(Denial),
    Io(io::Error),
}

/// Form bodies beat the query string in the daemon, and an encoded body is not read by us.
fn acceptable(head: &Head, who: &Who, route: Option<&routes::Route>) -> Result<(), Denial> {
    let kind = head.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let form = kind.contains("form-urlencoded") || kind.starts_with("multipart/");
    if form && who.role != Role::Admin {
        return Err(Denial::new(415, "http.form", "a form is no body for the Docker API")
            .why("the daemon would take its fields for the query's")
            .todo("send JSON, or put the fields into the query"));
    }
    let encoded =
        head.header("content-encoding").is_some_and(|e| !e.eq_ignore_ascii_case("identity"));
    if encoded && !matches!(expected(route, who.role), Expected::Stream) {
        return Err(Denial::new(415, "http.encoding", "an encoded body cannot be judged")
            .todo("send it without Content-Encoding"));
    }
    Ok(())
}
