//! Accepting: from a socket of our own or one that systemd passes, so that a restart
//! refuses nobody.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener as StdListener;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use ds01_config::Config;
use ds01_fault::{Code, Context, Fault};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

use crate::conn::Connection;
use crate::daemon::Daemon;
use crate::door::Door;
use crate::peer;
use crate::stream::Stream;
use crate::wire::Wire;

/// Connections of one person; a leak in somebody's script must not shut the others out.
const MOST_OF_ONE: u32 = 4096;

/// The socket that systemd passes, if it does.
#[allow(unsafe_code)] // Descriptor 3 is ours by the protocol of socket activation.
pub fn passed() -> Result<Option<StdListener>, Fault> {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u32>().ok();
    if number("LISTEN_PID") != Some(std::process::id()) {
        return Ok(None);
    }
    match number("LISTEN_FDS") {
        None | Some(0) => return Ok(None),
        Some(1) => {}
        Some(many) => {
            return Err(Fault::usage(format!("systemd passes {many} sockets"))
                .why("the door has one")
                .todo("leave one ListenStream in ds01-dfilter.socket: systemctl cat ds01-dfilter.socket"));
        }
    }
    // SAFETY: sd_listen_fds(3) gives this process descriptor 3, and nothing else here has
    // opened or taken it: this runs once, before any other descriptor is made.
    let fd = unsafe { OwnedFd::from_raw_fd(3) };
    // It comes open for whatever is run, and the tools at the gate must not have it.
    fcntl(&fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))
        .or_fault(Code::Failed, || "cannot keep the socket to itself".to_owned())?;
    Ok(Some(fd.into()))
}

/// The socket to serve: what systemd passes, else one of our own. A service without its
/// socket unit still opens the door, or nobody would reach Docker, and says what is amiss.
pub fn listener(path: &Path) -> Result<StdListener, Fault> {
    if let Some(passed) = passed()? {
        return Ok(passed);
    }
    let own = bind(path)?;
    if std::env::var_os("INVOCATION_ID").is_some() {
        cli::complain(
            &Fault::failed(format!(
                "systemd passes no socket: the door opens {} itself",
                path.display()
            ))
            .why("ds01-dfilter.socket is not active, so a restart refuses whoever knocks meanwhile")
            .todo(
                "systemctl stop ds01-dfilter.service; systemctl enable --now ds01-dfilter.socket",
            ),
        );
    }
    Ok(own)
}

/// A socket of our own. Everybody may connect: who they are is asked of the kernel.
pub fn bind(path: &Path) -> Result<StdListener, Fault> {
    use std::os::unix::fs::FileTypeExt;
    let cannot = || format!("cannot listen on {}", path.display());
    match std::fs::symlink_metadata(path) {
        Ok(there) if there.file_type().is_socket() => {
            if std::os::unix::net::UnixStream::connect(path).is_ok() {
                return Err(Fault::failed(cannot())
                    .why("somebody listens there already")
                    .todo("if it is Docker itself, `setup-docker-permissions` moves it; else stop it, or choose another --listen"));
            }
            std::fs::remove_file(path).or_fault(Code::Failed, cannot)?;
        }
        Ok(_) => return Err(Fault::failed(cannot()).why("there is a file that is no socket")),
        Err(_) => {}
    }
    let listener = StdListener::bind(path).or_fault(Code::Failed, cannot)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666))
        .or_fault(Code::Failed, cannot)?;
    Ok(listener)
}

/// Serves until SIGTERM or SIGINT.
pub fn run(door: Door, listener: StdListener) -> Result<(), Fault> {
    raise_descriptors();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .or_fault(Code::Failed, || "cannot start serving".to_owned())?;
    let served = LocalSet::new().block_on(&runtime, serve(Rc::new(door), listener));
    // A name service that does not answer must not keep the process.
    runtime.shutdown_timeout(Duration::from_secs(1));
    served.or_fault(Code::Failed, || "cannot serve".to_owned())
}

/// Two descriptors for each client, more than the usual thousand.
fn raise_descriptors() {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

async fn serve(door: Rc<Door>, listener: StdListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = UnixListener::from_std(listener)?;
    let mut reload = signal(SignalKind::hangup())?;
    let mut end = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    if door.config().is_none() {
        tell(Config::load(&door.site).err());
    }
    let mut figures = tokio::time::interval(Duration::from_secs(10));
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    if let Ok(stream) = stream.into_std().and_then(|std| Stream::new(std.into())) {
                        accept(&door, stream);
                    }
                }
                // Out of descriptors: those who are connected go on, and free some.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            _ = reload.recv() => tell(door.reload()),
            _ = figures.tick() => write_figures(&door),
            _ = end.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    drop(listener);
    door.drain.end().await;
    write_figures(&door);
    Ok(())
}

/// Into the journal, for whoever asks what became of a reload.
fn tell(fault: Option<Fault>) {
    if let Some(fault) = fault {
        cli::complain(&fault);
    }
}

fn open(door: &Door) -> u64 {
    door.connections.borrow().values().map(|count| u64::from(*count)).sum()
}

fn write_figures(door: &Door) {
    let path = door.site.run().join("door.prom");
    door.counters.write(&path, open(door));
}

fn accept(door: &Rc<Door>, stream: Stream) {
    let Ok(peer) = peer::of(&stream, &door.home) else { return };
    let uid = peer.uid;
    {
        let mut all = door.connections.borrow_mut();
        let count = all.entry(uid).or_default();
        if *count >= MOST_OF_ONE {
            return;
        }
        *count += 1;
    }
    door.counters.connections.set(door.counters.connections.get() + 1);
    let connection = Connection {
        door: Rc::clone(door),
        peer,
        client: Wire::new(stream),
        daemon: Daemon::default(),
        who: None,
        turn: None,
        lease: None,
        session: None,
    };
    let door = Rc::clone(door);
    tokio::task::spawn_local(async move {
        connection.serve().await;
        let mut all = door.connections.borrow_mut();
        if let Some(count) = all.get_mut(&uid) {
            *count -= 1;
            if *count == 0 {
                all.remove(&uid);
            }
        }
    });
}
