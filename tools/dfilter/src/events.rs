//! What the lab's event log learns from the door: who asked for what is not theirs. A client
//! that asks in a loop must not fill the disk, so each person has a number of events at hand
//! that grows again with time; those left out are counted, and the next one says how many.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use ds01_eventlog::{Event, Kind};
use serde_json::json;

use crate::door::Door;

/// What an hour of honest mistakes brings.
const AT_HAND: u32 = 20;
/// One more event, after this: some 3,000 a day at most, less than a megabyte.
const AGAIN: Duration = Duration::from_secs(30);
/// More people than any machine has; past it the oldest silence is forgotten.
const MOST_PEOPLE: usize = 10_000;

/// How many events each person has at hand.
#[derive(Debug, Default)]
pub struct Denials(RefCell<HashMap<String, Person>>);

#[derive(Debug)]
struct Person {
    at_hand: u32,
    /// Since when the next event grows.
    since: Instant,
    left_out: u64,
}

impl Denials {
    /// Whether this refusal is an event, and how many before it were not.
    fn next(&self, user: &str, now: Instant) -> Option<u64> {
        let mut people = self.0.borrow_mut();
        if people.len() >= MOST_PEOPLE && !people.contains_key(user) {
            people.retain(|_, person| person.left_out > 0 && person.at_hand == 0);
            if people.len() >= MOST_PEOPLE {
                people.clear();
            }
        }
        let person = people.entry(user.to_owned()).or_insert_with(|| Person {
            at_hand: AT_HAND,
            since: now,
            left_out: 0,
        });
        let grown = now.duration_since(person.since).as_secs() / AGAIN.as_secs();
        let grown = u32::try_from(grown).unwrap_or(u32::MAX);
        if person.at_hand.saturating_add(grown) >= AT_HAND {
            (person.at_hand, person.since) = (AT_HAND, now);
        } else {
            person.at_hand += grown;
            person.since += AGAIN * grown;
        }
        if person.at_hand == 0 {
            person.left_out += 1;
            return None;
        }
        person.at_hand -= 1;
        Some(std::mem::take(&mut person.left_out))
    }
}

/// Somebody asked for what is not theirs. Written on a thread of its own, since the log
/// waits for its lock.
pub fn denied(door: &Door, user: &str, code: &str, method: &str, path: &str) {
    let Some(left_out) = door.denials.next(user, Instant::now()) else { return };
    let user = (!user.is_empty()).then(|| user.to_owned());
    let mut details = json!({"code": code, "method": method, "path": path});
    if left_out > 0 {
        details["suppressed"] = json!(left_out);
    }
    let event = Event::new(Kind::AuthDenied, user.as_deref(), "dfilter", details);
    let site = door.site.clone();
    tokio::task::spawn_blocking(move || ds01_eventlog::append(&site, &event));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_of_refusals_is_few_events_and_none_is_forgotten() {
        let denials = Denials::default();
        let begin = Instant::now();
        // A day at a thousand a second would take long: a hundred each minute will do.
        let (mut events, mut told) = (0, 0);
        for minute in 0..1440 {
            let now = begin + Duration::from_secs(60 * minute);
            for _ in 0..100 {
                if let Some(left_out) = denials.next("alice", now) {
                    events += 1;
                    told += left_out;
                }
            }
        }
        assert!(events <= 3000, "{events}");
        let last = begin + Duration::from_secs(60 * 1440);
        told += denials.next("alice", last).unwrap();
        assert_eq!(events + 1 + told, 144_001);
        // Nobody else is left out for it.
        assert_eq!(denials.next("bob", last), Some(0));
    }

    #[test]
    fn silence_brings_no_more_than_what_was_there_at_first() {
        let denials = Denials::default();
        let begin = Instant::now();
        let count = |now| (0..1000).filter(|_| denials.next("alice", now).is_some()).count();
        assert_eq!(count(begin), AT_HAND as usize);
        assert_eq!(count(begin + AGAIN * 3), 3);
        assert_eq!(count(begin + AGAIN * 100_000), AT_HAND as usize);
    }

    #[test]
    fn many_names_take_no_more_room() {
        let denials = Denials::default();
        let now = Instant::now();
        for n in 0..3 * MOST_PEOPLE {
            denials.next(&n.to_string(), now);
        }
        assert!(denials.0.borrow().len() <= MOST_PEOPLE);
    }
}
