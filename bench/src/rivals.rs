//! Asking for a GPU and giving the request up again, beside gflow and Slurm in the same run.
//! `bench/rivals` starts those and says where they are; one that is absent is left out.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use ds01_fault::{Code, Context, Fault};

use crate::Args;
use crate::timing::{Contender, race, table};

const CONFIG: &str = "default_group: students
defaults: {max_mig_instances: null, max_runtime: 48h}
groups: {students: {members: [alice, bob]}}
";
const WORLD: &str = r#"{"gpus": [{"model": "A100-40", "count": 16}]}"#;

fn made() -> String {
    "cannot make the site to measure with".to_owned()
}

pub fn measure(args: &Args) -> Result<String, Fault> {
    let directory = tempfile::tempdir().or_fault(Code::Failed, made)?;
    let root = directory.path().join("site");
    fs::create_dir_all(root.join("etc/ds01")).or_fault(Code::Failed, made)?;
    fs::write(root.join("etc/ds01/resource-limits.yaml"), CONFIG).or_fault(Code::Failed, made)?;
    let world = directory.path().join("world.json");
    fs::write(&world, WORLD).or_fault(Code::Failed, made)?;
    let own = std::env::current_exe().or_fault(Code::Failed, made)?;
    let bin = own.parent().map(PathBuf::from).unwrap_or_default();
    // Every contender is two fresh processes in one shell, so that the shell counts alike.
    let shell = |name: &str, script: String| {
        Contender::new(name, "/bin/sh")
            .with(["-c".to_owned(), script])
            .env("DS01_ROOT", &root)
            .env("DS01_NVML_LIB", bin.join("libnvml_sim.so"))
            .env("NVML_SIM_WORLD", &world)
    };
    let tool = |name: &str| bin.join(name).display().to_string();
    let (floor, appended) = (tool("floor"), directory.path().join("appended"));
    let floor = format!("{floor} {0} && {floor} {0}", appended.display());
    let (queue, alloc) = (tool("gpu-queue"), tool("gpu-alloc"));
    let mut all = vec![
        shell("floor, twice: append 200 bytes, fdatasync", floor),
        shell(
            "ds01: gpu-alloc allocate, release",
            format!(
                "{alloc} allocate --user alice --container a._.alice && \
                 {alloc} release --container a._.alice"
            ),
        ),
        shell(
            "ds01: gpu-queue join, leave",
            format!(
                "{queue} join --user alice --for 1h --container q._.alice && \
                 {queue} leave --user alice q._.alice"
            ),
        ),
    ];
    let mut absent = String::new();
    match std::env::var("BENCH_SLURM_CONF") {
        Ok(conf) => all.push(
            Contender::new("Slurm: sbatch, scancel", "/bin/sh")
                .with(["-c", "scancel $(sbatch --parsable -H -o /dev/null --wrap true)"])
                .env("SLURM_CONF", conf),
        ),
        Err(_) => {
            absent += "Slurm is absent: bench/rivals starts it where slurm-wlm is installed\n"
        }
    }
    match std::env::var("BENCH_GFLOW") {
        Ok(gflow) => all.push(
            Contender::new("gflow: gbatch, gcancel", "/bin/sh")
                .with([
                    "-c".to_owned(),
                    format!(
                        "{gflow}/gcancel $({gflow}/gbatch --begin now+1h sleep 1 | \
                     grep -o '[0-9][0-9]*' | head -1)"
                    ),
                ])
                .env("HOME", std::env::var("BENCH_GFLOW_HOME").unwrap_or_default()),
        ),
        Err(_) => {
            absent += "gflow is absent: bench/rivals starts it where runqd can be installed\n"
        }
    }
    race(&mut all, args.rounds)?;
    let mut text = table(&all, 0);
    text += &absent;
    let _ = writeln!(text, "ours are on the disk when they return; CPU is the clients' alone");
    Ok(text)
}
