//! The rules of MIG: which profiles a card has, where each may start along the memory
//! slots, and which id the driver gives an instance there.

/// A kind of GPU instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// NVML's number for the shape, the same on all cards (`NVML_GPU_INSTANCE_PROFILE_*`).
    pub kind: u32,
    /// The driver's id, which `nvidia-smi mig -cgi` takes.
    pub id: u32,
    pub compute: u32,
    /// Memory slots it covers.
    pub slots: u32,
    /// How many fit on an empty card.
    pub max: u32,
    pub starts: &'static [u32],
    /// Has the card's media engines (`+me`), so there is one at most.
    pub media: bool,
}

/// The cards that are cut the same way.
#[derive(Debug, PartialEq, Eq)]
pub struct Family {
    pub slots: u32,
    pub compute: u32,
    pub profiles: &'static [Profile],
}

const fn profile(
    (kind, id): (u32, u32),
    compute: u32,
    slots: u32,
    max: u32,
    starts: &'static [u32],
    media: bool,
) -> Profile {
    Profile { kind, id, compute, slots, max, starts, media }
}

/// A100, H100, H200, B200.
pub static EIGHT: Family = Family {
    slots: 8,
    compute: 7,
    profiles: &[
        profile((0, 19), 1, 1, 7, &[0, 1, 2, 3, 4, 5, 6], false),
        profile((7, 20), 1, 1, 1, &[0, 1, 2, 3, 4, 5, 6], true),
        profile((9, 15), 1, 2, 4, &[0, 2, 4, 6], false),
        profile((1, 14), 2, 2, 3, &[0, 2, 4], false),
        profile((2, 9), 3, 4, 2, &[0, 4], false),
        profile((3, 5), 4, 4, 1, &[0], false),
        profile((4, 0), 7, 8, 1, &[0], false),
    ],
};

/// A30.
pub static FOUR: Family = Family {
    slots: 4,
    compute: 4,
    profiles: &[
        profile((0, 14), 1, 1, 4, &[0, 1, 2, 3], false),
        profile((7, 21), 1, 1, 1, &[0, 1, 2, 3], true),
        profile((1, 5), 2, 2, 2, &[0, 2], false),
        profile((3, 0), 4, 4, 1, &[0], false),
    ],
};

/// RTX PRO 6000.
pub static TWELVE: Family = Family {
    slots: 12,
    compute: 4,
    profiles: &[
        profile((0, 14), 1, 3, 4, &[0, 3, 6, 9], false),
        profile((1, 5), 2, 6, 2, &[0, 6], false),
        profile((3, 0), 4, 12, 1, &[0], false),
    ],
};

/// An instance in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    pub profile: Profile,
    pub start: u32,
}

impl Placed {
    fn overlaps(self, other: Self) -> bool {
        self.start < other.start + other.profile.slots
            && other.start < self.start + self.profile.slots
    }
}

impl Family {
    pub fn by_kind(&self, kind: u32) -> Option<Profile> {
        self.profiles.iter().copied().find(|profile| profile.kind == kind)
    }
    pub fn by_id(&self, id: u32) -> Option<Profile> {
        self.profiles.iter().copied().find(|profile| profile.id == id)
    }

    /// Whether one more instance may stand there beside those that are placed.
    pub fn fits(&self, placed: &[Placed], new: Placed) -> bool {
        let same = placed.iter().filter(|other| other.profile == new.profile).count();
        let compute: u32 = placed.iter().map(|other| other.profile.compute).sum();
        new.profile.starts.contains(&new.start)
            && (same as u32) < new.profile.max
            && compute + new.profile.compute <= self.compute
            && !(new.profile.media && placed.iter().any(|other| other.profile.media))
            && !placed.iter().any(|other| other.overlaps(new))
    }

    /// Where the driver puts an instance that comes without a placement: the highest start
    /// that is free. That strands a 3g after 1g, 1g, 2g, which is why nobody should rely
    /// on it.
    pub fn default_start(&self, placed: &[Placed], profile: Profile) -> Option<u32> {
        let fits = |start: &u32| self.fits(placed, Placed { profile, start: *start });
        profile.starts.iter().copied().filter(fits).max()
    }

    /// How many more of a profile fit.
    pub fn remaining(&self, placed: &[Placed], profile: Profile) -> u32 {
        let mut all = placed.to_vec();
        for start in profile.starts {
            let new = Placed { profile, start: *start };
            if self.fits(&all, new) {
                all.push(new);
            }
        }
        (all.len() - placed.len()) as u32
    }

    /// The id of a GPU instance at a place. The driver numbers the card as a binary tree:
    /// 0 the whole, 1 and 2 the halves, then quarters, then eighths; `taken` are ids in use.
    pub fn instance_id(&self, new: Placed, taken: &[u32]) -> u32 {
        let parts = self.slots / new.profile.slots;
        let part = new.start / new.profile.slots;
        match parts {
            1 => 0,
            2 => {
                // The upper half of the 8-slot family is 1; only 4g, always low, is 1 too.
                let upper_first = self.slots == 8 && new.profile.compute == 3;
                let wanted = if upper_first { 2 - part } else { 1 + part };
                if taken.contains(&wanted) { 3 - wanted } else { wanted }
            }
            4 => 3 + part,
            _ => 7 + part,
        }
    }

    /// Every way to place instances of `profiles`, none at all among them.
    pub fn layouts(&self, profiles: &[Profile]) -> Vec<Vec<Placed>> {
        let options: Vec<Placed> = profiles
            .iter()
            .flat_map(|profile| {
                profile.starts.iter().map(|start| Placed { profile: *profile, start: *start })
            })
            .collect();
        let mut all = vec![Vec::new()];
        self.extend(&options, &mut Vec::new(), &mut all);
        all
    }

    /// Depth first, each set of placements once: an option is only followed by later ones.
    fn extend(&self, options: &[Placed], now: &mut Vec<Placed>, all: &mut Vec<Vec<Placed>>) {
        for (index, option) in options.iter().enumerate() {
            if self.fits(now, *option) {
                now.push(*option);
                all.push(now.clone());
                self.extend(&options[index + 1..], now, all);
                now.pop();
            }
        }
    }

    /// Whether nothing of `profiles` can be added.
    pub fn is_maximal(&self, layout: &[Placed], profiles: &[Profile]) -> bool {
        profiles.iter().all(|profile| self.remaining(layout, *profile) == 0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use proptest::prelude::*;

    fn without_media(family: &Family, double: bool) -> Vec<Profile> {
        let keep = |p: &Profile| !p.media && (double || p.kind != 9);
        family.profiles.iter().copied().filter(keep).collect()
    }

    fn counts(family: &Family, double: bool) -> (usize, usize) {
        let profiles = without_media(family, double);
        let layouts = family.layouts(&profiles);
        let maximal = layouts.iter().filter(|l| family.is_maximal(l, &profiles)).count();
        (layouts.len(), maximal)
    }

    #[test]
    fn the_families_have_as_many_layouts_as_the_cards() {
        assert_eq!(counts(&EIGHT, true), (723, 78));
        assert_eq!(counts(&EIGHT, false), (298, 19));
        assert_eq!(counts(&FOUR, true).0, 26);
        assert_eq!(counts(&TWELVE, true).0, 26);
    }

    /// What a layout is made of, whatever the places.
    fn made_of(layout: &[Placed]) -> Vec<u32> {
        let mut parts: Vec<u32> = layout.iter().map(|placed| placed.profile.compute).collect();
        parts.sort_unstable();
        parts
    }

    #[test]
    fn first_fit_strands_27_of_the_113_orders_in_which_feasible_sets_may_arrive() {
        let profiles = without_media(&EIGHT, false);
        let layouts = EIGHT.layouts(&profiles);
        let maximal = layouts.iter().filter(|layout| EIGHT.is_maximal(layout, &profiles));
        assert_eq!(maximal.map(|layout| made_of(layout)).collect::<BTreeSet<_>>().len(), 14);

        // Every order of every set is a path of sets, each of which is feasible.
        let sets: BTreeSet<_> = layouts.iter().map(|layout| made_of(layout)).collect();
        let (mut orders, mut stranded) = (0, 0);
        let mut open = vec![(Vec::new(), Some(Vec::new()))];
        while let Some((arrived, placed)) = open.pop() {
            orders += 1;
            stranded += u32::from(placed.is_none());
            for profile in profiles.iter().filter(|profile| profile.compute < 7) {
                let mut next: Vec<u32> = arrived.clone();
                next.push(profile.compute);
                next.sort_unstable();
                if sets.contains(&next) {
                    let place = |mut now: Vec<Placed>| {
                        let one = |start: &u32| Placed { profile: *profile, start: *start };
                        let fits = |new: &Placed| EIGHT.fits(&now, *new);
                        let new = profile.starts.iter().map(one).find(fits)?;
                        now.push(new);
                        Some(now)
                    };
                    open.push((next, placed.clone().and_then(place)));
                }
            }
        }
        assert_eq!((orders, stranded), (113, 27));
    }

    fn place_in_order(ids: &[u32]) -> Option<Vec<Placed>> {
        let mut placed = Vec::new();
        for id in ids {
            let profile = EIGHT.by_id(*id)?;
            let start = EIGHT.default_start(&placed, profile)?;
            placed.push(Placed { profile, start });
        }
        Some(placed)
    }

    #[test]
    fn the_drivers_own_choice_can_strand_a_3g() {
        assert_eq!(place_in_order(&[19, 19, 14, 9]), None);
        assert!(place_in_order(&[9, 19, 14, 19]).is_some());
    }

    #[test]
    fn ids_follow_the_placement() {
        let id = |kind, start| {
            EIGHT.instance_id(Placed { profile: EIGHT.by_kind(kind).unwrap(), start }, &[])
        };
        assert_eq!([id(0, 0), id(0, 6)], [7, 13]);
        assert_eq!([id(1, 0), id(1, 2), id(1, 4)], [3, 4, 5]);
        assert_eq!([id(2, 4), id(2, 0)], [1, 2]);
        assert_eq!(id(4, 0), 0);
    }

    #[test]
    fn no_two_instances_of_a_layout_share_an_id() {
        for family in [&EIGHT, &FOUR, &TWELVE] {
            for layout in family.layouts(family.profiles) {
                let mut ids: Vec<u32> = Vec::new();
                for placed in &layout {
                    ids.push(family.instance_id(*placed, &ids));
                }
                let count = ids.len();
                ids.sort_unstable();
                ids.dedup();
                assert_eq!(ids.len(), count, "{layout:?}");
            }
        }
    }

    proptest! {
        /// Whatever is asked for in whatever order, what is granted never overlaps, never
        /// passes the card's compute slices, and room promised is room given.
        #[test]
        fn placements_stay_within_the_card(asked in prop::collection::vec((0usize..7, any::<prop::sample::Index>()), 0..20)) {
            let mut placed: Vec<Placed> = Vec::new();
            for (which, at) in asked {
                let profile = EIGHT.profiles[which];
                let new = Placed { profile, start: *at.get(profile.starts) };
                let left = EIGHT.remaining(&placed, profile);
                let fits = EIGHT.fits(&placed, new);
                prop_assert!(!fits || left > 0);
                prop_assert_eq!(left > 0, EIGHT.default_start(&placed, profile).is_some());
                if fits {
                    placed.push(new);
                }
            }
            let mut covered = [0u8; 8];
            for one in &placed {
                for slot in one.start..one.start + one.profile.slots {
                    covered[slot as usize] += 1;
                }
            }
            prop_assert!(covered.iter().all(|times| *times <= 1));
            prop_assert!(placed.iter().map(|one| one.profile.compute).sum::<u32>() <= 7);
        }
    }
}
