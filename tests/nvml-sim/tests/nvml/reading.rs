//! What a world says is what a program reads, also while it runs.

use nvml_wrapper::bitmasks::event::EventTypes;
use nvml_wrapper::enum_wrappers::device::{EccCounter, MemoryError, TemperatureSensor};
use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::enums::event::XidError;
use nvml_wrapper::enums::gpm::GpmMetricId;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::gpm::gpm_metrics_get;

use crate::lab::{Lab, Raw};

#[test]
fn no_driver_is_told_apart_from_a_broken_one_and_from_an_empty_host() {
    for (world, wanted) in [
        (r#"{"init": "DRIVER_NOT_LOADED", "gpus": []}"#, "DriverNotLoaded"),
        (r#"{"init": "LIB_RM_VERSION_MISMATCH", "gpus": []}"#, "LibRmVersionMismatch"),
        (r#"{"gpus": [{"model": "A100-40", "mig": ["3g.20gb@1"]}]}"#, "Unknown"),
        ("{", "Unknown"),
    ] {
        let lab = Lab::new(world);
        assert_eq!(format!("{:?}", lab.try_nvml().unwrap_err()), wanted);
    }
    let lab = Lab::new("");
    std::fs::remove_file(lab.world()).unwrap();
    assert!(matches!(lab.try_nvml(), Err(NvmlError::DriverNotLoaded)));
    lab.write(r#"{"gpus": []}"#);
    assert_eq!(lab.nvml().device_count().unwrap(), 0);
}

#[test]
fn a_whole_card_tells_all_about_itself() {
    let lab = Lab::new(
        r#"{"driver": "550.54.15", "cuda": "12.4", "gpus": [{"model": "A100-80", "uuid": "GPU-abc",
            "pci": "0000:3b:00.0", "numa": 1, "utilization": {"gpu": 40, "memory": 9},
            "temperature": 71, "power_watts": 250.5, "energy_mj": 99, "memory_used_mib": 500,
            "processes": [{"pid": 17, "memory_mib": 1000}, {"pid": 18, "memory_mib": null},
                          {"pid": 19, "graphics": true}],
            "ecc": {"corrected": 3, "aggregate_uncorrected": 1}}]}"#,
    );
    let nvml = lab.nvml();
    assert_eq!(nvml.sys_driver_version().unwrap(), "550.54.15");
    assert_eq!(nvml.sys_nvml_version().unwrap(), "12.550.54.15");
    assert_eq!(nvml.sys_cuda_driver_version().unwrap(), 12040);
    let device = nvml.device_by_uuid("GPU-abc").unwrap();
    assert_eq!(device.index().unwrap(), 0);
    assert_eq!(nvml.device_by_pci_bus_id("0000:3b:00.0").unwrap().uuid().unwrap(), "GPU-abc");
    assert_eq!(device.name().unwrap(), "NVIDIA A100-SXM4-80GB");
    assert_eq!(device.pci_info().unwrap().bus_id, "00000000:3B:00.0");
    let memory = device.memory_info().unwrap();
    assert_eq!((memory.total >> 20, memory.used >> 20), (81920, 500 + 1000 + 512));
    let rates = device.utilization_rates().unwrap();
    assert_eq!((rates.gpu, rates.memory), (40, 9));
    assert_eq!(device.temperature(TemperatureSensor::Gpu).unwrap(), 71);
    assert_eq!(
        (device.power_usage().unwrap(), device.total_energy_consumption().unwrap()),
        (250_500, 99)
    );
    let compute = device.running_compute_processes().unwrap();
    assert_eq!(compute.iter().map(|p| p.pid).collect::<Vec<_>>(), [17, 18]);
    assert!(
        matches!(compute[0].used_gpu_memory, UsedGpuMemory::Used(bytes) if bytes == 1000 << 20)
    );
    assert!(matches!(compute[1].used_gpu_memory, UsedGpuMemory::Unavailable));
    assert_eq!(compute[0].gpu_instance_id, None);
    assert_eq!(device.running_graphics_processes().unwrap()[0].pid, 19);
    let ecc = |kind, life| device.total_ecc_errors(kind, life).unwrap();
    assert_eq!(ecc(MemoryError::Corrected, EccCounter::Volatile), 3);
    assert_eq!(ecc(MemoryError::Corrected, EccCounter::Aggregate), 3);
    assert_eq!(ecc(MemoryError::Uncorrected, EccCounter::Aggregate), 1);
    assert!(matches!(device.fan_speed(0), Err(NvmlError::NotSupported)));
    assert!(matches!(device.mig_device_by_index(0), Err(NvmlError::NotSupported)));
    assert!(matches!(nvml.device_by_index(1), Err(NvmlError::InvalidArg)));
}

#[test]
fn an_instance_knows_its_memory_and_processes_and_no_utilisation() {
    let lab = Lab::new(
        r#"{"gpus": [{"model": "H100", "mig": [
              {"profile": "3g.40gb", "start": 4, "uuid": "MIG-x", "gpm": {"sm_util": 30}},
              {"profile": "4g.40gb", "compute": [2, 1]}],
            "processes": [{"pid": 5, "memory_mib": 100, "gi": 1}, {"pid": 6, "gi": 2, "ci": 1}]}]}"#,
    );
    let nvml = lab.nvml();
    let card = nvml.device_by_index(0).unwrap();
    let three = nvml.device_by_uuid("MIG-x").unwrap();
    assert!(three.mig_is_mig_device_handle().unwrap());
    assert_eq!(three.mig_parent_device().unwrap().uuid().unwrap(), card.uuid().unwrap());
    assert_eq!(three.memory_info().unwrap().used >> 20, 112);
    assert_eq!(three.running_compute_processes().unwrap().len(), 1);
    assert!(matches!(three.utilization_rates(), Err(NvmlError::NotSupported)));
    assert!(matches!(card.utilization_rates(), Err(NvmlError::NotSupported)));
    let names: Vec<_> =
        (0..3).map(|index| card.mig_device_by_index(index).unwrap().name().unwrap()).collect();
    let wanted =
        ["3g.40gb", "2c.4g.40gb", "1c.4g.40gb"].map(|p| format!("NVIDIA H100 80GB HBM3 MIG {p}"));
    assert_eq!(names, wanted);
    let on_card = card.running_compute_processes().unwrap();
    assert_eq!(on_card[1].gpu_instance_id, Some(2));
    assert_eq!(on_card[1].compute_instance_id, Some(1));

    assert!(card.gpm_support().unwrap());
    let first = card.gpm_mig_sample(1).unwrap();
    let world = std::fs::read_to_string(lab.world()).unwrap();
    lab.write(&world.replace("\"sm_util\": 30", "\"sm_util\": 50"));
    let second = card.gpm_mig_sample(1).unwrap();
    let metrics = gpm_metrics_get(&nvml, &first, &second, &[GpmMetricId::SmUtil]).unwrap();
    assert!((metrics[0].as_ref().unwrap().value - 40.0).abs() < 1e-9);
}

#[test]
fn a_world_that_changes_is_read_again_and_a_half_written_one_is_not_believed() {
    let busy = |percent: u32| {
        format!(r#"{{"gpus": [{{"model": "A30", "utilization": {{"gpu": {percent}}}}}]}}"#)
    };
    let lab = Lab::new(&busy(10));
    let nvml = lab.nvml();
    let device = nvml.device_by_index(0).unwrap();
    let read = || device.utilization_rates().unwrap().gpu;
    assert_eq!(read(), 10);
    lab.write(&busy(20));
    assert_eq!(read(), 20);
    lab.write("{\"gpus\": [");
    assert_eq!(read(), 20);
    lab.write(&busy(30));
    assert_eq!(read(), 30);
}

#[test]
fn events_come_to_those_who_asked_and_time_out_otherwise() {
    let lab = Lab::new(
        r#"{"gpus": [{"model": "A100-40", "count": 2, "mig": ["1g.5gb"]}],
            "events": [{"gpu": 1, "data": 31, "gi": 7, "ci": 0}, {"gpu": 0, "data": 79}]}"#,
    );
    let nvml = lab.nvml();
    let set = nvml.create_event_set().unwrap();
    let device = nvml.device_by_index(1).unwrap();
    let set = device.register_events(EventTypes::CRITICAL_XID_ERROR, set).unwrap();
    let event = set.wait(0).unwrap();
    assert_eq!(event.device.index().unwrap(), 1);
    assert_eq!(event.event_data, Some(XidError::Value(31)));
    assert!(matches!(set.wait(0), Err(NvmlError::Timeout)));
    let world = std::fs::read_to_string(lab.world()).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| lab.write(&world.replace("31", "48")));
        assert_eq!(set.wait(60_000).unwrap().event_data, Some(XidError::Value(48)));
    });
}

#[test]
fn an_event_names_the_instance_it_happened_on() {
    let lab = Lab::new(
        r#"{"gpus": [{"model": "A100-40", "mig": ["1g.5gb"]}],
            "events": [{"gpu": 0, "data": 31, "gi": 7, "ci": 0}, {"gpu": 0, "data": 79}]}"#,
    );
    let nvml = lab.nvml();
    let told: Vec<_> = Raw(&nvml).events(&nvml.device_by_index(0).unwrap());
    assert_eq!(told, [(31, 7, 0), (79, u32::MAX, u32::MAX)]);
}

#[test]
fn errors_slowness_and_a_lost_card_come_on_demand() {
    let lab = Lab::new(
        r#"{"gpus": [{"model": "A30", "count": 2}, {"model": "A30", "uuid": "GPU-gone", "lost": true}],
            "errors": {"nvmlDeviceGetName": "UNKNOWN", "gpu:1/nvmlDeviceGetUUID": 4},
            "latency_ms": {"nvmlDeviceGetTemperature": 30, "nvmlInit_v2": 20}}"#,
    );
    let start = std::time::Instant::now();
    let nvml = lab.nvml();
    assert!(start.elapsed().as_millis() >= 20);
    let device = nvml.device_by_index(0).unwrap();
    assert!(matches!(device.name(), Err(NvmlError::Unknown)));
    assert!(device.uuid().is_ok());
    let other = nvml.device_by_index(1).unwrap();
    assert!(matches!(other.uuid(), Err(NvmlError::NoPermission)));
    assert!(matches!(nvml.device_by_index(2), Err(NvmlError::GpuLost)));
    let start = std::time::Instant::now();
    device.temperature(TemperatureSensor::Gpu).unwrap();
    assert!(start.elapsed().as_millis() >= 30);
}

#[test]
fn a_restart_keeps_the_mig_mode_on_ampere_alone_and_no_instance_anywhere() {
    let lab = Lab::new(
        r#"{"root_only": false, "gpus": [{"model": "A100-40", "mig": ["7g.40gb"]}, {"model": "H100", "mig": ["7g.80gb"]}]}"#,
    );
    let nvml = lab.nvml();
    lab.reboot();
    let mode = |index| nvml.device_by_index(index).unwrap().mig_mode().unwrap().current;
    assert_eq!((mode(0), mode(1)), (1, 0));
    let ampere = nvml.device_by_index(0).unwrap();
    assert!(matches!(ampere.mig_device_by_index(0), Err(NvmlError::NotFound)));
}

#[test]
fn a_process_that_is_gone_is_gone_from_the_card() {
    let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    let lab = Lab::new(&format!(
        r#"{{"gpus": [{{"model": "A30", "processes": [{{"pid": {}, "real": true}}]}}]}}"#,
        child.id()
    ));
    let nvml = lab.nvml();
    let device = nvml.device_by_index(0).unwrap();
    let list = device.running_compute_processes().unwrap();
    assert_eq!(list[0].pid, child.id());
    assert_eq!(nvml.sys_process_name(child.id(), 64).unwrap(), "sleep");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(device.running_compute_processes().unwrap().is_empty());
}

#[test]
fn cards_know_their_peers_and_nodes() {
    let lab = Lab::new(include_str!("../../../worlds/a100x4.json"));
    let nvml = lab.nvml();
    let device = nvml.device_by_index(2).unwrap();
    let link = device.link_wrapper_for(0);
    assert!(link.is_active().unwrap());
    assert_eq!(
        link.remote_pci_info().unwrap().bus_id,
        nvml.device_by_index(0).unwrap().pci_info().unwrap().bus_id
    );
    assert_eq!(device.memory_affinity(2, 0).unwrap(), [2, 0]);
}
