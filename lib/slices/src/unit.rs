//! The words of systemd: properties, typed, and unit files.

use std::path::PathBuf;

use ds01_names::SliceName;
use ds01_site::Site;
use ds01_units::Bytes;

use crate::{Caps, Live, Slice};

/// The first line of every unit file of ours: only what begins so is ever replaced unasked
/// or removed.
pub const MARK: &str = "# Written by slice-make; change the limits in resource-limits.yaml.";

/// A setting of a slice. A text never becomes one, only numbers do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Property {
    /// In hundredths of a percent of one CPU, as systemd keeps it.
    CpuQuota(Option<u64>),
    MemoryHigh(Option<Bytes>),
    MemoryMax(Option<Bytes>),
    TasksMax(Option<u64>),
    IoWeight(Option<u64>),
}

impl Property {
    /// All of a slice, limited or not, in a fixed order.
    pub fn all(caps: &Caps) -> [Self; 5] {
        [
            Self::CpuQuota(caps.cpu_quota.map(hundredths)),
            Self::MemoryMax(caps.memory_max),
            Self::MemoryHigh(caps.memory_high),
            Self::TasksMax(caps.tasks_max),
            Self::IoWeight(caps.io_weight),
        ]
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::CpuQuota(_) => "CPUQuota",
            Self::MemoryHigh(_) => "MemoryHigh",
            Self::MemoryMax(_) => "MemoryMax",
            Self::TasksMax(_) => "TasksMax",
            Self::IoWeight(_) => "IOWeight",
        }
    }

    pub fn is_limit(&self) -> bool {
        match self {
            Self::CpuQuota(value) | Self::TasksMax(value) | Self::IoWeight(value) => {
                value.is_some()
            }
            Self::MemoryHigh(value) | Self::MemoryMax(value) => value.is_some(),
        }
    }

    /// The value as systemd reads it; what takes a limit away where there is none.
    pub fn value(&self) -> String {
        match self {
            Self::CpuQuota(Some(quota)) if quota % 100 == 0 => format!("{}%", quota / 100),
            Self::CpuQuota(Some(quota)) => format!("{}.{:02}%", quota / 100, quota % 100),
            Self::MemoryHigh(Some(Bytes(bytes))) | Self::MemoryMax(Some(Bytes(bytes))) => {
                bytes.to_string()
            }
            Self::TasksMax(Some(value)) | Self::IoWeight(Some(value)) => value.to_string(),
            Self::CpuQuota(None) | Self::IoWeight(None) => String::new(),
            Self::MemoryHigh(None) | Self::MemoryMax(None) | Self::TasksMax(None) => {
                "infinity".to_owned()
            }
        }
    }

    /// As `systemctl set-property` and unit files take it.
    pub fn assignment(&self) -> String {
        format!("{}={}", self.name(), self.value())
    }

    /// Whether the running slice has it so.
    pub fn holds_in(&self, live: &Live) -> bool {
        match *self {
            // systemd counts microseconds in a second: a hundredth of a percent is 100.
            Self::CpuQuota(quota) => live.cpu_quota_usec == quota.map(|quota| quota * 100),
            Self::MemoryHigh(bytes) => near(live.memory_high, bytes),
            Self::MemoryMax(bytes) => near(live.memory_max, bytes),
            Self::TasksMax(count) => live.tasks_max == count,
            Self::IoWeight(weight) => live.io_weight == weight,
        }
    }
}

/// Of a size that is no multiple of a page the kernel keeps the pages, and some versions of
/// systemd report that.
fn near(live: Option<u64>, wanted: Option<Bytes>) -> bool {
    const PAGE: u64 = 4096;
    match (live, wanted) {
        (Some(live), Some(Bytes(wanted))) => live == wanted || live == wanted / PAGE * PAGE,
        (live, wanted) => live.is_none() && wanted.is_none(),
    }
}

/// What a quota below a hundredth of a percent becomes: never nothing, which is unlimited.
fn hundredths(percent: f64) -> u64 {
    ((percent * 100.0).round() as u64).max(1)
}

/// What holds for each slice, limited or not. Counted, so that `slice-usage` can tell; and
/// with a weight of its own, since without one the kernel shares the CPU among processes, and
/// whoever starts the most of them gets the most.
pub const ALWAYS: [&str; 5] = [
    "CPUAccounting=yes",
    "CPUWeight=100",
    "MemoryAccounting=yes",
    "TasksAccounting=yes",
    "IOAccounting=yes",
];

/// The unit file of a slice, for the next boot.
pub fn file(slice: &Slice) -> String {
    let mut text = format!("{MARK}\n[Unit]\nDescription={}\n", slice.description());
    text += "Before=slices.target\n\n[Slice]\n";
    for line in ALWAYS {
        text += &format!("{line}\n");
    }
    for property in Property::all(&slice.caps).iter().filter(|property| property.is_limit()) {
        text += &format!("{}\n", property.assignment());
    }
    text
}

/// Where it lies.
pub fn path(site: &Site, name: &SliceName) -> PathBuf {
    site.units().join(name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn students() -> Caps {
        Caps {
            cpu_quota: Some(9600.0),
            memory_max: Some(Bytes(96 << 30)),
            memory_high: Some(Bytes(86 << 30)),
            tasks_max: Some(12_288),
            io_weight: Some(100),
        }
    }

    #[test]
    fn limits_become_the_words_of_systemd() {
        assert_eq!(
            Property::all(&students()).map(|property| property.assignment()),
            [
                "CPUQuota=9600%",
                "MemoryMax=103079215104",
                "MemoryHigh=92341796864",
                "TasksMax=12288",
                "IOWeight=100"
            ]
        );
        assert_eq!(
            Property::all(&Caps::default()).map(|property| property.assignment()),
            [
                "CPUQuota=",
                "MemoryMax=infinity",
                "MemoryHigh=infinity",
                "TasksMax=infinity",
                "IOWeight="
            ]
        );
        let quota = |percent| Property::CpuQuota(Some(hundredths(percent))).value();
        assert_eq!(
            (quota(12.5), quota(150.0), quota(0.001)),
            ("12.50%".into(), "150%".into(), "0.01%".into())
        );
    }

    #[test]
    fn a_unit_file_holds_the_limits_and_no_line_that_a_name_could_forge() {
        let slice = Slice {
            name: SliceName::user("students", "eve\nMemoryMax=infinity"),
            group: Some("students".into()),
            user: Some("eve\nMemoryMax=infinity %h\\".into()),
            caps: students(),
            sources: Vec::new(),
        };
        assert_eq!(
            file(&slice),
            format!(
                "{MARK}\n[Unit]\nDescription=ds01: containers of eve?MemoryMax?infinity??h? (students)\n\
                 Before=slices.target\n\n[Slice]\nCPUAccounting=yes\nCPUWeight=100\nMemoryAccounting=yes\n\
                 TasksAccounting=yes\nIOAccounting=yes\nCPUQuota=9600%\nMemoryMax=103079215104\n\
                 MemoryHigh=92341796864\nTasksMax=12288\nIOWeight=100\n"
            )
        );
    }
}
