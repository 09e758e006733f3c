//! The two processes: the daemon that is killed and comes back, the door that is told to end
//! and comes back on the same socket.

use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ds01_fault::{Code, Context, Fault};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::BE;

const CONFIG: &str = "default_group: students
defaults: {max_cpus: 4, memory: 16g, memory_swap: 16g, shm_size: 2g, pids_limit: 512, max_containers_per_user: null}
groups: {students: {members: [nobody]}}
";
/// Far above what a busy machine needs for anything here.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the door has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    pub descriptors: usize,
    pub threads: u64,
    pub kilobytes: u64,
}

#[derive(Debug)]
pub struct Site {
    root: PathBuf,
    pub socket: PathBuf,
    upstream: PathBuf,
    listener: OwnedFd,
    daemon: Child,
    door: Child,
}

fn failed<T, E: std::error::Error + Send + Sync + 'static>(
    result: Result<T, E>,
    what: &str,
) -> Result<T, Fault> {
    result.or_fault(Code::Failed, || what.to_owned())
}

impl Site {
    pub fn start(folder: &Path) -> Result<Self, Fault> {
        let everybody = |mode| std::fs::Permissions::from_mode(mode);
        let what = "cannot make a place for the door";
        failed(std::fs::set_permissions(folder, everybody(0o755)), what)?;
        let root = folder.join("root");
        for part in ["etc/ds01", "run/ds01"] {
            failed(std::fs::create_dir_all(root.join(part)), what)?;
        }
        failed(std::fs::write(root.join("etc/ds01/resource-limits.yaml"), CONFIG), what)?;
        let socket = folder.join("docker.sock");
        let listener: OwnedFd = failed(UnixListener::bind(&socket), what)?.into();
        failed(std::fs::set_permissions(&socket, everybody(0o666)), what)?;
        let upstream = folder.join("real.sock");
        let daemon = daemon(&upstream)?;
        let door = door(&root, &upstream, &listener)?;
        let site = Self { root, socket, upstream, listener, daemon, door };
        site.answers()?;
        Ok(site)
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.door.id()).unwrap_or(i32::MAX))
    }

    /// Waits until the door answers, and the daemon behind it.
    pub fn answers(&self) -> Result<(), Fault> {
        eventually("the door and its daemon answer", || {
            let ask = b"GET /version HTTP/1.1\r\nHost: d\r\n\r\n";
            let asked = ds01_standin::Client::connect(&self.socket).and_then(|mut c| c.ask(ask));
            // The stand-in does not know that path, and says so itself.
            asked.is_ok_and(|reply| reply.status == 404)
        })
    }

    /// Kills the daemon, and starts it again after a moment without one.
    pub fn restart_daemon(&mut self) -> Result<(), Fault> {
        end(&mut self.daemon);
        std::thread::sleep(Duration::from_millis(100));
        self.daemon = daemon(&self.upstream)?;
        Ok(())
    }

    /// What `systemctl restart` does: the old one ends, then the new one takes the socket.
    pub fn restart_door(&mut self) -> Result<Duration, Fault> {
        let begun = Instant::now();
        failed(kill(self.pid(), Signal::SIGTERM), "the door has ended by itself")?;
        let status = failed(self.door.wait(), "the door is lost")?;
        if !status.success() {
            return Err(Fault::failed(format!("the door ended with {status}")));
        }
        self.door = door(&self.root, &self.upstream, &self.listener)?;
        Ok(begun.elapsed())
    }

    pub fn reload_door(&mut self) -> Result<(), Fault> {
        failed(kill(self.pid(), Signal::SIGHUP), "the door has ended by itself")?;
        match failed(self.door.try_wait(), "the door is lost")? {
            None => Ok(()),
            Some(status) => Err(Fault::failed(format!("the door ended with {status}"))),
        }
    }

    pub fn figures(&self) -> Result<Figures, Fault> {
        let proc = PathBuf::from(format!("/proc/{}", self.door.id()));
        let gone = "the door has ended by itself";
        let descriptors = failed(std::fs::read_dir(proc.join("fd")), gone)?.count();
        let status = failed(std::fs::read_to_string(proc.join("status")), gone)?;
        let number = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            let word = line.and_then(|line| line.split_ascii_whitespace().next());
            word.and_then(|word| word.parse().ok()).unwrap_or(0)
        };
        Ok(Figures { descriptors, threads: number("Threads:"), kilobytes: number("VmRSS:") })
    }

    /// Waits until the door holds no more descriptors than this.
    pub fn settles(&self, descriptors: usize) -> Result<(), Fault> {
        let count = || self.figures().map_or(usize::MAX, |figures| figures.descriptors);
        eventually("the door closes what its clients have left", || count() <= descriptors)
            .map_err(|fault| fault.why(format!("{} are open, {descriptors} were", count())))
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        end(&mut self.door);
        end(&mut self.daemon);
    }
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) -> Result<(), Fault> {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        if Instant::now() > deadline {
            return Err(Fault::failed(format!("this never came: {what}")));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn own() -> Result<PathBuf, Fault> {
    failed(std::env::current_exe(), "cannot find myself")
}

fn daemon(socket: &Path) -> Result<Child, Fault> {
    let mut command = Command::new(own()?);
    command.env(BE, "daemon").arg(socket).stdin(Stdio::null()).stdout(Stdio::null());
    let child = failed(command.spawn(), "cannot start the daemon")?;
    let there = || std::os::unix::net::UnixStream::connect(socket).is_ok();
    eventually("the daemon listens", there)?;
    Ok(child)
}

/// By the protocol of socket activation: the socket is descriptor 3, and for this process.
fn door(root: &Path, upstream: &Path, listener: &OwnedFd) -> Result<Child, Fault> {
    let what = "cannot start the door";
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", r#"exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@""#])
        .arg(own()?)
        .arg("--upstream")
        .arg(upstream)
        .env(BE, "door")
        .env("DS01_ROOT", root)
        .stdin(failed(listener.try_clone(), what)?)
        .stdout(Stdio::null());
    failed(command.spawn(), what)
}
