//! What a plan has learnt on its way: a request of the same kind that came later cannot
//! start earlier, since a plan only ever fills up. Without this, each of 25,000 waiting
//! requests would look again at everything planned for those before it.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use crate::hash::Quick;

/// Whose search it was, which kind of slot, how many.
pub(crate) type Key = (u64, u16, u32);

#[derive(Debug, Default)]
pub(crate) struct Bounds {
    /// By room wanted, the earliest start still possible; both ascend together.
    known: HashMap<Key, BTreeMap<i64, i64>, Quick>,
}

impl Bounds {
    /// No request for as much room or more starts before this.
    pub fn get(&self, key: Key, room: i64) -> i64 {
        let found = self.known.get(&key).and_then(|known| known.range(..=room).next_back());
        found.map_or(i64::MIN, |(_, start)| *start)
    }

    /// Nothing that needs `room` or more starts before `start`.
    pub fn raise(&mut self, key: Key, room: i64, start: i64) {
        let known = self.known.entry(key).or_default();
        if known.range(..=room).next_back().is_some_and(|(_, below)| *below >= start) {
            return;
        }
        known.insert(room, start);
        let above = (Bound::Excluded(room), Bound::Unbounded);
        while let Some((&wider, _)) =
            known.range(above).next().filter(|(_, later)| **later <= start)
        {
            known.remove(&wider);
        }
    }
}
