//! ds01's own requests: a tool of ours, run as root for whoever asks, as CGI programs are.
//! What may be run is [`ds01_door::gate`]'s to say; here it is started, fed, bounded, and
//! ended when its client goes.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use crate::stream::Stream;
use ds01_door::gate::{Errand, LARGEST, errand};
use ds01_door::http::Head;
use ds01_door::{Denial, Role, Target, Who, json};
use ds01_site::{CALLER_GID, CALLER_MAY_BE_ADMIN, CALLER_UID};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::answer::{self, Next};
use crate::conn::Connection;
use crate::door::Door;
use crate::reply;
use crate::wire::{Source, read_some};

/// For the body of a request.
const PATIENCE: Duration = Duration::from_secs(30);
/// The ledger's lock is waited for ten seconds, a board that is slow to answer some more.
const LONGEST_RUN: Duration = Duration::from_secs(30);
const MOST_OF_ONE: u32 = 4;
const MOST_OF_ALL: u32 = 64;
const LONGEST_OUTPUT: u64 = 4 << 20;
/// What a client sends ahead while its tool runs is kept up to here.
const AHEAD: usize = 64 << 10;
/// How soon a client's going is noticed once it has ended its half.
const LOOK: Duration = Duration::from_millis(50);

/// What runs for whom.
#[derive(Debug)]
pub struct Gate {
    /// Where the tools are: beside the door's own file.
    tools: PathBuf,
    running: RefCell<HashMap<u32, u32>>,
}

impl Default for Gate {
    /// Found out now: a file that is replaced while it runs has no name any more.
    fn default() -> Self {
        let own = std::env::current_exe().ok();
        let dir = own.and_then(|own| own.parent().map(PathBuf::from));
        Self::at(dir.unwrap_or_else(|| "/usr/local/bin".into()))
    }
}

/// A place among those that run; given back when it is dropped.
struct Place<'a> {
    gate: &'a Gate,
    uid: u32,
}

impl Gate {
    pub fn at(tools: PathBuf) -> Self {
        Self { tools, running: RefCell::default() }
    }

    fn enter(&self, who: &Who) -> Result<Place<'_>, Denial> {
        let mut running = self.running.borrow_mut();
        let all: u32 = running.values().sum();
        let own = running.entry(who.uid).or_default();
        if *own >= MOST_OF_ONE {
            return Err(Denial::new(
                429,
                "gate.busy",
                format!("{} requests of yours are under way", *own),
            )
            .why("the door runs so many tools for one person at a time")
            .todo("wait for one to end, and ask again"));
        }
        if all >= MOST_OF_ALL {
            return Err(Denial::new(503, "gate.full", "the door runs as many tools as it can")
                .todo("ask again in a moment"));
        }
        *own += 1;
        Ok(Place { gate: self, uid: who.uid })
    }

    fn command(&self, door: &Door, who: &Who, errand: &Errand) -> Command {
        let mut command = Command::new(self.tools.join(errand.tool));
        command
            .args(&errand.args)
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LANG", "C.UTF-8")
            .env("DOCKER_HOST", format!("unix://{}", door.upstream.display()))
            .env(CALLER_UID, who.uid.to_string())
            .env(CALLER_GID, who.gid.to_string());
        if who.role == Role::Admin {
            command.env(CALLER_MAY_BE_ADMIN, "yes");
        }
        if !door.site.is_real() {
            command.env("DS01_ROOT", door.site.root());
        }
        // The door's own, which root has set: a board to play on, a try-out's clock.
        for name in ["DS01_NOW", "DS01_NVML_LIB", "NVML_SIM_WORLD"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .current_dir("/")
            // A group of its own, so that it ends with all that it started.
            .process_group(0)
            .stdin(if errand.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut running = self.gate.running.borrow_mut();
        if let Some(count) = running.get_mut(&self.uid) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.uid);
            }
        }
    }
}

/// Ends a tool and what it started, unless it has ended by itself. The process is not waited
/// for before, so its group is still its own.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

/// Whether a request is one of ours. A look at the bytes, since every request is asked;
/// written otherwise (`/%64s01`), it is a route that nobody knows.
pub fn is_ours(head: &Head) -> bool {
    head.target.contains("/ds01/")
}

impl Connection {
    /// Answers one of ds01's own requests.
    pub(crate) async fn gate(&mut self, head: &Head) -> io::Result<Next> {
        let mut source = Source::new(head.framing);
        let answered = self.errand(head, &mut source).await?;
        let done = source.is_done();
        match answered {
            Ok(Some(body)) => {
                reply::whole(&self.client, 200, &body, head, done).await?;
                Ok(answer::next(head, done))
            }
            Ok(None) => Ok(Next::Close),
            Err(denial) => {
                self.refuse(&head.method, &head.target, &denial, !done).await?;
                Ok(answer::next(head, done))
            }
        }
    }

    /// The tool's answer; none where nobody waits for it any more.
    async fn errand(
        &mut self,
        head: &Head,
        source: &mut Source,
    ) -> io::Result<Result<Option<Vec<u8>>, Denial>> {
        let tool = match Target::parse(&head.target).and_then(|target| named(head, &target)) {
            Ok(tool) => tool,
            Err(denial) => return Ok(Err(denial)),
        };
        let who = match self.identify(None).await {
            Ok(who) => who,
            Err(denial) => return Ok(Err(denial)),
        };
        if head.expect_continue && !source.is_done() {
            self.client.write(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let wire = &mut self.client;
        let body = match timeout(PATIENCE, source.whole(&wire.stream, &mut wire.buf, LARGEST)).await
        {
            Ok(Ok(Some(body))) => body,
            Ok(Ok(None)) => {
                return Ok(Err(Denial::new(413, "gate.body", "the request is too large")));
            }
            Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
                return Ok(Err(Denial::malformed("http.chunked", error.to_string())));
            }
            Ok(Err(error)) => return Err(error),
            Err(_) => {
                return Ok(Err(Denial::new(
                    408,
                    "http.timeout",
                    "the body did not come within 30 s",
                )));
            }
        };
        let judged = json::parse(&body).and_then(|body| errand(&tool, &body, &who));
        let errand = match judged {
            Ok(errand) => errand,
            Err(denial) => return Ok(Err(denial)),
        };
        let ran = {
            let Self { door, client, .. } = &mut *self;
            let _place = match door.gate.enter(&who) {
                Ok(place) => place,
                Err(denial) => return Ok(Err(denial)),
            };
            let command = door.gate.command(door, &who, &errand);
            let run = run(command, errand.stdin.clone());
            tokio::select! {
                ran = run => Some(ran),
                () = gone(&client.stream, &mut client.buf) => None,
            }
        };
        let (exit, answer) = match ran {
            None => (None, Ok(None)),
            Some(Err(denial)) => (None, Err(denial)),
            Some(Ok(ran)) => {
                let body = json!({"exit": ran.exit, "stdout": ran.stdout, "stderr": ran.stderr});
                (Some(ran.exit), Ok(Some(format!("{body}\n").into_bytes())))
            }
        };
        if answer.is_ok() {
            self.door.counters.allow();
            self.door.audit.write(&json!({
                "timestamp": self.door.site.now(), "decision": "allow", "code": "gate",
                "user": who.user, "uid": self.peer.uid, "pid": self.peer.pid,
                "method": head.method, "path": format!("/ds01/{}", errand.tool),
                "args": errand.args, "exit": exit, "status": if exit.is_some() { 200 } else { 0 },
            }));
        }
        Ok(answer)
    }
}

/// The tool that a request names.
fn named(head: &Head, target: &Target) -> Result<String, Denial> {
    let [first, tool] = target.segments.as_slice() else {
        return Err(unknown());
    };
    if first != "ds01" {
        return Err(unknown());
    }
    if head.method != "POST" || target.query.keys().next().is_some() {
        return Err(Denial::malformed(
            "gate.request",
            "ds01's own requests are POST, with no query",
        )
        .todo(r#"put what is asked into the body: {"args": ["list"]}"#));
    }
    let kind = head.header("content-type").unwrap_or("application/json").to_ascii_lowercase();
    if !kind.starts_with("application/json") || head.header("content-encoding").is_some() {
        return Err(Denial::new(415, "gate.body", "ds01's own requests are plain JSON"));
    }
    Ok(tool.clone())
}

fn unknown() -> Denial {
    Denial::new(404, "route.unknown", "this is no request of ds01's")
        .todo("POST /ds01/<tool>; man dfilter lists the tools")
}

/// A tool that has run.
struct Ran {
    exit: i32,
    stdout: String,
    stderr: String,
}

async fn run(mut command: Command, stdin: Option<String>) -> Result<Ran, Denial> {
    let mut child = command.spawn().map_err(|error| {
        let program = command.as_std().get_program().to_string_lossy();
        Denial::new(503, "gate.start", format!("{program} cannot be started"))
            .why(error.to_string())
            .todo("tell an admin: the tools belong beside dfilter")
    })?;
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    let mut group = Group(id.map(Pid::from_raw));
    match timeout(LONGEST_RUN, talk(&mut child, stdin)).await {
        Ok(Ok((status, stdout, stderr))) => {
            group.0 = None;
            Ok(Ran { exit: code(status), stdout, stderr })
        }
        Ok(Err(Broken::TooMuch)) => {
            Err(Denial::new(502, "gate.output", "the tool says more than 4 MiB")
                .why("that much is not carried through the door")
                .todo("ask for less of it: a shorter time, the last few"))
        }
        Ok(Err(Broken::Io(error))) => {
            Err(Denial::new(502, "gate.broken", "the tool broke off").why(error.to_string()))
        }
        Err(_) => Err(Denial::new(504, "gate.timeout", "the tool took longer than 30 s")
            .why("it was ended; what it had recorded before stays")
            .todo("look what became of it, and ask again")),
    }
}

enum Broken {
    TooMuch,
    Io(io::Error),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

async fn talk(
    child: &mut Child,
    stdin: Option<String>,
) -> Result<(ExitStatus, String, String), Broken> {
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let (Some(mut input), Some(text)) = (input, stdin) {
            // A tool need not read what it is given.
            let _ = input.write_all(text.as_bytes()).await;
        }
        Ok(())
    };
    let ((), stdout, stderr) = tokio::try_join!(feed, whole(output), whole(errors))?;
    Ok((child.wait().await?, stdout, stderr))
}

async fn whole(from: Option<impl AsyncRead + Unpin>) -> Result<String, Broken> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(LONGEST_OUTPUT + 1).read_to_end(&mut bytes).await?;
    }
    if bytes.len() as u64 > LONGEST_OUTPUT {
        return Err(Broken::TooMuch);
    }
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

/// As a shell would tell it.
fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

/// Comes to an end when the client is gone. One that has only ended its half still waits for
/// its answer; what it sends ahead is kept for the next request.
async fn gone(client: &Stream, buf: &mut Vec<u8>) {
    while buf.len() < AHEAD {
        match read_some(client, buf).await {
            Ok(0) => break,
            Ok(_) => {}
            Err(_) => return,
        }
    }
    while !hung_up(client) {
        sleep(LOOK).await;
    }
}

fn hung_up(client: &Stream) -> bool {
    let mut fds = [PollFd::new(client.as_fd(), PollFlags::empty())];
    let _ = poll(&mut fds, PollTimeout::ZERO);
    let ended = PollFlags::POLLHUP | PollFlags::POLLERR;
    fds[0].revents().is_some_and(|events| events.intersects(ended))
}
