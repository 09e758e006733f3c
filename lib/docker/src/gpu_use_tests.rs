//! Every form in which somebody has asked for a GPU.

use super::*;
use serde_json::{Value, json};

const A: &str = "GPU-8f2e1f5c-0000-0000-0000-000000000001";
const M: &str = "MIG-5a0e1f5c-0000-0000-0000-000000000002";

fn container(host_config: Value, env: &[&str]) -> Container {
    Container::read(&json!({"Id": "x", "HostConfig": host_config, "Config": {"Env": env}})).unwrap()
}

fn of_requests(requests: Value) -> GpuUse {
    container(json!({"DeviceRequests": requests, "Runtime": "runc"}), &[]).gpu_use()
}

fn gpu_request(ids: Value, count: i64) -> Value {
    json!([{"Driver": "", "Count": count, "DeviceIDs": ids, "Capabilities": [["gpu"]], "Options": {}}])
}

fn uuid(name: &str) -> Device {
    Device::Uuid(name.into())
}
fn index(gpu: u32) -> Device {
    Device::Index { gpu, mig: None }
}
fn mig(gpu: u32, mig: u32) -> Device {
    Device::Index { gpu, mig: Some(mig) }
}

#[test]
fn a_request_for_all_is_all_of_them() {
    assert_eq!(of_requests(gpu_request(Value::Null, -1)), GpuUse::All);
    assert_eq!(of_requests(gpu_request(json!(["all"]), 0)), GpuUse::All);
    assert_eq!(
        of_requests(json!([{"Driver": "cdi", "DeviceIDs": ["nvidia.com/gpu=all"]}])),
        GpuUse::All
    );
}

#[test]
fn a_count_stays_a_count_and_none_is_none() {
    assert_eq!(of_requests(gpu_request(Value::Null, 2)), GpuUse::Count(2));
    assert_eq!(of_requests(gpu_request(json!([]), 0)), GpuUse::None);
    assert_eq!(of_requests(Value::Null), GpuUse::None);
    assert_eq!(of_requests(json!([])), GpuUse::None);
    assert_eq!(of_requests(gpu_request(Value::Null, i64::MAX)), GpuUse::Count(u32::MAX));
}

#[test]
fn devices_are_named_by_uuid_index_or_mig_index_and_keep_their_order() {
    assert_eq!(
        of_requests(gpu_request(json!([M, "0:1", "3", A]), 0)),
        GpuUse::Devices(vec![uuid(M), mig(0, 1), index(3), uuid(A)])
    );
    // A client that does not split the list.
    assert_eq!(
        of_requests(gpu_request(json!([format!("{A},{M}")]), 0)),
        GpuUse::Devices(vec![uuid(A), uuid(M)])
    );
    assert_eq!(
        of_requests(gpu_request(json!(["\"0,1\"", "1"]), 0)),
        GpuUse::Devices(vec![index(0), index(1)])
    );
}

#[test]
fn cdi_names_are_read_and_other_vendors_left_alone() {
    let ids = json!([
        format!("nvidia.com/gpu={M}"),
        "nvidia.com/gpu=0:1",
        "intel.com/gpu=0",
        "nvidia.com/gpu=2"
    ]);
    assert_eq!(
        of_requests(json!([{"Driver": "cdi", "DeviceIDs": ids}])),
        GpuUse::Devices(vec![uuid(M), mig(0, 1), index(2)])
    );
    assert_eq!(
        of_requests(json!([{"Driver": "cdi", "DeviceIDs": ["intel.com/gpu=0"]}])),
        GpuUse::None
    );
    assert_eq!(
        of_requests(json!([{"Driver": "amd", "Count": -1, "Capabilities": [["gpu"]]}])),
        GpuUse::None
    );
    assert_eq!(
        of_requests(json!([{"Driver": "", "Count": 1, "Capabilities": [["tpu"]]}])),
        GpuUse::None
    );
}

#[test]
fn several_requests_add_up_without_a_device_twice() {
    let both = json!([
        {"Driver": "nvidia", "DeviceIDs": ["0", A]},
        {"Driver": "", "Count": 2, "Capabilities": [["gpu", "utility"]]},
    ]);
    assert_eq!(of_requests(both), GpuUse::Devices(vec![index(0), uuid(A), index(1)]));
}

#[test]
fn an_environment_counts_only_where_nvidias_runtime_reads_it() {
    let under = |runtime: &str, value: &str| {
        container(json!({"Runtime": runtime}), &["PATH=/bin", value]).gpu_use()
    };
    // nvidia/cuda images say so, and under runc it gives nothing.
    assert_eq!(under("runc", "NVIDIA_VISIBLE_DEVICES=all"), GpuUse::None);
    assert_eq!(under("", "NVIDIA_VISIBLE_DEVICES=all"), GpuUse::None);
    assert_eq!(under("nvidia", "NVIDIA_VISIBLE_DEVICES=all"), GpuUse::All);
    assert_eq!(under("nvidia-cdi", "NVIDIA_VISIBLE_DEVICES=nvidia.com/gpu=all"), GpuUse::All);
    for nothing in ["void", "none", "", ",", " "] {
        assert_eq!(under("nvidia", &format!("NVIDIA_VISIBLE_DEVICES={nothing}")), GpuUse::None);
    }
    assert_eq!(
        under("nvidia", &format!("NVIDIA_VISIBLE_DEVICES={M}, 0:1")),
        GpuUse::Devices(vec![uuid(M), mig(0, 1)])
    );
    // It chooses among what is visible, and anybody inside can change it.
    assert_eq!(under("nvidia", "CUDA_VISIBLE_DEVICES=0"), GpuUse::None);
}

#[test]
fn the_last_of_two_values_counts_and_a_request_before_any() {
    let env = ["NVIDIA_VISIBLE_DEVICES=all", "NVIDIA_VISIBLE_DEVICES=void"];
    assert_eq!(container(json!({"Runtime": "nvidia"}), &env).gpu_use(), GpuUse::None);
    let both = json!({"Runtime": "nvidia", "DeviceRequests": gpu_request(json!([A]), 0)});
    assert_eq!(
        container(both, &["NVIDIA_VISIBLE_DEVICES=all"]).gpu_use(),
        GpuUse::Devices(vec![uuid(A)])
    );
}

#[test]
fn device_nodes_given_as_they_are_count_too() {
    let nodes = json!({"Devices": [
        {"PathOnHost": "/dev/nvidia2", "PathInContainer": "/dev/nvidia2"},
        {"PathOnHost": "/dev/nvidiactl"}, {"PathOnHost": "/dev/nvidia-uvm"}, {"PathOnHost": "/dev/fuse"},
    ]});
    assert_eq!(container(nodes, &[]).gpu_use(), GpuUse::Devices(vec![Device::Node(2)]));
}

#[test]
fn what_the_flag_takes_is_what_docker_takes() {
    for (flag, expected) in [
        ("all", Some(GpuUse::All)),
        ("-1", Some(GpuUse::All)),
        ("2", Some(GpuUse::Count(2))),
        ("0", Some(GpuUse::None)),
        ("count=2", Some(GpuUse::Count(2))),
        ("device=0:1", Some(GpuUse::Devices(vec![mig(0, 1)]))),
        ("device=0", Some(GpuUse::Devices(vec![index(0)]))),
        ("\"device=0,1\"", Some(GpuUse::Devices(vec![index(0), index(1)]))),
        ("'\"device=0,1\"'", Some(GpuUse::Devices(vec![index(0), index(1)]))),
        (
            "\"device=0,1\",\"capabilities=gpu,utility\"",
            Some(GpuUse::Devices(vec![index(0), index(1)])),
        ),
        ("all,capabilities=utility", Some(GpuUse::All)),
        ("capabilities=utility", Some(GpuUse::Count(1))),
        // Unquoted, the second device is a count (pitfall 21).
        ("device=0,1", None),
        ("2,device=0", None),
        ("two", None),
        ("-2", None),
        ("", None),
        ("\"device=0", None),
        ("gpus=1", None),
    ] {
        assert_eq!(GpuUse::of_flag(flag), expected, "{flag}");
    }
}

#[test]
fn a_name_of_no_known_form_is_kept_and_is_no_index() {
    for name in ["gpu0", "0:", ":1", "+1", "-1", "0x1", "1:2:3", "99999999999", "٣"] {
        assert_eq!(Device::read(name), Device::Unknown(name.into()), "{name}");
    }
    for name in [A, M, "0", "0:1", "MIG-GPU-8f2e1f5c/1/0"] {
        assert_eq!(Device::read(name).to_string(), name);
    }
}

proptest::proptest! {
    #[test]
    fn no_list_and_no_flag_panics(text in ".{0,40}") {
        let _ = (GpuUse::of_list(&text), GpuUse::of_flag(&text));
    }
}
