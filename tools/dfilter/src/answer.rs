//! The daemon's answer on its way to the client: passed as it comes, cut to what this
//! person may see, or turned into a raw stream.

use std::borrow::Cow;
use std::io::{self, IoSlice};
use std::rc::Rc;

use ds01_door::http::{Framing, Head, Response};
use ds01_door::{Cut, Denial, Forward, Owner, Records, Shape, Viewer, Who, Words};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::conn::Connection;
use crate::daemon::{Daemon, read_head, read_whole};
use crate::door::Door;
use crate::grpc::{self, Caller};
use crate::lease::{self, Lease};
use crate::passing::Sent;
use crate::reply::head_of;
use crate::resolve;
use crate::stream::Stream;
use crate::upward::{Judge, Progress, Up, upward};
use crate::wire::{self, LAST_CHUNK, Source, Wire, chunk, write_all};

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Request,
    Close,
}

/// How a request ended.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    pub next: Next,
    pub status: u16,
}

/// Whether another request may follow.
pub fn next(head: &Head, body_read: bool) -> Next {
    if head.keep_alive && body_read { Next::Request } else { Next::Close }
}

/// How the way down ended.
struct Down {
    status: u16,
    /// Whether the daemon's connection can carry another request.
    reusable: bool,
    hijacked: bool,
}

/// Sends a request and brings its answer to the client. The outer error is the client's,
/// the inner one the daemon's, before anything was answered.
pub(crate) async fn exchange(
    connection: &mut Connection,
    head: &Head,
    forward: &Forward,
    who: &Who,
    sent: Sent,
) -> io::Result<Result<Outcome, Denial>> {
    let Connection { door, client, daemon, lease, peer, .. } = connection;
    let words = door.words(&who.user);
    let case = Case { door, head, forward, who, words: &words };
    let own = match case.before(daemon).await {
        Ok(own) => own,
        Err(denial) => return Ok(Err(denial)),
    };
    let wire = match daemon.wire(&door.upstream).await {
        Ok(wire) => wire,
        Err(denial) => return Ok(Err(denial)),
    };
    let progress = Progress::default();
    // A create is seen to its end, whatever becomes of the client: its lease depends on it.
    let unwatched = matches!(forward.answer, Shape::Hijack | Shape::Grpc | Shape::Created);
    let lease = lease.as_mut().and_then(Lease::sent);
    let down = {
        let Wire { stream, buf } = &mut *wire;
        let judge = Judge { who, words: &words, unwatched };
        let up = upward(&client.stream, &mut client.buf, sent, stream, judge, &progress);
        let down = case.down(&client.stream, stream, buf, own, lease);
        tokio::pin!(up, down);
        tokio::select! {
            biased;
            down = &mut down => down,
            broken = &mut up => match broken {
                Up::Client(error) => Err(error),
                Up::Denied(denial) => Ok(Err(denial)),
                // It may have answered before it stopped reading.
                Up::Daemon => down.await,
            },
        }
    }?;
    let down = match down {
        Ok(down) => down,
        Err(denial) => return Ok(Err(denial)),
    };
    if down.hijacked && forward.answer == Shape::Grpc {
        let (client, wire) = (client.take()?, daemon.take());
        let caller = Caller::new(Rc::clone(door), peer.clone(), who.clone());
        if let Some(wire) = wire {
            Box::pin(grpc::serve(caller, client, wire)).await;
        }
        return Ok(Ok(Outcome { next: Next::Close, status: down.status }));
    }
    if down.hijacked {
        let over = door.builds.borrow().over(who, head);
        tokio::select! {
            () = wire::tunnel(client, wire) => {}
            () = over => {}
        }
        daemon.close();
        return Ok(Ok(Outcome { next: Next::Close, status: down.status }));
    }
    client.stream.rest();
    wire.stream.rest();
    let sent = progress.sent.get();
    if !down.reusable || !sent || progress.ended.get() {
        daemon.close();
    }
    let close = !down.reusable || !sent;
    let next = if close { Next::Close } else { next(head, true) };
    Ok(Ok(Outcome { next, status: down.status }))
}

/// An item of a list, of which only the id is read.
#[derive(Deserialize)]
struct Named<'a> {
    #[serde(rename = "Id", borrow)]
    id: Cow<'a, str>,
}

/// One request, for the way down.
struct Case<'a> {
    door: &'a Door,
    head: &'a Head,
    forward: &'a Forward,
    who: &'a Who,
    words: &'a Words,
}

impl Case<'_> {
    /// What must be known before an answer can be cut: whose the containers are, and the list
    /// of own ones.
    async fn before(&self, daemon: &mut Daemon) -> Result<Vec<u8>, Denial> {
        use Shape::{DiskUsage, Events, Info, Network, Networks};
        if !matches!(self.forward.answer, Info | Network | Networks | DiskUsage | Events) {
            return Ok(Vec::new());
        }
        let all = daemon.get(&self.door.upstream, "/containers/json?all=1").await?;
        let items = self.unknown(&all.body);
        self.learn(&items).await;
        if self.forward.answer != Info {
            // What is wanted is that it is known whose they are.
            return Ok(Vec::new());
        }
        self.cut(&all.body, None).await
    }

    /// The containers of a list that nobody has looked at yet. Mostly there are none, so of
    /// the others only the id is read.
    fn unknown(&self, list: &[u8]) -> Vec<Value> {
        let items: Vec<&RawValue> = serde_json::from_slice(list).unwrap_or_default();
        let unknown = |item: &&RawValue| {
            let named: Option<Named> = serde_json::from_str(item.get()).ok();
            named.is_none_or(|named| self.door.known(&named.id).is_none())
        };
        let items = items.into_iter().filter(unknown);
        items.filter_map(|item| serde_json::from_str(item.get()).ok()).collect()
    }

    /// Finds out whose the containers of a list are, where that is not known.
    async fn learn(&self, items: &[Value]) {
        for item in items {
            if let Some(id) = item["Id"].as_str().filter(|id| self.door.known(id).is_none()) {
                self.door.learn(id, &resolve::by_item(self.door, item).await);
            }
        }
    }

    /// A list of containers, cut.
    async fn cut(&self, list: &[u8], limit: Option<usize>) -> Result<Vec<u8>, Denial> {
        for _ in 0..2 {
            match self.view(|viewer| ds01_door::containers(list, viewer, limit))? {
                Cut::Done(bytes) => return Ok(bytes),
                Cut::Unknown(items) => self.learn(&items).await,
            }
        }
        Err(Denial::new(502, "daemon.answer", "whose these containers are cannot be found out")
            .why("the daemon lists some without an id")
            .todo("try again; an admin may look at the daemon's log"))
    }

    fn view<T>(&self, cut: impl FnOnce(&Viewer) -> T) -> T {
        let known = |id: &str| self.door.known(id);
        cut(&Viewer { who: self.who, words: self.words, known: &known })
    }

    /// Reads the answer and brings it to the client.
    async fn down(
        &self,
        client: &Stream,
        daemon: &Stream,
        buf: &mut Vec<u8>,
        own: Vec<u8>,
        lease: Option<lease::Sent>,
    ) -> io::Result<Result<Down, Denial>> {
        let response = match read_head(daemon, buf, &self.head.method).await {
            Ok(response) => response,
            Err(denial) => return Ok(Err(denial)),
        };
        let status = response.status;
        let good = status == 200 || status == 201;
        if let Some(lease) = lease {
            return self.created(client, daemon, buf, &response, lease).await;
        }
        match &self.forward.answer {
            Shape::Hijack | Shape::Grpc
                if response.unframed && (status == 101 || self.forward.answer == Shape::Hijack) =>
            {
                write_all(client, &head_of(&response, None, false)).await?;
                Ok(Ok(Down { status, reusable: false, hijacked: true }))
            }
            Shape::Events if good => self.events(client, daemon, buf, &response).await,
            Shape::Plain | Shape::Hijack | Shape::Grpc | Shape::Events => {
                self.pass(client, daemon, buf, &response).await
            }
            _ if !good => self.pass(client, daemon, buf, &response).await,
            _ => {
                let body = match read_whole(daemon, buf, &response).await {
                    Ok(body) => body,
                    Err(denial) => return Ok(Err(denial)),
                };
                let cut = match self.shaped(&body, &own).await {
                    Ok(cut) => cut,
                    Err(denial) => return Ok(Err(denial)),
                };
                self.write_whole(client, &response, cut).await.map(Ok)
            }
        }
    }

    /// The answer to a create that has a lease.
    async fn created(
        &self,
        client: &Stream,
        daemon: &Stream,
        buf: &mut Vec<u8>,
        response: &Response,
        lease: lease::Sent,
    ) -> io::Result<Result<Down, Denial>> {
        let body = match read_whole(daemon, buf, response).await {
            Ok(body) => body,
            Err(denial) => return Ok(Err(denial)),
        };
        let made: Value = serde_json::from_slice(&body).unwrap_or_default();
        match made["Id"].as_str() {
            Some(id) if response.status == 201 => lease.commit(id.to_owned()).await,
            _ => lease.abort().await,
        }
        let cut = if response.status == 201 { self.shaped(&body, &[]).await } else { Ok(body) };
        match cut {
            Ok(cut) => self.write_whole(client, response, cut).await.map(Ok),
            Err(denial) => Ok(Err(denial)),
        }
    }

    async fn write_whole(
        &self,
        client: &Stream,
        response: &Response,
        body: Vec<u8>,
    ) -> io::Result<Down> {
        let close = !self.head.keep_alive;
        let head = head_of(response, Some(Framing::Length(body.len() as u64)), close);
        client.write_pieces(&mut [IoSlice::new(&head), IoSlice::new(&body)]).await?;
        Ok(Down { status: response.status, reusable: reusable(response), hijacked: false })
    }

    async fn pass(
        &self,
        client: &Stream,
        daemon: &Stream,
        buf: &mut Vec<u8>,
        response: &Response,
    ) -> io::Result<Result<Down, Denial>> {
        let close = !self.head.keep_alive || response.framing == Framing::Close;
        let bodiless = response.framing == Framing::Length(0)
            && (self.head.method == "HEAD"
                || response.status < 200
                || [204, 304].contains(&response.status));
        let framing = (!bodiless).then_some(response.framing);
        let head = head_of(response, framing, close);
        let mut source = Source::new(response.framing);
        if self.head.method == "DELETE" && response.status == 204 {
            let name = self.forward.path.split('?').next().unwrap_or_default();
            let id = name.rsplit('/').next().unwrap_or_default();
            self.door.forget(id);
            if self.door.leases {
                // What takes its place asks for its devices right after this answer.
                lease::gone(&self.door.site, id.to_owned()).await;
            }
        }
        source.pass(&head, daemon, buf, client).await?;
        Ok(Ok(Down { status: response.status, reusable: reusable(response), hijacked: false }))
    }

    async fn events(
        &self,
        client: &Stream,
        daemon: &Stream,
        buf: &mut Vec<u8>,
        response: &Response,
    ) -> io::Result<Result<Down, Denial>> {
        // The head goes at once: clients wait for it before they do what they wait for.
        write_all(client, &head_of(response, Some(Framing::Chunked), false)).await?;
        let mut source = Source::new(response.framing);
        let mut records = Records::default();
        while !source.is_done() {
            let piece = source.next(daemon, buf).await?;
            let Some(whole) = records.take(&piece) else {
                return Err(io::ErrorKind::InvalidData.into());
            };
            let shown: Vec<u8> = whole
                .into_iter()
                .filter(|record| self.view(|viewer| ds01_door::shows(record, viewer)))
                .flatten()
                .collect();
            if !shown.is_empty() {
                write_all(client, &chunk(&shown)).await?;
            }
        }
        write_all(client, LAST_CHUNK).await?;
        Ok(Ok(Down { status: response.status, reusable: reusable(response), hijacked: false }))
    }

    /// An answer that was read whole, as this person may see it.
    async fn shaped(&self, body: &[u8], own: &[u8]) -> Result<Vec<u8>, Denial> {
        match &self.forward.answer {
            Shape::Containers { limit } => self.cut(body, *limit).await,
            Shape::Volumes => self.view(|viewer| ds01_door::volumes(body, viewer)),
            Shape::Networks => self.view(|viewer| ds01_door::networks(body, viewer)),
            Shape::Network => self.view(|viewer| ds01_door::network(body, viewer)),
            Shape::DiskUsage => self.view(|viewer| ds01_door::disk_usage(body, viewer)),
            Shape::Info => ds01_door::info(body, own),
            Shape::Created => {
                let made: Value = serde_json::from_slice(body).unwrap_or_default();
                // An admin may have made it for somebody else: that is asked when needed.
                if let Some(id) = made["Id"].as_str().filter(|_| self.forward.grant.is_some()) {
                    self.door.learn(id, &Owner::User(self.who.user.clone()));
                }
                let warnings = self.forward.grant.as_ref().map(|grant| grant.warnings.as_slice());
                Ok(ds01_door::warned(body, warnings.unwrap_or_default()))
            }
            Shape::Exec { container } => {
                let made: Value = serde_json::from_slice(body).unwrap_or_default();
                if let (Some(id), Some(owner)) = (made["Id"].as_str(), self.door.known(container)) {
                    self.door.learn_exec(id, &owner);
                }
                Ok(body.to_vec())
            }
            Shape::Volume => {
                let made: Value = serde_json::from_slice(body).unwrap_or_default();
                if made["Labels"][ds01_door::USER_LABEL] == self.who.user.as_str() {
                    return Ok(body.to_vec());
                }
                Err(Denial::forbidden(
                    "owner.foreign_object",
                    "Permission denied: the volume belongs to somebody else",
                ))
            }
            Shape::Plain | Shape::Hijack | Shape::Grpc | Shape::Events => Ok(body.to_vec()),
        }
    }
}

fn reusable(response: &Response) -> bool {
    response.keep_alive && response.framing != Framing::Close
}
