//! ds01-events - what happened: find, follow and count events

mod follow;
mod show;

use std::io::Read;
use std::path::{Path, PathBuf};

use cli::{For, Tool};
use ds01_eventlog::{ALL, Files, Filter, Record, Summary, Tally};
use ds01_fault::Fault;
use ds01_site::Site;
use ds01_text::Output;
use ds01_units::Stamp;

use crate::show::{line, summary_text};

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Only this user's events
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Only this type, or a whole family: gpu.hold, or gpu
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Only this container: its name, with or without ._.USER, or its id
    #[arg(long, value_name = "NAME")]
    container: Option<String>,
    /// Only from this moment on: 2026-11-21T10:30:00Z, or 2h for two hours ago
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only before this moment
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only the last COUNT of them
    #[arg(short = 'n', long, value_name = "COUNT")]
    last: Option<usize>,
    /// Show the last ten, and go on with each that comes
    #[arg(short, long, conflicts_with_all = ["summary", "until"])]
    follow: bool,
    /// Count them by type and by user instead
    #[arg(long, conflicts_with = "last")]
    summary: bool,
    /// Read this file instead of the log, - for stdin
    #[arg(long, value_name = "FILE", conflicts_with = "follow")]
    file: Option<PathBuf>,
}

impl Tool for Args {
    const NAME: &'static str = "ds01-events";
    const ABOUT: &'static str = "what happened: find, follow and count events";
    const FOR: For = For::People;

    fn run(self, site: &Site) -> Result<Output, Fault> {
        let filter = self.filter(site.now())?;
        if self.follow {
            return follow::follow(&site.events(), filter, self.last.unwrap_or(10));
        }
        let from = match &self.file {
            None => Input::Log(Files::of(site)),
            Some(file) if file == Path::new("-") => Input::Stdin,
            Some(file) => Input::File(file.clone()),
        };
        let notes = self.notes(&from);
        let output = match (self.summary, self.last) {
            (true, _) => {
                let summary = from.summary(&filter)?;
                noted(Output::one(&summary).text(summary_text(&summary)), summary.skipped)
            }
            (false, Some(count)) => {
                let (records, tally) = from.last(count, &filter)?;
                let text: String = records.iter().map(line).collect();
                noted(Output::many(records).text(text), tally.skipped)
            }
            // Written while it is read: a log may be larger than memory.
            (false, None) => Output::stream(move |emit| {
                from.each(&filter, &mut |record| {
                    let text = line(&record);
                    emit(serde_json::to_value(record).unwrap_or_default(), &text)
                })?;
                Ok(())
            }),
        };
        Ok(notes.into_iter().fold(output, Output::note))
    }

    /// The log is root's and the admins'; the door shows everybody their own part of it.
    fn at_the_door(&self, site: &Site) -> bool {
        let closed = |error: std::io::Error| error.kind() == std::io::ErrorKind::PermissionDenied;
        let log = || std::fs::File::open(site.events());
        self.file.is_none() && !self.follow && log().is_err_and(closed)
    }
}

impl Args {
    fn filter(&self, now: Stamp) -> Result<Filter, Fault> {
        let moment = |flag: &str, text: &Option<String>| {
            text.as_deref()
                .map(|text| Stamp::at_or_ago(text, now))
                .transpose()
                .map_err(|bad| Fault::usage(format!("{flag}: {bad}")))
        };
        Ok(Filter {
            user: self.user.clone(),
            types: self.types.clone(),
            container: self.container.clone(),
            since: moment("--since", &self.since)?,
            until: moment("--until", &self.until)?,
        })
    }

    /// What a reader should know before taking an empty answer for a quiet lab.
    fn notes(&self, from: &Input) -> Vec<String> {
        let mut notes = Vec::new();
        for wanted in &self.types {
            let family = wanted.split('.').next().unwrap_or_default();
            let known = family == "admin"
                || ALL.iter().any(|(_, name, _)| {
                    name == wanted
                        || name.split('.').next() == Some(wanted.trim_end_matches(['.', '*']))
                });
            if !known {
                notes.push(format!(
                    "note: `{wanted}` is no type of today (`event-log --types` lists them); looking for old ones"
                ));
            }
        }
        if let Input::Log(files) = from {
            if !files.compressed.is_empty() && self.since.is_none() && self.last.is_none() {
                notes.push(format!(
                    "note: {} older files are compressed and were not read: zcat {}.*.gz | ds01-events --file -",
                    files.compressed.len(),
                    files.plain.last().map(|path| path.display().to_string()).unwrap_or_default(),
                ));
            }
        }
        notes
    }
}

fn noted(output: Output, skipped: u64) -> Output {
    match skipped {
        0 => output,
        1 => output.note("note: 1 line was no event and was skipped"),
        n => output.note(format!("note: {n} lines were no events and were skipped")),
    }
}

/// Where the events are read.
enum Input {
    Log(Files),
    File(PathBuf),
    Stdin,
}

impl Input {
    fn each(
        &self,
        filter: &Filter,
        each: &mut dyn FnMut(Record) -> Result<(), Fault>,
    ) -> Result<Tally, Fault> {
        match self {
            Self::Log(files) => files.each(filter, each),
            _ => {
                let (input, path) = self.input()?;
                ds01_eventlog::read(input, &path, filter, each)
            }
        }
    }

    fn last(&self, count: usize, filter: &Filter) -> Result<(Vec<Record>, Tally), Fault> {
        if let Self::Log(files) = self {
            return files.last(count, filter);
        }
        let mut records = std::collections::VecDeque::new();
        let tally = self.each(filter, &mut |record| {
            records.push_back(record);
            if records.len() > count {
                records.pop_front();
            }
            Ok(())
        })?;
        Ok((records.into(), tally))
    }

    fn summary(&self, filter: &Filter) -> Result<Summary, Fault> {
        if let Self::Log(files) = self {
            return Summary::of(files, filter);
        }
        let (input, path) = self.input()?;
        let mut summary = Summary::default();
        summary.add(input, &path, filter)?;
        Ok(summary)
    }

    fn input(&self) -> Result<(Box<dyn Read>, PathBuf), Fault> {
        match self {
            Self::File(path) => {
                let file = std::fs::File::open(path).map_err(|error| {
                    let what = format!("cannot read {}", path.display());
                    match error.kind() {
                        std::io::ErrorKind::NotFound => Fault::not_found(what),
                        std::io::ErrorKind::PermissionDenied => Fault::not_permitted(what),
                        _ => Fault::unreadable(what),
                    }
                    .why(error.to_string())
                })?;
                Ok((Box::new(file), path.clone()))
            }
            Self::Stdin | Self::Log(_) => Ok((Box::new(std::io::stdin()), "stdin".into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        cli::check::<Args>();
    }
}
