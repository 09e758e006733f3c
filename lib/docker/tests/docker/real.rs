//! A real daemon.

use std::time::Duration;

use ds01_docker::{Docker, GpuUse, Next, State};
use ds01_fault::Code;
use ds01_test_dockerd::{Dockerd, IMAGE};
use serde_json::json;

#[test]
fn a_real_daemon_is_asked_followed_and_changed() {
    let Some(dockerd) = Dockerd::start_or_skip() else { return };
    let docker = Docker::at(dockerd.socket());
    assert!(docker.engine().unwrap().has_api(1, 40));
    assert_eq!(docker.list().unwrap(), []);

    let mut events = docker.follow(&["events"], &[]).unwrap();
    let body = json!({
        "Image": IMAGE, "Cmd": ["sleep", "1000"],
        "Labels": {"ds01.user": "alice"}, "Env": ["A=b=c"],
        "HostConfig": {"DeviceRequests": [
            {"Driver": "nvidia", "DeviceIDs": ["GPU-1", "0:1"], "Capabilities": [["gpu"]]}]},
    });
    let made =
        docker.post(&["containers", "create"], &[("name", "a._.alice")], Some(&body)).unwrap();
    let id = made.json::<serde_json::Value>().unwrap()["Id"].as_str().unwrap().to_owned();

    let listed = docker.list_where(&[("label", "ds01.user=alice")]).unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].name.as_str(), &listed[0].state), ("a._.alice", &State::Created));
    assert_eq!(docker.list_where(&[("label", "ds01.user=bob")]).unwrap(), []);

    let container = docker.inspect("a._.alice").unwrap().unwrap();
    assert_eq!(container.id, id);
    assert_eq!(container.owner(), Some("alice"));
    assert_eq!(container.env("A"), Some("b=c"));
    assert!(matches!(container.gpu_use(), GpuUse::Devices(devices) if devices.len() == 2));
    assert_eq!(container.started, None, "the year 1 is never");
    assert_eq!(container.stopped_since(), container.created);

    let plain = json!({"Image": IMAGE, "Cmd": ["sleep", "1000"]});
    docker.post(&["containers", "create"], &[("name", "bb")], Some(&plain)).unwrap();
    docker.post(&["containers", "bb", "start"], &[], None).unwrap();
    docker.post(&["containers", "bb", "start"], &[], None).unwrap();
    let running = docker.inspect("bb").unwrap().unwrap();
    assert!(running.is_running() && running.pid.is_some() && running.stopped_since().is_none());
    docker.post(&["containers", "bb", "stop"], &[("t", "0")], None).unwrap();
    let stopped = docker.inspect("bb").unwrap().unwrap();
    assert_eq!(stopped.state, State::Exited);
    assert!(stopped.stopped_since() >= stopped.started);
    assert_eq!(docker.containers().unwrap().len(), 2);

    let fault =
        docker.post(&["containers", "create"], &[("name", "bb")], Some(&plain)).unwrap_err();
    assert_eq!(fault.code, Code::Failed);
    assert!(fault.what.contains("already in use"), "{fault}");
    assert_eq!(docker.inspect("nosuch").unwrap(), None);

    let mut actions = Vec::new();
    while !actions.iter().any(|action| action == "die") {
        match events.next_within(Some(Duration::from_secs(60))).unwrap() {
            Next::Item(event) if event["Type"] == "container" => {
                actions.push(event["Action"].as_str().unwrap().to_owned());
            }
            Next::Item(_) => {}
            other => panic!("{other:?} after {actions:?}"),
        }
    }
    assert_eq!(actions[..3], ["create", "create", "start"]);

    drop(dockerd);
    loop {
        match events.next_within(Some(Duration::from_secs(60))) {
            Ok(Next::Item(_)) => {}
            Ok(Next::End) => break,
            Err(fault) => {
                assert_eq!(fault.code, Code::Unreachable);
                break;
            }
            Ok(Next::Quiet) => panic!("the daemon is gone, and the stream goes on"),
        }
    }
    assert_eq!(docker.list().unwrap_err().code, Code::Unreachable);
}
