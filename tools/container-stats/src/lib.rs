//! container-stats - what your containers use now: CPU, memory, GPU
//!
//! Rates are differences between two looks, half a second apart or as long as --watch waits.
//! What cannot be told is shown as `-`: the use of a MIG instance, where the card cannot say.

mod text;

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use cli::For;
use ds01_containers::Mine;
use ds01_containers::glance::Glance;
use ds01_containers::stats::{Consumed, Sample};
use ds01_containers::table::{Row, any_gpu, inspected, rows};
use ds01_docker::Container;
use ds01_fault::Fault;
use ds01_site::Site;
use ds01_text::Output;
use ds01_units::Span;
use serde::Serialize;
use serde_json::json;

/// Between the two looks, where nothing else says it.
const INTERVAL: Duration = Duration::from_millis(500);

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Only these, by name or id; - reads them from stdin
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Everybody's; admins only
    #[arg(long, conflicts_with = "names")]
    everyone: bool,
    /// Again and again, every 2 seconds or as many as are given
    #[arg(short, long, value_name = "SECONDS", num_args = 0..=1, require_equals = true,
        default_missing_value = "2", value_parser = clap::value_parser!(u64).range(1..=3600))]
    watch: Option<u64>,
}

/// A container and what it consumes.
#[derive(Clone, Debug, Serialize)]
struct Used {
    #[serde(flatten)]
    row: Row,
    #[serde(flatten)]
    consumed: Consumed,
}

impl cli::Tool for Args {
    const NAME: &'static str = "container-stats";
    const ABOUT: &'static str = "what your containers use now: CPU, memory, GPU";
    const FOR: For = For::People;

    fn run(self, site: &Site) -> Result<Output, Fault> {
        let mut mine = Mine::open(site)?;
        let Some(seconds) = self.watch else {
            let (found, faults) = self.find(&mine)?;
            let before = samples(&mine, &found);
            let (used, note) = used(&mine, &found, &before, INTERVAL, Instant::now());
            let words = match used.is_empty() && faults.is_empty() {
                true => "no container runs".to_owned(),
                false => text::of(&used, mine.now(), self.everyone),
            };
            let output = Output::many(&used).text(words);
            let output = note.into_iter().fold(output, Output::note);
            return Ok(faults.into_iter().fold(output, Output::fault));
        };
        Ok(Output::stream(move |emit| {
            let mut before = HashMap::new();
            let mut wait = INTERVAL;
            loop {
                mine.look_again();
                let begun = Instant::now();
                let (found, faults) = self.find(&mine)?;
                if let Some(fault) = faults.into_iter().next() {
                    return Err(fault);
                }
                if before.is_empty() {
                    before = samples(&mine, &found);
                }
                let (used, _) = used(&mine, &found, &before, wait, begun);
                before = samples(&mine, &found);
                let shown = text::of(&used, mine.now(), self.everyone);
                cli::screen(emit, used.iter().map(|one| json!(one)), &shown)?;
                wait = Duration::from_secs(seconds);
            }
        }))
    }
}

impl Args {
    /// Those that run: the others use nothing.
    fn find(&self, mine: &Mine) -> Result<(Vec<Container>, Vec<Fault>), Fault> {
        if self.names.is_empty() {
            let mut listed = if self.everyone { mine.everyones()? } else { mine.all()? };
            listed.retain(|one| one.state.is_running());
            return Ok((inspected(mine, &listed)?, Vec::new()));
        }
        let (mut found, mut faults) = (Vec::new(), Vec::new());
        for name in verbs::Names::of(self.names.clone()).given()? {
            match mine.find(&name) {
                Ok(container) if container.is_running() => found.push(container),
                Ok(container) => faults.push(
                    Fault::failed(format!("{} does not run", verbs::name(mine, &container)))
                        .why(format!("it is {}, and uses nothing", container.state))
                        .todo("container-list shows since when"),
                ),
                Err(fault) => faults.push(fault),
            }
        }
        Ok((found, faults))
    }
}

/// A look at each. One that ends meanwhile has none.
fn samples(mine: &Mine, found: &[Container]) -> HashMap<String, Sample> {
    let ask = |one: &Container| Some((one.id.clone(), Sample::take(mine.docker(), &one.id).ok()?));
    thread::scope(|scope| {
        let asked: Vec<_> = found.iter().map(|one| scope.spawn(move || ask(one))).collect();
        asked.into_iter().filter_map(|one| one.join().ok().flatten()).collect()
    })
}

/// The board is watched while the time between the two looks goes by.
fn used(
    mine: &Mine,
    found: &[Container],
    before: &HashMap<String, Sample>,
    wait: Duration,
    begun: Instant,
) -> (Vec<Used>, Option<String>) {
    let watched = Span::from_millis(INTERVAL.as_millis() as u64);
    let glance = any_gpu(mine, found).then(|| Glance::now(Some(watched)));
    thread::sleep(wait.saturating_sub(begun.elapsed()));
    let after = samples(mine, found);
    let note = match &glance {
        Some(Err(fault)) => Some(format!("note: GPU use is not known: {}", fault.what)),
        _ => None,
    };
    let glance = glance.and_then(Result::ok);
    let rows = rows(mine, found, glance.as_ref());
    let consumed = |id: &str| Some(after.get(id)?.since(before.get(id)?));
    let used = rows
        .into_iter()
        .map(|row| Used { consumed: consumed(&row.container_id).unwrap_or_default(), row });
    (used.collect(), note)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        cli::check::<super::Args>();
    }
}
