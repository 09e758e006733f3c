//! A command or a shell in a running container: its input, output and terminal are the
//! caller's, and so is its exit code. What keeps the container alive is not this, so ending
//! it in any way stops nothing (pitfall 31).

mod frames;

use std::io::{IsTerminal, Read, Write, stderr, stdin, stdout};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ds01_docker::{Container, Docker, Exec};
use ds01_fault::{Code, Context, Fault};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::termios::{self, SetArg, Termios};
use serde_json::{Value, json};

use frames::{Frames, To};

/// Twice, it leaves a terminal and lets what runs there go on. Docker's own, Ctrl-P Ctrl-Q,
/// swallows every shell's key for the line before, and ends with a failure on some engines:
/// so the daemon is told the same keys and never sees both.
const LEAVE: u8 = 0x1d;
const DETACH: &str = "ctrl-],ctrl-]";
const CHUNK: usize = 64 << 10;
/// After the last byte the daemon still has to hear of the end.
const SETTLES: (u32, Duration) = (200, Duration::from_millis(20));

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Code(u8),
    /// It goes on; its terminal was left.
    Left,
}

/// bash where there is one, else sh. Not a login shell: that would forget the image's PATH.
pub fn shell() -> Vec<String> {
    ["/bin/sh", "-c", "if command -v bash >/dev/null 2>&1; then exec bash; else exec sh; fi"]
        .map(str::to_owned)
        .to_vec()
}

/// Whether somebody sits there to be told things.
pub fn somebody() -> bool {
    stdin().is_terminal() && stdout().is_terminal()
}

/// Runs it to its end.
pub fn run(docker: &Docker, container: &Container, command: &[String]) -> Result<Ended, Fault> {
    let tty = somebody();
    let exec = docker.exec(&container.id, &request(command, tty))?;
    // Before any thread, so that all of them leave these to this one.
    let signals = Signals::hold(tty)?;
    let raw = if tty { Some(Raw::set()?) } else { None };
    let (come, stream) = docker.exec_start(&exec)?;
    resize(docker, &exec);
    let left = send_input(&stream, tty)?;
    let mut out = Sink::new(exec.tty);
    out.take(&come)?;
    let told = receive(docker, &exec, &stream, &signals, &mut out)?;
    drop(raw);
    match told {
        Told::End if left.load(Ordering::SeqCst) => Ok(Ended::Left),
        Told::End => ended(docker, &exec),
        Told::Signal(number) => Ok(Ended::Code(128 + number)),
    }
}

fn request(command: &[String], tty: bool) -> Value {
    let mut request = json!({
        "AttachStdin": true, "AttachStdout": true, "AttachStderr": true,
        "Tty": tty, "Cmd": command,
    });
    if tty {
        let term = std::env::var("TERM").unwrap_or_else(|_| "xterm".into());
        request["Env"] = json!([format!("TERM={term}")]);
        request["DetachKeys"] = json!(DETACH);
    }
    request
}

/// Copies stdin on a thread of its own: else a command that reads slowly and writes much
/// would wait for us, and we for it. Says whether the terminal was left by its keys.
fn send_input(stream: &UnixStream, tty: bool) -> Result<Arc<AtomicBool>, Fault> {
    let cannot = || "cannot pass the input on".to_owned();
    let mut into = stream.try_clone().or_fault(Code::Failed, cannot)?;
    let left = Arc::new(AtomicBool::new(false));
    let leaves = Arc::clone(&left);
    thread::spawn(move || {
        let mut buffer = vec![0; CHUNK];
        let mut before = 0;
        let mut from = stdin().lock();
        while let Ok(count) = from.read(&mut buffer) {
            let typed = &buffer[..count];
            let end = if tty { leave(before, typed) } else { None };
            if into.write_all(&typed[..end.unwrap_or(count)]).is_err() {
                break;
            }
            if end.is_some() {
                leaves.store(true, Ordering::SeqCst);
                let _ = into.shutdown(Shutdown::Both);
                return;
            }
            match typed.last() {
                Some(last) => before = *last,
                None => break,
            }
        }
        // The command sees the end of its input; what it says still comes.
        let _ = into.shutdown(Shutdown::Write);
    });
    Ok(left)
}

/// Where the second of the keys that leave stands, `before` being the key before all these.
fn leave(before: u8, typed: &[u8]) -> Option<usize> {
    (0..typed.len()).find(|at| {
        let last = if *at == 0 { before } else { typed[at - 1] };
        last == LEAVE && typed[*at] == LEAVE
    })
}

enum Told {
    End,
    Signal(u8),
}

fn receive(
    docker: &Docker,
    exec: &Exec,
    mut stream: &UnixStream,
    signals: &Signals,
    out: &mut Sink,
) -> Result<Told, Fault> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let mut both = [
            PollFd::new(stream.as_fd(), PollFlags::POLLIN),
            PollFd::new(signals.arrived.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut both, PollTimeout::NONE) {
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(error) => return Err(docker.exec_broke(&error.into())),
        }
        let ready = |at: usize| both[at].revents().is_some_and(|events| !events.is_empty());
        let (some, signal) = (ready(0), ready(1));
        if signal {
            match signals.next() {
                Some(Signal::SIGWINCH) => resize(docker, exec),
                Some(other) => return Ok(Told::Signal(other as i32 as u8)),
                None => {}
            }
        }
        if some {
            match stream.read(&mut buffer) {
                Ok(0) => return Ok(Told::End),
                Ok(count) => out.take(&buffer[..count])?,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(docker.exec_broke(&error)),
            }
        }
    }
}

/// A terminal that was closed from the inside, or left.
fn ended(docker: &Docker, exec: &Exec) -> Result<Ended, Fault> {
    let (times, pause) = SETTLES;
    for _ in 0..times {
        let ran = docker.exec_ran(&exec.id)?;
        if !ran.running {
            let code = ran.exit_code.unwrap_or(1);
            return Ok(Ended::Code(u8::try_from(code & 0xff).unwrap_or(1)));
        }
        thread::sleep(pause);
    }
    Ok(Ended::Left)
}

/// Tells the other side how large the terminal is; a daemon that does not know the command
/// yet is told at the next change.
fn resize(docker: &Docker, exec: &Exec) {
    if let Some((rows, columns)) = exec.tty.then(size).flatten() {
        let _ = docker.exec_resize(&exec.id, rows, columns);
    }
}

fn size() -> Option<(u16, u16)> {
    let (columns, rows) = terminal_size::terminal_size_of(stdin())?;
    Some((rows.0, columns.0))
}

/// The signals that this thread takes: a changed size, and with a terminal those to end,
/// since the terminal must be set back first.
struct Signals {
    arrived: SignalFd,
}

impl Signals {
    fn hold(tty: bool) -> Result<Self, Fault> {
        let mut some = SigSet::empty();
        some.add(Signal::SIGWINCH);
        if tty {
            [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT]
                .into_iter()
                .for_each(|one| some.add(one));
        }
        let cannot = || "cannot take signals".to_owned();
        some.thread_block().or_fault(Code::Failed, cannot)?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let arrived = SignalFd::with_flags(&some, flags).or_fault(Code::Failed, cannot)?;
        Ok(Self { arrived })
    }

    fn next(&self) -> Option<Signal> {
        let seen = self.arrived.read_signal().ok()??;
        Signal::try_from(i32::try_from(seen.ssi_signo).ok()?).ok()
    }
}

/// Every key goes through as it is; set back when this ends.
struct Raw {
    before: Termios,
}

impl Raw {
    fn set() -> Result<Self, Fault> {
        let cannot = || "cannot set the terminal".to_owned();
        let before = termios::tcgetattr(stdin()).or_fault(Code::Failed, cannot)?;
        let mut raw = before.clone();
        termios::cfmakeraw(&mut raw);
        termios::tcsetattr(stdin(), SetArg::TCSADRAIN, &raw).or_fault(Code::Failed, cannot)?;
        Ok(Self { before })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = termios::tcsetattr(stdin(), SetArg::TCSADRAIN, &self.before);
    }
}

/// Where the output goes.
struct Sink {
    frames: Option<Frames>,
}

impl Sink {
    fn new(tty: bool) -> Self {
        Self { frames: (!tty).then(Frames::default) }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let Some(frames) = &mut self.frames else { return put(To::Stdout, bytes) };
        frames.take(bytes, &mut put)
    }
}

fn put(to: To, bytes: &[u8]) -> Result<(), Fault> {
    let written = match to {
        To::Stdout => {
            let mut out = stdout().lock();
            out.write_all(bytes).and_then(|()| out.flush())
        }
        To::Stderr => stderr().lock().write_all(bytes),
    };
    written.or_fault(Code::Failed, || "cannot pass the output on".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_that_leave_are_two_in_a_row() {
        assert_eq!(leave(0, b"ab\x1d\x1dc"), Some(3));
        assert_eq!(leave(LEAVE, b"\x1d"), Some(0));
        assert_eq!(leave(LEAVE, b"a\x1da\x1d"), None);
        assert_eq!(leave(0, b""), None);
    }

    #[test]
    fn a_terminal_asks_for_one_inside_and_a_pipe_does_not() {
        let command = vec!["ls".to_owned(), "--gpus".to_owned()];
        let with = request(&command, true);
        assert_eq!((&with["Tty"], &with["DetachKeys"]), (&json!(true), &json!(DETACH)));
        let without = request(&command, false);
        assert!(without.get("Env").is_none() && without["Tty"] == json!(false));
        // Pitfall 4: what stands behind the dashes is the program's own.
        assert_eq!(without["Cmd"], json!(["ls", "--gpus"]));
    }
}
