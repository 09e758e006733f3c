//! Docker itself: its containers found, its own event lines followed.

use ds01_test_dockerd::{Dockerd, IMAGE};
use serde_json::{Value, json};

use crate::lab::{Lab, world};

#[test]
fn a_real_daemons_containers_are_found_and_its_events_followed() {
    let library = nvml_sim::library().to_path_buf();
    let start = Dockerd::start_with([("NVML_SIM_WORLD", world()), ("DS01_NVML_LIB", library)]);
    let Ok(dockerd) = start.inspect_err(|why| eprintln!("skipped: {why}")) else { return };
    let mut lab = Lab::new();
    lab.set("DOCKER_HOST", &format!("unix://{}", dockerd.socket().display()));
    let wanted =
        lab.run("allocate --user carol --container c._.carol --gpu 2 --dry-run").ok().json();
    let device = format!("device={}", wanted["uuids"][0].as_str().unwrap());
    let run = ["run", "-d", "--name", "c._.carol", "--label", "ds01.user=carol", "--gpus", &device];
    dockerd.run(run.into_iter().chain([IMAGE, "sleep", "600"]));

    // The ledger begins with what runs, before it decides anything.
    assert_eq!(lab.give("alice", "a").ok().json()["gpu_id"], "0");
    lab.run("release --container a._.alice").ok();
    let lease = |lab: &Lab| lab.run("status").ok().json()["allocations"]["c._.carol"].clone();
    assert_eq!((&lease(&lab)["gpu_id"], &lease(&lab)["state"]), (&json!("2"), &json!("held")));
    assert_eq!(lab.run("reconcile").ok().out, "");

    dockerd.run(["stop", "-t", "0", "c._.carol"]);
    let found = lab.run("reconcile --apply").ok().lines();
    assert_eq!(found[0]["kind"], "other_phase");
    assert_eq!(lease(&lab)["state"], "stopped");

    dockerd.run(["start", "c._.carol"]);
    dockerd.run(["rm", "-f", "c._.carol"]);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let until = format!("{}", now.as_secs() + 1);
    let events =
        dockerd.run(["events", "--since", "0", "--until", &until, "--format", "{{json .}}"]);
    // From the second start on: what was before has been reconciled.
    let starts: Vec<usize> = events
        .lines()
        .enumerate()
        .filter(|(_, line)| line.contains("\"Action\":\"start\""))
        .map(|(number, _)| number)
        .collect();
    let last: Vec<&str> = events.lines().skip(*starts.last().unwrap()).collect();
    let said = lab.run_with("follow", &(last.join("\n") + "\n")).ok().lines();
    let did: Vec<&str> = said.iter().map(|one| one["action"].as_str().unwrap()).collect();
    assert_eq!(did, ["start", "die", "destroy"], "{events}");
    assert_eq!(lab.run("status").ok().json()["allocations"], Value::Object(Default::default()));
}
