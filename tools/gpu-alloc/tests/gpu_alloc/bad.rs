//! What goes wrong: refused in words, and nothing lost.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;

use crate::lab::Lab;

#[test]
fn unknown_slots_foreign_containers_absurd_counts_and_control_characters_are_refused() {
    let lab = Lab::new();
    let ask = "allocate --user alice --container a._.alice";
    lab.run(&format!("{ask} --gpu 9")).fails(4);
    lab.run(&format!("{ask} --gpu MIG-none")).fails(4);
    for count in ["0", "-1", "4294967296", "99999", "1e9", "NaN"] {
        lab.run(&format!("{ask} --count {count}")).fails(2);
    }
    for max in ["-1", "NaN", "inf", "1e99"] {
        lab.run(&format!("{ask} --max-gpus {max}")).fails(2);
    }
    lab.run(&format!("{ask} --priority 0")).fails(2);
    lab.run(&format!("{ask} --profile $(reboot)")).fails(2);
    for name in ["a\nb", "a\u{1b}[2J", "", "../x", "-x"] {
        let container = format!("--container={name}");
        lab.run_words(&["allocate", "--user", "alice", &container], "").fails(2);
    }
    for user in ["a\tb", "", "../x", "a:b"] {
        let user = format!("--user={user}");
        lab.run_words(&["allocate", &user, "--container=x._.a"], "").fails(2);
    }
    lab.run_words(&["allocate", "--user=a", "--container=x._.a", "--interface=a\u{1b}[2J"], "")
        .fails(2);
    let twice = lab.run(&format!("{ask} --gpu 0,0")).fails(2);
    assert!(twice.err.contains("named twice"), "{}", twice.err);
    let none = lab.run("").fails(2);
    assert!(none.err.contains("needs a verb"), "{}", none.err);
    assert!(!lab.path("var").exists(), "nothing was begun for nonsense");
    lab.give("bob", "b").ok();
    lab.run("allocate --user alice --container b._.bob").fails(5);
    lab.run("release --user alice --container b._.bob").fails(5);
}

/// What waiting can never bring is not advised, and a lease in the way of several limits is
/// told once.
#[test]
fn a_refusal_advises_no_queue_that_never_moves_and_repeats_nobody() {
    let lab = Lab::new();
    let said = lab.run("explain --user carol --count 65 -o text").fails(3);
    assert!(!said.out.contains("gpu-queue"), "{}", said.out);
    let said = lab.run("explain --user carol --profile 9g.99gb").fails(3);
    assert!(!said.out.contains("gpu-queue"), "{}", said.out);
    lab.give("alice", "a").ok();
    lab.give("alice", "b").ok();
    let said = lab.run("explain --user alice --count 4 -o text").fails(3);
    assert_eq!(said.out.matches("a._.alice 0 since").count(), 1, "{}", said.out);
    for _ in 0..2 {
        lab.run("allocate --user carol --container c._.carol --count 2").ok();
    }
    let said = lab.run("explain --user carol -o text").fails(3);
    assert!(said.out.contains("gpu-queue join"), "{}", said.out);
}

/// In a try-out of root's everybody else is a user: they look at the view and change nothing.
#[test]
fn somebody_elses_try_out_is_read_through_its_view() {
    let lab = Lab::new();
    let site = lab.path("");
    fs::set_permissions(&site, fs::Permissions::from_mode(0o755)).unwrap();
    lab.give("alice", "a").ok();
    if fs::metadata(&site).unwrap().uid() != 0 {
        return;
    }
    // The checkout may lie where nobody else may look.
    let program = lab.path("gpu-alloc");
    fs::copy(env!("CARGO_BIN_EXE_gpu-alloc"), &program).unwrap();
    let library = lab.path("libnvml.so");
    fs::copy(nvml_sim::library(), &library).unwrap();
    let world = lab.path("world.json");
    fs::copy(crate::lab::world(), &world).unwrap();
    let nobody = |line: &str| {
        let mut command = lab.command(program.to_str().unwrap());
        command.args(line.split_whitespace()).current_dir("/").uid(65534).gid(65534);
        command.env("DS01_NVML_LIB", &library).env("NVML_SIM_WORLD", &world);
        crate::lab::said(command.output().unwrap())
    };
    let said = nobody("status").ok();
    assert_eq!(said.json()["allocations"]["a._.alice"]["gpu_id"], "0");
    assert!(nobody("explain --user bob -o text").ok().out.starts_with("bob would get 1 ("));
    for line in [
        "allocate --user nobody --container n._.nobody",
        "release --container a._.alice",
        "validate",
        "validate --repair",
        "follow",
    ] {
        nobody(line).fails(5);
    }
}

#[test]
fn a_clock_that_goes_back_gives_nothing_twice() {
    let mut lab = Lab::new().with("DS01_NOW", "2026-11-28T12:00:00Z");
    lab.run("allocate --user alice --container a._.alice --gpu 0 --pending-for 3m").ok();
    lab.give("bob", "b").ok();
    lab.run("mark-stopped --container b._.bob").ok();
    lab.set("DS01_NOW", "2020-01-01T00:00:00Z");
    lab.run("allocate --user carol --container c._.carol --gpu 0").fails(3);
    lab.run("allocate --user carol --container c._.carol --gpu 1").fails(3);
    lab.run("release --container b._.bob").ok();
    lab.run("status -o text").ok();
}

#[test]
fn a_ledger_of_a_newer_version_is_left_alone() {
    let lab = Lab::new();
    lab.give("alice", "a").ok();
    let journal = lab.ledger().join("journal");
    let newer =
        fs::read_to_string(&journal).unwrap().replace("ds01-gpu-journal 1", "ds01-gpu-journal 2");
    fs::write(&journal, &newer).unwrap();
    for line in ["status", "validate", "validate --repair", "release --container a._.alice"] {
        let said = lab.run(line).fails(7);
        assert!(said.err.contains("newer ds01"), "{}", said.err);
    }
    lab.give("bob", "b").fails(7);
    assert_eq!(fs::read_to_string(&journal).unwrap(), newer);
}

#[test]
fn damage_in_the_middle_is_refused_and_mended_without_losing_what_can_be_read() {
    let lab = Lab::new();
    for name in ["a", "b"] {
        lab.give("alice", name).ok();
    }
    lab.give("bob", "c").ok();
    let journal = lab.ledger().join("journal");
    let damaged = fs::read_to_string(&journal).unwrap().replacen("b._.alice", "b._.alicf", 1);
    fs::write(&journal, &damaged).unwrap();
    for line in ["status", "validate", "explain --user bob", "release --container a._.alice"] {
        let said = lab.run(line).fails(7);
        assert!(said.err.contains("gpu-alloc validate --repair"), "{}", said.err);
    }
    lab.give("bob", "d").fails(7);
    assert_eq!(fs::read_to_string(&journal).unwrap(), damaged, "nothing was written");
    let mended = lab.run("validate --repair").ok().json();
    let kept = fs::read_to_string(lab.ledger().join(mended["kept"][0].as_str().unwrap())).unwrap();
    assert_eq!(kept, damaged);
    let held = lab.run("status").ok().json();
    let names: Vec<&String> = held["allocations"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["a._.alice", "c._.bob"]);
    assert_eq!(lab.run("validate --repair").ok().json()["mended"], false);
}

#[test]
fn a_torn_last_record_is_cut_off_and_was_never_acknowledged() {
    let lab = Lab::new();
    lab.give("alice", "a").ok();
    let journal = lab.ledger().join("journal");
    let whole = fs::read(&journal).unwrap();
    for tail in [&b"deadbeef 2 2026-11-28T"[..], b"\n", b"garbage\n", &[0; 700]] {
        fs::write(&journal, [&whole, tail].concat()).unwrap();
        lab.run("status").ok();
        assert_eq!(
            fs::read(&journal).unwrap().len(),
            whole.len() + tail.len(),
            "looking cuts nothing"
        );
        lab.give("bob", "b").ok();
        lab.run("release --container b._.bob").ok();
        lab.run("validate").ok();
        fs::write(&journal, &whole).unwrap();
    }
}

#[test]
fn half_a_ledger_is_no_ledger() {
    let lab = Lab::new();
    lab.give("alice", "a").ok();
    fs::write(lab.ledger().join("journal"), "").unwrap();
    lab.give("bob", "b").fails(7);
    fs::write(lab.ledger().join("journal"), "ds01-gpu-journal one\nx\n").unwrap();
    lab.give("bob", "b").fails(7);
    lab.run("validate --repair").ok();
    lab.give("bob", "b").ok();
}

#[test]
fn a_missing_directory_is_made_private_by_who_writes_and_not_by_who_looks() {
    let lab = Lab::new();
    lab.run("status").ok();
    lab.run("explain --user alice").ok();
    assert!(!lab.ledger().exists());
    lab.give("alice", "a").ok();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&lab.ledger()), 0o700);
    for file in ["journal", "lock"] {
        assert_eq!(mode(&lab.ledger().join(file)), 0o600, "{file}");
    }
}

#[test]
fn where_nothing_can_be_written_looking_still_works() {
    let lab = Lab::new();
    lab.give("alice", "a").ok();
    let lock = lab.ledger().join("lock");
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    lab.give("bob", "b").fails(1);
    lab.run("release --container a._.alice").fails(1);
    assert_eq!(lab.run("status").ok().json()["allocations"]["a._.alice"]["gpu_id"], "0");
    lab.run("validate").ok();
}

#[test]
fn a_directory_or_file_that_others_could_write_is_refused() {
    let lab = Lab::new();
    lab.give("alice", "a").ok();
    let journal = lab.ledger().join("journal");
    let open =
        |path: &std::path::Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    open(&lab.ledger(), 0o770).unwrap();
    assert!(lab.give("bob", "b").fails(7).err.contains("others may write"));
    lab.run("status").fails(7);
    open(&lab.ledger(), 0o700).unwrap();
    open(&journal, 0o666).unwrap();
    lab.give("bob", "b").fails(7);
    open(&journal, 0o600).unwrap();
    lab.give("bob", "b").ok();
    if nix::unistd::Uid::effective().is_root() {
        chown(lab.ledger(), Some(12345), None).unwrap();
        assert!(lab.give("bob", "c").fails(7).err.contains("belongs to uid 12345"));
        chown(lab.ledger(), Some(0), None).unwrap();
    }
    let elsewhere = lab.path("elsewhere");
    fs::rename(&journal, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &journal).unwrap();
    lab.give("bob", "c").fails(7);
}

#[test]
fn a_broken_config_grants_nothing_and_frees_what_is_asked_to_be_freed() {
    let lab = Lab::new();
    lab.give("alice", "a").ok();
    fs::write(lab.path("etc/ds01/resource-limits.yaml"), "groups: [\n").unwrap();
    lab.give("bob", "b").fails(7);
    lab.run("release --container a._.alice").ok();
}

#[test]
fn without_a_board_nothing_is_given() {
    let lab = Lab::new().with("DS01_NVML_LIB", "/nonexistent/libnvidia-ml.so.1");
    lab.give("alice", "a").fails(6);
    lab.run("status").ok();
}
