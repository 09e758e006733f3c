//! The free stretches of one slot, in order.

/// Later than any moment: a stretch that ends here has no end.
pub(crate) const NEVER: i64 = i64::MAX;

/// Stands for a place that is not known to be near.
pub(crate) const AFAR: usize = usize::MAX;

/// How long a run needs a slot to be free from its start on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Room {
    /// So many milliseconds before anything else begins.
    Millis(i64),
    /// For ever: its end is not known.
    Endless,
}

#[derive(Clone, Debug)]
pub(crate) struct Gaps {
    /// Disjoint, ascending, none empty: from (included) to till (excluded).
    free: Vec<(i64, i64)>,
    /// What is shorter is of no use to anybody and is forgotten.
    least: i64,
}

impl Gaps {
    /// Free from `now` on, for requests of at least so much room.
    pub fn from(now: i64, least: i64) -> Self {
        Self { free: vec![(now, NEVER)], least: least.max(1) }
    }

    /// Takes a stretch away; what of it is not free stays so.
    pub fn take(&mut self, from: i64, till: i64) {
        if till <= from {
            return;
        }
        let first = self.free.partition_point(|gap| gap.1 <= from);
        let mut last = first;
        let mut left = [(0, 0); 2];
        let mut kept = 0;
        while let Some(&(start, end)) = self.free.get(last).filter(|gap| gap.0 < till) {
            for rest in [(start, from), (till, end)] {
                if rest.1.saturating_sub(rest.0) >= self.least {
                    // At most one before the first gap cut and one after the last.
                    left[kept] = rest;
                    kept += 1;
                }
            }
            last += 1;
        }
        self.free.splice(first..last, left[..kept].iter().copied());
    }

    /// The earliest moment from `from` on at which there is room. `near` is where the answer
    /// was found last: the next one is rarely far from it, so it is sought from there.
    pub fn fit(&self, from: i64, room: Room, near: &mut usize) -> Option<i64> {
        let millis = match room {
            Room::Millis(millis) => millis,
            Room::Endless => {
                return self.free.last().filter(|gap| gap.1 == NEVER).map(|gap| gap.0.max(from));
            }
        };
        let mut at = match *near {
            AFAR => self.free.partition_point(|gap| gap.1 <= from),
            near => near.min(self.free.len()),
        };
        while at > 0 && self.free[at - 1].1 > from {
            at -= 1;
        }
        for gap in &self.free[at..] {
            let start = gap.0.max(from);
            if gap.1 == NEVER || gap.1.saturating_sub(millis) >= start {
                *near = at;
                return Some(start);
            }
            at += 1;
        }
        None
    }

    /// Whether the slot is free for ever from some moment on.
    pub fn opens(&self) -> bool {
        self.free.last().is_some_and(|gap| gap.1 == NEVER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_stretch_taken_in_the_middle_leaves_both_sides() {
        let mut gaps = Gaps::from(0, 1);
        gaps.take(10, 20);
        assert_eq!(gaps.free, [(0, 10), (20, NEVER)]);
        gaps.take(5, 25);
        assert_eq!(gaps.free, [(0, 5), (25, NEVER)]);
        gaps.take(0, 5);
        assert_eq!(gaps.free, [(25, NEVER)]);
        gaps.take(30, NEVER);
        assert_eq!(gaps.free, [(25, 30)]);
        assert!(!gaps.opens());
        assert_eq!(gaps.fit(0, Room::Endless, &mut 0), None);
        assert_eq!(gaps.fit(0, Room::Millis(5), &mut 0), Some(25));
        assert_eq!(gaps.fit(26, Room::Millis(5), &mut 7), None);
    }

    proptest! {
        #[test]
        fn gaps_agree_with_a_bitmap(
            taken in prop::collection::vec((0..60usize, 0..60usize), 0..12),
            from in 0..60usize, room in 1..20usize, near in 0..12usize,
        ) {
            let mut gaps = Gaps::from(0, 1);
            let mut busy = [false; 200];
            for (a, b) in taken {
                gaps.take(a as i64, b as i64);
                if a < b {
                    busy[a..b].fill(true);
                }
            }
            let naive = (from..120).find(|&t| busy[t..t + room].iter().all(|busy| !busy));
            prop_assert_eq!(
                gaps.fit(from as i64, Room::Millis(room as i64), &mut { near }), naive.map(|t| t as i64)
            );
        }
    }
}
