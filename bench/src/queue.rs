//! The waiting line: a pass over 25,000 who wait for 16 GPUs with 25 reservations, and what
//! joining and leaving costs as fresh processes, beside the machine's own floor.

use std::fmt::Write;
use std::time::{Duration, Instant};

use ds01_fault::Fault;
use ds01_queue::{
    Account, Busy, Entry, FULL, Kinds, Policy, Quota, Slot, Window, World, order, pass, plan,
};
use ds01_text::Table;
use ds01_units::{Span, Stamp};

use crate::Args;

const WAITING: u64 = 25_000;
const POLICY: Policy =
    Policy { half_life: Span::hours(168), patience: Span::hours(168), claim: Span::minutes(10) };

/// What those who wait have asked for.
#[derive(Clone, Copy)]
struct Line {
    name: &'static str,
    /// Of a hundred, so many want two slots and as many three or four.
    several: u64,
    /// Minutes that a run may take; one of them for each.
    runs: &'static [u64],
    /// Slots a user may hold at once; 0 is no limit.
    quota: u32,
    /// Of a hundred, so many run without an end.
    endless: u64,
}

const LINES: [Line; 6] = [
    Line { name: "one slot each, 4 h", several: 0, runs: &[240], quota: 0, endless: 0 },
    Line { name: "one slot each, four lengths", several: 0, runs: &DAYS, quota: 0, endless: 0 },
    Line { name: "one in ten wants 2 to 4", several: 5, runs: &DAYS, quota: 0, endless: 0 },
    Line { name: "the same, 2 slots a user", several: 0, runs: &DAYS, quota: 2, endless: 0 },
    Line { name: "two in three want 2 to 4", several: 33, runs: &DAYS, quota: 0, endless: 0 },
    Line { name: "half of them without end", several: 5, runs: &DAYS, quota: 0, endless: 50 },
];
const DAYS: [u64; 4] = [60, 240, 1440, 2880];

pub fn measure(args: &Args) -> Result<String, Fault> {
    let now = Stamp::from_secs(1_800_000_000);
    let rounds = (args.rounds / 20).clamp(3, 15);
    let mut table =
        Table::new(["25,000 WAIT FOR 16 GPUS, 25 RESERVATIONS", "ORDER ms", "PLAN ms", "PASS ms"]);
    for line in LINES {
        let (world, entries) = (world(line, now), entries(line, now));
        let mut best = [Duration::MAX; 3];
        for _ in 0..rounds {
            let begun = Instant::now();
            let in_order = order(&entries, POLICY.half_life, POLICY.patience);
            best[0] = best[0].min(begun.elapsed());
            let begun = Instant::now();
            let planned = plan(&world, &entries, &in_order, now, POLICY.claim);
            best[1] = best[1].min(begun.elapsed());
            drop(planned);
            let mut line = entries.clone();
            let begun = Instant::now();
            let passed = pass(&world, &mut line, now, POLICY);
            best[2] = best[2].min(begun.elapsed());
            drop(passed);
        }
        let millis = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1000.0);
        table.row([line.name.to_owned(), millis(best[0]), millis(best[1]), millis(best[2])]);
    }
    let mut text = table.render();
    let _ = writeln!(text, "the best of {rounds} each");
    Ok(text)
}

/// Numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % limit
    }
}

fn world(line: Line, now: Stamp) -> World {
    let mut numbers = Numbers(7);
    let slot = |n: u64| format!("GPU-{n}");
    let slots =
        (0..16).map(|n| Slot { id: slot(n), kind: FULL.into(), gpueq: 1.0, open: true }).collect();
    let busy = (0..16)
        .map(|n| Busy {
            slot: slot(n),
            user: format!("user{n}"),
            gpueq: 1.0,
            // One is free, so that the pass has a claim to give.
            until: (n > 0).then(|| now.plus(Span::minutes(10 + numbers.below(1000)))),
        })
        .skip(1)
        .collect();
    let windows = (0..25)
        .map(|n| {
            let from = now.plus(Span::hours(10 + 8 * n));
            let user = format!("user{}", 400 + n);
            Window { slot: slot(n % 16), user, from, till: from.plus(Span::hours(4)) }
        })
        .collect();
    let own = Quota { slots: (line.quota > 0).then(|| f64::from(line.quota)), gpueq: None };
    let users = (0..500).map(|n| (format!("user{n}"), Account { own, group: None })).collect();
    World { slots, busy, windows, users, groups: std::collections::HashMap::new() }
}

fn entries(line: Line, now: Stamp) -> Vec<Entry> {
    let mut numbers = Numbers(11);
    let entry = |id: u64| {
        let several = numbers.below(100);
        let count = match several {
            n if n < line.several => 2,
            n if n < 2 * line.several => 3 + (n % 2) as u32,
            _ => 1,
        };
        let run = line.runs[numbers.below(line.runs.len() as u64) as usize];
        let endless = numbers.below(100) < line.endless;
        Entry {
            id,
            user: format!("user{}", numbers.below(500)),
            count,
            kinds: Kinds::Any { full: true },
            runtime: (!endless).then(|| Span::minutes(run)),
            priority: [10, 10, 50, 100][numbers.below(4) as usize],
            share: numbers.below(100_000),
            joined: now.minus(Span::minutes(2 * WAITING - id)),
            missed: 0,
            missed_at: None,
            claim: None,
        }
    };
    (0..WAITING).map(entry).collect()
}
