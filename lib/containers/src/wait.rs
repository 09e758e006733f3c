//! Waiting in line for a GPU, as the person who wants it: the line itself is kept behind the
//! door.

use std::time::{Duration, Instant};

use ds01_fault::{Code, Fault};
use ds01_line::Waiting;
use ds01_units::{Span, Stamp};

use crate::interrupt::{Held, interrupted};
use crate::order::{Gpus, Order};
use crate::{Mine, after};

const TOOL: &str = "gpu-queue";
/// Between two looks at the line, which is a small file.
const LOOK: Duration = Duration::from_secs(1);

/// Joins the line for this order and comes back when its turn has come. Whoever gives up,
/// by a signal or by `at_most`, has left the line again.
pub fn wait(
    mine: &Mine,
    order: &Order,
    at_most: Option<Span>,
    tell: &dyn Fn(&str),
) -> Result<(), Fault> {
    let held = Held::back()?;
    let deadline = at_most.map(|span| Instant::now() + Duration::from(span));
    let mut place = join(mine, order)?;
    let mut told = String::new();
    loop {
        let words = words(&place, mine.now());
        if words != told {
            tell(&words);
            told = words;
        }
        if place.claim_until.is_some() {
            return Ok(());
        }
        if place.start == "never" {
            leave(mine, place.id);
            return Err(Fault::limit(format!("waiting would never bring {} its GPU", order.name))
                .why("no slot of this machine fits the request and your limits")
                .todo("`check-limits` shows what you may have; ask for less"));
        }
        let pause =
            deadline.map_or(LOOK, |at| LOOK.min(at.saturating_duration_since(Instant::now())));
        if held.wait(pause) {
            leave(mine, place.id);
            return Err(interrupted(format!("{} no longer waits for a GPU", order.name))
                .todo("`container-create ... --wait` joins the line anew"));
        }
        if deadline.is_some_and(|at| at <= Instant::now()) {
            leave(mine, place.id);
            return Err(Fault::limit(format!("no GPU came free for {} in time", order.name))
                .why(format!(
                    "it was {} in line when --wait-at-most ended",
                    ordinal(place.position)
                ))
                .todo("wait longer, or ask for less"));
        }
        place = look(mine, place.id)?.ok_or_else(|| {
            Fault::limit(format!("{} is no longer in line", order.name))
                .why("it was taken out, or its turn passed unused several times")
                .todo("try again")
        })?;
    }
}

fn join(mine: &Mine, order: &Order) -> Result<Waiting, Fault> {
    let count = match order.gpus {
        Gpus::Count(count) => count.to_string(),
        _ => "1".into(),
    };
    let mut args = vec!["join", "--gpus", &count, "--container", &order.container, "-o", "json"];
    if let Some(profile) = &order.profile {
        args.extend(["--profile", profile]);
    }
    ds01_gate::run(mine.site(), TOOL, &args, None)?.ok(TOOL)?.json(TOOL)
}

/// Where an entry stands now; nothing where it is gone.
fn look(mine: &Mine, id: u64) -> Result<Option<Waiting>, Fault> {
    let queue = ds01_line::read(mine.site())?;
    Ok(queue.entries.into_iter().find(|entry| entry.id == id))
}

/// Takes an entry out; one that stays there ends by itself when its turn passes unused.
fn leave(mine: &Mine, id: u64) {
    let _ = ds01_gate::run(mine.site(), TOOL, &["leave", &id.to_string()], None);
}

fn words(place: &Waiting, now: Stamp) -> String {
    if place.claim_until.is_some() {
        return format!("your turn: {}", after::gpu_words(&place.slots));
    }
    let start = match (place.start.as_str(), place.expected_start) {
        ("now", _) => "about now".into(),
        (_, Some(at)) => format!("expected {}", after::when(at, now)),
        _ => "start not known: those before have no time limit".into(),
    };
    format!("waiting, {} in line; {start} (Ctrl-C leaves the line)", ordinal(place.position))
}

/// `1st`, `2nd`, `3rd`, `4th`, `11th`.
fn ordinal(number: usize) -> String {
    let ending = match (number % 10, number % 100) {
        (1, tens) if tens != 11 => "st",
        (2, tens) if tens != 12 => "nd",
        (3, tens) if tens != 13 => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// Whether a refusal is one that time mends.
pub fn helps(fault: &Fault) -> bool {
    fault.code == Code::Limit && crate::refusal::waiting_helps(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_line_are_said_as_people_say_them() {
        for (number, words) in [(1, "1st"), (2, "2nd"), (3, "3rd"), (11, "11th"), (112, "112th")] {
            assert_eq!(ordinal(number), words);
        }
    }
}
