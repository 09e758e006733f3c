//! limits-check - what is wrong with the config, all of it at once

use std::path::PathBuf;

use ds01_config::{Config, Report};
use ds01_fault::{Code, Fault};
use ds01_site::Site;
use ds01_text::Output;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The config to check; without it the one in force
    ///
    /// The files it works with (groups/*.members, user-overrides.yaml,
    /// lifecycle-exemptions.yaml) are looked for beside it.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The same, as limits-resolve takes it
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    config: Option<PathBuf>,
}

impl cli::Tool for Args {
    const NAME: &'static str = "limits-check";
    const ABOUT: &'static str = "what is wrong with the config, all of it at once";
    const FOR: cli::For = cli::For::People;

    fn run(self, site: &Site) -> Result<Output, Fault> {
        let path = self.file.or(self.config).unwrap_or_else(|| site.config());
        let report = Config::check(&path, site.now(), &is_account);
        let broken = report.errors() > 0;
        let text = text(&report, &path);
        let output = Output::many(&report.diagnostics).text(text);
        Ok(if broken { output.exit(Code::Unreadable as u8) } else { output })
    }
}

/// Whether the name service knows `name`. A name service that does not answer is no reason
/// to call somebody nobody.
fn is_account(name: &str) -> bool {
    !matches!(nix::unistd::User::from_name(name), Ok(None))
}

fn text(report: &Report, path: &std::path::Path) -> String {
    let mut text = String::new();
    for one in &report.diagnostics {
        text += &one.render();
        text.push('\n');
    }
    let path = path.display();
    text += &match (&report.config, report.errors(), report.warnings()) {
        (None, errors, warnings) => {
            format!("{path}: {}, {}", count(errors, "error"), count(warnings, "warning"))
        }
        (Some(config), _, warnings) => {
            let groups = count(config.groups().count(), "group");
            let people = count(config.users().len(), "user");
            match warnings {
                0 => format!("{path}: nothing wrong; {groups}, {people} named"),
                _ => format!("{path}: {}; {groups}, {people} named", count(warnings, "warning")),
            }
        }
    };
    text
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_options_are_well_formed() {
        cli::check::<super::Args>();
    }
}
