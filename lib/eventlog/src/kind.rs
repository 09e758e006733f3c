//! The event types, each once, with what it says.

use std::fmt;
use std::str::FromStr;

use ds01_fault::Fault;

macro_rules! kinds {
    ($($kind:ident $name:literal $about:literal;)*) => {
        /// What happened. Old logs hold further names; those are read as text.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Kind {
            $(#[doc = $about] $kind,)*
            /// Something an admin did: `admin.` and this word.
            Admin(AdminWord),
        }

        /// Every type but the open `admin.*`, with its name and what it says.
        pub const ALL: &[(Kind, &str, &str)] = &[$((Kind::$kind, $name, $about)),*];

        impl Kind {
            fn fixed(&self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                    Self::Admin(_) => ADMIN,
                }
            }
        }
    };
}

kinds! {
    ContainerCreate "container.create" "a container was created";
    ContainerStart "container.start" "a container was started";
    ContainerStop "container.stop" "a container stopped, by whom or by itself";
    ContainerRemove "container.remove" "a container was removed";
    ContainerCreateFailed "container.create_failed" "Docker refused a container that admission allowed";
    GpuAllocate "gpu.allocate" "a slot was given to a container";
    GpuRelease "gpu.release" "a slot became free";
    GpuReject "gpu.reject" "a request for a GPU was refused, with every limit in the way";
    GpuHold "gpu.hold" "a container stopped and keeps its slot until the hold ends";
    GpuDrain "gpu.drain" "a slot was taken out of use for its health";
    GpuRestore "gpu.restore" "a drained slot is in use again";
    QueueJoin "queue.join" "a request joined the waiting line";
    QueueClaim "queue.claim" "the first in line got its timed claim";
    QueueLeave "queue.leave" "a request left the waiting line: served, given up or expired";
    ReserveAdd "reserve.add" "slots were reserved for a time";
    ReserveCancel "reserve.cancel" "a reservation was cancelled";
    AuthDenied "auth.denied" "somebody asked for what is not theirs";
    AccessGrant "access.grant" "a person was given access beyond the default";
    AccessRevoke "access.revoke" "such access ended";
    AccessUnownedContainer "access.unowned_container" "a container that nobody owns was touched";
    MaintenanceIdleWarn "maintenance.idle_warn" "an idle container's owner was warned";
    MaintenanceIdleStop "maintenance.idle_stop" "an idle container was stopped, with the samples that say so";
    MaintenanceRuntimeWarn "maintenance.runtime_warn" "a container nears its longest runtime";
    MaintenanceRuntimeStop "maintenance.runtime_stop" "a container reached its longest runtime and was stopped";
    MaintenanceHoldExpired "maintenance.hold_expired" "a hold ended: the slot is free or the container removed";
    MaintenanceCleanup "maintenance.cleanup" "a timer removed what was left over";
    SliceSet "slice.set" "a slice's limits were set";
    ResourceOomKill "resource.oom_kill" "the kernel killed a process at a memory limit";
    ConfigChange "config.change" "the config changed and took effect";
    ConfigError "config.error" "the config cannot be read; the one before stays or nothing is granted";
    HealthCheck "health.check" "the checks of ds01-health passed";
    HealthFail "health.fail" "a check of ds01-health failed";
}

const ADMIN: &str = "admin.";

/// The part of an `admin.*` type behind the dot: lower-case letters, digits and `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminWord(String);

impl Kind {
    /// The type `admin.WORD`, for example `admin.emergency_stop`. Characters that a type
    /// cannot hold become `_`.
    pub fn admin(word: &str) -> Self {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        Self::Admin(AdminWord(
            word.chars().take(48).map(|c| if fits(c) { c } else { '_' }).collect(),
        ))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.fixed())?;
        if let Self::Admin(AdminWord(word)) = self { f.write_str(word) } else { Ok(()) }
    }
}

impl FromStr for Kind {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        if let Some((kind, ..)) = ALL.iter().find(|(_, name, _)| *name == text) {
            return Ok(kind.clone());
        }
        match text.strip_prefix(ADMIN) {
            Some(word)
                if !word.is_empty() && Self::admin(word) == Self::Admin(AdminWord(word.into())) =>
            {
                Ok(Self::admin(word))
            }
            _ => Err(unknown(text)),
        }
    }
}

fn unknown(text: &str) -> Fault {
    let family = text.split('.').next().unwrap_or_default();
    let near: Vec<&str> = ALL
        .iter()
        .map(|(_, name, _)| *name)
        .filter(|name| name.split('.').next() == Some(family))
        .collect();
    let why = if near.is_empty() {
        let mut families: Vec<&str> =
            ALL.iter().filter_map(|(_, name, _)| name.split('.').next()).collect();
        families.dedup();
        format!("a type is one of {}.* or admin.*", families.join(".*, "))
    } else {
        format!("the types there are: {}", near.join(", "))
    };
    Fault::usage(format!("`{text}` is no event type"))
        .why(why)
        .todo("`event-log --types` lists them all; an admin's own is admin.WORD, lower case")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_read_back_from_its_name() {
        for (kind, name, about) in ALL {
            assert_eq!(kind.to_string(), *name);
            assert_eq!(name.parse::<Kind>().unwrap(), *kind);
            assert!(!about.ends_with('.') && !about.is_empty(), "{name}");
        }
        assert_eq!(Kind::admin("emergency_stop").to_string(), "admin.emergency_stop");
        assert_eq!("admin.lock".parse::<Kind>().unwrap(), Kind::admin("lock"));
    }

    #[test]
    fn a_wrong_type_names_its_family() {
        let fault = "gpu.allocated".parse::<Kind>().unwrap_err();
        assert!(fault.why.contains("gpu.allocate, gpu.release"), "{}", fault.why);
        for bad in ["", "gpu", "admin.", "admin.A", "admin.a b", "admin.x\n", "docker.pull"] {
            assert!(bad.parse::<Kind>().is_err(), "{bad}");
        }
    }
}
