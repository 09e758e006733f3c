//! What the commands that do something to containers have in common: whom they mean, who is
//! asked, and how each of several is tried and told. Here may live nothing that only one of
//! them needs.

use std::fmt::Display;

use cli::dry_run::{marked, told};
use ds01_ask::{Ask, Choice};
use ds01_containers::{Mine, after};
use ds01_docker::{Container, Listed, State};
use ds01_fault::Fault;
use ds01_site::Site;
use ds01_text::{Output, printable};
use serde_json::{Value, json};

/// The keys of a JSON line that name a container, the best first.
const FIELDS: &[&str] = &["container", "container_id", "id", "name"];

/// Which containers.
#[derive(clap::Args, Clone, Debug)]
pub struct Names {
    /// Containers, by name or id; - or none reads them from stdin, as names or JSON lines
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// All of your own that this can be done to
    #[arg(short, long, conflicts_with = "names")]
    all: bool,
}

/// Whom a command means.
#[derive(Clone, Debug)]
pub struct Meant {
    pub names: Vec<String>,
    /// Whether they were named one by one, by a person or by the program before.
    pub named: bool,
}

/// What a command can be done to, in its words: "stop", "running".
#[derive(Clone, Copy, Debug)]
pub struct Fit {
    pub verb: &'static str,
    pub state: &'static str,
    pub fits: fn(&State) -> bool,
}

impl Names {
    /// Names that a command has arguments of its own for.
    pub fn of(names: Vec<String>) -> Self {
        Self { names, all: false }
    }

    pub fn is_all(&self) -> bool {
        self.all
    }

    /// Just the names, those of stdin for `-`.
    pub fn given(self) -> Result<Vec<String>, Fault> {
        let items = cli::items(self.names, FIELDS, "container")?;
        Ok(items.into_iter().map(|item| item.name).collect())
    }

    /// The names given, or all of them, or those on stdin, or those that somebody at a
    /// terminal chooses. Nothing at all is asked of Docker where names were given.
    pub fn meant(self, site: &Site, mine: &Mine, fit: Fit) -> Result<Meant, Fault> {
        if self.all {
            return Ok(Meant { names: ids(&fitting(mine, fit)?), named: false });
        }
        let ask = Ask::at(site);
        if self.names.is_empty() && ask.can_ask() {
            return choose(&ask, mine, fit);
        }
        let items = cli::items(self.names, FIELDS, "container")?;
        Ok(Meant { names: items.into_iter().map(|item| item.name).collect(), named: true })
    }

    /// The same where something must be named: nothing on stdin is no name.
    pub fn some(self, site: &Site, mine: &Mine, fit: Fit) -> Result<Meant, Fault> {
        let all = self.all || self.names == ["-"];
        let meant = self.meant(site, mine, fit)?;
        if meant.names.is_empty() && !all && meant.named {
            return Err(Fault::usage("no container named")
                .why("nothing came from stdin either")
                .todo(format!("name one: `container-list` shows what you can {}", fit.verb)));
        }
        Ok(meant)
    }
}

/// Their own that fit, by name.
pub fn fitting(mine: &Mine, fit: Fit) -> Result<Vec<Listed>, Fault> {
    let mut own = mine.all()?;
    own.retain(|one| (fit.fits)(&one.state));
    Ok(own)
}

fn ids(listed: &[Listed]) -> Vec<String> {
    listed.iter().map(|one| one.id.clone()).collect()
}

fn choose(ask: &Ask, mine: &Mine, fit: Fit) -> Result<Meant, Fault> {
    let own = fitting(mine, fit)?;
    if own.is_empty() {
        return Err(Fault::not_found(format!("you have no {} container", fit.state))
            .why(format!("there is nothing to {}", fit.verb))
            .todo("`container-list` shows what you have"));
    }
    let choices: Vec<Choice> = own
        .iter()
        .map(|one| Choice::new(mine.short(&one.name), format!("{}, {}", one.state, one.image)))
        .collect();
    let usual = (own.len() == 1).then_some(0);
    let question = format!("Which container do you want to {}?", fit.verb);
    let at = ask.choose(&question, &choices, usual, "NAME")?;
    Ok(Meant { names: ids(&own[at..=at]), named: false })
}

/// Asks before something that cannot be undone, unless `yes`. `false` is a no.
pub fn agreed(site: &Site, yes: bool, question: &str) -> Result<bool, Fault> {
    Ok(yes || Ask::at(site).confirm(question, false, "--yes")?)
}

/// What came of one container.
#[derive(Clone, Debug)]
pub struct Done {
    pub document: Value,
    pub words: String,
}

/// A container as programs see it after a command: who it is, what was done, and what goes
/// on until when.
pub fn document(mine: &Mine, container: &Container, did: &str) -> Value {
    let mut document = json!({
        "container": container.name, "container_id": container.id, "did": did,
    });
    if let (Value::Object(into), Value::Object(after)) =
        (&mut document, json!(mine.after(container)))
    {
        into.extend(after);
    }
    document
}

/// Tries each, tells each, and ends with the worst code. A name given twice is tried once.
pub fn each(
    names: &[String],
    dry_run: bool,
    mut work: impl FnMut(&str) -> Result<Done, Fault>,
) -> Output {
    let mut seen: Vec<&String> = Vec::new();
    let (mut documents, mut words, mut faults) = (Vec::new(), String::new(), Vec::new());
    for name in names {
        if seen.contains(&name) {
            continue;
        }
        seen.push(name);
        match work(name) {
            Ok(done) => {
                documents.push(marked(done.document, dry_run));
                words += done.words.trim_end();
                words.push('\n');
            }
            Err(fault) => faults.push(fault),
        }
    }
    let words = if words.is_empty() { words } else { told(words, dry_run) };
    faults.into_iter().fold(Output::many(documents).text(words), Output::fault)
}

/// `1 container`, `3 containers`.
pub fn count(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

/// Nothing to do, said as something done.
pub fn nothing(words: impl Display) -> Output {
    Output::many(Vec::<Value>::new()).text(words.to_string())
}

/// How a container is spoken of: its owner's short name, or the full one for others.
pub fn name(mine: &Mine, container: &Container) -> String {
    printable(mine.short(&container.name))
}

/// `train (running, GPU 0:1)`, for a question.
pub fn line(mine: &Mine, container: &Container) -> String {
    let gpus = mine.after(container).gpu.unwrap_or_default();
    let gpus =
        if gpus.is_empty() { String::new() } else { format!(", {}", after::gpu_words(&gpus)) };
    format!("{} ({}{gpus})", name(mine, container), container.state)
}

/// The one container that somebody works in: the one named, or chosen at a terminal. Stdin is
/// the work's, so no name comes from there.
pub fn one(site: &Site, mine: &Mine, name: Option<String>, fit: Fit) -> Result<Container, Fault> {
    if let Some(name) = name {
        return mine.find(&name);
    }
    if !Ask::at(site).can_ask() {
        return Err(Fault::usage("no container named")
            .why("stdin is no terminal, so nobody can choose one")
            .todo(format!("name one: `container-list` shows what you can {}", fit.verb)));
    }
    let meant = Names::of(Vec::new()).meant(site, mine, fit)?;
    mine.find(meant.names.first().map_or("", String::as_str))
}

/// Back from working in one: the exit code is that of the work, and nothing is added to what
/// it wrote.
pub fn back(back: ds01_containers::session::Back) -> Output {
    let output = Output::many(Vec::<Value>::new()).exit(back.code);
    match back.words {
        Some(words) => output.note(words),
        None => output,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn each_is_tried_once_and_the_worst_code_is_the_answer() {
        let mut tried = Vec::new();
        let output = each(&names(&["a", "gone", "his", "b", "a"]), false, |name| {
            tried.push(name.to_owned());
            match name {
                "gone" => Err(Fault::not_found("no container `gone`")),
                "his" => Err(Fault::not_permitted("not yours")),
                _ => Ok(Done { document: json!({"name": name}), words: format!("{name} done") }),
            }
        });
        assert_eq!(tried, ["a", "gone", "his", "b"]);
        assert_eq!((output.code(), output.words()), (5, "a done\nb done\n"));
        assert_eq!(output.faults().len(), 2);
    }

    #[test]
    fn a_dry_run_is_marked_in_words_and_documents() {
        let done =
            |_: &str| Ok(Done { document: json!({"name": "a"}), words: "a would go".into() });
        let output = each(&names(&["a"]), true, done);
        assert!(output.words().starts_with("dry run, nothing is changed:\n"), "{}", output.words());
        let ds01_text::Parts::Many(items) = output.parts() else { panic!("no list") };
        assert_eq!(items, [json!({"name": "a", "dry_run": true})]);
        let nobody = each(&names(&["a"]), true, |_| Err(Fault::not_found("none")));
        assert_eq!(nobody.words(), "");
    }

    #[test]
    fn one_is_not_several() {
        assert_eq!((count(1, "name"), count(0, "name")), ("1 name".into(), "0 names".into()));
    }
}
