//! gpu-reserve - keep GPU slots for a user for a time, once or every day or week

mod text;

use cli::{Change, For, Tool, dry_run};
use ds01_config::Config;
use ds01_fault::{Code, Fault};
use ds01_ledger::facts::board;
use ds01_ledger::types::Want;
use ds01_line::{Wanted, asker, may_record};
use ds01_queue::Day;
use ds01_site::Site;
use ds01_text::Output;
use ds01_units::{Span, Stamp};
use serde_json::json;

#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Reserve slots; refused with the other party's name where it collides
    Add(Box<Add>),
    /// What is reserved, and the calendar of all slots
    List(List),
    /// Give reservations up
    Cancel(Cancel),
}

#[derive(clap::Args, Debug)]
struct Add {
    /// For whom; the caller where nobody is named
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// How many slots, of those that are free for it
    #[arg(long, value_name = "N", default_value_t = 1)]
    gpus: u32,
    /// Of which kind: any, full, mig, or a MIG profile such as 2g.20gb
    #[arg(long, value_name = "PROFILE", default_value = "any")]
    profile: Want,
    /// These very slots, by display name or UUID
    #[arg(long = "slot", value_name = "ID", value_delimiter = ',', conflicts_with_all = ["gpus", "profile"])]
    slots: Vec<String>,
    /// When it begins, in UTC where no zone is given; now where it is left out
    #[arg(long, value_name = "TIME")]
    from: Option<Stamp>,
    /// When it ends
    #[arg(long, value_name = "TIME", required_unless_present = "span")]
    until: Option<Stamp>,
    /// How long it lasts, in place of --until
    #[arg(long = "for", id = "span", value_name = "SPAN", conflicts_with = "until")]
    span: Option<Span>,
    /// Again every day, or every week on the same day
    #[arg(long, value_name = "day|week", value_parser = ["day", "week"])]
    every: Option<String>,
    /// Again every week on these days
    #[arg(long, value_name = "DAY,...", value_delimiter = ',', value_parser = day)]
    on: Vec<Day>,
    /// The last day on which it comes again
    #[arg(long, value_name = "DATE", value_parser = last_moment)]
    until_date: Option<Stamp>,
    /// What it is for
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// Also where somebody without a known end is on a slot; their run goes on
    #[arg(long)]
    even_if_held: bool,
    #[command(flatten)]
    change: Change,
}

#[derive(clap::Args, Debug)]
struct List {
    /// The calendar alone; in JSON as one document
    #[arg(long)]
    timeline: bool,
    /// Where the calendar begins; now where it is left out
    #[arg(long, value_name = "TIME")]
    from: Option<Stamp>,
    /// How much time it shows
    #[arg(long = "for", value_name = "SPAN", default_value = "24h")]
    span: Span,
    /// Reservations of this user alone
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
}

#[derive(clap::Args, Debug)]
struct Cancel {
    /// Ids as `list` shows them
    #[arg(value_name = "ID", required = true)]
    ids: Vec<u64>,
    #[command(flatten)]
    change: Change,
}

fn day(text: &str) -> Result<Day, String> {
    text.parse()
}

/// A date stands for its whole day, a time for itself.
fn last_moment(text: &str) -> Result<Stamp, String> {
    let moment: Stamp = text.parse().map_err(|error| format!("{error}"))?;
    Ok(if text.trim().len() == 10 { moment.plus(Span::hours(24)) } else { moment })
}

impl Tool for Args {
    const NAME: &'static str = "gpu-reserve";
    const ABOUT: &'static str = "keep GPU slots for a user for a time, once or every day or week";
    const FOR: For = For::People;

    fn run(self, site: &Site) -> Result<Output, Fault> {
        match self.verb {
            Verb::Add(add) => add.run(site),
            Verb::List(list) => list.run(site),
            Verb::Cancel(cancel) => cancel.run(site),
        }
    }

    fn at_the_door(&self, site: &Site) -> bool {
        !matches!(self.verb, Verb::List(_)) && may_record(site).is_err()
    }
}

impl Add {
    fn run(self, site: &Site) -> Result<Output, Fault> {
        let config = Config::load(site)?;
        let asker = asker(site, &config)?;
        let user = asker.user(self.user.as_deref(), &config)?;
        may_record(site)?;
        let (from, till) = self.window(site.now())?;
        let wanted = Wanted {
            user,
            count: self.gpus,
            want: self.profile,
            slots: self.slots,
            on: days(self.every.as_deref(), self.on, from)?,
            from,
            till,
            last: self.until_date,
            reason: self.reason,
            even_if_held: self.even_if_held,
        };
        let dry_run = self.change.dry_run;
        let board = board(site)?;
        let made = ds01_line::reserve(site, &config, &board, &asker, &wanted, dry_run)?;
        let words = text::added(&made);
        Ok(Output::one(&dry_run::marked(json!(made), dry_run)).text(dry_run::told(words, dry_run)))
    }

    fn window(&self, now: Stamp) -> Result<(Stamp, Stamp), Fault> {
        let from = self.from.unwrap_or(now);
        match (self.until, self.span) {
            (Some(until), _) => Ok((from, until)),
            (None, Some(span)) => Ok((from, from.plus(span))),
            (None, None) => Err(Fault::usage("it is not said when the window ends")
                .todo("add --until TIME or --for SPAN")),
        }
    }
}

/// The days on which it comes again; none where it comes once.
fn days(every: Option<&str>, on: Vec<Day>, from: Stamp) -> Result<Vec<Day>, Fault> {
    let mut days = match (every, on.is_empty()) {
        (None, true) => Vec::new(),
        (Some("day"), true) => Day::ALL.to_vec(),
        (Some(_), true) => vec![Day::of(from)],
        (Some("day"), false) => {
            return Err(Fault::usage("--every day and --on contradict each other")
                .todo("leave one of them out"));
        }
        (_, false) => on,
    };
    days.sort_unstable();
    days.dedup();
    Ok(days)
}

impl List {
    fn run(self, site: &Site) -> Result<Output, Fault> {
        if self.span == Span::ZERO || self.span > Span::hours(24 * 366) {
            return Err(Fault::usage("the calendar shows a second to a year")
                .todo("say how much with --for, such as --for 7d"));
        }
        let view = ds01_ledger::view::for_caller(site)?;
        let now = site.now();
        let from = self.from.unwrap_or(now);
        let slots = board(site);
        let (slots, note) = match slots {
            Ok(board) => (board.slots(ds01_board::Weight::default()), None),
            // The reservations are known without the board.
            Err(fault) if fault.code == Code::Unreachable && !self.timeline => {
                (Vec::new(), Some(fault.what))
            }
            Err(fault) => return Err(fault),
        };
        let (mut coming, timeline) =
            ds01_line::calendar(&view, &slots, from, from.plus(self.span), now);
        if self.timeline {
            return Ok(Output::one(&timeline).text(timeline.words()));
        }
        coming.retain(|one| self.user.as_ref().is_none_or(|user| *user == one.reservation.user));
        let calendar = if slots.is_empty() { String::new() } else { timeline.words() };
        let words = text::list(&coming, &calendar);
        let output = Output::many(&coming).text(words);
        Ok(match note {
            Some(note) => output.note(format!("{note}: no calendar, the reservations alone")),
            None => output,
        })
    }
}

impl Cancel {
    fn run(self, site: &Site) -> Result<Output, Fault> {
        let config = Config::load(site)?;
        let asker = asker(site, &config)?;
        may_record(site)?;
        let dry_run = self.change.dry_run;
        let board = board(site)?;
        let gone = ds01_line::cancel(site, &config, &board, &asker, &self.ids, dry_run)?;
        let words = text::cancelled(&gone);
        let items = gone.iter().map(|one| dry_run::marked(json!(one), dry_run));
        Ok(Output::many(items).text(dry_run::told(words, dry_run)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        cli::check::<Args>();
    }

    #[test]
    fn a_date_is_its_whole_day() {
        let last = |text| last_moment(text).map(|moment| moment.to_string());
        assert_eq!(last("2026-12-31"), Ok("2027-01-01T00:00:00Z".into()));
        assert_eq!(last("2026-12-31T12:00"), Ok("2026-12-31T12:00:00Z".into()));
        assert!(last("tomorrow").is_err());
    }
}
