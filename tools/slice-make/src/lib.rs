//! slice-make - bring systemd's slices for groups and users to what the config says

mod text;

use ds01_config::Config;
use ds01_fault::{Code, Fault};
use ds01_people::{Nss, find};
use ds01_site::Site;
use ds01_slices::{Manager, Systemctl, Work};
use ds01_text::Output;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Whose slice; - for the users on stdin
    #[arg(conflicts_with = "all")]
    user: Option<String>,
    /// The group that the user is in by the config; anything else is refused
    group: Option<String>,
    /// Every group, every user that the config names, and every slice that is there
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    change: cli::Change,
}

impl cli::Tool for Args {
    const NAME: &'static str = "slice-make";
    const ABOUT: &'static str =
        "bring systemd's slices for groups and users to what the config says";

    fn run(self, site: &Site) -> Result<Output, Fault> {
        let config = Config::load(site)?;
        let dry_run = self.change.dry_run;
        // Asked for first, so that whoever may not do it hears that and nothing else.
        if !dry_run && !site.caller().is_root() && site.is_real() {
            return Err(Fault::not_permitted("slices are made by root alone")
                .why("they are units of the machine's systemd")
                .todo("ask with sudo, or add --dry-run to see what would be done"));
        }
        let systemctl = systemd(site, dry_run)?;
        let manager = systemctl.as_ref().map(|systemctl| systemctl as &dyn Manager);
        let work = self.work(site, &config, manager)?;
        let outcomes = if dry_run {
            work.outcomes()
        } else {
            allowed(&work, self.change.yes)?;
            work.apply(manager)?
        };
        if !dry_run {
            ds01_slices::log(site, &outcomes, Self::NAME);
        }
        let output = Output::many(&outcomes).text(text::of(&outcomes, dry_run));
        Ok(match (&manager, site.is_real()) {
            (Some(_), _) => output,
            (None, true) => {
                output.note("systemd does not run this machine: compared with its unit files alone")
            }
            (None, false) => output.note("DS01_ROOT is set: only unit files, no running systemd"),
        })
    }
}

impl Args {
    fn work<'a>(
        &self,
        site: &'a Site,
        config: &Config,
        manager: Option<&dyn Manager>,
    ) -> Result<Work<'a>, Fault> {
        if self.all {
            return Work::for_all(site, config, manager);
        }
        let named = self.user.iter().cloned().collect();
        let items = cli::items(named, &["user", "owner", "name"], "user (or --all)")?;
        let users: Vec<_> = items
            .iter()
            .map(|item| {
                let user = canonical(config, &item.name)?;
                self.check_group(config, &user).map(|()| user)
            })
            .collect::<Result<_, Fault>>()?;
        Work::for_users(site, config, manager, &users)
    }

    /// No argument decides where somebody's limits come from: the group may be named, as it
    /// had to be for `create-user-slice.sh`, but it is the config's or none.
    fn check_group(&self, config: &Config, user: &str) -> Result<(), Fault> {
        let Some(group) = &self.group else { return Ok(()) };
        let own = &config.group_of(user).name;
        if own == group {
            return Ok(());
        }
        Err(Fault::usage(format!("{user} is in the group `{own}`, not `{group}`"))
            .why("the config says who is in which group, not the command line")
            .todo(format!(
                "leave the group out, or make {user} a member of `{group}` in the config"
            )))
    }
}

/// The name that the slice is made for: the canonical one of the account. Whom the config
/// names need not have an account on the machine that it is tried out on.
fn canonical(config: &Config, user: &str) -> Result<String, Fault> {
    match find(&Nss, user) {
        Ok(person) => Ok(person.account.name),
        Err(fault) if fault.code == Code::NotFound => {
            if config.users().contains(&user) {
                return Ok(user.to_owned());
            }
            Err(match config.group(user) {
                Some(_) => fault.todo(format!("`{user}` is a group: the order is USER GROUP")),
                None => fault,
            })
        }
        Err(fault) => Err(fault),
    }
}

/// The machine's systemd. A try-out under `DS01_ROOT` never touches it, and a dry run does
/// without where there is none.
fn systemd(site: &Site, dry_run: bool) -> Result<Option<Systemctl>, Fault> {
    if !site.is_real() {
        return Ok(None);
    }
    match Systemctl::connect() {
        Ok(systemctl) => Ok(Some(systemctl)),
        Err(_) if dry_run => Ok(None),
        Err(fault) => Err(fault),
    }
}

fn allowed(work: &Work, yes: bool) -> Result<(), Fault> {
    let foreign = work.foreign();
    if yes || foreign.is_empty() {
        return Ok(());
    }
    let paths: Vec<_> = foreign.iter().map(|path| path.display().to_string()).collect();
    Err(Fault::failed(format!("{} is in the way", paths.join(", ")))
        .why("slice-make has not written it: it may be the earlier system's, or an admin's")
        .todo("look at it; --yes keeps it as ….before-ds01 and puts ours in its place"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        cli::check::<Args>();
    }
}
