//! Making, starting and living in a container, against a real daemon: in an image that has
//! sh and nothing else.

use ds01_containers::create::create;
use ds01_containers::inside::{Resident, furnish, is_furnished};
use ds01_containers::order::{Gpus, Mount, Order};
use ds01_containers::start::{Did, start};
use ds01_docker::Method;
use ds01_fault::Code;
use ds01_test_dockerd::IMAGE;
use serde_json::json;

use crate::Lab;

fn order(name: &str, image: &str, resident: Resident, workspace: &std::path::Path) -> Order {
    Order {
        name: name.into(),
        container: format!("{name}._.daemon"),
        image: image.into(),
        gpus: Gpus::None,
        profile: None,
        project: None,
        interface: "atomic",
        mounts: vec![Mount { source: workspace.into(), target: "/workspace", read_only: false }],
        ipc_host: false,
        resident,
    }
}

#[test]
fn people_and_what_is_made_for_them() {
    let Some(lab) = Lab::start() else { return };
    everybody_is_themselves(&lab);
    what_cannot_be_finished_is_gone(&lab);
    what_was_left_half_made_is_finished_at_the_start(&lab);
    an_end_is_an_end(&lab);
}

fn everybody_is_themselves(lab: &Lab) {
    let mine = lab.mine();
    let quiet = |_: &str| {};
    for (at, (name, uid)) in [
        ("alice", 1001),
        ("212345", 212_345),
        ("anna-lena", 1005),
        ("h.baker@hertie-school.lan", 1_722_830_512),
        ("root-like", 4_000_000_000),
    ]
    .into_iter()
    .enumerate()
    {
        let workspace = tempfile::tempdir().unwrap();
        std::os::unix::fs::chown(workspace.path(), Some(uid), Some(uid)).unwrap();
        let mut resident = Resident::plain(name, uid, uid);
        resident.groups.push((5001, "domain users@uni.lan".into()));
        let short = format!("c{at}");
        let wanted = order(&short, IMAGE, resident.clone(), workspace.path());
        let made = create(&mine, &wanted, &quiet).unwrap();
        let container = mine.docker().inspect(&made.container_id).unwrap().unwrap();
        assert!(is_furnished(mine.docker(), &container.id).unwrap());
        // Once more changes nothing.
        furnish(mine.docker(), &container.id, &resident, mine.now()).unwrap();
        assert_eq!(start(&mine, &container, &short).unwrap(), Did::Started);
        let inside =
            |script: &str| lab.dockerd.run(["exec", container.name.as_str(), "sh", "-c", script]);
        assert_eq!(inside("id -un; id -u; id -gn; id -g"), format!("{name}\n{uid}\n{name}\n{uid}"));
        assert!(inside("id").contains("5001(domain users@uni.lan)"), "{}", inside("id"));
        assert_eq!(inside("cd && pwd && echo $HOME"), format!("/home/{name}\n/home/{name}"));
        assert_eq!(inside("ls -A ~ | wc -l; pwd").lines().last(), Some("/workspace"));
        inside("touch /workspace/made ~/own");
        let made = std::fs::metadata(workspace.path().join("made")).unwrap();
        assert_eq!(std::os::unix::fs::MetadataExt::uid(&made), uid);
        // Interactive shells that are no login shells have prompt and aliases (pitfall 30).
        let shown = inside("echo 'alias ws; echo \"$PS1\"' | sh -i 2>/dev/null");
        assert!(shown.contains("/workspace") && shown.contains("DS01_CONTAINER"), "{shown}");
        lab.dockerd.run(["rm", "-f", container.name.as_str()]);
    }
}

fn what_cannot_be_finished_is_gone(lab: &Lab) {
    lab.run(&[], "odd", "daemon", "rm /etc/passwd; mkdir /etc/passwd");
    lab.dockerd.run(["commit", "odd", "odd"]);
    lab.dockerd.run(["rm", "odd"]);
    let mine = lab.mine();
    let dir = tempfile::tempdir().unwrap();
    let wanted = order("odd", "odd", Resident::plain("alice", 1001, 1001), dir.path());
    let fault = create(&mine, &wanted, &|_| {}).unwrap_err();
    assert!(fault.what.starts_with("odd could not be made ready"), "{fault}");
    assert!(fault.why.contains("nothing is left of it"), "{fault}");
    assert!(mine.docker().inspect("odd._.daemon").unwrap().is_none());

    let taken = order("two", IMAGE, Resident::plain("alice", 1001, 1001), dir.path());
    create(&mine, &taken, &|_| {}).unwrap();
    let fault = create(&mine, &taken, &|_| {}).unwrap_err();
    assert!(fault.what.contains("have a container of that name"), "{fault}");
    let none = order("none", "lab-busybux", Resident::plain("a", 1, 1), dir.path());
    let fault = create(&mine, &none, &|_| {}).unwrap_err();
    assert_eq!(fault.code, Code::NotFound);
    assert!(fault.todo.contains("lab-busybox"), "{fault}");
}

fn what_was_left_half_made_is_finished_at_the_start(lab: &Lab) {
    let mine = lab.mine();
    let dir = tempfile::tempdir().unwrap();
    let who = ds01_containers::create::resident(&mine);
    let mut body = order("half", IMAGE, who, dir.path()).body();
    // As the door would label it.
    body["Labels"] = json!({"ds01.user": "daemon", "ds01.interface": "atomic"});
    let query = [("name", "half._.daemon")];
    mine.docker()
        .send(Method::Post, &["containers", "create"], &query, Some(&body))
        .unwrap()
        .ok()
        .unwrap();
    let container = mine.find("half").unwrap();
    assert!(!is_furnished(mine.docker(), &container.id).unwrap());
    start(&mine, &container, "half").unwrap();
    assert_eq!(lab.dockerd.run(["exec", "half._.daemon", "id", "-un"]), "daemon");
    let container = mine.find("half").unwrap();
    assert_eq!(start(&mine, &container, "half").unwrap(), Did::AlreadyRunning);
}

fn an_end_is_an_end(lab: &Lab) {
    let mine = lab.mine();
    lab.dockerd.run(["stop", "-t", "60", "half._.daemon"]);
    let container = mine.find("half").unwrap();
    assert_eq!(container.exit_code, 143, "it heard that it was to end");
    lab.dockerd.run([
        "create",
        "--name",
        "brief._.daemon",
        "--label",
        "ds01.user=daemon",
        IMAGE,
        "sh",
        "-c",
        "exit 3",
    ]);
    // A busy machine may be slow to see it end; then it is tried again.
    let tried = (0..100).find_map(|_| {
        let brief = mine.find("brief").unwrap();
        std::thread::sleep(std::time::Duration::from_millis(50));
        start(&mine, &brief, "brief").err()
    });
    let fault = tried.unwrap();
    assert_eq!((fault.code, fault.why.contains("exit code 3")), (Code::Failed, true), "{fault}");
}
