//! limits-resolve - what a user may use, and which line of the config says so

mod forms;

use std::path::PathBuf;

use ds01_config::{Config, Explanation, Limits};
use ds01_fault::Fault;
use ds01_names::SliceName;
use ds01_site::Site;
use ds01_text::{Output, Table};
use serde::Serialize;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Whose limits; - or nothing reads the names from stdin
    #[arg(value_name = "USER", conflicts_with = "all")]
    users: Vec<String>,
    /// Everybody the config names
    #[arg(long)]
    all: bool,
    /// One limit alone, by any name the config has for it, as the config would write it
    ///
    /// A name with a unit, such as idle_timeout_h, gives the number in that unit.
    #[arg(long, value_name = "FIELD")]
    get: Option<String>,
    /// Every value a limit could have, where each stands, and which one holds; all for all
    #[arg(long, value_name = "FIELD", conflicts_with = "get")]
    explain: Option<String>,
    /// Another config than the one in force
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// One user's answer.
#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    limits: Limits,
    slice: String,
}

impl cli::Tool for Args {
    const NAME: &'static str = "limits-resolve";
    const ABOUT: &'static str = "what a user may use, and which line of the config says so";

    fn run(self, site: &Site) -> Result<Output, Fault> {
        let users = match self.all {
            true => Vec::new(),
            false => cli::items(self.users, &["user", "owner", "name"], "user")?,
        };
        for item in &users {
            // Any name gets an answer, so what is none must not look like one.
            if let Some(why) = ds01_config::bad_name(&item.name) {
                return Err(Fault::usage(format!("`{}` names no user", item.name)).why(why));
            }
        }
        let config = match self.config {
            Some(path) => Config::read(&path),
            None => Config::load(site),
        }?;
        let users: Vec<&str> = match self.all {
            true => config.users(),
            false => users.iter().map(|item| item.name.as_str()).collect(),
        };
        let now = site.now();
        if let Some(field) = self.get {
            let each = users.iter().map(|user| config.explain(user, &field, now));
            return Ok(values(&each.collect::<Result<Vec<_>, _>>()?));
        }
        if let Some(field) = self.explain {
            let mut all = Vec::new();
            for user in &users {
                match field.as_str() {
                    "all" => all.extend(config.explain_all(user, now)),
                    _ => all.push(config.explain(user, &field, now)?),
                }
            }
            return Ok(explained(&all));
        }
        let answers: Vec<_> = users
            .iter()
            .map(|user| {
                let limits = config.resolve(user, now);
                let slice = SliceName::user(&limits.group, &limits.user).to_string();
                Answer { limits, slice }
            })
            .collect();
        let each = |form: fn(&Answer) -> String, between: &str| {
            answers.iter().map(form).collect::<Vec<_>>().join(between)
        };
        Ok(Output::many(&answers)
            .text(each(|one| forms::text(&one.limits), "\n"))
            .form("docker-args", each(|one| forms::docker_args(&one.limits, &one.slice), "\n"))
            .form("systemd", each(|one| forms::systemd(&one.limits), "\n")))
    }

    fn at_the_door(&self, site: &Site) -> bool {
        self.config.is_none() && site.config_is_closed()
    }
}

/// The values alone, one line a user.
fn values(all: &[Explanation]) -> Output {
    let lines: Vec<_> = all.iter().map(|one| one.value.as_str()).collect();
    let text = lines.join("\n");
    Output::many(all).text(text).plain()
}

fn explained(all: &[Explanation]) -> Output {
    let mut text = String::new();
    for one in all {
        if !text.is_empty() {
            text.push('\n');
        }
        text += &format!("{} of {}: {}, from {}\n", one.field, one.user, one.value, one.source);
        let mut table = Table::new(["  ", "VALUE", "FROM", "WHY"]);
        for choice in &one.candidates {
            table.row([
                if choice.holds { " >" } else { "  " }.into(),
                choice.value.clone(),
                choice.source.to_string(),
                choice.note.into(),
            ]);
        }
        text += &table.render();
    }
    Output::many(all).text(text).plain()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_options_are_well_formed() {
        cli::check::<super::Args>();
    }
}
