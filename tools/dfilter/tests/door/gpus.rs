//! GPUs through the door: leased before the daemon hears of it, committed or aborted by its
//! answer.

use std::thread;

use dfilter::Mode;
use serde_json::{Value, json};

use crate::daemon::{self, World};
use crate::lab::{self, Lab, Reply, request};

fn create(lab: &Lab, query: &str, body: &Value) -> Reply {
    let path = format!("/v1.41/containers/create{query}");
    let body = body.to_string();
    request(lab, "alice", "POST", &path, "Content-Type: application/json\r\n", body.as_bytes())
}

fn asks(count: i64) -> Value {
    json!({"Image": "bb", "HostConfig": {"DeviceRequests": [{"Count": count, "Capabilities": [["gpu"]]}]}})
}

fn last_body(lab: &Lab) -> Value {
    serde_json::from_slice(&lab.log.lock().unwrap().last().unwrap().body).unwrap()
}

fn state(lab: &Lab) -> Value {
    let path = lab.dir.path().join("root/run/ds01/gpu-state.json");
    serde_json::from_slice(&std::fs::read(path).unwrap_or_default()).unwrap_or_default()
}

#[test]
fn a_gpu_is_the_exact_device_of_a_lease_and_the_next_is_refused_with_reasons() {
    let Some(lab) = lab::start(lab::CONFIG, Mode::Enforce) else { return };
    // "All" means as many as alice may have, which is one.
    let reply = create(&lab, "?name=train", &asks(-1));
    assert_eq!(reply.status, 201, "{}", reply.text());
    assert!(reply.text().contains("ds01: GPU 0 (GPU-0)"), "{}", reply.text());
    let body = last_body(&lab);
    assert_eq!(
        body["HostConfig"]["DeviceRequests"],
        json!([{"Driver": "nvidia", "DeviceIDs": ["GPU-0"], "Capabilities": [["gpu"]]}])
    );
    assert_eq!(body["Env"], json!(["NVIDIA_VISIBLE_DEVICES=GPU-0"]));
    assert_eq!(body["Labels"]["ds01.gpu.uuids"], "GPU-0");
    let lease = &state(&lab)["allocations"]["train"];
    assert_eq!(
        (&lease["user"], &lease["state"]),
        (&"alice".into(), &"held".into()),
        "{}",
        state(&lab)
    );

    lab.log.lock().unwrap().clear();
    let reply = create(&lab, "?name=more", &asks(1));
    assert_eq!(
        (reply.status, &reply.json()["code"]),
        (403, &"limit.gpus".into()),
        "{}",
        reply.text()
    );
    assert!(reply.json()["explain"]["limits"][0]["field"].is_string(), "{}", reply.text());
    assert!(lab.log.lock().unwrap().iter().all(|seen| seen.method == "GET"));

    // Without a GPU there is room, and none is seen.
    let reply =
        create(&lab, "", &json!({"Image": "bb", "Env": ["NVIDIA_VISIBLE_DEVICES=none", "A=b"]}));
    assert_eq!(reply.status, 201);
    assert_eq!(last_body(&lab)["Env"], json!(["A=b", "NVIDIA_VISIBLE_DEVICES=void"]));
}

#[test]
fn what_the_daemon_refuses_costs_no_gpu() {
    let Some(lab) = lab::start(lab::CONFIG, Mode::Enforce) else { return };
    assert_eq!(create(&lab, "?name=taken", &asks(1)).status, 409);
    assert_eq!(state(&lab)["allocations"], json!({}));
    // Nor does what the door itself refuses behind the lease.
    let mut body = asks(1);
    body["HostConfig"]["Tmpfs"] = json!({"/x": "size=900g"});
    assert_eq!(create(&lab, "?name=t", &body).json()["code"], "create.tmpfs_size");
    // Without a name the door gives one, which the ledger knows.
    let reply = create(&lab, "", &asks(1));
    assert_eq!(reply.status, 201, "{}", reply.text());
    let target = lab.log.lock().unwrap().last().unwrap().target.clone();
    let name = target.split("name=").nth(1).unwrap().to_owned();
    assert_eq!(state(&lab)["allocations"][&name]["user"], "alice", "{target}");
}

#[test]
fn of_many_creates_at_the_edge_exactly_one_passes() {
    let Some(lab) = lab::start(lab::CONFIG, Mode::Enforce) else { return };
    let passed: usize = thread::scope(|scope| {
        let ask = |number: usize| {
            let lab = &lab;
            scope.spawn(move || create(lab, &format!("?name=n{number}x"), &asks(1)).status)
        };
        let all: Vec<_> = (0..6).map(ask).collect();
        all.into_iter().map(|one| usize::from(one.join().unwrap() == 201)).sum()
    });
    assert_eq!(passed, 1);
    assert_eq!(state(&lab)["allocations"].as_object().unwrap().len(), 1);
}

#[test]
fn an_admins_gpu_is_leased_without_limits_and_what_watches_the_board_passes_by() {
    let Some(lab) = lab::start(lab::CONFIG, Mode::Enforce) else { return };
    let as_admin = |name: &str, body: &Value| {
        let path = format!("/v1.41/containers/create?name={name}");
        let head = "Content-Type: application/json\r\n";
        request(&lab, "admin", "POST", &path, head, body.to_string().as_bytes())
    };
    // All there is, be it more than anybody's limit; nothing else of the request changes.
    let mut body = asks(-1);
    body["HostConfig"]["Privileged"] = json!(true);
    let reply = as_admin("big", &body);
    assert_eq!(reply.status, 201, "{}", reply.text());
    let sent = last_body(&lab);
    assert_eq!(sent["HostConfig"]["Privileged"], true);
    assert!(sent["HostConfig"]["CgroupParent"].is_null(), "{sent}");
    let devices = &sent["HostConfig"]["DeviceRequests"][0]["DeviceIDs"];
    let all = devices.as_array().unwrap().len();
    assert!(all > 1, "{sent}");
    assert_eq!(state(&lab)["allocations"]["big"]["slots"].as_array().unwrap().len(), all);

    // Nobody gets what the admin has, another admin neither.
    let reply = create(&lab, "?name=train", &asks(1));
    assert_eq!(reply.status, 403, "{}", reply.text());
    assert!(reply.text().contains("big"), "{}", reply.text());
    assert_eq!(as_admin("more", &asks(1)).status, 403);

    // What watches the board takes nothing from it.
    let mut body = asks(-1);
    body["Labels"] = json!({"ds01.monitoring": "true"});
    assert_eq!(as_admin("watch", &body).status, 201);
    assert_eq!(last_body(&lab)["HostConfig"], asks(-1)["HostConfig"]);
    assert!(state(&lab)["allocations"]["watch"].is_null());
}

#[test]
fn whoever_starts_a_container_its_gpu_is_anothers_if_it_was_given_away() {
    if !nix::unistd::Uid::effective().is_root() {
        return;
    }
    // The same by an admin, whose containers have no slice, and of one that alice made.
    let labels = |user: &str| json!({"ds01.user": user, "ds01.created_at": "2026-11-28T12:00:00Z", "ds01.gpu.uuids": "GPU-0"});
    let mut alices = labels("alice");
    alices["ds01.slice"] = json!("ds01-students-alice.slice");
    let containers =
        vec![("ours", daemon::id("9a"), labels("admin")), ("hers", daemon::id("9b"), alices)];
    let dir = lab::scratch();
    let upstream = dir.path().join("real.sock");
    let log = daemon::start(&upstream, World { containers });
    let socket = lab::open(&dir, lab::CONFIG, Mode::Enforce, upstream);
    let lab = Lab { dir, socket, log };
    let start = |name: &str| {
        request(&lab, "admin", "POST", &format!("/v1.41/containers/{name}/start"), "", b"")
    };
    assert_eq!(create(&lab, "?name=train", &asks(1)).status, 201);
    for name in ["ours", "hers"] {
        let reply = start(name);
        assert_eq!(reply.status, 403, "{name}: {}", reply.text());
        assert!(reply.text().contains("train"), "{}", reply.text());
    }
    assert!(lab.log.lock().unwrap().iter().all(|seen| !seen.target.ends_with("/start")));
}
