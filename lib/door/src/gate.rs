//! ds01's own requests at the door, `POST /ds01/<tool>`: which of its tools the door runs for
//! whoever asks, and with which arguments.
//!
//! The tools run as root, so nothing reaches them that is not in the table: a flag that names
//! a file or somebody else's directory is not there. Arguments are read, judged, and written
//! anew in one form (`--flag=value`, then `--`, then names), so that the tool cannot read them
//! otherwise than they were judged here.

use crate::Denial;
use crate::json::Value;
use crate::who::{Role, Who};

/// More than any of these tools needs.
const MOST_ARGS: usize = 64;
const LONGEST_ARG: usize = 1024;
const LONGEST_STDIN: usize = 64 << 10;
/// The largest body: every byte of it may be written as `\u00XX`.
pub const LARGEST: usize = 6 * (MOST_ARGS * LONGEST_ARG + LONGEST_STDIN);

/// A tool to run, its arguments in canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    pub tool: &'static str,
    pub args: Vec<String>,
    pub stdin: Option<String>,
}

/// What a flag is followed by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Value,
    /// A user: whoever asks, unless they may speak of others.
    User,
}
use Takes::{Nothing, User, Value as Text};

type Flag = (&'static str, Takes);

/// What stands beside the flags.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    None,
    /// So many words at most.
    Words(usize),
    /// So many users at most.
    Users(usize),
}

/// One way to call a tool.
struct Call {
    /// Empty where the tool has no verbs.
    verbs: &'static [&'static str],
    flags: &'static [Flag],
    names: Names,
    /// Whether it only looks.
    looks: bool,
    /// What is said for whoever may speak for themselves alone and names nobody.
    own: Own,
    /// Whether stdin holds names of users.
    stdin: bool,
}

/// How a call that would speak of everybody, or needs a user, is made one's own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Own {
    /// The tool itself goes by who is asking.
    Tool,
    Flag(&'static str),
    Name,
}

const LOOK: Call =
    Call { verbs: &[], flags: &[], names: Names::None, looks: true, own: Own::Tool, stdin: false };
const CHANGE: Call = Call { looks: false, ..LOOK };

/// The allow-list.
const TOOLS: &[(&str, &[Call])] = &[
    (
        "gpu-queue",
        &[
            Call {
                verbs: &["join"],
                flags: &[
                    ("gpus", Text),
                    ("profile", Text),
                    ("max-runtime", Text),
                    ("for", Text),
                    ("container", Text),
                    ("user", User),
                    ("dry-run", Nothing),
                    ("yes", Nothing),
                ],
                ..CHANGE
            },
            Call {
                verbs: &["leave", "remove"],
                flags: &[("all", Nothing), ("user", User), ("dry-run", Nothing), ("yes", Nothing)],
                names: Names::Words(MOST_ARGS),
                ..CHANGE
            },
            Call { verbs: &["list", "position"], flags: &[("user", User)], ..LOOK },
        ],
    ),
    (
        // Who may reserve and cancel, the tool decides by who is asking.
        "gpu-reserve",
        &[
            Call {
                verbs: &["add"],
                flags: &[
                    ("user", User),
                    ("gpus", Text),
                    ("profile", Text),
                    ("slot", Text),
                    ("from", Text),
                    ("until", Text),
                    ("for", Text),
                    ("every", Text),
                    ("on", Text),
                    ("until-date", Text),
                    ("reason", Text),
                    ("even-if-held", Nothing),
                    ("dry-run", Nothing),
                    ("yes", Nothing),
                ],
                ..CHANGE
            },
            Call {
                verbs: &["list"],
                flags: &[("timeline", Nothing), ("from", Text), ("for", Text), ("user", User)],
                ..LOOK
            },
            Call {
                verbs: &["cancel"],
                flags: &[("dry-run", Nothing), ("yes", Nothing)],
                names: Names::Words(MOST_ARGS),
                ..CHANGE
            },
        ],
    ),
    ("check-limits", &[Call { names: Names::Users(1), ..LOOK }]),
    (
        "gpu-avail",
        &[Call {
            flags: &[("count", Text), ("profile", Text)],
            names: Names::Users(1),
            own: Own::Name,
            ..LOOK
        }],
    ),
    (
        "limits-resolve",
        &[Call {
            flags: &[("get", Text), ("explain", Text)],
            names: Names::Users(MOST_ARGS),
            own: Own::Name,
            stdin: true,
            ..LOOK
        }],
    ),
    (
        // The log says what everybody did, so one's own part of it is asked for in so many words.
        "ds01-events",
        &[Call {
            flags: &[
                ("user", User),
                ("type", Text),
                ("container", Text),
                ("since", Text),
                ("until", Text),
                ("last", Text),
                ("summary", Nothing),
            ],
            own: Own::Flag("user"),
            ..LOOK
        }],
    ),
];

/// What every tool understands. Not `--guided`: that is said where somebody reads it.
const COMMON: &[Flag] =
    &[("output", Text), ("json", Nothing), ("quiet", Nothing), ("no-color", Nothing)];

/// One letter each, where the tool has the long one.
const LETTERS: &[(char, &str)] = &[('o', "output"), ('q', "quiet"), ('y', "yes"), ('n', "last")];

/// Reads and judges a request for `tool`.
pub fn errand(tool: &str, body: &Value, who: &Who) -> Result<Errand, Denial> {
    if who.role == Role::Nobody {
        return Err(crate::decide::no_account(who));
    }
    let Some((tool, calls)) = TOOLS.iter().find(|(name, _)| *name == tool) else {
        let all: Vec<&str> = TOOLS.iter().map(|(name, _)| *name).collect();
        let named: String = tool.chars().take(60).collect();
        return Err(Denial::new(404, "gate.tool", format!("the door runs no tool `{named}`"))
            .why(format!("it runs these: {}", all.join(", ")))
            .todo("run it yourself, or ask an admin"));
    };
    let (args, stdin) = read(body)?;
    let said = Said::read(tool, calls, &args)?;
    said.judge(who, stdin.as_deref())?;
    Ok(Errand { tool, args: said.write(who), stdin })
}

/// The body's two members, nothing else beside them.
fn read(body: &Value) -> Result<(Vec<&str>, Option<String>), Denial> {
    let members = body.as_object().ok_or_else(|| malformed("the body is no JSON object"))?;
    let (mut args, mut stdin) = (Vec::new(), None);
    for (key, value) in members {
        match key.as_str() {
            "args" => {
                let list = value.as_list().and_then(|list| {
                    list.iter().map(Value::as_text).collect::<Option<Vec<&str>>>()
                });
                args = list.ok_or_else(|| malformed("`args` is no list of texts"))?;
            }
            "stdin" => {
                let text = value.as_text().ok_or_else(|| malformed("`stdin` is no text"))?;
                if text.len() > LONGEST_STDIN || text.contains('\0') {
                    return Err(malformed("`stdin` is longer than 64 KiB, or holds a NUL"));
                }
                stdin = Some(text.to_owned());
            }
            other => {
                let other: String = other.chars().take(60).collect();
                return Err(malformed(&format!("the body has `{other}`, which is not known")));
            }
        }
    }
    if args.len() > MOST_ARGS {
        return Err(malformed("there are more than 64 arguments"));
    }
    for arg in &args {
        if arg.len() > LONGEST_ARG || arg.chars().any(char::is_control) {
            return Err(malformed(
                "an argument is longer than 1 KiB, or holds a control character",
            ));
        }
    }
    Ok((args, stdin))
}

fn malformed(what: &str) -> Denial {
    Denial::malformed("gate.body", what)
        .why(r#"a request is {"args": ["...", ...], "stdin": "..."}, stdin where it is needed"#)
}

/// A command line, read.
struct Said<'a> {
    tool: &'static str,
    call: &'static Call,
    verb: Option<&'static str>,
    flags: Vec<(Flag, Option<&'a str>)>,
    names: Vec<&'a str>,
}

impl<'a> Said<'a> {
    fn read(tool: &'static str, calls: &'static [Call], args: &[&'a str]) -> Result<Self, Denial> {
        let mut said =
            Self { tool, call: &calls[0], verb: None, flags: Vec::new(), names: Vec::new() };
        let has_verbs = !calls[0].verbs.is_empty();
        let mut args = args.iter().copied();
        while let Some(arg) = args.next() {
            if arg == "--" {
                said.names.extend(args.by_ref());
            } else if let Some(long) = arg.strip_prefix("--") {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value)),
                    None => (long, None),
                };
                said.flag(name, value, &mut args, has_verbs)?;
            } else if let Some(letters) = arg.strip_prefix('-').filter(|rest| !rest.is_empty()) {
                said.letters(letters, &mut args, has_verbs)?;
            } else if has_verbs && said.verb.is_none() {
                let call = calls.iter().find(|call| call.verbs.contains(&arg));
                said.call = call.ok_or_else(|| said.not_run(arg))?;
                said.verb = said.call.verbs.iter().find(|verb| **verb == arg).copied();
            } else {
                said.names.push(arg);
            }
        }
        if has_verbs && said.verb.is_none() {
            return Err(said.not_run(""));
        }
        Ok(said)
    }

    /// One flag by its long name; its value stands with it or comes next.
    fn flag(
        &mut self,
        name: &str,
        value: Option<&'a str>,
        rest: &mut impl Iterator<Item = &'a str>,
        has_verbs: bool,
    ) -> Result<(), Denial> {
        // Before the verb only what every verb knows.
        let own = if has_verbs && self.verb.is_none() { &[] } else { self.call.flags };
        let known = own.iter().chain(COMMON).find(|(known, _)| *known == name);
        let Some(&flag) = known else { return Err(self.not_run(&format!("--{name}"))) };
        let value = match (flag.1, value) {
            (Nothing, None) => None,
            (Nothing, Some(_)) => return Err(self.not_run(&format!("--{name} with a value"))),
            (_, Some(value)) => Some(value),
            (_, None) => match rest.next() {
                Some(value) => Some(value),
                None => return Err(self.not_run(&format!("--{name} without a value"))),
            },
        };
        self.flags.push((flag, value));
        Ok(())
    }

    /// `-q`, `-qy`, `-o json`, `-ojson` or `-o=json`.
    fn letters(
        &mut self,
        letters: &'a str,
        rest: &mut impl Iterator<Item = &'a str>,
        has_verbs: bool,
    ) -> Result<(), Denial> {
        let mut left = letters;
        while let Some(letter) = left.chars().next() {
            left = &left[letter.len_utf8()..];
            let long = LETTERS.iter().find(|(known, _)| *known == letter).map(|(_, long)| *long);
            let Some(long) = long else { return Err(self.not_run(&format!("-{letter}"))) };
            let all = self.call.flags.iter().chain(COMMON);
            let takes = all.clone().find(|(name, _)| *name == long).map(|(_, takes)| *takes);
            match takes {
                Some(Nothing) => self.flag(long, None, rest, has_verbs)?,
                _ if left.is_empty() => return self.flag(long, None, rest, has_verbs),
                _ => {
                    let value = left.strip_prefix('=').unwrap_or(left);
                    return self.flag(long, Some(value), rest, has_verbs);
                }
            }
        }
        Ok(())
    }

    fn not_run(&self, what: &str) -> Denial {
        let what: String = what.chars().take(60).collect();
        let line = match (self.verb, what.is_empty()) {
            (_, true) => format!("{} without a verb", self.tool),
            (Some(verb), false) => format!("{} {verb} with {what}", self.tool),
            (None, false) => format!("{} {what}", self.tool),
        };
        Denial::forbidden("gate.argument", format!("the door does not run {line}"))
            .why("it runs as root for everybody only what it can judge")
            .todo("leave it out; man dfilter says what the door runs")
    }

    /// Whether this person may say that.
    fn judge(&self, who: &Who, stdin: Option<&str>) -> Result<(), Denial> {
        if who.role == Role::Service && !self.call.looks {
            return Err(Denial::forbidden(
                "who.service",
                "service accounts read lists and figures only",
            )
            .why("a dashboard changes nothing")
            .todo("use an account of your own"));
        }
        let most = match self.call.names {
            Names::None => 0,
            Names::Words(most) | Names::Users(most) => most,
        };
        if self.names.len() > most {
            return Err(self.not_run(self.names[most]));
        }
        if stdin.is_some() && !(self.call.stdin && may_name_others(who)) {
            return Err(self.not_run("names on stdin"));
        }
        let flags = self.flags.iter().filter(|((_, takes), _)| *takes == User);
        let users = flags.filter_map(|(_, value)| *value);
        let names = self.names.iter().copied();
        let names = names.filter(|_| matches!(self.call.names, Names::Users(_)));
        match users.chain(names).find(|user| *user != who.user) {
            Some(other) if !may_name_others(who) => Err(Denial::forbidden(
                "gate.foreign_user",
                format!("{} may not act for `{other}`", who.user),
            )
            .why("only admins name somebody else; whose request it is, the connection says")
            .todo("leave the name out to act for yourself")),
            _ => Ok(()),
        }
    }

    /// The line in its one form.
    fn write(&self, who: &Who) -> Vec<String> {
        let mut line: Vec<String> = self.verb.map(str::to_owned).into_iter().collect();
        for ((name, _), value) in &self.flags {
            line.push(match value {
                Some(value) => format!("--{name}={value}"),
                None => format!("--{name}"),
            });
        }
        let alone = !may_name_others(who);
        if let Own::Flag(flag) = self.call.own
            && alone
            && !self.flags.iter().any(|((name, _), _)| *name == flag)
        {
            line.push(format!("--{flag}={}", who.user));
        }
        let own_name = self.call.own == Own::Name && self.names.is_empty() && alone;
        if !self.names.is_empty() || own_name {
            line.push("--".to_owned());
        }
        line.extend(self.names.iter().map(|name| (*name).to_owned()));
        if own_name {
            line.push(who.user.clone());
        }
        line
    }
}

/// Dashboards read of everybody, and change nothing.
fn may_name_others(who: &Who) -> bool {
    matches!(who.role, Role::Admin | Role::Service)
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
