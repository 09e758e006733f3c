//! The board as NVML tells it: the simulated library, loaded from its file.
#![allow(unsafe_code)] // Tests set the environment that the library reads.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ds01_board::{Board, Depth, Kind, Mig, Nvml, Placement, SlotId, Weight};
use ds01_fault::Code;
use ds01_units::{Bytes, Span};

static TURN: Mutex<()> = Mutex::new(());

/// A world of a test's own. The library reads its environment, so tests take turns.
struct Lab {
    dir: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Lab {
    fn new(world: &str) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let lab = Self { dir: tempfile::tempdir().unwrap(), _turn: turn };
        std::fs::write(lab.path("world.json"), world).unwrap();
        // SAFETY: the turn keeps every other test of this binary out.
        unsafe { std::env::set_var("NVML_SIM_WORLD", lab.path("world.json")) };
        lab
    }
    fn shipped(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/worlds").join(name);
        // So that whoever runs the tests is told of placements.
        let world = std::fs::read_to_string(path).unwrap();
        Self::new(&world.replacen('{', r#"{"root_only": false,"#, 1))
    }
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
    fn nvml(&self) -> Nvml {
        Nvml::load(nvml_sim::library().as_os_str()).unwrap()
    }
    fn board(&self, depth: Depth) -> Board {
        self.nvml().board(depth).unwrap()
    }
    fn fault(&self) -> ds01_fault::Fault {
        Nvml::load(nvml_sim::library().as_os_str()).unwrap_err()
    }
}

#[test]
fn a_mixed_board_is_read_whole() {
    let lab = Lab::shipped("mig-mixed.json");
    let board = lab.board(Depth::Whole);
    assert_eq!(board.driver.cuda.as_deref(), Some("13.0"));
    assert_eq!(board.gpus.len(), 4);
    let first = &board.gpus[0];
    assert_eq!(first.name.as_deref(), Some("NVIDIA A100-SXM4-40GB"));
    assert_eq!(first.pci.as_deref(), Some("00000000:07:00.0"));
    assert_eq!(first.mig, Mig::On { compute_slices: 7, memory_slots: Some(8) });
    let seen: Vec<_> = first
        .instances
        .iter()
        .map(|i| (i.profile.as_str(), i.gi, i.placement.map(|p| (p.start, p.size))))
        .collect();
    assert_eq!(
        seen,
        [
            ("3g.20gb", 1, Some((4, 4))),
            ("2g.10gb", 3, Some((0, 2))),
            ("1g.5gb", 9, Some((2, 1))),
            ("1g.5gb", 10, Some((3, 1))),
        ]
    );
    let slots = board.slots(Weight::Compute);
    let ids: Vec<_> = slots.iter().map(|slot| slot.id.to_string()).collect();
    assert_eq!(ids, ["0:0", "0:1", "0:2", "0:3", "1:0", "1:1", "3"]);
    assert_eq!((slots[1].gpueq * 1e4).round(), 2857.0);
    assert_eq!(slots[0].memory, Some(Bytes(19968 << 20)));
    assert_eq!(slots[6].memory, Some(Bytes(24576 << 20)));
    assert_eq!((slots[4].numa, slots[6].profile.as_deref()), (Some(1), None));
    // A card with MIG on and nothing cut offers nothing.
    assert!(board.gpus[2].mig_enabled() && board.gpus[2].instances.is_empty());
}

#[test]
fn weights_agree_whether_or_not_placements_were_asked() {
    let lab = Lab::shipped("mig-mixed.json");
    let weights = |depth| -> Vec<f64> {
        lab.board(depth).slots(Weight::Max).iter().map(|slot| slot.gpueq).collect()
    };
    assert_eq!(weights(Depth::Slots), weights(Depth::Whole));
    assert_eq!(weights(Depth::Slots)[..2], [0.5, 2.0 / 7.0]);
}

#[test]
fn peers_and_nodes_are_known_where_they_were_asked() {
    let lab = Lab::shipped("a100x4.json");
    let board = lab.board(Depth::Topology);
    assert_eq!(board.gpus[2].nvlink, [0, 1, 3]);
    assert_eq!(
        board.gpus.iter().map(|gpu| gpu.numa).collect::<Vec<_>>(),
        [Some(0), Some(0), Some(1), Some(1)]
    );
    let few = lab.board(Depth::Slots);
    assert!(few.gpus.iter().all(|gpu| gpu.nvlink.is_empty() && gpu.numa.is_none()));
    drop(lab);
    let switched = Lab::shipped("h200x8.json").board(Depth::Topology);
    assert!(switched.gpus.iter().all(|gpu| gpu.nvlink.len() == 7));
}

/// What a process asks that opens the board for a lease. The counter's file is opened with a
/// process's first call, so the counted reading is done by this test in a child of its own.
#[test]
fn a_lease_costs_few_questions() {
    if std::env::var_os("NVML_SIM_CALLS").is_some() {
        let nvml = Nvml::load(nvml_sim::library().as_os_str()).unwrap();
        assert_eq!(nvml.board(Depth::Slots).unwrap().slots(Weight::Compute).len(), 8);
        return;
    }
    let lab = Lab::shipped("h200x8.json");
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_lease_costs_few_questions"])
        .env("NVML_SIM_CALLS", lab.path("calls"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let calls = std::fs::read_to_string(lab.path("calls")).unwrap();
    // Start, version (the wrapper's own), count, four a card, end.
    assert_eq!(calls.lines().count(), 3 + 8 * 4 + 1, "{calls}");
}

#[test]
fn an_empty_host_is_an_empty_board() {
    let lab = Lab::shipped("empty.json");
    assert_eq!(lab.board(Depth::Topology), Board::default());
}

#[test]
fn no_library_no_driver_and_a_mismatch_are_told_apart_in_three_lines() {
    let lab = Lab::new(r#"{"init": "DRIVER_NOT_LOADED", "gpus": []}"#);
    let fault = lab.fault();
    assert_eq!(fault.code, Code::Unreachable);
    assert_eq!(fault.what, "no GPU can be seen: the NVIDIA driver is not loaded");
    assert!(fault.why.contains("libnvml_sim.so") && fault.todo.contains("modprobe"));
    drop(lab);
    let lab = Lab::new(r#"{"init": "LIB_RM_VERSION_MISMATCH", "gpus": []}"#);
    let fault = lab.fault();
    assert_eq!(fault.what, "no GPU can be seen: driver and library are of different versions");
    assert!(fault.todo.starts_with("restart the host"));
    drop(lab);
    let lab = Lab::shipped("broken.json");
    assert_eq!(lab.fault().what, "NVIDIA's management library cannot start");
    let fault = Nvml::load("/nonexistent/libnvidia-ml.so.1".as_ref()).unwrap_err();
    assert_eq!(fault.code, Code::Unreachable);
    assert!(fault.why.contains("/nonexistent/libnvidia-ml.so.1"), "{}", fault.why);
}

#[test]
fn a_lost_card_hides_no_other() {
    let lab = Lab::new(
        r#"{"gpus": [{"model": "A30"}, {"model": "A30", "uuid": "GPU-x", "lost": true}, {"model": "A30", "uuid": "GPU-y"}],
            "errors": {"gpu:2/nvmlDeviceGetMemoryInfo_v2": "RESET_REQUIRED"}}"#,
    );
    let board = lab.board(Depth::Whole);
    assert_eq!(board.gpus.len(), 1);
    let lost: Vec<_> = board.lost.iter().map(|lost| lost.index).collect();
    assert_eq!(lost, [1, 2]);
    assert!(board.lost[0].why.contains("fell off the bus"), "{:?}", board.lost);
}

#[test]
fn what_a_card_does_not_tell_is_none_and_stops_nothing() {
    let lab = Lab::new(
        r#"{"gpus": [{"model": "A100-40", "numa": null, "mig": ["1g.5gb@6"]}],
            "errors": {"nvmlDeviceGetPciInfo_v3": "UNKNOWN", "nvmlDeviceGetName": "FUNCTION_NOT_FOUND",
                       "nvmlDeviceGetGpuInstanceById": "NO_PERMISSION",
                       "nvmlDeviceGetGpuInstancePossiblePlacements_v2": "NO_PERMISSION"}}"#,
    );
    let board = lab.board(Depth::Whole);
    let gpu = &board.gpus[0];
    assert_eq!((&gpu.name, &gpu.pci, gpu.numa), (&None, &None, None));
    assert_eq!(gpu.mig, Mig::On { compute_slices: 7, memory_slots: None });
    assert_eq!(
        (gpu.instances[0].profile.as_str(), gpu.instances[0].placement),
        ("1g.5gb", None::<Placement>)
    );
    assert_eq!(board.slots(Weight::Max)[0].gpueq, 1.0 / 7.0);
}

#[test]
fn processes_are_found_on_their_slots() {
    let lab = Lab::new(
        r#"{"gpus": [{"model": "A30", "processes": [{"pid": 1, "memory_mib": 10}, {"pid": 2, "graphics": true}]},
                     {"model": "A100-40", "mig": ["2g.10gb@0", "3g.20gb@4"],
                      "processes": [{"pid": 3, "gi": 3, "memory_mib": null}]}]}"#,
    );
    let nvml = lab.nvml();
    let board = nvml.board(Depth::Slots).unwrap();
    let seen: Vec<_> = nvml
        .processes(&board)
        .into_iter()
        .map(|p| (p.pid, p.kind, p.slot.to_string(), p.memory))
        .collect();
    assert_eq!(
        seen,
        [
            (1, Kind::Compute, "0".into(), Some(Bytes(10 << 20))),
            (2, Kind::Graphics, "0".into(), Some(Bytes(512 << 20))),
            (3, Kind::Compute, "1:1".into(), None),
        ]
    );
}

#[test]
fn what_is_not_known_of_an_instance_is_none_never_zero() {
    let lab = Lab::new(
        r#"{"gpus": [{"model": "A30", "utilization": {"gpu": 55}, "temperature": 60, "energy_mj": 5000},
                     {"model": "A100-40", "mig": ["7g.40gb"]},
                     {"model": "H100", "mig": [{"profile": "7g.80gb", "gpm": {"graphics_util": 42.5}}]}]}"#,
    );
    let nvml = lab.nvml();
    let board = nvml.board(Depth::Slots).unwrap();
    let busy = |interval| -> Vec<_> {
        nvml.readings(&board, interval).iter().map(|reading| reading.busy).collect()
    };
    assert_eq!(busy(None), [Some(55.0), None, None]);
    assert_eq!(busy(Some(Span::from_millis(1))), [Some(55.0), None, Some(42.5)]);
    let first = &nvml.readings(&board, None)[0];
    assert_eq!((first.temperature, first.energy_joules), (Some(60), Some(5.0)));
}

#[test]
fn two_that_read_at_once_read_the_same() {
    let lab = Lab::shipped("mig-mixed.json");
    let boards = std::thread::scope(|scope| {
        let read = || lab.board(Depth::Whole);
        let (one, two) = (scope.spawn(read), scope.spawn(read));
        (one.join().unwrap(), two.join().unwrap())
    });
    assert_eq!(boards.0, boards.1);
    assert_eq!(boards.0.gpus[1].instances[0].index, 0);
    assert_eq!(SlotId::instance(1, 0).to_string(), "1:0");
}
