//! The GPU ledger: a decision by a fresh process beside the least that the machine asks for
//! one, the status of a full large board, and 200 leases found again in Docker's listing.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use ds01_fault::{Code, Context, Fault};
use serde_json::{Value, json};

use crate::Args;
use crate::timing::{Contender, race, table};

const CONFIG: &str = "default_group: students
defaults: {max_mig_instances: null, gpu_hold_after_stop: 24h}
groups:
  students: {members: [alice, bob], max_gpu_equivalents: 1.0}
  large: {members: [carol], max_mig_instances: null, max_gpu_equivalents: null}
";

/// Runs gpu-alloc on a site, with an stdin.
type Once<'a> = dyn Fn(&Path, &[&str], Stdio) -> Result<(), Fault> + 'a;

fn made() -> String {
    "cannot make the sites to measure with".to_owned()
}

pub fn measure(args: &Args) -> Result<String, Fault> {
    let directory = tempfile::tempdir().or_fault(Code::Failed, made)?;
    let own = std::env::current_exe().or_fault(Code::Failed, made)?;
    let ours = own.with_file_name("gpu-alloc");
    let library = own.with_file_name("libnvml_sim.so");
    let (usual, full, gone) = (
        directory.path().join("usual"),
        directory.path().join("full"),
        directory.path().join("gone"),
    );
    // Where views lie is memory on a real host, so it is here.
    let memory = tempfile::tempdir_in("/dev/shm").or_fault(Code::Failed, made)?;
    for (root, name) in [(&usual, "usual"), (&full, "full"), (&gone, "gone")] {
        let run = memory.path().join(name);
        fs::create_dir_all(&run)
            .and_then(|()| fs::create_dir_all(root))
            .and_then(|()| std::os::unix::fs::symlink(&run, root.join("run")))
            .or_fault(Code::Failed, made)?;
    }
    site(&usual, &[json!({"model": "A100-40", "count": 16})])?;
    let seven: Vec<Value> = (0..7).map(|start| json!(format!("1g.5gb@{start}"))).collect();
    let cut = json!({"model": "A100-40", "count": 64, "mig": seven});
    site(&full, std::slice::from_ref(&cut))?;
    site(&gone, &[cut])?;
    let on = |root: &Path, name: &str, words: &str| {
        Contender::new(name, &ours)
            .with(words.split(' '))
            .env("DS01_ROOT", root)
            .env("DS01_NVML_LIB", &library)
            .env("NVML_SIM_WORLD", root.join("world.json"))
    };
    let once = |root: &Path, words: &[&str], stdin: Stdio| {
        let status = Command::new(&ours)
            .args(words)
            .envs([("DS01_ROOT", root), ("DS01_NVML_LIB", &library)])
            .env("NVML_SIM_WORLD", root.join("world.json"))
            .stdin(stdin)
            .stdout(Stdio::null())
            .status()
            .or_fault(Code::Failed, made)?;
        if status.success() { Ok(()) } else { Err(Fault::failed(made())) }
    };
    for n in 0..448 {
        let name = format!("c{n}._.carol");
        once(&full, &["allocate", "--user", "carol", "--container", &name], Stdio::null())?;
    }
    let listing = directory.path().join("listing.json");
    fs::write(&listing, containers().to_string()).or_fault(Code::Failed, made)?;
    let mut all = vec![
        Contender::new("floor: append 200 bytes, fdatasync", own.with_file_name("floor"))
            .with([directory.path().join("appended")]),
        on(&usual, "allocate", "allocate --user carol --container a._.carol"),
        on(&usual, "release", "release --container a._.carol"),
        on(&full, "status, 448 slots leased", "status"),
        on(&full, "explain, 448 slots leased", "explain --user alice").exits_with(3),
        on(&gone, "reconcile 200 containers", "reconcile -").reads(&listing),
    ];
    race(&mut all, args.rounds)?;
    let mut text = table(&all, 0);
    let fastest = |n: usize| all[n].fastest().as_secs_f64();
    let pair = (fastest(1) + fastest(2)) / (2.0 * fastest(0));
    let _ = writeln!(text, "allocate and release: {pair:.2} times the floor");
    rebuild(&gone, &listing, &once, &mut text)?;
    Ok(text)
}

/// The ledger deleted and its leases found again, a few times.
fn rebuild(root: &Path, listing: &Path, once: &Once<'_>, text: &mut String) -> Result<(), Fault> {
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        if root.join("var").exists() {
            fs::remove_dir_all(root.join("var")).or_fault(Code::Failed, made)?;
        }
        let file = fs::File::open(listing).or_fault(Code::Failed, made)?;
        let begun = std::time::Instant::now();
        once(root, &["reconcile", "-", "--apply"], file.into())?;
        best = best.min(begun.elapsed().as_secs_f64());
    }
    let _ = writeln!(text, "200 leases found again: {:.0} ms", best * 1000.0);
    Ok(())
}

fn site(root: &Path, gpus: &[Value]) -> Result<(), Fault> {
    fs::create_dir_all(root.join("etc/ds01")).or_fault(Code::Failed, made)?;
    fs::write(root.join("etc/ds01/resource-limits.yaml"), CONFIG).or_fault(Code::Failed, made)?;
    let world = json!({"gpus": gpus}).to_string();
    fs::write(root.join("world.json"), world).or_fault(Code::Failed, made)
}

/// 200 running containers, each on a MIG instance of its own.
fn containers() -> Value {
    let container = |n: usize| {
        json!({
            "Id": format!("{n:064x}"), "Name": format!("/c{n}._.carol"),
            "Created": "2026-11-28T09:00:00Z",
            "State": {"Status": "running", "Pid": 1, "StartedAt": "2026-11-28T09:00:01Z"},
            "Config": {"Image": "x", "Labels": {"ds01.user": "carol"}},
            "HostConfig": {"DeviceRequests": [{"Driver": "nvidia", "Count": 0,
                "DeviceIDs": [format!("{}:{}", n / 7, n % 7)], "Capabilities": [["gpu"]]}]}})
    };
    (0..200).map(container).collect()
}
