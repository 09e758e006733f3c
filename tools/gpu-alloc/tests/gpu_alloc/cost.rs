//! What an allocation asks of the disk, seen from outside.

use std::process::Command;

use crate::lab::{Lab, said};

/// Whether this machine lets us trace at all; containers without ptrace do not.
fn can_trace() -> bool {
    Command::new("strace")
        .args(["-o", "/dev/null", "/bin/true"])
        .status()
        .is_ok_and(|s| s.success())
}

#[test]
fn an_allocation_is_one_fdatasync_and_no_rename_until_it_is_answered() {
    if !can_trace() {
        eprintln!("skipped: strace cannot trace here; the ledger's own proofs count the calls too");
        return;
    }
    let lab = Lab::new();
    lab.give("alice", "a").ok();
    let trace = lab.path("trace");
    let calls =
        "trace=fsync,fdatasync,sync_file_range,msync,rename,renameat,renameat2,link,linkat,write";
    let output = lab
        .command("strace")
        .args(["-f", "-s", "40", "-e", calls, "-o"])
        .arg(&trace)
        .args([
            env!("CARGO_BIN_EXE_gpu-alloc"),
            "allocate",
            "--user",
            "bob",
            "--container",
            "b._.bob",
        ])
        .output()
        .unwrap();
    said(output).ok();
    let trace = std::fs::read_to_string(&trace).unwrap();
    let until_answer: Vec<&str> =
        trace.lines().take_while(|line| !line.contains("write(1, ")).collect();
    let count = |what: &str| until_answer.iter().filter(|line| line.contains(what)).count();
    assert_eq!((count("fdatasync("), count("sync")), (1, 1), "{trace}");
    assert_eq!(count("rename") + count("link"), 0, "{trace}");
    // And the view is made anew afterwards.
    assert!(trace.contains("rename"), "{trace}");
}
