//! The contenders as processes.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ds01_fault::Fault;
use nix::unistd::Pid;

use super::failed;
use crate::Args;

/// Who asks: there on every machine, and nobody's admin.
pub const USER: &str = "nobody";
pub const UID: u32 = 65534;

const CONFIG: &str = "default_group: students
defaults: {max_cpus: 4, memory: 16g, memory_swap: 16g, shm_size: 2g, pids_limit: 512, max_containers_per_user: null}
groups: {students: {members: [nobody]}}
";

/// The rules of the usual Docker socket proxies: which paths may be asked for.
const HAPROXY: &str = "global
    maxconn 4096
    nbthread 1
defaults
    mode http
    option http-keep-alive
    timeout connect 10s
    timeout client 10m
    timeout server 10m
    timeout tunnel 1h
    maxconn 4096
backend daemon
    server docker unix@UPSTREAM
frontend door
    bind unix@LISTEN mode 666
    http-request allow if { path,url_dec -m reg -i ^(/v[\\d\\.]+)?/_ping }
    http-request allow if { path,url_dec -m reg -i ^(/v[\\d\\.]+)?/events }
    http-request allow if { path,url_dec -m reg -i ^(/v[\\d\\.]+)?/exec }
    http-request allow if { path,url_dec -m reg -i ^(/v[\\d\\.]+)?/images }
    http-request allow if { path,url_dec -m reg -i ^(/v[\\d\\.]+)?/containers }
    http-request deny
    default_backend daemon
";

/// A process of ours, ended with what holds it.
#[derive(Debug)]
pub struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Something that listens.
#[derive(Debug)]
pub struct Rival {
    pub name: &'static str,
    pub socket: PathBuf,
    /// None for the daemon itself.
    pub pid: Option<Pid>,
    /// It gets so many times fewer requests.
    pub slower: usize,
    _process: Option<Running>,
}

impl Rival {
    /// Resident memory in kB.
    pub fn memory(&self) -> Result<u64, Fault> {
        let Some(pid) = self.pid else { return Ok(0) };
        let status =
            failed(std::fs::read_to_string(format!("/proc/{pid}/status")), "a contender is gone")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        Ok(line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0))
    }

    /// User and system time of all its threads, in microseconds. The clock of the process
    /// counts nanoseconds, where /proc/PID/stat counts ticks of ten milliseconds.
    pub fn cpu(&self) -> Option<f64> {
        let clock = nix::time::clock_getcpuclockid(self.pid?).ok()?;
        let time = nix::time::clock_gettime(clock).ok()?;
        Some(time.tv_sec() as f64 * 1e6 + time.tv_nsec() as f64 / 1e3)
    }
}

pub fn folder() -> Result<tempfile::TempDir, Fault> {
    let folder = failed(tempfile::tempdir(), "no place for sockets")?;
    let everybody = std::fs::Permissions::from_mode(0o755);
    failed(std::fs::set_permissions(folder.path(), everybody), "no place for sockets")?;
    Ok(folder)
}

pub fn stand_in(folder: &tempfile::TempDir) -> Result<Rival, Fault> {
    let socket = folder.path().join("daemon.sock");
    let own = failed(std::env::current_exe(), "cannot find myself")?;
    let mut command = Command::new(own);
    command.arg("--standin").arg(&socket);
    let process = start(command, &socket, "the stand-in")?;
    Ok(Rival { name: "direct", socket, pid: None, slower: 1, _process: Some(process) })
}

/// The daemon itself, and everything that can be had before it.
pub fn all(
    folder: &tempfile::TempDir,
    upstream: &Path,
    args: &Args,
    absent: &mut String,
) -> Result<Vec<Rival>, Fault> {
    let direct =
        Rival { name: "direct", socket: upstream.to_owned(), pid: None, slower: 1, _process: None };
    let mut rivals = vec![direct];
    let socket = |name: &str| {
        let socket = folder.path().join(format!("{name}.sock"));
        let _ = std::fs::remove_file(&socket);
        socket
    };
    let mut add = |name: &'static str, slower: usize, socket: PathBuf, command: Command| {
        let process = start(command, &socket, name)?;
        let pid = i32::try_from(process.0.id()).ok().map(Pid::from_raw);
        rivals.push(Rival { name, socket, pid, slower, _process: Some(process) });
        Ok::<_, Fault>(())
    };

    let root = folder.path().join("root");
    failed(std::fs::create_dir_all(root.join("etc/ds01")), "no place for a config")?;
    failed(std::fs::create_dir_all(root.join("run/ds01")), "no place for a view")?;
    failed(
        std::fs::write(root.join("etc/ds01/resource-limits.yaml"), CONFIG),
        "no place for a config",
    )?;
    let own = failed(std::env::current_exe(), "cannot find myself")?;
    let listen = socket("dfilter");
    let mut dfilter = Command::new(own.with_file_name("dfilter"));
    dfilter.env("DS01_ROOT", &root).arg("--upstream").arg(upstream).arg("--listen").arg(&listen);
    add("dfilter", 1, listen, dfilter)?;

    if let Some(unpacked) = std::env::var_os("BENCH_HAPROXY").map(PathBuf::from) {
        let listen = socket("haproxy");
        let config = folder.path().join("haproxy.cfg");
        let text = HAPROXY
            .replace("UPSTREAM", &upstream.display().to_string())
            .replace("LISTEN", &listen.display().to_string());
        failed(std::fs::write(&config, text), "no place for HAProxy's config")?;
        let library = unpacked.join(format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH));
        let mut haproxy = Command::new(unpacked.join("usr/sbin/haproxy"));
        haproxy.env("LD_LIBRARY_PATH", library).arg("-db").arg("-f").arg(&config);
        add("HAProxy", 1, listen, haproxy)?;
    } else {
        *absent += "HAProxy is left out: bench/run fetches it where there is apt\n";
    }

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("door-proxy.py");
    let listen = socket("python");
    let mut python = Command::new(&args.python);
    python.arg(script).arg(&listen).arg(upstream);
    add("Python", 4, listen, python)?;
    Ok(rivals)
}

fn start(mut command: Command, socket: &Path, name: &str) -> Result<Running, Fault> {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let mut running = Running(failed(command.spawn(), &format!("cannot start {name}"))?);
    let deadline = Instant::now() + Duration::from_secs(30);
    while std::os::unix::net::UnixStream::connect(socket).is_err() {
        if Instant::now() > deadline || !matches!(running.0.try_wait(), Ok(None)) {
            return Err(Fault::failed(format!("{name} does not listen")));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(running)
}
