//! container-logs - what a container has printed
//!
//! Line by line, both of its streams in order. It works on stopped ones too, and with
//! --follow goes on until the container ends.

mod frames;

use std::time::Duration;

use cli::For;
use ds01_containers::Mine;
use ds01_docker::Docker;
use ds01_fault::Fault;
use ds01_site::Site;
use ds01_text::Output;
use ds01_units::Stamp;
use serde_json::json;
use verbs::{Fit, Names};

use crate::frames::Lines;

/// Between two pieces of a log that is there already.
const QUIET: Duration = Duration::from_secs(60);

const FIT: Fit = Fit { verb: "read", state: "", fits: |_| true };

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The container, by name or id; - reads it from stdin
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Go on as more is printed
    #[arg(short, long)]
    follow: bool,
    /// Only the last lines; all is everything
    #[arg(short = 'n', long, value_name = "LINES", default_value = "all", value_parser = tail)]
    tail: String,
    /// Only what came since: a time, or 10m for ten minutes ago
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// When each line came, in front of it
    #[arg(short, long)]
    timestamps: bool,
}

fn tail(text: &str) -> Result<String, String> {
    let fine = text == "all" || text.parse::<u32>().is_ok();
    if fine { Ok(text.to_owned()) } else { Err("write a number of lines, or all".into()) }
}

impl cli::Tool for Args {
    const NAME: &'static str = "container-logs";
    const ABOUT: &'static str = "what a container has printed";
    const FOR: For = For::People;

    fn run(self, site: &Site) -> Result<Output, Fault> {
        let since = self.since.as_deref().map(|text| since(text, site.now())).transpose()?;
        let mine = Mine::open(site)?;
        let named = Names::of(self.name.into_iter().collect());
        let meant = named.some(site, &mine, FIT)?;
        let [name] = &meant.names[..] else {
            return Err(Fault::usage("the logs of one container at a time")
                .why(format!("{} came from stdin", verbs::count(meant.names.len(), "name")))
                .todo("name one of them"));
        };
        let container = mine.find(name)?;
        let flag = |on: bool| if on { "1" } else { "0" };
        let mut query = vec![
            ("stdout", "1"),
            ("stderr", "1"),
            ("follow", flag(self.follow)),
            ("tail", self.tail.as_str()),
            ("timestamps", flag(self.timestamps)),
        ];
        if let Some(since) = &since {
            query.push(("since", since));
        }
        let quiet = (!self.follow).then_some(QUIET);
        let stream = mine.docker().stream(&["containers", &container.id, "logs"], &query, quiet)?;
        let docker: Docker = mine.docker().clone();
        let timestamps = self.timestamps;
        let mut lines = Lines::of(stream, container.tty);
        Ok(Output::stream(move |emit| {
            while let Some(line) = lines.next().map_err(|error| docker.broke(&error))? {
                let words = line.text.as_str();
                let (at, text) = match words.split_once(' ') {
                    Some((at, text)) if timestamps => (Some(at), text),
                    _ => (None, words),
                };
                let document = json!({
                    "container": container.name, "stream": line.stream, "at": at, "text": text,
                });
                // An empty line is a line too.
                emit(document, if words.is_empty() { "\n" } else { words })?;
            }
            Ok(())
        }))
    }
}

/// As the daemon takes it: seconds with a fraction.
fn since(text: &str, now: Stamp) -> Result<String, Fault> {
    let at = Stamp::at_or_ago(text, now).map_err(|bad| {
        Fault::usage(format!("--since {text}: {bad}")).todo("write 10m, 2h, or a time")
    })?;
    let millis = at.millis().max(0);
    Ok(format!("{}.{:03}", millis / 1000, millis % 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        cli::check::<Args>();
    }

    #[test]
    fn a_duration_is_that_long_ago() {
        assert_eq!(since("10s", Stamp::from_secs(100)).unwrap(), "90.000");
        assert_eq!(since("1970-01-01T00:00:01Z", Stamp::from_secs(9)).unwrap(), "1.000");
        assert_eq!(since("soon", Stamp::from_secs(9)).unwrap_err().code as u8, 2);
    }
}
