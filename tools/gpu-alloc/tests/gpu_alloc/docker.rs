//! Docker's side: its listing, its events.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;

use serde_json::{Value, json};

use crate::lab::Lab;

fn container(n: usize, status: &str, devices: &[&str]) -> Value {
    json!({
        "Id": format!("{n:064x}"), "Name": format!("/c{n}._.carol"), "Created": "2026-11-28T09:00:00Z",
        "State": {"Status": status, "Pid": 1, "ExitCode": 0, "StartedAt": "2026-11-28T09:00:01Z",
                  "FinishedAt": "2026-11-28T10:00:00Z"},
        "Config": {"Image": "x", "Env": [], "Labels": {"ds01.user": "carol", "ds01.interface": "docker",
            "ds01.gpu.priority": "50", "ds01.created_at": "2026-11-28T09:00:00Z"}},
        "HostConfig": {"DeviceRequests": [{"Driver": "nvidia", "Count": 0, "DeviceIDs": devices,
            "Capabilities": [["gpu"]]}]}})
}

fn uuids(lab: &Lab) -> Vec<String> {
    lab.run("allocate --user carol --container all._.carol --count 4 --dry-run").ok().json()["uuids"]
        .as_array()
        .unwrap()
        .iter()
        .map(|uuid| uuid.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn with_the_ledger_gone_every_running_containers_lease_comes_back() {
    let lab = Lab::new();
    let uuids = uuids(&lab);
    let mut listing: Vec<Value> = (0..2).map(|n| container(n, "running", &[&uuids[n]])).collect();
    listing.push(container(2, "exited", &[&uuids[2]]));
    // By its index, as people write it.
    listing.push(container(3, "running", &["3"]));
    // 196 more whose slots the board does not show: they are on record all the same.
    listing.extend((4..200).map(|n| container(n, "running", &[&format!("MIG-{n}")])));
    let text = json!(listing).to_string();
    let found = lab.run_with("reconcile -", &text).ok().lines();
    assert!(found.iter().all(|one| one["kind"] == "no_lease" && one["applied"] == false));
    assert_eq!(found.len(), 199);
    assert!(!lab.ledger().exists(), "looking begins no ledger");
    lab.run_with("reconcile - --apply", &text).ok();
    let held = lab.run("status").ok().json();
    let leases = held["allocations"].as_object().unwrap();
    assert_eq!(leases.len(), 199);
    let third = &leases["c3._.carol"];
    assert_eq!((&third["slots"][0]["uuid"], &third["priority"]), (&json!(uuids[3]), &json!(50)));
    assert_eq!(third["allocated_at"], "2026-11-28T09:00:00Z");
    // The only slot nobody runs on.
    assert_eq!(lab.give("alice", "a").ok().json()["gpu_id"], "2");
    let again = lab.run_with("reconcile - --apply", &text).ok().lines();
    let kinds: Vec<&str> = again.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(
        kinds.iter().filter(|kind| **kind != "unknown_slot").collect::<Vec<_>>(),
        [&"no_container"]
    );
}

#[test]
fn each_difference_is_named_and_mended() {
    let lab = Lab::new();
    let uuids = uuids(&lab);
    for n in 0..4 {
        let ask = "allocate --user carol --container";
        lab.run(&format!("{ask} c{n}._.carol --gpu {n}")).ok();
    }
    lab.run("mark-stopped --container c1._.carol").ok();
    let mut renamed = container(3, "running", &[&uuids[3]]);
    renamed["Name"] = json!("/new._.carol");
    let listing = json!([
        container(0, "exited", &[&uuids[0]]),
        container(1, "running", &[&uuids[1]]),
        container(2, "running", &["0"]),
    ]);
    let found = lab.run_with("reconcile - --apply", &listing.to_string()).ok().lines();
    let kinds: Vec<&str> = found.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["other_phase", "other_phase", "other_slots", "no_container"]);
    let status = lab.run("status").ok().json();
    let one = |n: usize| status["allocations"][format!("c{n}._.carol")].clone();
    assert_eq!(
        (&one(0)["state"], &one(0)["stopped_at"]),
        (&json!("stopped"), &json!("2026-11-28T10:00:00Z"))
    );
    assert_eq!(one(1)["state"], "held");
    assert_eq!(one(2)["gpu_id"], "0");
    assert_eq!(one(3), Value::Null);
    let again = lab.run_with("reconcile -", &listing.to_string()).ok();
    assert_eq!(again.out, "");
}

#[test]
fn two_containers_on_one_slot_are_reported_and_left_to_people() {
    let lab = Lab::new();
    let uuid = &uuids(&lab)[0];
    let listing = json!([container(0, "running", &[uuid]), container(1, "running", &[uuid])]);
    let found = lab.run_with("reconcile - --apply", &listing.to_string()).ok().lines();
    let shared = found.iter().find(|one| one["kind"] == "shared").unwrap();
    assert_eq!(shared["applied"], false);
    assert!(shared["found"].as_str().unwrap().contains("c0._.carol and c1._.carol"));
    lab.run("allocate --user alice --container a._.alice --gpu 0").fails(3);
}

#[test]
fn a_listing_that_is_none_changes_nothing() {
    let lab = Lab::new();
    lab.give("alice", "a").ok();
    for text in ["", "{", "[1]", "{\"ID\": \"ab\"}"] {
        let said = lab.run_with("reconcile - --apply", text);
        // No containers at all is what an idle host has; then the lease has no container.
        assert_eq!(said.code, if text.is_empty() { 0 } else { 2 }, "{text}");
        if text.is_empty() {
            assert_eq!(said.lines()[0]["kind"], "no_container");
            lab.give("alice", "a").ok();
        }
    }
    assert_eq!(lab.run("status").ok().json()["allocations"].as_object().unwrap().len(), 1);
}

#[test]
fn events_carry_a_lease_from_creation_to_the_end() {
    let lab = Lab::new();
    lab.run("allocate --user carol --container c._.carol --pending-for 3m").ok();
    let id = format!("{:064x}", 7);
    let event = |action: &str, name: &str, old: Option<&str>| {
        let mut attributes = json!({"name": name});
        if let Some(old) = old {
            attributes["oldName"] = json!(old);
        }
        json!({"Type": "container", "Action": action, "Actor": {"ID": id, "Attributes": attributes}})
            .to_string()
    };
    let follow =
        |events: &[String]| lab.run_with("follow", &(events.join("\n") + "\n")).ok().lines();
    let states = |said: &[Value]| -> Vec<String> {
        said.iter().map(|one| one["state"].as_str().unwrap().to_owned()).collect()
    };
    let said = follow(&[
        "not json".into(),
        event("create", "c._.carol", None),
        event("start", "c._.carol", None),
        event("exec_start: ls", "c._.carol", None),
        event("die", "c._.carol", None),
    ]);
    assert_eq!(states(&said), ["held", "stopped"]);
    let said = follow(&[
        event("start", "c._.carol", None),
        event("rename", "d._.carol", Some("/c._.carol")),
        event("destroy", "d._.carol", None),
        event("destroy", "d._.carol", None),
    ]);
    assert_eq!(states(&said), ["held", "held", "released"]);
    assert_eq!(lab.run("status").ok().json()["allocations"], json!({}));
}

/// A daemon that knows these containers, for as long as the test runs.
fn daemon(lab: &Lab, containers: Vec<Value>) -> String {
    let socket = lab.path("docker.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(&stream);
            let mut first = String::new();
            // A client that goes away is none to answer.
            let _ = reader.read_line(&mut first);
            let path = first.split(' ').nth(1).unwrap_or_default();
            let of_id = |one: &&Value| path.contains(one["Id"].as_str().unwrap());
            let body = if path.contains("/version") || path.contains("/_ping") {
                json!({"ApiVersion": "1.43", "MinAPIVersion": "1.12", "Version": "24.0.0"})
            } else if let Some(one) = containers.iter().find(of_id) {
                one.clone()
            } else {
                let row = |one: &Value| {
                    json!({"Id": one["Id"], "Names": [one["Name"]], "Image": "x", "Labels": {},
                           "State": one["State"]["Status"], "Created": 1})
                };
                containers.iter().map(row).collect()
            };
            let body = body.to_string();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
                Content-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = (&stream).write_all((head + &body).as_bytes());
        }
    });
    format!("unix://{}", socket.display())
}

#[test]
fn a_deleted_ledger_makes_no_running_containers_gpu_look_free() {
    let mut lab = Lab::new();
    let uuids = uuids(&lab);
    let running = (0..3).map(|n| container(n, "running", &[&uuids[n]])).collect();
    let host = daemon(&lab, running);
    lab.set("DOCKER_HOST", &host);
    assert_eq!(lab.give("alice", "a").ok().json()["gpu_id"], "3");
    assert_eq!(lab.run("status").ok().json()["allocations"].as_object().unwrap().len(), 4);
    assert_eq!(lab.run("reconcile").ok().lines()[0]["container"], "a._.alice");
    std::fs::remove_dir_all(lab.ledger()).unwrap();
    lab.run("allocate --user bob --container b._.bob --gpu 0").fails(3);
}
