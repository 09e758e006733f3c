//! `limits-resolve` with a small and a large lab, beside a tool that does nothing, beside
//! `/bin/true`, and beside Python with PyYAML doing the same.

use std::fmt::Write;
use std::fs;

use ds01_fault::{Code, Context, Fault};

use crate::Args;
use crate::timing::{Contender, race, table};

const RESOLVE: &str = include_str!("../resolve.py");
/// In both labs, and with an override.
const USER: &str = "user00003";

pub fn measure(args: &Args) -> Result<String, Fault> {
    let made = || "cannot make the labs to measure with".to_owned();
    let directory = tempfile::tempdir().or_fault(Code::Failed, made)?;
    let path = |name: &str| directory.path().join(name);
    for (name, people, groups) in [("20.yaml", 20, 2), ("10000.yaml", 10_000, 4)] {
        fs::write(path(name), lab(people, groups)).or_fault(Code::Failed, made)?;
    }
    fs::write(path("resolve.py"), RESOLVE).or_fault(Code::Failed, made)?;
    let own = std::env::current_exe().or_fault(Code::Failed, made)?;
    let ours = own.with_file_name("limits-resolve");
    let resolve = |name: &str, file: &str| {
        Contender::new(name, &ours).with(["--config".into(), path(file), USER.into()])
    };
    let python = |name: &str, file: &str, every: usize| {
        Contender::new(name, &args.python)
            .with([path("resolve.py"), path(file), USER.into()])
            .every(every)
    };
    let mut all = vec![
        Contender::new("noop, a tool that does nothing", own.with_file_name("noop")).with([USER]),
        Contender::new("/bin/true", "/bin/true"),
        resolve("limits-resolve, 20 users", "20.yaml"),
        resolve("limits-resolve, 10,000 users", "10000.yaml"),
        python("Python + PyYAML, 20 users", "20.yaml", 5),
        python("Python + PyYAML, 10,000 users", "10000.yaml", 100),
    ];
    race(&mut all, args.rounds)?;
    let mut text = table(&all, 0);
    let ratio =
        |a: usize, b: usize| all[a].fastest().as_secs_f64() / all[b].fastest().as_secs_f64();
    let _ = writeln!(text, "20 users: {:.2} times a tool that does nothing", ratio(2, 0));
    let _ = writeln!(text, "20 users: {:.0} times as fast as Python", ratio(4, 2));
    let _ = writeln!(text, "10,000 users: {:.0} times as fast as Python", ratio(5, 3));
    let _ = writeln!(text, "10,000 users: {:.1} ms of CPU", all[3].cpu().as_secs_f64() * 1000.0);
    Ok(text)
}

/// A lab as admins write them, its people in groups.
fn lab(people: usize, groups: usize) -> String {
    let mut text = include_str!("../lab.yaml").to_owned();
    for group in 0..groups {
        let _ = writeln!(text, "  group{group}:\n    members:");
        for person in 0..people / groups {
            let _ = writeln!(text, "      - user{:05}", person * groups + group);
        }
        let _ = writeln!(text, "    max_mig_instances: 2\n    memory: 64g\n    priority: 50");
    }
    text
}
