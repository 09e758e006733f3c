//! gpu-list - GPUs and MIG instances: identity, size, place, health

mod row;

use ds01_board::{Depth, Nvml, Weight};
use ds01_fault::Fault;
use ds01_ledger::view;
use ds01_site::Site;
use ds01_text::Output;

use row::Row;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// GPUs or instances to show, by display name (0, 0:1) or UUID; without any, all
    #[arg(value_name = "GPU")]
    names: Vec<String>,
    /// Only what can be leased: no card that is cut into instances, and none that is lost
    #[arg(long)]
    slots: bool,
    /// The processes on each, with the memory they hold
    #[arg(long)]
    processes: bool,
}

impl cli::Tool for Args {
    const NAME: &'static str = "gpu-list";
    const ABOUT: &'static str = "GPUs and MIG instances: identity, size, place, health";

    fn run(self, site: &Site) -> Result<Output, Fault> {
        let nvml = Nvml::open()?;
        let board = nvml.board(Depth::Whole)?;
        let mut rows = row::all(&board, Weight::Compute);
        // Comfort: with the ledger unreadable the board is shown all the same.
        let drains = view::for_caller(site).map(|view| view.drained);
        for row in &mut rows {
            row.judge(drains.as_deref().ok());
        }
        if self.processes {
            row::populate(&mut rows, nvml.processes(&board));
        }
        let note = match &drains {
            Err(fault) => Some(format!("health is unknown: {}", fault.what)),
            Ok(_) if rows.is_empty() => Some("this host has no NVIDIA GPU".to_owned()),
            Ok(_) => None,
        };
        let rows = chosen(rows, &self.names)?;
        let rows: Vec<_> = rows.into_iter().filter(|row| !self.slots || row.slot).collect();
        let output = Output::many(&rows).text(row::table(&rows, self.processes));
        Ok(match note {
            Some(note) => output.note(note),
            None => output,
        })
    }
}

/// Those asked for, in the order of the board; each must exist.
fn chosen(rows: Vec<Row>, names: &[String]) -> Result<Vec<Row>, Fault> {
    let is = |row: &Row, name: &String| row.uuid.as_ref() == Some(name) || row.id == *name;
    for name in names {
        if !rows.iter().any(|row| is(row, name)) {
            let known: Vec<_> = rows.iter().map(|row| row.id.as_str()).collect();
            let known = if known.is_empty() { "there is none".into() } else { known.join(", ") };
            return Err(Fault::not_found(format!("no GPU {name}"))
                .why(format!("this host has: {known}"))
                .todo("gpu-list alone shows all, with UUIDs; names shift when a layout changes")
                .detail("gpu", name.as_str()));
        }
    }
    let wanted = |row: &Row| names.is_empty() || names.iter().any(|name| is(row, name));
    Ok(rows.into_iter().filter(wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Health;

    #[test]
    fn the_command_line_is_well_formed() {
        cli::check::<Args>();
    }

    #[test]
    fn a_lost_card_is_no_slot() {
        let lost = ds01_board::Lost { index: 3, why: "fell off the bus".into() };
        let board = ds01_board::Board { lost: vec![lost], ..Default::default() };
        let rows = row::all(&board, Weight::Compute);
        assert_eq!(
            (rows[0].id.as_str(), rows[0].slot, &rows[0].health),
            ("3", false, &Health::Lost)
        );
    }
}
