//! A request as it goes to the daemon, and what is changed in its body while it passes.

use ds01_door::http::{Framing, Head};
use ds01_door::{Body, BuildContext, Denial, Forward, ImageArchive, Shape, Who, Words, own_first};

use crate::wire::Source;
use crate::{builds, daemon};

/// A body before it is forwarded.
pub struct Sent {
    pub head: Vec<u8>,
    /// What was read already.
    pub first: Vec<u8>,
    pub rest: Source,
    pub chunked: bool,
    pub passing: Option<Passing>,
}

/// What is changed while it passes.
pub enum Passing {
    /// The names in an archive of images become one's own.
    Archive(Box<ImageArchive>),
    /// A Dockerfile among the files of a build has own images in full.
    Context(BuildContext),
}

impl Passing {
    pub fn pass(&mut self, bytes: &[u8], who: &Who, words: &Words) -> Result<Vec<u8>, Denial> {
        match self {
            Self::Archive(archive) => archive.pass(bytes, who, words),
            Self::Context(context) => Ok(context.pass(bytes, &|name| own_first(name, who, words))),
        }
    }
    /// How much to pass at a time.
    pub fn piece(&self) -> usize {
        match self {
            Self::Archive(archive) => archive.piece(),
            Self::Context(_) => usize::MAX,
        }
    }
    /// What is left when all has come.
    pub fn finish(&mut self) -> Vec<u8> {
        match self {
            Self::Archive(_) => Vec::new(),
            Self::Context(context) => context.finish(),
        }
    }
}

/// The request as it goes to the daemon.
pub fn sent(head: &Head, forward: &Forward, who: &Who, first: Vec<u8>, rest: Source) -> Sent {
    let hijack = matches!(forward.answer, Shape::Hijack | Shape::Grpc);
    let upgrade = head.upgrade.as_deref().filter(|_| hijack);
    let drops = |key: &str| {
        let is = |name: &str| key.eq_ignore_ascii_case(name);
        let rewritten = matches!(forward.body, Body::Json(_));
        (rewritten && (is("content-type") || is("content-encoding")))
            // An answer that is filtered must be readable.
            || (is("accept-encoding") && !hijack && forward.answer != Shape::Plain)
    };
    let mut headers: Vec<(String, String)> = head
        .headers
        .iter()
        .filter(|(key, _)| !drops(key))
        .map(|(key, value)| (key.clone(), builds::header(key, value, who)))
        .collect();
    let (framing, first, rest) = match &forward.body {
        Body::Empty => (Framing::Length(0), Vec::new(), Source::Length(0)),
        Body::Json(bytes) => {
            headers.push(("Content-Type".into(), "application/json".into()));
            (Framing::Length(bytes.len() as u64), bytes.clone(), Source::Length(0))
        }
        // A body that was read already, to be judged, and passes after all.
        Body::Stream if rest.is_done() => (Framing::Length(first.len() as u64), first, rest),
        // Its names change on the way, and with them its length.
        Body::Archive | Body::Context { .. } => (Framing::Chunked, first, rest),
        Body::Stream | Body::Tar => (head.framing, first, rest),
    };
    Sent {
        head: daemon::head(&head.method, &forward.path, &headers, framing, upgrade),
        first,
        rest,
        chunked: framing == Framing::Chunked,
        passing: match &forward.body {
            Body::Archive => Some(Passing::Archive(Box::default())),
            Body::Context { dockerfile, images } => {
                Some(Passing::Context(BuildContext::new(dockerfile, images.clone())))
            }
            _ => None,
        },
    }
}
