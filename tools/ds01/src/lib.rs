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
    "Containers": container_create container_start container_run container_attach container_list container_stats container_logs container_stop container_pause container_unpause container_remove container_cleanup container_exit;
    "Slices": slice_make slice_usage;
    "The Docker door" (apart): dfilter admit docker_wrap;
    "What happened": ds01_events event_log docker_events owner_sync;
    "For scripts": ask;
};

/// A second name that people know a command by, and the command.
pub const ALIASES: &[(&str, &str)] = &[("get-limits", "check-limits")];

/// A script of `shell/`, by its own words.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    pub name: &'static str,
    /// `NAME ARGUMENTS`, as `--help` begins.
    pub usage: &'static str,
    pub about: &'static str,
    /// Flags, with the word for their value, and what they are for.
    pub options: &'static [(&'static str, &'static str)],
}

/// The scripts of one folder of `shell/`.
#[derive(Clone, Copy, Debug)]
pub struct ScriptGroup {
    pub title: &'static str,
    pub commands: &'static [Script],
}

/// All scripts, as `build.rs` found them.
pub const SCRIPTS: &[ScriptGroup] = include!(concat!(env!("OUT_DIR"), "/scripts.rs"));

/// Every script there is.
pub fn scripts() -> impl Iterator<Item = &'static Script> {
    SCRIPTS.iter().flat_map(|group| group.commands)
}

/// Everything on PATH: the title of its group, its name, and what it does.
pub fn everything() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let tools = GROUPS.iter().flat_map(|group| {
        group.commands.iter().map(|entry| (group.title, entry.name, entry.about))
    });
    tools.chain(SCRIPTS.iter().flat_map(|group| {
        group.commands.iter().map(|script| (group.title, script.name, script.about))
    }))
}

/// Every command of the multicall binary.
pub fn commands() -> impl Iterator<Item = &'static Entry> {
    GROUPS.iter().flat_map(|group| group.commands)
}

/// The command of this name, its own or the second.
pub fn find(name: &str) -> Option<&'static Entry> {
    let own = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, own)| own);
    commands().find(|entry| entry.name == own)
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
        names.extend(scripts().map(|script| script.name));
        names.extend(ALIASES.iter().map(|(alias, _)| *alias));
        assert!(ALIASES.iter().all(|(alias, own)| find(alias).is_some_and(|e| e.name == *own)));
        assert!(scripts().count() > 1, "shell/ was not found");
        for script in scripts() {
            assert!(!script.about.ends_with('.'), "{}: ends with a full stop", script.name);
            assert!(script.options.iter().any(|(flags, _)| flags.contains("--help")));
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
