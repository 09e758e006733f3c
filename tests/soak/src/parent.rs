//! Starts the processes, kills one every few milliseconds, and counts.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ds01_fault::{Code, Context, Fault};
use ds01_text::Output;
use serde_json::json;

use crate::Args;
use crate::random::Random;

const CONFIG: &str = "default_group: all
defaults: {max_mig_instances: null, max_runtime: null}
groups: {all: {members: []}}
";

pub fn run(args: &Args) -> Result<Output, Fault> {
    let made = || "cannot make a place for the ledger".to_owned();
    let temporary = tempfile::tempdir().or_fault(Code::Failed, made)?;
    let directory = args.directory.as_deref().unwrap_or(temporary.path());
    for part in ["etc/ds01", "marks"] {
        fs::create_dir_all(directory.join(part)).or_fault(Code::Failed, made)?;
    }
    fs::write(directory.join("etc/ds01/resource-limits.yaml"), CONFIG)
        .or_fault(Code::Failed, made)?;
    let begun = Instant::now();
    let mut random = Random(args.seed);
    let mut children = Vec::new();
    for number in 0..args.processes {
        children.push(spawn(directory, number, &mut random)?);
    }
    let (mut kills, mut done) = (0u64, 0);
    while done < args.operations && !directory.join("broken").exists() {
        std::thread::sleep(Duration::from_millis(5 + random.below(40)));
        let number = random.below(args.processes as u64) as usize;
        // None of them ever ends but by a kill of ours or for a reason.
        if let Ok(Some(status)) = children[number].try_wait() {
            let broken = fs::read_to_string(directory.join("broken")).unwrap_or_default();
            children.iter_mut().for_each(end);
            return Err(
                Fault::failed(format!("process {number} ended by itself: {status}")).why(broken)
            );
        }
        end(&mut children[number]);
        kills += 1;
        children[number] = spawn(directory, number, &mut random)?;
        if kills % 4 == 0 {
            done = operations(directory, args.processes);
        }
    }
    children.iter_mut().for_each(end);
    let broken = fs::read_to_string(directory.join("broken")).unwrap_or_default();
    if !broken.is_empty() {
        return Err(Fault::failed("the ledger broke its promise").why(broken));
    }
    let done = operations(directory, args.processes);
    let seconds = begun.elapsed().as_secs_f64();
    let document = json!({"operations": done, "processes": args.processes, "kills": kills,
        "double_leases": 0, "lost_leases": 0, "seconds": seconds});
    Ok(Output::one(&document))
}

fn spawn(directory: &Path, number: usize, random: &mut Random) -> Result<Child, Fault> {
    let own = std::env::current_exe().or_fault(Code::Failed, || "cannot find myself".into())?;
    Command::new(own)
        .args(["--child", &number.to_string(), "--seed", &random.below(u64::MAX).to_string()])
        .arg("--directory")
        .arg(directory)
        .stdout(Stdio::null())
        .spawn()
        .or_fault(Code::Failed, || "cannot start a process".into())
}

/// SIGKILL, wherever it is; it may have ended with a report already.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn operations(directory: &Path, processes: usize) -> u64 {
    let length = |number: usize| fs::metadata(directory.join(format!("count.{number}")));
    (0..processes).filter_map(|number| Some(length(number).ok()?.len())).sum()
}
