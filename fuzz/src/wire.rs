//! What passes through the Docker door besides heads and creates: filters, bodies in chunks,
//! archives of images, lists of containers.

use ds01_door::chunks::Chunks;
use ds01_door::{
    Cut, Facts, ImageArchive, Owner, Request, Role, Target, Viewer, Who, Words, containers, decide,
    owner_of, routes,
};

use crate::targets::Target as Fed;

pub const TARGETS: [Fed; 4] = [
    Fed { name: "filters", read: filters, words: || words(FILTERS) },
    Fed { name: "chunks", read: chunks, words: || words(CHUNKS) },
    Fed { name: "archive", read: archive, words: || words(ARCHIVE) },
    Fed { name: "list", read: list, words: || words(LIST) },
];

const FILTERS: &[&str] = &[
    "\"label\"",
    "[\"a\"]",
    "{\"a\":true}",
    "{",
    "}",
    ":",
    ",",
    "null",
    "\"\\u0000\"",
    "\"until\"",
    "\"label!\"",
    "\"ds01.user=bob\"",
    "%",
];
const CHUNKS: &[&str] =
    &["\r\n", "0\r\n\r\n", "3\r\nabc\r\n", "ffffffffffffffff", "; x=y", "X: y\r\n", "\n", "0a"];
const ARCHIVE: &[&str] = &[
    "manifest.json",
    "repositories",
    "index.json",
    "\0\0\0\0\0\0\0\0",
    "ustar",
    "00000000010\0",
    "[{\"RepoTags\":[\"x:1\"]}]",
    "ds01-bob/x:1",
    "\u{1f}",
    "../",
    "x",
    "L",
    "path=",
];
const LIST: &[&str] = &[
    "{\"Id\":\"a\",\"Labels\":{\"ds01.user\":\"alice\"}}",
    "{\"Labels\":{\"ds01.user\":\"bob\"}}",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\"Labels\":null",
    "\"ds01.user\":\"al\\u0069ce\"",
    "\"Labels\":{}",
    "\"aime.mlc.USER\":\"bob\"",
];

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|&word| word.to_owned()).collect()
}

fn alice() -> Who {
    Who { uid: 1001, gid: 1001, user: "alice".into(), role: Role::Ordinary }
}

/// Where a request of alice's with this target goes.
fn forwarded(method: &str, target: Target) -> Option<String> {
    let request = Request {
        method: method.into(),
        route: routes::of(method, &target),
        target,
        content_type: String::new(),
        content_encoding: String::new(),
        user_agent: String::new(),
        body: None,
    };
    let decided = decide(&request, &alice(), &Words::default(), &Facts::default(), "now");
    decided.ok().map(|forward| forward.path)
}

fn filters(input: &[u8]) -> Result<bool, String> {
    let Ok(text) = std::str::from_utf8(input) else { return Ok(false) };
    let mut taken = false;
    for (method, path) in [("GET", "/events"), ("GET", "/volumes"), ("POST", "/containers/prune")] {
        let Ok(mut target) = Target::parse(path) else {
            return Err(format!("{path} is no target"));
        };
        target.query.set("filters", text);
        let Some(sent) = forwarded(method, target) else { continue };
        taken = true;
        let Ok(again) = Target::parse(&sent) else { return Err(format!("{sent} is no target")) };
        let value: serde_json::Value =
            serde_json::from_str(again.query.get("filters").unwrap_or("{}"))
                .map_err(|e| e.to_string())?;
        if path.ends_with("prune") && value["label"]["ds01.user=alice"] != true {
            return Err(format!("it prunes what is not alice's: {value}"));
        }
        match forwarded(method, again) {
            Some(same) if same == sent => {}
            other => return Err(format!("{sent} is sent on as {other:?}")),
        }
    }
    Ok(taken)
}

/// However a body is cut, it is the same body.
fn chunks(input: &[u8]) -> Result<bool, String> {
    let read = |step: usize| {
        let (mut chunks, mut payload, mut taken) = (Chunks::default(), Vec::new(), 0);
        for part in input.chunks(step) {
            let used = chunks.read(part, |data| payload.extend_from_slice(data)).ok()?;
            taken += used;
            if used < part.len() {
                break;
            }
        }
        Some((payload, taken, chunks.is_done()))
    };
    let whole = read(input.len().max(1));
    for step in [1, 2, 7] {
        if read(step) != whole {
            return Err(format!("read {step} bytes at a time it is another body"));
        }
    }
    Ok(whole.is_some_and(|(_, _, done)| done))
}

/// However an archive is cut, the same of it is sent on; and that is sent on as it is.
fn archive(input: &[u8]) -> Result<bool, String> {
    let (who, words) = (alice(), Words::default());
    let pass = |bytes: &[u8], step: usize| {
        let (mut archive, mut out) = (ImageArchive::default(), Vec::new());
        for part in bytes.chunks(step) {
            out.extend(archive.pass(part, &who, &words).ok()?);
        }
        Some(out)
    };
    let Some(whole) = pass(input, ImageArchive::PIECE) else { return Ok(false) };
    for step in [1, 511, 513] {
        if pass(input, step).as_ref() != Some(&whole) {
            return Err(format!("read {step} bytes at a time it is another archive"));
        }
    }
    if pass(&whole, ImageArchive::PIECE).as_ref() != Some(&whole) {
        return Err("what is sent on would not be sent on as it is".into());
    }
    Ok(true)
}

/// What is shown is of what there was, and nobody else's.
fn list(input: &[u8]) -> Result<bool, String> {
    let (who, words) = (alice(), Words::default());
    let known = |_: &str| Some(Owner::User("bob".into()));
    let viewer = Viewer { who: &who, words: &words, known: &known };
    let Ok(Cut::Done(shown)) = containers(input, &viewer, None) else { return Ok(false) };
    let read = |bytes: &[u8]| serde_json::from_slice::<Vec<serde_json::Value>>(bytes);
    let (all, shown) = (read(input), read(&shown));
    let (Ok(all), Ok(shown)) = (all, shown) else { return Err("what is shown is no list".into()) };
    for item in &shown {
        let owner = owner_of(|key| item["Labels"][key].as_str(), |_| None);
        if !all.contains(item) || owner != Owner::User("alice".into()) {
            return Err(format!("this is shown: {item}"));
        }
    }
    Ok(true)
}
