//! A file for each command against one multicall file with links: start time and size.

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use ds01_fault::{Code, Context, Fault};

use crate::Args;
use crate::timing::{Contender, race, table};

/// A small command and a large one.
const TRIED: [&str; 2] = ["limits-schema", "gpu-alloc"];

pub fn measure(args: &Args) -> Result<String, Fault> {
    let made = || "cannot set up the links to measure with".to_owned();
    let directory = tempfile::tempdir().or_fault(Code::Failed, made)?;
    let own = std::env::current_exe().or_fault(Code::Failed, made)?;
    let multicall = own.with_file_name("ds01");
    let mut all = vec![
        Contender::new("noop, a tool that does nothing", own.with_file_name("noop")).with(["user"]),
    ];
    for name in TRIED {
        let link = directory.path().join(name);
        symlink(&multicall, &link).or_fault(Code::Failed, made)?;
        let alone = Contender::new(&format!("{name}, a file of its own"), own.with_file_name(name));
        all.push(alone.with(["--version"]));
        all.push(Contender::new(&format!("{name}, a link"), link).with(["--version"]));
    }
    race(&mut all, args.rounds)?;
    let mut text = table(&all, 0);
    let size = |name: &str| {
        let file = own.with_file_name(name);
        fs::metadata(&file)
            .or_fault(Code::Failed, || format!("cannot look at {}", file.display()))
            .map(|meta| meta.len() as f64 / 1e6)
    };
    let names = Command::new(&multicall).arg("--names").output().or_fault(Code::Failed, made)?;
    let names = String::from_utf8_lossy(&names.stdout).into_owned();
    let (mut count, mut separate) = (0, 0.0);
    for name in names.lines() {
        count += 1;
        separate += size(name)?;
    }
    let _ = writeln!(
        text,
        "{count} commands: {separate:.1} MB as files, {:.1} MB as one",
        size("ds01")?
    );
    Ok(text)
}
