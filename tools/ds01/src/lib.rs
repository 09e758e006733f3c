//! The one list of commands. The multicall binary, `make install`'s links, the man pages,
//! the completions and README's table are all derived from it.

use cli::Entry;

/// Commands that belong together, as README and `ds01(7)` show them.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    pub title: &'static str,
    /// Whether `make install` gives each a file of its own: what serves other people as
    /// root holds no code but its own.
    pub apart: bool,
    pub commands: &'static [Entry],
}

macro_rules! groups {
    ($($title:literal $(($apart:ident))?: $($tool:ident)*;)*) => {
        &[$(Group {
            title: $title,
            apart: stringify!($($apart)?).len() > 0,
            commands: &[$(Entry::of::<$tool::Args>()),*],
        }),*]
    };
}

/// A new command is one word here and one dependency in `Cargo.toml`.
pub const GROUPS: &[Group] = groups! {
    "Limits and people": check_limits limits_resolve limits_check limits_schema user_resolve;
    "GPUs": gpu_list gpu_alloc gpu_avail gpu_state gpu_queue gpu_reserve;
    "Slices": slice_make slice_usage;
    "The Docker door" (apart): dfilter admit;
    "What happened": ds01_events event_log docker_events owner_sync;
    "For scripts": ask;
};

/// Every command there is.
pub fn commands() -> impl Iterator<Item = &'static Entry> {
    GROUPS.iter().flat_map(|group| group.commands)
}

/// The command of this name.
pub fn find(name: &str) -> Option<&'static Entry> {
    commands().find(|entry| entry.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_well_formed_and_named_once() {
        let mut names: Vec<_> = commands().map(|entry| entry.name).collect();
        for entry in commands() {
            (entry.command)().debug_assert();
            assert!(!entry.about.ends_with('.'), "{}: ABOUT ends with a full stop", entry.name);
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
