//! Events: every set of a listener gets each event of the world's list once, when its time
//! has come. One that is added to the list while somebody listens comes as news.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::code::{Answer, Code};
use crate::world::Event;

#[derive(Debug, Default)]
pub struct EventSets {
    made: u32,
    sets: BTreeMap<u32, Set>,
}

#[derive(Debug)]
struct Set {
    /// Cards and the kinds of event wanted of them.
    wanted: Vec<(usize, u64)>,
    since: Instant,
    /// What was told, by its place in the list: another event in that place is news.
    told: BTreeMap<usize, Event>,
}

impl EventSets {
    pub fn create(&mut self) -> u32 {
        self.made += 1;
        let set = Set { wanted: Vec::new(), since: Instant::now(), told: BTreeMap::new() };
        self.sets.insert(self.made, set);
        self.made
    }

    pub fn free(&mut self, number: u32) -> Answer {
        self.sets.remove(&number).map(drop).ok_or(Code::INVALID_ARGUMENT)
    }

    pub fn want(&mut self, number: u32, gpu: usize, kinds: u64) -> Answer {
        let set = self.sets.get_mut(&number).ok_or(Code::INVALID_ARGUMENT)?;
        set.wanted.push((gpu, kinds));
        Ok(())
    }

    /// The next event that is due, if any.
    pub fn take(&mut self, number: u32, list: &[Event]) -> Answer<Option<Event>> {
        let set = self.sets.get_mut(&number).ok_or(Code::INVALID_ARGUMENT)?;
        let passed = set.since.elapsed();
        let next = list.iter().enumerate().find(|(place, event)| {
            let kinds = set.wanted.iter().filter(|(gpu, _)| *gpu == event.gpu);
            kinds.fold(0, |all, (_, kinds)| all | kinds) & event.kind.bit() != 0
                && Duration::from_millis(event.after_ms) <= passed
                && set.told.get(place) != Some(event)
        });
        Ok(next.map(|(place, event)| {
            set.told.insert(place, event.clone());
            event.clone()
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(json: &str) -> Vec<Event> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn each_set_is_told_each_wanted_event_once_and_news_as_news() {
        let mut sets = EventSets::default();
        let (one, two) = (sets.create(), sets.create());
        sets.want(one, 0, 0x8).unwrap();
        sets.want(two, 1, 0x8 | 0x2).unwrap();
        let first = list(
            r#"[{"gpu": 0, "data": 79}, {"gpu": 1, "kind": "double_bit_ecc"},
                {"gpu": 0, "data": 1, "after_ms": 86400000}]"#,
        );
        let data = |event: Option<Event>| event.map(|event| event.data);
        assert_eq!(data(sets.take(one, &first).unwrap()), Some(79));
        assert_eq!(data(sets.take(one, &first).unwrap()), None);
        assert_eq!(data(sets.take(two, &first).unwrap()), Some(0));
        assert_eq!(data(sets.take(two, &first).unwrap()), None);
        let second = list(r#"[{"gpu": 0, "data": 48}]"#);
        assert_eq!(data(sets.take(one, &second).unwrap()), Some(48));
        sets.free(one).unwrap();
        assert_eq!(sets.take(one, &second), Err(Code::INVALID_ARGUMENT));
    }
}
