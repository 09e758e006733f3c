//! Every layout that a card can have, made through the ABI, listed back, and unmade.

use nvml_sim::placement::{EIGHT, FOUR, Family, Placed, TWELVE};
use nvml_wrapper::error::NvmlError;

use crate::lab::{Lab, Raw};

const IN_USE: u32 = 19;
const INSUFFICIENT_RESOURCES: u32 = 23;
const INVALID_ARGUMENT: u32 = 2;

fn round_trip(model: &str, family: &Family, wanted: usize) {
    let lab = Lab::new(&format!(
        r#"{{"root_only": false, "gpus": [{{"model": "{model}", "mig": true}}]}}"#
    ));
    let nvml = lab.nvml();
    let device = nvml.device_by_index(0).unwrap();
    let raw = Raw(&nvml);
    let profiles: Vec<_> = family.profiles.iter().copied().filter(|p| !p.media).collect();
    let layouts = family.layouts(&profiles);
    assert_eq!(layouts.len(), wanted);
    for layout in &layouts {
        for placed in layout {
            let place = Some((placed.start, placed.profile.slots));
            raw.create(&device, placed.profile.id, place).unwrap();
        }
        let mut seen = Vec::new();
        for profile in &profiles {
            for gi in raw.instances(&device, profile.id) {
                let info = raw.info(gi).unwrap();
                assert_eq!(info.placement.size, profile.slots);
                seen.push((info.profileId, info.placement.start));
                raw.destroy(gi).unwrap();
            }
        }
        let mut made: Vec<_> = layout.iter().map(|p: &Placed| (p.profile.id, p.start)).collect();
        made.sort_unstable();
        seen.sort_unstable();
        assert_eq!(seen, made);
    }
    assert!(profiles.iter().all(|profile| raw.instances(&device, profile.id).is_empty()));
}

#[test]
fn every_layout_of_the_eight_slot_family_round_trips() {
    round_trip("A100-40", &EIGHT, 723);
}

#[test]
fn every_layout_of_the_smaller_families_round_trips() {
    round_trip("A30", &FOUR, 26);
    round_trip("RTX PRO 6000", &TWELVE, 26);
}

#[test]
fn an_instance_becomes_a_device_with_its_compute_instance_and_a_new_uuid_each_time() {
    let lab = Lab::new(r#"{"root_only": false, "gpus": [{"model": "A100-40", "mig": []}]}"#);
    let nvml = lab.nvml();
    let device = nvml.device_by_index(0).unwrap();
    let raw = Raw(&nvml);
    let mut uuids = Vec::new();
    let mut earlier: Vec<nvml_wrapper::Device> = Vec::new();
    for _ in 0..3 {
        let gi = raw.create(&device, 9, Some((4, 4))).unwrap();
        assert!(matches!(device.mig_device_by_index(0), Err(NvmlError::NotFound)));
        let ci = raw.create_compute(gi, 2).unwrap();
        let mig = device.mig_device_by_index(0).unwrap();
        assert_eq!(mig.name().unwrap(), "NVIDIA A100-SXM4-40GB MIG 3g.20gb");
        uuids.push(mig.uuid().unwrap());
        // Handles of instances that are gone stand for nothing, also when the place is taken
        // again.
        for gone in &earlier {
            assert!(matches!(gone.uuid(), Err(NvmlError::InvalidArg)));
        }
        assert_eq!(raw.destroy(gi), Err(IN_USE));
        raw.destroy_compute(ci).unwrap();
        raw.destroy(gi).unwrap();
        assert_eq!(raw.destroy(gi), Err(INVALID_ARGUMENT));
        earlier.push(mig);
    }
    uuids.sort();
    uuids.dedup();
    assert_eq!(uuids.len(), 3);
}

#[test]
fn what_cannot_stand_is_refused_and_changes_nothing() {
    let lab = Lab::new(
        r#"{"root_only": false, "gpus": [{"model": "A100-40", "mig": ["2g.10gb@2"]}, {"model": "A30"}]}"#,
    );
    let nvml = lab.nvml();
    let device = nvml.device_by_index(0).unwrap();
    let raw = Raw(&nvml);
    assert_eq!(raw.create(&device, 9, Some((0, 4))), Err(INSUFFICIENT_RESOURCES));
    assert_eq!(raw.create(&device, 9, Some((2, 4))), Err(INVALID_ARGUMENT));
    assert_eq!(raw.create(&device, 9, Some((4, 2))), Err(INVALID_ARGUMENT));
    assert_eq!(raw.create(&device, 77, None), Err(INVALID_ARGUMENT));
    assert_eq!(raw.create(&device, 0, None), Err(INSUFFICIENT_RESOURCES));
    let whole = nvml.device_by_index(1).unwrap();
    assert_eq!(raw.create(&whole, 0, None), Err(3));
    assert!(!lab.dir.path().join("world.json.state").exists());
    let ids: Vec<_> = device.mig_device_by_index(0).into_iter().map(|mig| mig.uuid()).collect();
    assert_eq!(ids.len(), 1);
}

#[test]
fn the_drivers_own_placement_strands_a_3g() {
    let lab = Lab::new(r#"{"root_only": false, "gpus": [{"model": "A100-40", "mig": true}]}"#);
    let nvml = lab.nvml();
    let device = nvml.device_by_index(0).unwrap();
    let raw = Raw(&nvml);
    for id in [19, 19, 14] {
        raw.create(&device, id, None).unwrap();
    }
    assert_eq!(raw.create(&device, 9, None), Err(INSUFFICIENT_RESOURCES));
}

#[test]
fn two_processes_see_one_layout_and_a_rewritten_world_wins() {
    let lab = Lab::new(r#"{"root_only": false, "gpus": [{"model": "A100-40"}]}"#);
    {
        let nvml = lab.nvml();
        nvml.device_by_index(0).unwrap().set_mig_mode(true).unwrap();
        Raw(&nvml).create(&nvml.device_by_index(0).unwrap(), 14, Some((4, 2))).unwrap();
    }
    // Another start of the library is what another process sees: nothing is kept in it.
    let nvml = lab.nvml();
    let device = nvml.device_by_index(0).unwrap();
    let [gi] = Raw(&nvml).instances(&device, 14)[..] else { panic!("one instance") };
    let info = Raw(&nvml).info(gi).unwrap();
    assert_eq!((info.id, info.placement.start), (5, 4));
    // The mode stays while an instance is there.
    assert!(matches!(device.set_mig_mode(false), Err(NvmlError::InUse)));
    lab.write(r#"{"root_only": false, "gpus": [{"model": "A100-40", "mig": ["7g.40gb"]}]}"#);
    assert_eq!(
        device.mig_device_by_index(0).unwrap().name().unwrap(),
        "NVIDIA A100-SXM4-40GB MIG 7g.40gb"
    );
    assert!(Raw(&nvml).instances(&device, 14).is_empty());
}

#[test]
fn many_threads_that_create_and_destroy_never_overlap() {
    let lab = Lab::new(r#"{"root_only": false, "gpus": [{"model": "A100-40", "mig": true}]}"#);
    let nvml = lab.nvml();
    let made = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let device = nvml.device_by_index(0).unwrap();
                for _ in 0..5 {
                    if let Ok(gi) = Raw(&nvml).create(&device, 19, None) {
                        let start = Raw(&nvml).info(gi).unwrap().placement.start;
                        made.lock().unwrap().push(start);
                    }
                }
            });
        }
    });
    let mut made = made.into_inner().unwrap();
    made.sort_unstable();
    assert_eq!(made, [0, 1, 2, 3, 4, 5, 6]);
}
