//! event-log - write down that something happened
//!
//! One event from the command line, or one a line from stdin. The line is on disk whole
//! when this returns, however many others write.

use std::io::{BufRead, Read};

use cli::Tool;
use ds01_eventlog::{ALL, Event, Kind, try_append};
use ds01_fault::{Code, Context, Fault};
use ds01_people::{Nss, of_uid};
use ds01_site::Site;
use ds01_text::{Output, Table};
use serde_json::{Map, Value, json};

/// No event has a longer line; more is a wrong file on stdin.
const LONGEST_LINE: u64 = 1 << 16;
const SOURCE: &str = "event-log";

#[derive(clap::Args, Debug)]
pub struct Args {
    /// What happened, such as gpu.hold; - for JSON lines on stdin
    #[arg(required_unless_present = "types")]
    event_type: Option<String>,
    /// Details: KEY=TEXT, or KEY:=JSON for a number, a list or null
    #[arg(value_name = "KEY=TEXT")]
    details: Vec<String>,
    /// Whom it concerns; for admin.* the caller, unless named
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// The tool that says so
    #[arg(long, value_name = "NAME", default_value = SOURCE)]
    source: String,
    /// List the types there are
    #[arg(long)]
    types: bool,
    /// Show the line, and write nothing
    #[arg(long)]
    dry_run: bool,
}

impl Tool for Args {
    const NAME: &'static str = "event-log";
    const ABOUT: &'static str = "write down that something happened";

    fn run(self, site: &Site) -> Result<Output, Fault> {
        match self.event_type.as_deref() {
            _ if self.types => Ok(types()),
            Some("-") => {
                if let Some(detail) = self.details.first() {
                    return Err(Fault::usage(format!("`{detail}` beside `-`"))
                        .why("the events come from stdin, with their details"));
                }
                Ok(self.read_stdin(site.clone()))
            }
            Some(kind) => {
                let event = self.event(kind.parse()?, site)?;
                let document = write(site, &event, self.dry_run)?;
                let text = document.to_string();
                Ok(Output::many([document]).text(text))
            }
            None => Err(Fault::usage("no event type named")),
        }
    }
}

impl Args {
    fn event(&self, kind: Kind, site: &Site) -> Result<Event, Fault> {
        let details: Result<Map<_, _>, Fault> = self.details.iter().map(|d| detail(d)).collect();
        let user = match (&self.user, &kind) {
            (Some(user), _) => Some(user.clone()),
            // Under sudo the person's, not root's (pitfall 29).
            (None, Kind::Admin(_)) => {
                of_uid(&Nss, site.caller().for_records()).ok().map(|person| person.account.name)
            }
            (None, _) => None,
        };
        Ok(Event::new(kind, user.as_deref(), &self.source, details?.into()))
    }

    /// Each line is written as it comes, since whoever is before the pipe may run for ever.
    /// A line that is no event, a disk that is full for a while and a reader that has gone
    /// keep no other event from being written; they are reported at the end.
    fn read_stdin(self, site: Site) -> Output {
        Output::stream(move |emit| {
            let mut input = std::io::stdin().lock();
            let mut failed = Failed::default();
            let mut shown = Ok(());
            for number in 1u64.. {
                let mut line = Vec::new();
                let read = (&mut input)
                    .take(LONGEST_LINE)
                    .read_until(b'\n', &mut line)
                    .or_fault(Code::Failed, || format!("cannot read line {number} of stdin"))?;
                if read == 0 {
                    break;
                }
                let text = String::from_utf8_lossy(&line);
                if text.trim().is_empty() {
                    continue;
                }
                let event = Event::read(&text, &self.source);
                match event.and_then(|event| write(&site, &event, self.dry_run)) {
                    Ok(document) if shown.is_ok() => {
                        shown = emit(document.clone(), &document.to_string());
                    }
                    Ok(_) => {}
                    // That will not be otherwise for the next line.
                    Err(fault) if fault.code == Code::NotPermitted => return Err(fault),
                    Err(fault) => failed.add(number, fault),
                }
            }
            failed.fault().map_or(shown, Err)
        })
    }
}

/// Lines that were not written: the first, and how many.
#[derive(Default)]
struct Failed {
    first: Option<(u64, Fault)>,
    count: u64,
}

impl Failed {
    fn add(&mut self, number: u64, fault: Fault) {
        self.count += 1;
        self.first.get_or_insert((number, fault));
    }

    fn fault(self) -> Option<Fault> {
        let (number, mut fault) = self.first?;
        fault.what = format!("line {number} of stdin: {}", fault.what);
        if self.count > 1 {
            fault.what += &format!(" (and {} more)", self.count - 1);
        }
        Some(fault)
    }
}

/// Writes the event unless this is a dry run, and gives what was or would be written.
fn write(site: &Site, event: &Event, dry_run: bool) -> Result<Value, Fault> {
    if !dry_run {
        try_append(site, event)?;
    }
    let mut document: Value = serde_json::from_str(&event.line(site.now()))
        .or_fault(Code::Failed, || "cannot show the event".into())?;
    if dry_run {
        document["dry_run"] = json!(true);
    }
    Ok(document)
}

fn detail(text: &str) -> Result<(String, Value), Fault> {
    let wrong = |why: String| {
        Fault::usage(format!("`{text}` is no detail"))
            .why(why)
            .todo("write KEY=TEXT, or KEY:=JSON, for example count:=2")
    };
    let (key, value) = text.split_once('=').ok_or_else(|| wrong("it has no `=`".into()))?;
    let (key, value) = match key.strip_suffix(':') {
        Some(key) => (key, serde_json::from_str(value).map_err(|error| wrong(error.to_string()))?),
        None => (key, value.into()),
    };
    if key.is_empty() {
        return Err(wrong("nothing stands before the `=`".into()));
    }
    Ok((key.to_owned(), value))
}

fn types() -> Output {
    let mut table = Table::new(["TYPE", "WHAT IT SAYS"]);
    let admin = ("admin.*", "an admin did something; the word behind the dot is free");
    let rows = ALL.iter().map(|(_, name, about)| (*name, *about)).chain([admin]);
    let items: Vec<Value> = rows
        .map(|(name, about)| {
            table.row([name.to_owned(), about.to_owned()]);
            json!({"event_type": name, "about": about})
        })
        .collect();
    Output::many(items).text(table.render())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        cli::check::<Args>();
    }

    #[test]
    fn a_detail_is_a_text_unless_it_says_json() {
        assert_eq!(detail("a=1=2").unwrap(), ("a".into(), json!("1=2")));
        assert_eq!(detail("a:=[1]").unwrap(), ("a".into(), json!([1])));
        for bad in ["a", "=1", ":=1", "a:=x"] {
            assert!(detail(bad).is_err(), "{bad}");
        }
    }
}
