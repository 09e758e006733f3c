//! docker-events - Docker's events as JSON lines, taken up again where they broke off
//!
//! The daemon may restart and the connection break: it comes back, asks from shortly before
//! the last event, and leaves out what it has passed on already.

mod place;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use cli::Tool;
use ds01_docker::{Docker, Next};
use ds01_fault::{Code, Fault};
use ds01_site::Site;
use ds01_text::{Emit, Output};
use ds01_units::Stamp;

use crate::place::Place;

/// How long to wait before asking again; doubled up to the second one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Where to keep the place, so that the next run goes on there
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Begin here when no place is kept: 2026-11-21T10:30:00Z, or 2h for two hours ago; now by default
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// End here: a time, or 0s for now
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only these, as `docker events --filter` has it; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
}

impl Tool for Args {
    const NAME: &'static str = "docker-events";
    const ABOUT: &'static str =
        "Docker's events as JSON lines, taken up again where they broke off";

    fn run(self, site: &Site) -> Result<Output, Fault> {
        let now = site.now();
        let from = moment("--since", self.since.as_deref(), now)?.unwrap_or(now);
        let until = moment("--until", self.until.as_deref(), now)?;
        let filters = filters(&self.filter)?;
        let kept = self.state.as_deref().map(Place::load).transpose()?.flatten();
        let docker = Docker::from_env()?;
        let reader = Reader {
            docker,
            filters,
            until,
            resumed: kept.is_some(),
            place: kept.unwrap_or_else(|| Place::new(nanos(from))),
            state: self.state,
        };
        Ok(Output::stream(move |emit| reader.read(emit)))
    }
}

fn nanos(moment: Stamp) -> i64 {
    moment.utc().timestamp_nanos_opt().unwrap_or_default()
}

struct Reader {
    docker: Docker,
    filters: String,
    until: Option<Stamp>,
    place: Place,
    state: Option<PathBuf>,
    /// Whether something may have happened since the last event that nobody read.
    resumed: bool,
}

impl Reader {
    fn read(mut self, emit: Emit<'_>) -> Result<(), Fault> {
        // From here on nothing is forgotten, also when nothing happens for a week.
        self.save()?;
        let mut reached = false;
        let mut pause = FIRST_PAUSE;
        loop {
            match self.once(emit, &mut reached, &mut pause) {
                Ok(()) if self.until.is_some_and(|until| until <= Stamp::now()) => return Ok(()),
                // A daemon that was never there is for the caller to see to.
                Err(fault) if fault.code != Code::Unreachable || !reached => return Err(fault),
                _ => {}
            }
            self.resumed = true;
            sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// One connection, to its end.
    fn once(
        &mut self,
        emit: Emit<'_>,
        reached: &mut bool,
        pause: &mut Duration,
    ) -> Result<(), Fault> {
        let since = self.place.since();
        let until = self.until.map(|until| {
            let nanos = nanos(until);
            format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
        });
        let mut query = vec![("since", since.as_str()), ("filters", self.filters.as_str())];
        query.extend(until.as_deref().map(|until| ("until", until)));
        let mut events = self.docker.follow(&["events"], &query)?;
        *reached = true;
        let mut doubtful = std::mem::take(&mut self.resumed);
        loop {
            let event = match events.next_within(None) {
                Ok(Next::Item(event)) => event,
                Ok(Next::Quiet) => continue,
                Ok(Next::End) => {
                    self.resumed |= doubtful;
                    return Ok(());
                }
                Err(fault) => {
                    self.resumed |= doubtful;
                    return Err(fault);
                }
            };
            *pause = FIRST_PAUSE;
            let known = self.place.knows(&event);
            // Where Docker still has what came before, it begins with that.
            if std::mem::take(&mut doubtful) && !known {
                emit(self.place.gap(&event), "events may be missing here")?;
            }
            if known {
                continue;
            }
            let words = words(&event);
            self.place.pass(&event);
            emit(event, &words)?;
            // After it is written: a kill in between shows an event twice and loses none.
            self.save()?;
        }
    }

    fn save(&self) -> Result<(), Fault> {
        self.state.as_deref().map_or(Ok(()), |path| self.place.save(path))
    }
}

fn words(event: &serde_json::Value) -> String {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    let at = event["timeNano"].as_i64().map(|n| Stamp::from_millis(n / 1_000_000));
    format!(
        "{} {} {} {}",
        at.map_or_else(|| "-".into(), |at| at.to_string()),
        text(&event["Type"]),
        text(&event["Action"]),
        text(event["Actor"]["Attributes"].get("name").unwrap_or(&event["Actor"]["ID"])),
    )
}

fn moment(option: &str, text: Option<&str>, now: Stamp) -> Result<Option<Stamp>, Fault> {
    let Some(text) = text else { return Ok(None) };
    Stamp::at_or_ago(text, now).map(Some).map_err(|bad| {
        Fault::usage(format!("{option} {text}: {bad}"))
            .todo(format!("{option} 2026-11-21T10:30:00Z, or {option} 2h for two hours ago"))
    })
}

/// As Docker's query has them.
fn filters(given: &[String]) -> Result<String, Fault> {
    let mut filters: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for filter in given {
        let Some((key, value)) = filter.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            return Err(Fault::usage(format!("--filter {filter}: this is no KEY=VALUE"))
                .todo("such as --filter type=container"));
        };
        filters.entry(key).or_default().push(value);
    }
    Ok(serde_json::json!(filters).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_well_formed() {
        cli::check::<Args>();
    }

    #[test]
    fn filters_are_dockers_own() {
        let given = ["type=container", "label=a=b", "type=image"].map(String::from);
        assert_eq!(filters(&given).unwrap(), r#"{"label":["a=b"],"type":["container","image"]}"#);
        assert_eq!(filters(&["type".into()]).unwrap_err().code, Code::Usage);
    }
}
