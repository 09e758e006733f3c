//! check-limits - what you may use, what you use now, what is left, and your place in the line
//!
//! A look and nothing more: the limits must be readable, all else is told as far as it can
//! be asked, and what cannot is not known rather than nothing. The board is not asked, which
//! keeps it fast enough for a prompt.

mod standing;
mod text;

use std::path::PathBuf;

use cli::For;
use ds01_config::Config;
use ds01_fault::{Code, Fault};
use ds01_line::{Asker, asker};
use ds01_site::Site;
use ds01_text::Output;

use crate::standing::Standing;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Somebody else's limits; admins only
    #[arg(value_name = "USER")]
    user: Option<String>,
    /// Where the cgroup tree is mounted
    #[arg(long, value_name = "DIR", default_value = ds01_cgroup::ROOT)]
    cgroup_root: PathBuf,
}

impl cli::Tool for Args {
    const NAME: &'static str = "check-limits";
    const ABOUT: &'static str =
        "what you may use, what you use now, what is left, and your place in the line";
    const FOR: For = For::People;

    fn run(self, site: &Site) -> Result<Output, Fault> {
        let config = Config::load(site)?;
        let user = whose(&asker(site, &config)?, self.user.as_deref(), &config)?;
        let limits = config.resolve(&user, site.now());
        let (standing, notes) = Standing::of(site, limits, &self.cgroup_root);
        let output = Output::one(&standing).text(text::of(&standing, site.now()));
        Ok(notes.into_iter().fold(output, Output::note))
    }

    fn at_the_door(&self, site: &Site) -> bool {
        site.config_is_closed()
    }
}

/// The caller, or the user whom an admin names.
fn whose(asker: &Asker, named: Option<&str>, config: &Config) -> Result<String, Fault> {
    asker.user(named, config).map_err(|fault| match (fault.code, named) {
        (Code::NotPermitted, Some(named)) => Fault::not_permitted(format!(
            "{} may not see the limits of `{}`",
            asker.name,
            ds01_text::printable(named)
        ))
        .why("only root and the admins name somebody else")
        .todo("`check-limits` without a name shows your own"),
        _ => fault,
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        cli::check::<super::Args>();
    }
}
