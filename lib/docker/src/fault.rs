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
            .todo("Docker has stopped: `systemctl restart docker`"),
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
                .todo("it was stopped or has crashed: `systemctl status docker`; then try again")
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
    let message = if message.is_empty() { "it gives no reason" } else { message };
    Fault::new(code, format!("Docker refuses: {message}"))
        .why(format!("the answer to {request} was {status}"))
        .detail("status", status)
}
