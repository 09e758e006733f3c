//! BuildKit's messages at the Docker door: what is sent on is read as it was decided on, and
//! every build that passes is in its owner's slice, under its owner's names.

use ds01_door::buildkit::{self, Metadata, messages};
use ds01_door::proto::{self, Parsed};
use ds01_door::{Answer, Ask, Facts, Role, Stop, UnknownFields, Who, Words};

use crate::door::grant;
use crate::targets::Target as Fed;

pub const TARGETS: [Fed; 1] = [Fed { name: "solve", read: solve, words }];

const SOLVE: &str = "/moby.buildkit.v1.Control/Solve";
const SLICE: &str = "/ds01.slice/ds01-students.slice/ds01-students-alice.slice";

fn words() -> Vec<String> {
    let attributes = [
        "cgroup-parent",
        "force-network-mode",
        "label:ds01.user",
        "build-arg:BUILDKIT_CACHE_MOUNT_NS",
        "build-arg:BASE_IMAGE",
        "context:base",
        "cache-imports",
    ];
    let mut words: Vec<String> =
        attributes.iter().map(|&word| entry('\u{3a}', word, "host")).collect();
    words.extend(
        ["host", "bob", "docker-image://ds01-bob/x", "[{\"Type\":\"registry\"}]"].map(Into::into),
    );
    // Single fields: an old exporter, an entitlement, a flag that lets the client name more.
    words.extend(
        ["\u{1a}\u{4}moby", "\u{4a}\u{6}device", "\u{70}\u{1}", "\u{a}\u{1}r"].map(Into::into),
    );
    words.push(entry('\u{22}', "name", "ds01-bob/x"));
    words.push("\u{6a}\u{7}\u{a}\u{5}image".into());
    words
}

/// One entry of a map of texts, behind the map's own tag.
fn entry(tag: char, key: &str, value: &str) -> String {
    let length = |text: &str| char::from(u8::try_from(text.len()).unwrap_or(0));
    let inner = format!("\u{a}{}{key}\u{12}{}{value}", length(key), length(value));
    format!("{tag}{}{inner}", length(&inner))
}

fn judged(bytes: &[u8]) -> Result<Vec<u8>, Stop> {
    let alice = Who { uid: 1001, gid: 1001, user: "alice".into(), role: Role::Ordinary };
    let metadata = Metadata::default();
    let (call, _) = buildkit::begin(SOLVE, metadata)?;
    let mut facts = Facts::default();
    loop {
        match buildkit::judge(call, metadata, bytes, &alice, &Words::default(), &facts) {
            Err(Stop::Need(ask)) => {
                let answer = match &ask {
                    Ask::Limits => Answer::Granted(grant()),
                    Ask::Images => Answer::Names(vec!["ds01-alice/built:latest".into()]),
                    _ => Answer::Missing(Vec::new()),
                };
                facts.add(ask, answer);
            }
            other => return other.map(|(bytes, _)| bytes),
        }
    }
}

fn solve(input: &[u8]) -> Result<bool, String> {
    if let Ok(message) = proto::parse(input, &messages::SOLVE, UnknownFields::Pass) {
        let written = proto::write(&message);
        match proto::parse(&written, &messages::SOLVE, UnknownFields::Pass) {
            Ok(same) if same == message => {}
            _ => return Err(format!("it is written as {written:?}, which is read otherwise")),
        }
    }
    let Ok(sent) = judged(input) else { return Ok(false) };
    let message = proto::parse(&sent, &messages::SOLVE, UnknownFields::Deny)
        .map_err(|denial| denial.message())?;
    let attrs = message.map("FrontendAttrs");
    let attr = |key: &str| attrs.iter().find(|(k, _)| k == key).map_or("", |(_, value)| value);
    let exporters = message.messages("Exporters").map(|one| (one.text("Type"), one.map("Attrs")));
    let old = (message.text("Exporter"), message.map("ExporterAttrs"));
    for (holds, what) in [
        (attr("cgroup-parent") == SLICE, "not in her slice"),
        (attr("label:ds01.user") == "alice", "not alice's"),
        (
            attr("build-arg:BUILDKIT_CACHE_MOUNT_NS").starts_with("ds01-alice"),
            "with others' caches",
        ),
        (attr("force-network-mode") != "host", "in the host's network"),
        (message.texts("Entitlements").all(str::is_empty), "with rights"),
        (exporters.chain([old]).all(|(kind, attrs)| are_hers(kind, &attrs)), "under others' names"),
        (own_steps(&message), "with steps elsewhere"),
    ] {
        if !holds {
            return Err(format!("it passes {what}: {attrs:?}"));
        }
    }
    match judged(&sent) {
        Ok(same) if proto::parse(&same, &messages::SOLVE, UnknownFields::Deny).is_ok() => Ok(true),
        other => Err(format!("what is sent on is refused the second time: {other:?}")),
    }
}

fn are_hers(kind: &str, attrs: &[(String, String)]) -> bool {
    let shared = ["", "moby", "image"].contains(&kind);
    let names = attrs.iter().filter(|(key, value)| key == "name" && !value.is_empty() && shared);
    names.flat_map(|(_, names)| names.split(',')).all(|name| name.contains("ds01-alice/"))
}

fn own_steps(message: &Parsed) -> bool {
    message.messages("Definition").flat_map(|one| one.bytes("def")).all(|step| {
        proto::parse(step, &messages::OP, UnknownFields::Pass).is_ok_and(|step| {
            step.messages("exec")
                .all(|exec| exec.number("network") != 1 && exec.number("security") == 0)
        })
    })
}
