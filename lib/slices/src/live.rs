//! What systemd says about a slice: the answer of `systemctl show`, read.

use std::collections::HashMap;

/// The properties asked for, in `systemctl show`'s spelling.
pub const ASKED: &str = "Id,LoadState,ActiveState,CPUQuotaPerSecUSec,MemoryHigh,MemoryMax,\
                         TasksMax,IOWeight,TasksCurrent,MemoryAccounting,TasksAccounting,\
                         CPUWeight";

/// A slice as it is now. A limit that is not set is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Live {
    pub id: String,
    /// `loaded` where all is well; `masked` or `bad-setting` where an admin has to look.
    pub load: String,
    pub active: bool,
    pub cpu_quota_usec: Option<u64>,
    pub memory_high: Option<u64>,
    pub memory_max: Option<u64>,
    pub tasks_max: Option<u64>,
    pub io_weight: Option<u64>,
    /// Processes in it now; `None` where they are not counted, which is not zero.
    pub tasks: Option<u64>,
    /// Whether memory and tasks are counted, and the CPU is shared by slice.
    pub prepared: bool,
}

/// Reads the blocks that `systemctl show` prints, one a unit, by the unit's name.
pub fn read(shown: &str) -> HashMap<String, Live> {
    let mut all = HashMap::new();
    for block in shown.split("\n\n") {
        let mut live = Live { prepared: true, ..Live::default() };
        for (key, value) in block.lines().filter_map(|line| line.split_once('=')) {
            match key {
                "Id" => value.clone_into(&mut live.id),
                "LoadState" => value.clone_into(&mut live.load),
                "ActiveState" => live.active = value == "active",
                "CPUQuotaPerSecUSec" => live.cpu_quota_usec = span(value),
                "MemoryHigh" => live.memory_high = number(value),
                "MemoryMax" => live.memory_max = number(value),
                "TasksMax" => live.tasks_max = number(value),
                "IOWeight" => live.io_weight = number(value),
                "TasksCurrent" => live.tasks = number(value),
                "MemoryAccounting" | "TasksAccounting" => live.prepared &= value == "yes",
                "CPUWeight" => live.prepared &= value == "100",
                _ => {}
            }
        }
        if !live.id.is_empty() {
            all.insert(live.id.clone(), live);
        }
    }
    all
}

/// `infinity`, `[not set]` and the largest number all say that there is none.
fn number(value: &str) -> Option<u64> {
    value.parse().ok().filter(|number| *number != u64::MAX)
}

/// A sum such as `1min 36s` or `1.500s`, in microseconds; nothing for `infinity`.
fn span(value: &str) -> Option<u64> {
    const UNITS: [(&str, f64); 9] = [
        ("us", 1.0),
        ("ms", 1e3),
        ("s", 1e6),
        ("min", 6e7),
        ("h", 3.6e9),
        ("d", 8.64e10),
        ("w", 6.048e11),
        ("month", 2.629_8e12),
        ("y", 3.155_76e13),
    ];
    let mut total = 0.0;
    for word in value.split_whitespace() {
        let end = word.find(|c: char| c.is_ascii_alphabetic())?;
        let (number, unit) = word.split_at(end);
        total += number.parse::<f64>().ok()? * UNITS.iter().find(|(name, _)| *name == unit)?.1;
    }
    (total > 0.0).then_some(total.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemctl_prints_is_read_block_by_block() {
        let shown = "CPUQuotaPerSecUSec=1min 36s\nMemoryHigh=infinity\nMemoryMax=103079215104\n\
                     TasksMax=12288\nIOWeight=[not set]\nTasksCurrent=3\nTasksAccounting=yes\n\
                     MemoryAccounting=yes\nId=ds01-a-b\\x2dc.slice\nLoadState=loaded\n\
                     ActiveState=active\nCPUWeight=100\n\nId=ds01.slice\nActiveState=inactive\nLoadState=loaded\n\
                     CPUQuotaPerSecUSec=infinity\nMemoryHigh=18446744073709551615\n\
                     TasksCurrent=[not set]\nMemoryAccounting=no\n";
        let all = read(shown);
        let busy = &all["ds01-a-b\\x2dc.slice"];
        assert_eq!(
            (
                busy.cpu_quota_usec,
                busy.memory_high,
                busy.memory_max,
                busy.tasks_max,
                busy.io_weight
            ),
            (Some(96_000_000), None, Some(96 << 30), Some(12_288), None)
        );
        assert!(busy.active && busy.prepared && busy.tasks == Some(3));
        let root = &all["ds01.slice"];
        assert!(!root.active && !root.prepared && root.cpu_quota_usec.is_none());
        assert_eq!((root.memory_high, root.tasks), (None, None));
    }

    #[test]
    fn spans_are_summed() {
        for (text, usec) in [
            ("960ms", Some(960_000)),
            ("1.500s", Some(1_500_000)),
            ("1h 2min 3.004s", Some(3_723_004_000)),
            ("100us", Some(100)),
            ("infinity", None),
            ("", None),
            ("12", None),
        ] {
            assert_eq!(span(text), usec, "{text}");
        }
    }
}
