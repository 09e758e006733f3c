//! Daemons that are missing, slow, cut off or no daemons.

use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::Duration;

use ds01_docker::Docker;
use ds01_fault::{Code, Fault};
use proptest::prelude::*;

use crate::server::{Script, Server, answer, says};

fn fault_of(script: Script) -> Fault {
    Server::start(vec![script]).docker().patience(Duration::from_secs(20)).list().unwrap_err()
}

#[test]
fn a_missing_daemon_is_named_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("docker.sock");
    let fault = Docker::at(&socket).list().unwrap_err();
    assert_eq!(fault.code, Code::Unreachable);
    assert_eq!(fault.what, format!("cannot reach Docker at {}", socket.display()));
    assert_eq!(fault.why, "there is no such socket");

    drop(UnixListener::bind(&socket).unwrap());
    let fault = Docker::at(&socket).list().unwrap_err();
    assert_eq!(
        (fault.code, fault.why.as_str()),
        (Code::Unreachable, "nobody listens at the socket")
    );

    std::fs::remove_file(&socket).unwrap();
    std::fs::write(&socket, "a file").unwrap();
    assert_eq!(Docker::at(&socket).list().unwrap_err().code, Code::Unreachable);

    let long = dir.path().join("x".repeat(200));
    assert_eq!(Docker::at(long).list().unwrap_err().code, Code::Unreachable);
}

/// Runs as another user, see below.
#[test]
fn ask_as_nobody() {
    let Some(socket) = std::env::var_os("DOCKER_TEST_SOCKET") else { return };
    let fault = Docker::at(socket).list().unwrap_err();
    assert_eq!(fault.code, Code::NotPermitted);
    assert_eq!(fault.why, "this account may not use the socket");
}

#[test]
fn a_socket_that_one_may_not_use_is_no_missing_daemon() {
    if !nix::unistd::Uid::effective().is_root() {
        return;
    }
    // In a directory that everybody can enter, unlike the server's own.
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let socket = dir.path().join("docker.sock");
    let _listener = UnixListener::bind(&socket).unwrap();
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o660)).unwrap();
    // The test binary may lie where nobody else can go, so a copy is run.
    let mine = dir.path().join("test");
    std::fs::copy(std::env::current_exe().unwrap(), &mine).unwrap();
    let done = Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .arg(&mine)
        .args(["broken::ask_as_nobody", "--exact", "--test-threads=1"])
        .env("DOCKER_TEST_SOCKET", &socket)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn a_daemon_that_goes_in_the_middle_is_never_taken_for_a_short_answer() {
    let whole = [
        answer("200 OK", r#"[{"Id":"abc"}]"#),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ne\r\n[{\"Id\":\"abc\"}]\r\n0\r\n\r\n".to_vec(),
    ];
    for bytes in whole {
        for cut in 0..bytes.len() {
            let fault = fault_of(says(&bytes[..cut]));
            assert_eq!(fault.code, Code::Unreachable, "cut at {cut}");
            assert!(fault.what.contains("went away in the middle"), "cut at {cut}: {fault}");
        }
    }
}

#[test]
fn a_daemon_that_is_silent_or_drips_is_not_waited_for_for_ever() {
    let silent: Script = Box::new(|stream| {
        // Until the client hangs up.
        let _ = std::io::Read::read(stream, &mut [0]);
    });
    let drips: Script = Box::new(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
        while stream.write_all(b" ").is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    for script in [silent, drips] {
        let server = Server::start(vec![script]);
        let docker = server.docker();
        docker.engine().unwrap();
        let fault = docker.patience(Duration::from_millis(300)).list().unwrap_err();
        assert_eq!(fault.code, Code::Unreachable);
        assert!(fault.what.contains("does not answer in time"), "{fault}");
    }
}

#[test]
fn a_daemon_that_accepts_nobody_is_not_waited_for_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("docker.sock");
    let queue = socket_that_queues_one(&socket);
    // One waits in the queue, and the next finds it full.
    let reasons: Vec<_> = (0..4)
        .map(|_| {
            let docker = Docker::at(&socket).patience(Duration::from_millis(100));
            let fault = docker.list().unwrap_err();
            assert_eq!(fault.code, Code::Unreachable, "{fault}");
            fault.why
        })
        .collect();
    assert_eq!(reasons[3], "it accepts no connection", "{reasons:?}");
    drop(queue);
}

fn socket_that_queues_one(path: &std::path::Path) -> std::os::fd::OwnedFd {
    use nix::sys::socket as net;
    let none = net::SockFlag::empty();
    let fd = net::socket(net::AddressFamily::Unix, net::SockType::Stream, none, None).unwrap();
    net::bind(fd.as_raw_fd(), &net::UnixAddr::new(path).unwrap()).unwrap();
    net::listen(&fd, net::Backlog::new(1).unwrap()).unwrap();
    fd
}

#[test]
fn whoever_is_no_docker_is_called_so() {
    for bytes in [
        &b"SSH-2.0-OpenSSH_9.2\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\n",
        b"HTTP/9.9 what\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n[]\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[]\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"a\": 1}\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[}",
    ] {
        let fault = fault_of(says(bytes));
        assert_eq!(fault.code, Code::Unreachable);
        assert!(fault.what.ends_with("is not Docker's"), "{}: {fault}", bytes.escape_ascii());
    }
    let endless: Script = Box::new(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX: ");
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    assert!(fault_of(endless).why.contains("its head has no end"));
    let endless: Script = Box::new(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n[");
        while stream.write_all(&[b' '; 1 << 16]).is_ok() {}
    });
    assert!(fault_of(endless).why.contains("longer than any list"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn garbage_is_a_fault_and_no_panic(
        head in prop_oneof![Just(""), Just("HTTP/1.1 200 OK\r\n"), Just("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")],
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let fault = fault_of(says([head.as_bytes(), &bytes].concat()));
        prop_assert_eq!(fault.code, Code::Unreachable);
    }
}
