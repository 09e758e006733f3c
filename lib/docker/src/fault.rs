//! What goes wrong between us and the daemon, said for the person who reads it.

use std::io::{Error, ErrorKind};
use std::path::Path;

use ds01_fault::{Code, Fault};

/// Nobody answers at the socket.
pub(crate) fn no_connection(socket: &Path, error: &Error) -> Fault {
    let what = format!("cannot reach Docker at {}", socket.display());
    match error.kind() {
        ErrorKind::PermissionDenied => Fault::not_permitted(what)
            .why("this account may not use the socket")
            .todo("ask an admin for access to Docker, or run this as root"),
        ErrorKind::NotFound => Fault::unreachable(what)
            .why("there is no such socket")
            .todo("is Docker running? `systemctl status docker`; DOCKER_HOST names another socket"),
        ErrorKind::ConnectionRefused => Fault::unreachable(what)
            .why("nobody listens at the socket")
            .todo("try again in a moment; if it stays so, an admin looks at `systemctl status docker`"),
        ErrorKind::TimedOut => Fault::unreachable(what)
            .why("it accepts no connection")
            .todo("Docker hangs: `journalctl -u docker` may say why"),
        _ => Fault::unreachable(what)
            .why(error.to_string())
            .todo("is Docker running? `systemctl status docker`"),
    }
}

/// The connection failed once there was one.
pub(crate) fn broken(socket: &Path, error: &Error) -> Fault {
    let at = socket.display();
    match error.kind() {
        ErrorKind::TimedOut => {
            Fault::unreachable(format!("Docker at {at} does not answer in time"))
                .why("it took the request and went silent, or its answer takes too long")
                .todo("Docker hangs or is busy: `journalctl -u docker` may say why; then try again")
        }
        ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => {
            Fault::unreachable(format!("Docker at {at} went away in the middle of its answer"))
                .why("the connection was closed before the answer was whole")
                .todo("try again in a moment; if it stays so, an admin looks at `systemctl status docker`")
        }
        ErrorKind::InvalidData | ErrorKind::FileTooLarge => garbled(socket, &error.to_string()),
        _ => Fault::unreachable(format!("talking to Docker at {at} failed"))
            .why(error.to_string())
            .todo("`systemctl status docker`; then try again"),
    }
}

/// Somebody answers who is not Docker, or not one we know.
pub(crate) fn garbled(socket: &Path, why: &str) -> Fault {
    Fault::unreachable(format!("the answer from {} is not Docker's", socket.display()))
        .why(why)
        .todo("see who listens there: `ss -xlp`")
}

/// Docker answered, and the answer is no.
pub(crate) fn refused(status: u16, message: &str, request: &str) -> Fault {
    let code = match status {
        401 | 403 => Code::NotPermitted,
        404 => Code::NotFound,
        502..=504 => Code::Unreachable,
        _ => Code::Failed,
    };
    let fault = match in_lines(message) {
        Some((what, why, todo)) => Fault::new(code, what).why(why).todo(todo),
        None if message.is_empty() => Fault::new(code, "Docker refuses").why("it gives no reason"),
        None => Fault::new(code, format!("Docker refuses: {message}"))
            .why("Docker says no more than that"),
    };
    fault.detail("status", status).detail("request", request)
}

/// The Docker door's refusals are three lines already: what, why, what to do.
fn in_lines(message: &str) -> Option<(&str, &str, &str)> {
    let mut lines = message.lines().map(str::trim);
    let what = lines.next()?;
    let (mut why, mut todo) = ("", "");
    for line in lines {
        if let Some(text) = line.strip_prefix("why: ") {
            why = text;
        } else if let Some(text) = line.strip_prefix("do: ") {
            todo = text;
        }
    }
    (!why.is_empty() || !todo.is_empty()).then_some((what, why, todo))
}
