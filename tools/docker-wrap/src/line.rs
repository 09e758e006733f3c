//! Where in a docker command line a container is made, and what is put there.
//!
//! Read are docker's own flags and the verb behind them, and nothing after that: what follows
//! is the user's, and behind the image name it is not even docker's (pitfall 4). What is added
//! stands first among the verb's flags, so that a flag of the user's counts before it.

use std::ffi::{OsStr, OsString};

/// Docker's flags before the verb that are followed by a value, with their letters.
const VALUES: &[(&str, char)] = &[
    ("--config", '\0'),
    ("--context", 'c'),
    ("--host", 'H'),
    ("--log-level", 'l'),
    ("--tlscacert", '\0'),
    ("--tlscert", '\0'),
    ("--tlskey", '\0'),
];
const SWITCHES: &[&str] = &["--debug", "--tls", "--tlsverify"];

/// What a line is, as far as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It makes a container on this machine; flags may stand at this place.
    Create(usize),
    /// Anything else, also what is not understood.
    Other,
}

/// Finds the place; `args` are without the command's own name.
pub fn find(args: &[OsString]) -> Found {
    place(args).map_or(Found::Other, Found::Create)
}

fn place(args: &[OsString]) -> Option<usize> {
    let mut at = 0;
    while args.get(at)?.to_str()?.starts_with('-') {
        let next = args.get(at + 1).and_then(|next| next.to_str());
        let flag = flag(args[at].to_str()?, next)?;
        // Another daemon than this machine's has slices of its own.
        match flag.setting {
            Some(("--host", value)) if !is_here(OsStr::new(value)) => return None,
            Some(("--context", value)) if value != "default" => return None,
            _ => {}
        }
        at += flag.words;
    }
    let verb = |at: usize| args.get(at).and_then(|word| word.to_str());
    match (verb(at)?, verb(at + 1)) {
        ("run" | "create", _) => Some(at + 1),
        ("container", Some("run" | "create")) => Some(at + 2),
        _ => None,
    }
}

/// A flag that was read.
struct Flag<'a> {
    setting: Option<(&'static str, &'a str)>,
    /// How many words it takes, itself included.
    words: usize,
}

/// Reads one; none where it is not known, or ends in help or a version.
fn flag<'a>(arg: &'a str, next: Option<&'a str>) -> Option<Flag<'a>> {
    let setting = |name, value, words| Some(Flag { setting: Some((name, value)), words });
    if arg.starts_with("--") {
        let (name, value) = arg.split_once('=').map_or((arg, None), |(n, v)| (n, Some(v)));
        if SWITCHES.contains(&name) {
            return Some(Flag { setting: None, words: 1 });
        }
        let (name, _) = VALUES.iter().find(|(known, _)| *known == name)?;
        return match value {
            Some(value) => setting(name, value, 1),
            None => setting(name, next?, 2),
        };
    }
    // Letters: switches first, then at most one with a value, which may stand behind it.
    let letters = arg[1..].trim_start_matches('D');
    let Some(letter) = letters.chars().next() else {
        return (arg.len() > 1).then_some(Flag { setting: None, words: 1 });
    };
    let (name, _) = VALUES.iter().find(|(_, known)| *known == letter)?;
    match &letters[letter.len_utf8()..] {
        "" => setting(name, next?, 2),
        value => setting(name, value.strip_prefix('=').unwrap_or(value), 1),
    }
}

/// Whether an address is a socket of this machine.
pub fn is_here(address: &OsStr) -> bool {
    address.to_str().is_some_and(|address| address.is_empty() || address.starts_with("unix://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Found {
        find(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn a_container_is_made_behind_these_words() {
        for (line, at) in [
            ("run", 1),
            ("create img", 1),
            ("run img train.py run --cgroup-parent x", 1),
            ("container run --gpus 1 img", 2),
            ("container create img", 2),
            ("--debug run img", 2),
            ("-D run img", 2),
            ("--log-level debug run img", 3),
            ("--log-level=debug run img", 2),
            ("-l debug run img", 3),
            ("-ldebug run img", 2),
            ("-Dl debug run img", 3),
            ("-H unix:///run/docker.sock run img", 3),
            ("-Hunix:///run/docker.sock run img", 2),
            ("-DDH=unix:///run/docker.sock run img", 2),
            ("--host=unix:///run/docker.sock container run img", 3),
            ("--config run run img", 3),
            ("--config /root/run run img", 3),
            ("--context default run img", 3),
            ("-c default run img", 3),
            ("--tlsverify=false run img", 2),
        ] {
            assert_eq!(found(line), Found::Create(at), "{line}");
        }
    }

    #[test]
    fn all_else_is_left_alone() {
        for line in [
            "",
            "ps",
            "ps run",
            "exec c run",
            "compose run web",
            "image create",
            "container",
            "container ls run",
            "container --help run",
            "build -t run .",
            "--config run",
            "--help run img",
            "-v run",
            "-",
            "-- run img",
            "--unknown run img",
            "-x run img",
            "-H tcp://other:2376 run img",
            "-Htcp://other:2376 run img",
            "-DH ssh://other run img",
            "-DDHssh://other run img",
            "-H=ssh://other run img",
            "-H",
            "--host",
            "--host ssh://other run img",
            "--host=ssh://other run img",
            "--context other run img",
            "--context=other run img",
            "-cother run img",
            "buildx create",
        ] {
            assert_eq!(found(line), Found::Other, "{line}");
        }
    }
}
