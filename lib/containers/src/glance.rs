//! How busy the slots are, as far as NVML tells. Comfort: what it does not tell is not known,
//! never zero, and stops nothing.

use std::collections::HashMap;

use ds01_board::{Depth, Nvml, Process, Reading};
use ds01_fault::Fault;
use ds01_units::{Bytes, Span};
use serde::Serialize;

/// The board at one moment.
#[derive(Debug, Default)]
pub struct Glance {
    readings: HashMap<String, Reading>,
    processes: Vec<Process>,
}

/// What the slots of one container do together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct GpuNow {
    /// Percent, the mean of its slots.
    pub gpu_busy: Option<f64>,
    pub gpu_memory_used: Option<Bytes>,
    pub gpu_memory: Option<Bytes>,
    /// Processes of the container that have a context on a slot of its own.
    pub gpu_processes: Option<usize>,
}

impl Glance {
    /// Asks NVML. With an interval, MIG instances are watched that long where the card can.
    pub fn now(interval: Option<Span>) -> Result<Self, Fault> {
        let nvml = Nvml::open()?;
        let board = nvml.board(Depth::Slots)?;
        let readings = nvml.readings(&board, interval);
        Ok(Self {
            readings: readings.into_iter().map(|one| (one.uuid.clone(), one)).collect(),
            processes: nvml.processes(&board),
        })
    }

    /// Of a container with these slots. Any slot that says nothing makes the sum unknown.
    pub fn of(&self, container: &str, uuids: &[String]) -> GpuNow {
        let own: Option<Vec<&Reading>> = uuids.iter().map(|uuid| self.readings.get(uuid)).collect();
        let own = own.filter(|own| !own.is_empty()).unwrap_or_default();
        let sum = |of: fn(&Reading) -> Option<Bytes>| {
            let all: Option<Vec<u64>> = own.iter().map(|one| Some(of(one)?.0)).collect();
            all.filter(|all| !all.is_empty()).map(|all| Bytes(all.iter().sum()))
        };
        let busy: Option<Vec<f64>> = own.iter().map(|one| one.busy).collect();
        let busy = busy.filter(|all| !all.is_empty());
        GpuNow {
            gpu_busy: busy.map(|all| all.iter().sum::<f64>() / all.len() as f64),
            gpu_memory_used: sum(|one| one.memory_used),
            gpu_memory: sum(|one| one.memory),
            gpu_processes: if own.is_empty() { None } else { self.processes(container, uuids) },
        }
    }

    /// A process whose container cannot be read might be anybody's, and then nobody knows.
    fn processes(&self, container: &str, uuids: &[String]) -> Option<usize> {
        let mut own = 0;
        for process in self.processes.iter().filter(|one| uuids.contains(&one.uuid)) {
            let cgroups = std::fs::read_to_string(format!("/proc/{}/cgroup", process.pid)).ok()?;
            own += usize::from(names(&cgroups, container));
        }
        Some(own)
    }
}

/// Whether a line of `/proc/PID/cgroup` names the container: Docker's own forms all hold the
/// whole id.
fn names(cgroups: &str, container: &str) -> bool {
    container.len() == 64 && cgroups.contains(container)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(uuid: &str, busy: Option<f64>, used: u64) -> (String, Reading) {
        let reading = Reading {
            slot: "0".parse().unwrap(),
            uuid: uuid.into(),
            busy,
            memory_used: Some(Bytes(used)),
            memory: Some(Bytes(10)),
            temperature: None,
            power_watts: None,
            energy_joules: None,
        };
        (uuid.to_owned(), reading)
    }

    #[test]
    fn what_one_slot_does_not_tell_is_not_known_of_all_and_never_zero() {
        let readings = [reading("A", Some(50.0), 4), reading("B", Some(100.0), 2)];
        let glance = Glance { readings: readings.into(), processes: vec![] };
        let uuids = |all: &[&str]| all.iter().map(|&uuid| uuid.to_owned()).collect::<Vec<_>>();
        let both = glance.of("x", &uuids(&["A", "B"]));
        assert_eq!((both.gpu_busy, both.gpu_memory_used), (Some(75.0), Some(Bytes(6))));
        assert_eq!(glance.of("x", &uuids(&["A", "C"])), GpuNow::default());
        assert_eq!(glance.of("x", &[]), GpuNow::default());
        let instance = Glance { readings: [reading("M", None, 4)].into(), processes: vec![] };
        let seen = instance.of("x", &uuids(&["M"]));
        assert_eq!((seen.gpu_busy, seen.gpu_memory_used), (None, Some(Bytes(4))));
    }

    #[test]
    fn a_container_is_known_by_its_whole_id() {
        let id = "ab".repeat(32);
        assert!(names(&format!("0::/ds01.slice/docker-{id}.scope\n"), &id));
        assert!(!names("0::/user.slice\n", &id) && !names("0::/\n", ""));
    }
}
