//! The calendar for people: a row a slot, a column a stretch of time.

use ds01_units::{Span, Stamp};
use serde::Serialize;

/// Something on a slot for a time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bar {
    /// `reserved`, `leased` or `drained`.
    pub what: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    pub user: String,
    pub from: Stamp,
    /// `None` where no end is known.
    pub till: Option<Stamp>,
}

/// A slot.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// As people know it: `0`, `0:1`.
    pub slot: String,
    pub uuid: String,
    pub profile: String,
    pub bars: Vec<Bar>,
}

/// The calendar from one moment to another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Timeline {
    pub from: Stamp,
    pub till: Stamp,
    /// Seconds a column.
    pub step: Span,
    pub rows: Vec<Row>,
}

/// Columns that fit a terminal beside the names.
const COLUMNS: i64 = 48;
/// What a column may stand for, so that heads read well; the least is a quarter of an hour.
const STEPS: [i64; 9] = [15, 30, 60, 120, 180, 360, 720, 1440, 10_080];
const MINUTE: i64 = 60_000;

/// Cuts the bars of `rows` to the stretch from `from` to `till`.
pub fn timeline(rows: Vec<Row>, from: Stamp, till: Stamp) -> Timeline {
    let lasts = till.millis().saturating_sub(from.millis()).max(1);
    let fits = |minutes: &&i64| lasts <= COLUMNS * *minutes * MINUTE;
    let minutes = STEPS.iter().find(fits).unwrap_or(&STEPS[8]);
    let mut rows = rows;
    for row in &mut rows {
        row.bars.retain(|bar| bar.from < till && bar.till.is_none_or(|end| end > from));
        row.bars.sort_by_key(|bar| bar.from);
    }
    Timeline { from, till, step: Span::minutes(*minutes as u64), rows }
}

impl Timeline {
    /// A letter for each user, `.` free, `x` drained; capital letters are reserved, small
    /// ones in use. The key below says who is who.
    pub fn words(&self) -> String {
        let step = self.step.millis() as i64;
        // Columns begin on whole steps, as clocks show them.
        let begin = self.from.millis().div_euclid(step) * step;
        let columns = ((self.till.millis() - begin + step - 1) / step).clamp(1, 4 * COLUMNS);
        let names: Vec<String> =
            self.rows.iter().map(|row| format!("{} {}", row.slot, row.profile)).collect();
        let wide = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(4);
        let users = self.users();
        let mut out = head(begin, step, columns, wide);
        for (row, name) in self.rows.iter().zip(&names) {
            out += &format!("{name:wide$}  ");
            for column in 0..columns {
                out.push(cell(row, begin + column * step, step, &users));
            }
            out.push('\n');
        }
        out += "\n.  free";
        for (at, user) in users.iter().enumerate() {
            let letter = letter(at);
            out += &format!("\n{letter}  {user} (capital: reserved, small: in use)");
        }
        if self.rows.iter().flat_map(|row| &row.bars).any(|bar| bar.what == "drained") {
            out += "\nx  out of service";
        }
        out += "\nTimes are UTC.\n";
        out
    }

    /// Everybody who has a bar, in the order they come up.
    fn users(&self) -> Vec<&str> {
        let mut users: Vec<&str> = Vec::new();
        for bar in self.rows.iter().flat_map(|row| &row.bars) {
            if bar.what != "drained" && !users.contains(&bar.user.as_str()) {
                users.push(&bar.user);
            }
        }
        users
    }
}

/// `x` stands for slots out of service, so it is nobody's.
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWYZ";

fn letter(at: usize) -> char {
    LETTERS.get(at).map_or('*', |&letter| char::from(letter))
}

/// What a column shows of a slot: a reservation before a run, and a run before nothing.
fn cell(row: &Row, start: i64, step: i64, users: &[&str]) -> char {
    let there = |bar: &&Bar| {
        bar.from.millis() < start + step && bar.till.is_none_or(|till| till.millis() > start)
    };
    let of = |what: &str| row.bars.iter().filter(there).find(|bar| bar.what == what);
    let mark = |bar: &Bar| letter(users.iter().position(|user| *user == bar.user).unwrap_or(99));
    match (of("reserved"), of("leased"), of("drained")) {
        (Some(bar), ..) => mark(bar),
        (None, Some(bar), _) => mark(bar).to_ascii_lowercase(),
        (None, None, Some(_)) => 'x',
        (None, None, None) => '.',
    }
}

/// Two lines: the date where a day begins, and the hours.
fn head(begin: i64, step: i64, columns: i64, wide: usize) -> String {
    let (mut dates, mut hours) = (String::new(), String::new());
    let day = 24 * 60 * MINUTE;
    for column in 0..columns {
        let start = begin + column * step;
        let at = column as usize;
        let time = Stamp::from_millis(start).utc();
        // A label may not run into the one before it.
        let room = |line: &str, need: usize| line.chars().count() <= at && need > 0;
        if (column == 0 || start.rem_euclid(day) < step) && room(&dates, 6) {
            dates += &" ".repeat(at - dates.chars().count());
            dates += &time.format("%d %b ").to_string();
        }
        let whole_hours = step < day && (start / MINUTE) % 60 == 0;
        if whole_hours && room(&hours, 3) {
            hours += &" ".repeat(at - hours.chars().count());
            hours += &time.format("%H ").to_string();
        }
    }
    let mut out = format!("{:wide$}  {}\n", "", dates.trim_end());
    if !hours.is_empty() {
        out += &format!("{:wide$}  {}\n", "SLOT", hours.trim_end());
    }
    out
}
