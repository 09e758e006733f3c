//! Trees of both versions as the kernel lays them out, made of plain files.

#![expect(clippy::expect_used, reason = "a test that cannot go on says so")]

use std::fs;
use std::path::Path;

use ds01_cgroup::{Pressure, Tree, Usage};
use ds01_fault::Code;
use ds01_units::{Bytes, Limit};

fn put(root: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("below the root")).expect("a directory");
        fs::write(path, text).expect("a file");
    }
}

const A: &str = "ds01.slice/ds01-a.slice";

#[test]
fn version_2_is_read_from_one_tree() {
    let dir = tempfile::tempdir().expect("a directory");
    put(
        dir.path(),
        &[
            ("cgroup.controllers", "cpu memory pids\n"),
            ("ds01.slice/ds01-a.slice/cpu.stat", "usage_usec 5000000\nuser_usec 1\n"),
            ("ds01.slice/ds01-a.slice/cpu.max", "150000 100000\n"),
            ("ds01.slice/ds01-a.slice/memory.current", "4096\n"),
            ("ds01.slice/ds01-a.slice/memory.max", "max\n"),
            ("ds01.slice/ds01-a.slice/memory.events", "low 0\nmax 9\noom 3\noom_kill 2\n"),
            ("ds01.slice/ds01-a.slice/memory.events.local", "low 0\nmax 4\n"),
            ("ds01.slice/ds01-a.slice/pids.current", "7\n"),
            ("ds01.slice/ds01-a.slice/pids.max", "512\n"),
            (
                "ds01.slice/ds01-a.slice/cpu.pressure",
                "some avg10=1.50 avg60=0.00 avg300=0.00 total=0\nfull avg10=9.00 avg60=0.00 avg300=0.00 total=0\n",
            ),
        ],
    );
    let tree = Tree::at(dir.path()).expect("a tree");
    assert_eq!(
        tree.usage(A),
        Usage {
            cpu_usec: Some(5_000_000),
            cpu_quota: Some(Limit::Max(150.0)),
            memory: Some(Bytes(4096)),
            memory_max: Some(Limit::None),
            memory_limit_hits: Some(4),
            oom_kills: Some(2),
            tasks: Some(7),
            tasks_max: Some(Limit::Max(512)),
            pressure: Pressure { cpu: Some(1.5), memory: None, io: None },
        }
    );
    assert_eq!(tree.children("ds01.slice"), ["ds01-a.slice"]);
    assert!(tree.has(A) && !tree.has("ds01.slice/ds01-b.slice"));
    // What is not there is not known, which is not zero.
    assert_eq!(tree.usage("ds01.slice/ds01-b.slice"), Usage::default());
}

#[test]
fn version_1_is_gathered_from_its_controllers() {
    for cpu in ["cpu,cpuacct", "cpu"] {
        let cpuacct = if cpu == "cpu" { "cpuacct" } else { cpu };
        let dir = tempfile::tempdir().expect("a directory");
        put(
            dir.path(),
            &[
                (&format!("{cpuacct}/{A}/cpuacct.usage"), "5000000999\n"),
                (&format!("{cpu}/{A}/cpu.cfs_quota_us"), "-1\n"),
                (&format!("{cpu}/{A}/cpu.cfs_period_us"), "100000\n"),
                (&format!("memory/{A}/memory.usage_in_bytes"), "4096\n"),
                (&format!("memory/{A}/memory.limit_in_bytes"), "9223372036854771712\n"),
                (&format!("memory/{A}/memory.failcnt"), "4\n"),
                (&format!("memory/{A}/memory.oom_control"), "oom_kill_disable 0\noom_kill 1\n"),
                (&format!("memory/{A}/x/memory.oom_control"), "oom_kill 1\n"),
                (&format!("memory/{A}/x/y/memory.oom_control"), "oom_kill 3\n"),
                (&format!("pids/{A}/pids.current"), "7\n"),
                (&format!("pids/{A}/pids.max"), "max\n"),
                (&format!("unified/{A}/io.pressure"), "some avg10=0.25 avg60=0.00\n"),
                ("pids/ds01.slice/ds01-z.slice/cgroup.procs", ""),
            ],
        );
        let tree = Tree::at(dir.path()).expect("a tree");
        let usage = tree.usage(A);
        assert_eq!(
            usage,
            Usage {
                cpu_usec: Some(5_000_000),
                cpu_quota: Some(Limit::None),
                memory: Some(Bytes(4096)),
                memory_max: Some(Limit::None),
                memory_limit_hits: Some(4),
                oom_kills: Some(5),
                tasks: Some(7),
                tasks_max: Some(Limit::None),
                pressure: Pressure { cpu: None, memory: None, io: Some(0.25) },
            }
        );
        put(
            dir.path(),
            &[
                (&format!("{cpu}/{A}/cpu.cfs_quota_us"), "50000\n"),
                (&format!("memory/{A}/memory.limit_in_bytes"), "1048576\n"),
            ],
        );
        let usage = tree.usage(A);
        assert_eq!(usage.cpu_quota, Some(Limit::Max(50.0)));
        assert_eq!(usage.memory_max, Some(Limit::Max(Bytes(1 << 20))));
        // In whatever tree a slice is, it is listed once.
        assert_eq!(tree.children("ds01.slice"), ["ds01-a.slice", "ds01-z.slice"]);
        // systemd's own tree knows best: the others hold remains of containers.
        put(
            dir.path(),
            &[
                (&format!("unified/{A}/cpu.stat"), "usage_usec 77\n"),
                (&format!("systemd/{A}/cgroup.procs"), ""),
            ],
        );
        assert_eq!(tree.usage(A).cpu_usec, Some(77));
        assert_eq!(tree.children("ds01.slice"), ["ds01-a.slice"]);
        assert!(tree.has(A) && !tree.has("ds01.slice/ds01-z.slice"));
    }
}

#[test]
fn garbage_in_a_file_is_not_known_either() {
    let dir = tempfile::tempdir().expect("a directory");
    put(
        dir.path(),
        &[
            ("cgroup.controllers", ""),
            ("x/cpu.stat", "usage_usec\nusage_usec -5\n"),
            ("x/cpu.max", "max"),
            ("x/memory.current", ""),
            ("x/memory.max", "many"),
            ("x/pids.max", "-1"),
            ("x/cpu.pressure", "some avg10=\n"),
        ],
    );
    let tree = Tree::at(dir.path()).expect("a tree");
    assert_eq!(tree.usage("x"), Usage::default());
}

#[test]
fn where_no_tree_is_mounted_that_is_the_answer() {
    let dir = tempfile::tempdir().expect("a directory");
    let fault = Tree::at(dir.path()).expect_err("nothing there");
    assert_eq!(fault.code, Code::Unreachable);
}
