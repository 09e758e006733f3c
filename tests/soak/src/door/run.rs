//! The run: what happens when, and what must be as before at its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ds01_fault::{Code, Context, Fault};
use ds01_text::Output;
use serde_json::json;

use crate::Args;
use crate::clients::{self, Count};
use crate::door::Site;

/// What malloc and a table that doubles may keep after a hundred thousand connections.
const SLACK: u64 = 3 << 10;
/// Threads that wait for the name service and the ledger end when they had nothing to do for
/// ten seconds.
const BLOCKING: u64 = 16;

pub fn run(args: &Args) -> Result<Output, Fault> {
    let what = || "cannot make a place for the door".to_owned();
    let folder = tempfile::tempdir().or_fault(Code::Failed, what)?;
    let mut site = Site::start(folder.path())?;
    let count = Arc::new(Count::default());
    let begun = Instant::now();
    let mut threads = vec![clients::follows(site.socket.clone(), args.logs, &count)];
    for n in 0..args.clients as u64 {
        threads.push(clients::asks(&site.socket, &count, n + 1));
    }
    for n in 0..2 {
        threads.push(clients::dies(&site.socket, &count, 100 + n));
    }
    let done = scenes(args, &mut site, &count);
    count.end.store(true, Ordering::SeqCst);
    for thread in threads {
        let _ = thread.join();
    }
    let mut document = done?;
    right(&count)?;
    let number = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::SeqCst);
    for (key, value) in [
        ("answered", number(&count.answered)),
        ("without_daemon", number(&count.without_daemon)),
        ("clients_killed", number(&count.killed)),
        ("log_lines", number(&count.lines)),
        ("longest_wait_ms", number(&count.longest)),
        ("seconds", begun.elapsed().as_secs()),
    ] {
        document[key] = value.into();
    }
    Ok(Output::one(&document))
}

/// Waits for so many more answers; the first that is wrong ends the run.
fn answers(count: &Count, more: u64) -> Result<(), Fault> {
    let goal = count.answered.load(Ordering::SeqCst) + more;
    while count.answered.load(Ordering::SeqCst) < goal {
        right(count)?;
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn right(count: &Count) -> Result<(), Fault> {
    let wrong = count.wrong();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Fault::failed("somebody was refused, or answered wrongly").why(wrong.join("; ")))
}

fn scenes(args: &Args, site: &mut Site, count: &Count) -> Result<serde_json::Value, Fault> {
    let few = (args.connections / 200).max(20);
    let mut longest_restart = Duration::ZERO;
    answers(count, few)?;
    for _ in 0..args.restarts {
        count.turns.fetch_add(1, Ordering::SeqCst);
        site.restart_daemon()?;
        site.answers()?;
        count.turns.fetch_add(1, Ordering::SeqCst);
        answers(count, few)?;
        longest_restart = longest_restart.max(site.restart_door()?);
        answers(count, few)?;
        site.reload_door()?;
        answers(count, few)?;
    }
    // One process from here on, with all that waits and flows.
    let held = clients::idle(&site.socket, args.idle)
        .or_fault(Code::Failed, || "idle connections are not kept".to_owned())?;
    answers(count, args.connections / 10)?;
    let early = site.figures()?;
    let reloads = 50;
    for _ in 0..reloads {
        answers(count, args.connections * 9 / 10 / reloads)?;
        site.reload_door()?;
    }
    let late = site.figures()?;
    drop(held);
    // The idle ones had two descriptors each.
    site.settles(late.descriptors.saturating_sub(2 * args.idle) + 64)?;
    let after = site.figures()?;
    let grown = late.kilobytes.saturating_sub(early.kilobytes);
    for (wrong, what, why) in [
        (grown > SLACK, "memory grows", format!("{early:?} became {late:?}")),
        (
            late.threads > early.threads + BLOCKING,
            "threads grow",
            format!("{early:?} became {late:?}"),
        ),
        (
            late.descriptors > early.descriptors + 64,
            "descriptors grow",
            format!("{early:?} became {late:?}"),
        ),
    ] {
        if wrong {
            return Err(Fault::failed(format!("{what} in the door")).why(why));
        }
    }
    Ok(json!({
        "connections": args.connections, "idle": args.idle, "logs": args.logs,
        "restarts": args.restarts, "longest_restart_ms": longest_restart.as_millis() as u64,
        "kilobytes_at_a_tenth": early.kilobytes, "kilobytes_at_the_end": late.kilobytes,
        "kilobytes_without_the_idle": after.kilobytes,
        "threads_at_a_tenth": early.threads, "threads_at_the_end": late.threads,
        "descriptors_at_a_tenth": early.descriptors, "descriptors_at_the_end": late.descriptors,
        "descriptors_without_the_idle": after.descriptors,
    }))
}
