//! A door of the test's own, with people who have accounts only here.
#![allow(unsafe_code)] // Credentials of one thread, which the C library has no call for.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use dfilter::{Directory, Door, Gate, Mode};
use ds01_fault::Fault;
use ds01_people::{Account, Accounts, SystemGroup};
use ds01_site::Site;
use ds01_units::Stamp;
use serde_json::json;

use crate::daemon::{self, Log, World};

const PEOPLE: &[(&str, u32)] =
    &[("alice", 61001), ("bob", 61002), ("admin", 61003), ("ds01-dashboard", 61004)];

struct Book;

fn account(name: &str, uid: u32) -> Account {
    Account { name: name.into(), uid, gid: uid, home: format!("/home/{name}").into() }
}

impl Accounts for Book {
    fn by_uid(&self, uid: u32) -> Result<Option<Account>, Fault> {
        Ok(PEOPLE.iter().find(|(_, u)| *u == uid).map(|(n, u)| account(n, *u)))
    }
    fn by_name(&self, name: &str) -> Result<Option<Account>, Fault> {
        Ok(PEOPLE.iter().find(|(n, _)| *n == name).map(|(n, u)| account(n, *u)))
    }
    fn groups(&self, account: &Account) -> Result<Vec<SystemGroup>, Fault> {
        let admin = (account.name == "admin")
            .then(|| SystemGroup { gid: 999, name: Some("ds01-admin".into()) });
        Ok(admin.into_iter().collect())
    }
}

pub fn uid(actor: &str) -> u32 {
    PEOPLE.iter().find(|(name, _)| *name == actor).map_or(61999, |(_, uid)| *uid)
}

pub struct Lab {
    pub dir: tempfile::TempDir,
    pub socket: PathBuf,
    pub log: Log,
}

pub const CONFIG: &str = "defaults: {max_cpus: 4, memory: 16g, memory_swap: 16g, shm_size: 2g, pids_limit: 512, max_containers_per_user: 5}
default_group: students
groups:
  students: {members: [alice, bob]}
access_control: {unowned: open}
";

/// None where the test is not root: nobody else can connect as alice.
pub fn start(config: &str, mode: Mode) -> Option<Lab> {
    if !nix::unistd::Uid::effective().is_root() {
        eprintln!("skipped: only root can connect as other people");
        return None;
    }
    let dir = scratch();
    let folder = folder_of_bob(&dir);
    let upstream = dir.path().join("real.sock");
    let log = daemon::start(&upstream, World::new(folder.to_str().unwrap()));
    let socket = open(&dir, config, mode, upstream);
    Some(Lab { dir, socket, log })
}

/// A directory that everybody may pass through.
pub fn scratch() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

fn folder_of_bob(dir: &tempfile::TempDir) -> PathBuf {
    let folder = dir.path().join("bobs");
    std::fs::create_dir(&folder).unwrap();
    std::os::unix::fs::chown(&folder, Some(uid("bob")), None).unwrap();
    folder
}

/// Two GPUs, as the ledger remembers a board it read a moment ago.
fn board() -> String {
    let gpu = |index: u32| json!({"index": index, "uuid": format!("GPU-{index}"), "nvlink": [], "mig": {"mode": "off"}, "instances": []});
    let board = json!({"driver": {}, "gpus": [gpu(0), gpu(1)]});
    json!({"read_at": Stamp::now(), "traces": "", "board": board}).to_string()
}

/// Opens a door before the daemon at `upstream`, and gives its socket.
pub fn open(dir: &tempfile::TempDir, config: &str, mode: Mode, upstream: PathBuf) -> PathBuf {
    let root = dir.path().join("root");
    std::fs::create_dir_all(root.join("etc/ds01")).unwrap();
    std::fs::create_dir_all(root.join("run/ds01")).unwrap();
    std::fs::write(root.join("etc/ds01/resource-limits.yaml"), config).unwrap();
    std::fs::write(root.join("run/ds01/board.json"), board()).unwrap();
    let socket = dir.path().join("docker.sock");
    let listener = dfilter::bind(&socket).unwrap();
    let tools = dir.path().join("tools");
    thread::spawn(move || {
        let directory: Directory = Arc::new(Book);
        let mut door = Door::new(&Site::at(root), upstream, mode, directory).unwrap();
        door.gate = Gate::at(tools);
        dfilter::run(door, listener).unwrap();
    });
    socket
}

/// Connects as somebody. The kernel notes who the connecting thread is, so a thread of its
/// own becomes that person first.
pub fn connect_as(socket: &Path, uid: u32) -> UnixStream {
    let socket = socket.to_owned();
    let stream = thread::spawn(move || {
        let keep: libc::uid_t = !0;
        // SAFETY: the raw calls change the credentials of this thread alone, which ends here.
        unsafe {
            assert_eq!(libc::syscall(libc::SYS_setresgid, uid, uid, keep), 0);
            assert_eq!(libc::syscall(libc::SYS_setresuid, uid, uid, keep), 0);
        }
        UnixStream::connect(socket).unwrap()
    });
    let stream = stream.join().unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Writes raw bytes and reads one framed answer.
pub fn exchange(stream: &mut UnixStream, bytes: &[u8]) -> Reply {
    stream.write_all(bytes).unwrap();
    read_reply(stream, bytes.starts_with(b"HEAD"))
}

pub fn read_reply(stream: &mut UnixStream, bodiless: bool) -> Reply {
    let mut bytes = Vec::new();
    let mut byte = [0u8; 1];
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).expect("an answer") == 0 {
            break;
        }
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).unwrap();
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    let length =
        head.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.trim().parse().ok());
    let mut body = vec![0; if bodiless { 0 } else { length.unwrap_or(0) }];
    stream.read_exact(&mut body).unwrap();
    Reply { status, body }
}

/// One request on a connection of its own.
pub fn request(
    lab: &Lab,
    actor: &str,
    method: &str,
    path: &str,
    headers: &str,
    body: &[u8],
) -> Reply {
    let mut stream = connect_as(&lab.socket, uid(actor));
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: docker\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    exchange(&mut stream, &[head.as_bytes(), body].concat())
}
