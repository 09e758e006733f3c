//! Reservations in words.

use ds01_ledger::types::Reservation;
use ds01_line::Shown;
use ds01_queue::Day;
use ds01_text::{Table, printable};

fn slots(one: &Reservation) -> String {
    one.slots.iter().map(|slot| slot.id.as_str()).collect::<Vec<_>>().join(",")
}

fn again(one: &Reservation) -> String {
    let days = match one.on.as_slice() {
        [] => return "once".to_owned(),
        days if days.len() == Day::ALL.len() => "every day".to_owned(),
        days => {
            let names = days.iter().map(|day| format!("{day:?}").to_lowercase());
            format!("every {}", names.collect::<Vec<_>>().join(", "))
        }
    };
    match one.last {
        Some(last) => format!("{days} until {last}"),
        None => days,
    }
}

pub fn added(made: &Shown) -> String {
    let one = &made.reservation;
    format!(
        "Reserved for {}: {} from {} till {}, {} (reservation {})",
        printable(&one.user),
        slots(one),
        made.next_from.unwrap_or(one.from),
        made.next_till.unwrap_or(one.till),
        again(one),
        one.id
    )
}

pub fn list(coming: &[Shown], calendar: &str) -> String {
    if coming.is_empty() {
        let gap = if calendar.is_empty() { "" } else { "\n" };
        return format!("Nothing is reserved.\n{gap}{calendar}");
    }
    let mut table = Table::new(["ID", "USER", "SLOTS", "NEXT FROM", "TILL", "AGAIN", "REASON"]);
    for made in coming {
        let one = &made.reservation;
        table.row([
            one.id.to_string(),
            one.user.clone(),
            slots(one),
            made.next_from.map(|at| at.to_string()).unwrap_or_default(),
            made.next_till.map(|at| at.to_string()).unwrap_or_default(),
            again(one),
            one.reason.clone(),
        ]);
    }
    match calendar {
        "" => table.render(),
        calendar => format!("{}\n{calendar}", table.render()),
    }
}

pub fn cancelled(gone: &[Reservation]) -> String {
    let line = |one: &Reservation| {
        format!(
            "Reservation {} of {} is cancelled: {} are free",
            one.id,
            printable(&one.user),
            slots(one)
        )
    };
    gone.iter().map(line).collect::<Vec<_>>().join("\n")
}
