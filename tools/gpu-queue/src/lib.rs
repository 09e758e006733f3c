//! gpu-queue - wait in line for a GPU: join, leave, see who waits and when it is whose turn

mod text;

use cli::{Change, For, Tool, dry_run};
use ds01_config::Config;
use ds01_fault::{Code, Fault};
use ds01_ledger::facts::board;
use ds01_ledger::types::Want;
use ds01_line::{Asker, Host, Queue, asker, may_record};
use ds01_site::Site;
use ds01_text::Output;
use ds01_units::Span;
use serde_json::json;

#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Wait for GPU slots
    Join(Join),
    /// Give up waiting
    #[command(visible_alias = "remove")]
    Leave(Leave),
    /// Who waits, first in line first, and when each may expect to start
    List(Look),
    /// Where somebody's own entries stand
    Position(Look),
    /// Give claims to those whose turn it is, and end those that ran out; for timers
    #[command(visible_alias = "process")]
    Pass(Change),
}

#[derive(clap::Args, Debug)]
struct Join {
    /// How many slots, all of one kind and at once
    #[arg(long, value_name = "N", default_value_t = 1)]
    gpus: u32,
    /// Which kind: any, full, mig, or a MIG profile such as 2g.20gb
    #[arg(long, value_name = "PROFILE", default_value = "any")]
    profile: Want,
    /// The longest the run may take, such as 4h; the shorter, the sooner it fits in
    #[arg(long, visible_alias = "for", value_name = "SPAN")]
    max_runtime: Option<Span>,
    /// The container it is for; asked again for the same, the place stays
    #[arg(long, value_name = "NAME")]
    container: Option<String>,
    /// For somebody else; admins only
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    #[command(flatten)]
    change: Change,
}

#[derive(clap::Args, Debug)]
struct Leave {
    /// Ids or containers; the only entry needs no name
    #[arg(value_name = "ID|CONTAINER")]
    names: Vec<String>,
    /// All of them
    #[arg(long, conflicts_with = "names")]
    all: bool,
    /// Somebody else's; admins only
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    #[command(flatten)]
    change: Change,
}

#[derive(clap::Args, Debug)]
struct Look {
    /// Entries of this user alone
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
}

impl Tool for Args {
    const NAME: &'static str = "gpu-queue";
    const ABOUT: &'static str =
        "wait in line for a GPU: join, leave, see who waits and when it is whose turn";
    const FOR: For = For::People;

    fn run(self, site: &Site) -> Result<Output, Fault> {
        match self.verb {
            Verb::Join(join) => join.run(site),
            Verb::Leave(leave) => leave.run(site),
            Verb::List(look) => look.list(site),
            Verb::Position(look) => look.position(site),
            Verb::Pass(change) => pass(site, change.dry_run),
        }
    }

    fn at_the_door(&self, site: &Site) -> bool {
        match &self.verb {
            Verb::Join(_) | Verb::Leave(_) => may_record(site).is_err(),
            Verb::Position(look) => look.user.is_none() && site.config_is_closed(),
            Verb::List(_) | Verb::Pass(_) => false,
        }
    }
}

/// What every change of the line needs, asked for in the order in which it may be refused.
fn ready(site: &Site) -> Result<(Config, Asker), Fault> {
    let config = Config::load(site)?;
    let asker = asker(site, &config)?;
    Ok((config, asker))
}

impl Join {
    fn run(self, site: &Site) -> Result<Output, Fault> {
        let (config, asker) = ready(site)?;
        let user = asker.user(self.user.as_deref(), &config)?;
        may_record(site)?;
        let dry_run = self.change.dry_run;
        let ask = ds01_line::Ask {
            user,
            gpus: self.gpus,
            want: self.profile,
            runtime: self.max_runtime,
            container: self.container,
        };
        let waiting = ds01_line::join(site, &config, &board(site)?, &ask, dry_run)?;
        let words = text::joined(&waiting, site.now());
        Ok(Output::one(&dry_run::marked(json!(waiting), dry_run))
            .text(dry_run::told(words, dry_run)))
    }
}

impl Leave {
    fn run(self, site: &Site) -> Result<Output, Fault> {
        let (config, asker) = ready(site)?;
        let user = asker.user(self.user.as_deref(), &config)?;
        may_record(site)?;
        let dry_run = self.change.dry_run;
        let names = match (self.all, self.names.is_empty()) {
            (true, _) => None,
            (false, false) => Some(self.names),
            (false, true) => Some(vec![the_only_one(site, &user)?]),
        };
        let board = board(site)?;
        let names = names.as_deref();
        let left = ds01_line::leave(site, &config, &board, &asker, &user, names, dry_run)?;
        let words = text::left(&left);
        let items = left.iter().map(|entry| dry_run::marked(json!(entry), dry_run));
        Ok(Output::many(items).text(dry_run::told(words, dry_run)))
    }
}

/// The id of a user's only entry: with several, guessing could take out the wrong one.
fn the_only_one(site: &Site, user: &str) -> Result<String, Fault> {
    let state = ds01_ledger::look(site)?;
    let own: Vec<_> = state.queue.values().filter(|entry| entry.user == user).collect();
    match own.as_slice() {
        [] => Err(Fault::not_found(format!("{user} is not in the line"))),
        [one] => Ok(one.id.to_string()),
        several => {
            let ids: Vec<String> = several.iter().map(|entry| entry.id.to_string()).collect();
            Err(Fault::usage(format!("{user} waits {} times", several.len()))
                .why(format!("the entries are {}", ids.join(", ")))
                .todo("name those to give up, or say --all"))
        }
    }
}

/// The line, fresh for whoever may read the ledger and for all others as it was published;
/// with a note where the board does not answer and it had to be the latter.
fn line(site: &Site) -> Result<(Queue, Option<String>), Fault> {
    if may_record(site).is_err() {
        return Ok((ds01_line::read(site)?, None));
    }
    match board(site) {
        Ok(board) => {
            let config = Config::load(site)?;
            let state = ds01_ledger::look(site)?;
            let host = Host { config: &config, board: &board, state: &state, now: site.now() };
            Ok((ds01_line::queue(&host), None))
        }
        Err(fault) if fault.code == Code::Unreachable => {
            let queue = ds01_line::read(site)?;
            let note = format!("{}: this is the line as of {}", fault.what, queue.as_of);
            Ok((queue, Some(note)))
        }
        Err(other) => Err(other),
    }
}

fn noted(output: Output, note: Option<String>) -> Output {
    match note {
        Some(note) => output.note(note),
        None => output,
    }
}

impl Look {
    fn list(self, site: &Site) -> Result<Output, Fault> {
        let (mut queue, note) = line(site)?;
        queue.entries.retain(|one| self.user.as_ref().is_none_or(|user| *user == one.user));
        let words = text::list(&queue, site.now());
        Ok(noted(Output::many(&queue.entries).text(words), note))
    }

    fn position(self, site: &Site) -> Result<Output, Fault> {
        // Where somebody stands is no secret: everybody sees the whole list.
        let user = match self.user {
            Some(user) => user,
            None => ready(site)?.1.name,
        };
        let (mut queue, note) = line(site)?;
        let all = queue.entries.len();
        queue.entries.retain(|one| one.user == user);
        if queue.entries.is_empty() {
            return Err(Fault::not_found(format!(
                "{} is not in the line",
                ds01_text::printable(&user)
            ))
            .why(format!("{all} entries wait, none of them theirs"))
            .todo("`gpu-queue join` to wait for a GPU"));
        }
        let words: Vec<String> =
            queue.entries.iter().map(|one| text::joined(one, site.now())).collect();
        Ok(noted(Output::many(&queue.entries).text(words.join("\n")), note))
    }
}

fn pass(site: &Site, dry_run: bool) -> Result<Output, Fault> {
    may_record(site)?;
    let (config, asker) = ready(site)?;
    if !asker.admin && site.is_real() {
        return Err(Fault::not_permitted("only root and the admins run a pass over the line")
            .why("it runs by itself, every minute and whenever somebody joins or leaves"));
    }
    let done = ds01_line::pass(site, &config, &board(site)?, dry_run)?;
    let words = text::done(&done);
    Ok(Output::one(&dry_run::marked(json!(done), dry_run)).text(dry_run::told(words, dry_run)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        cli::check::<Args>();
    }
}
