//! What Docker runs beside what the ledger says: each difference with the decision that
//! mends it. Pure. With the ledger gone, the leases of all running containers come back.

use std::collections::{BTreeMap, HashMap};

use ds01_board::{Board, Slot, SlotId};
use ds01_config::Config;
use ds01_docker::{Container, Device, GpuUse, State as Run};
use ds01_names::Owner;
use ds01_units::{Limit, Span, Stamp};
use serde::Serialize;

use crate::decide::{slot_use, weight};
use crate::life;
use crate::record::{Decision, Why};
use crate::state::State;
use crate::types::{Lease, Phase, SlotUse};

/// Something that does not agree.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    pub kind: Kind,
    pub container: String,
    pub user: String,
    /// What is seen.
    pub found: String,
    /// What mends it, or what an admin has to do.
    pub fix: String,
    /// None where a person has to decide.
    #[serde(skip)]
    pub decision: Option<Decision>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A running container has a GPU and no lease.
    NoLease,
    /// A lease has no container.
    NoContainer,
    /// The lease names other slots than the container has.
    OtherSlots,
    /// The lease names another user than the container's label.
    OtherUser,
    /// The container was renamed.
    OtherName,
    /// The container stands otherwise than its lease: created, started or stopped unseen.
    OtherPhase,
    /// The lease or the hold has ended by itself and was not cleared away.
    Lapsed,
    /// A slot that the board does not show.
    UnknownSlot,
    /// A slot that several containers have.
    Shared,
}

/// Everything that is compared. Without a board (no NVML), slots are taken from Docker's
/// words and the labels.
#[derive(Clone, Copy, Debug)]
pub struct Sides<'a> {
    pub state: &'a State,
    pub containers: &'a [Container],
    pub board: Option<&'a Board>,
    pub config: &'a Config,
    pub now: Stamp,
}

/// Every difference, by container.
pub fn differences(sides: &Sides) -> Vec<Difference> {
    let known = sides.board.map(|board| board.slots(weight(sides.config.gpu())));
    let eye = Eye { sides, slots: known.unwrap_or_default() };
    let mut found = Vec::new();
    let mut seen = Vec::new();
    for container in sides.containers {
        let lease = eye.lease_of(container);
        seen.extend(lease.map(|lease| lease.container.clone()));
        found.extend(eye.container(container, lease));
    }
    for lease in sides.state.leases.values().filter(|lease| !seen.contains(&lease.container)) {
        found.extend(eye.without_container(lease));
    }
    found.extend(eye.shared());
    found.sort_by(|a, b| a.container.cmp(&b.container));
    found
}

struct Eye<'a> {
    sides: &'a Sides<'a>,
    slots: Vec<Slot>,
}

impl<'a> Eye<'a> {
    fn lease_of(&self, container: &Container) -> Option<&'a Lease> {
        let state = self.sides.state;
        let by_id = |lease: &&Lease| lease.container_id.as_ref() == Some(&container.id);
        state.leases.values().find(by_id).or_else(|| {
            // Docker may have given the name to another container since.
            state.leases.get(&container.name)
        })
    }

    fn container(&self, container: &Container, lease: Option<&Lease>) -> Vec<Difference> {
        let uses = container.gpu_use();
        let Some(lease) = lease else {
            let missing = !uses.is_none() && container.is_running();
            return missing.then(|| self.no_lease(container)).into_iter().collect();
        };
        if uses.is_none() {
            let found = "the container uses no GPU".to_owned();
            return vec![Difference {
                fix: "end the lease".into(),
                decision: Some(ended(lease, Why::Gone)),
                ..about(Kind::NoContainer, lease, found)
            }];
        }
        let slots = self.slots_of(container, Some(lease));
        let mut wanted = lease.clone();
        let mut out = Vec::new();
        let mut differs = |kind, found: String, fix: &str| {
            out.push(Difference { fix: fix.to_owned(), ..about(kind, lease, found) });
        };
        if lease.container != container.name {
            differs(
                Kind::OtherName,
                format!("it is now named {}", container.name),
                "rename the lease",
            );
            wanted.container.clone_from(&container.name);
        }
        if let Some(owner) = container.owner().filter(|owner| *owner != lease.user) {
            differs(Kind::OtherUser, format!("its label says {owner}"), "correct the lease");
            wanted.user = owner.to_owned();
        }
        let has: Vec<&str> = slots.iter().map(|slot| slot.uuid.as_str()).collect();
        let mut leased: Vec<&str> = lease.slots.iter().map(|slot| slot.uuid.as_str()).collect();
        let mut sorted = has.clone();
        sorted.sort_unstable();
        leased.sort_unstable();
        if sorted != leased {
            let found =
                format!("the container has {}, the lease {}", has.join(","), leased.join(","));
            differs(Kind::OtherSlots, found, "correct the lease");
            wanted.slots = slots;
        }
        if let Some((phase, found)) = self.phase(container, lease) {
            differs(
                Kind::OtherPhase,
                found,
                if phase.is_some() { "correct the lease" } else { "end the lease" },
            );
            match phase {
                Some(phase) => wanted.phase = phase,
                None => {
                    // The last word: whatever else differs ends with it.
                    let decision = Some(ended(lease, Why::Lapsed));
                    out.last_mut().into_iter().for_each(|one| one.decision.clone_from(&decision));
                    return out;
                }
            }
        }
        wanted.container_id = Some(container.id.clone());
        self.put_decision(&mut out, lease, wanted);
        out.extend(self.unknown_slots(lease, container));
        out
    }

    /// One decision mends all that differs about a lease; the first difference carries it.
    fn put_decision(&self, out: &mut [Difference], lease: &Lease, wanted: Lease) {
        let Some(first) = out.first_mut() else { return };
        first.decision = Some(if lease.container == wanted.container {
            Decision::Adopted { lease: wanted }
        } else {
            Decision::Renamed { container: lease.container.clone(), to: wanted.container }
        });
    }

    /// How the lease should stand when the container stands like this: none where it should
    /// end. Nothing when it does stand so.
    fn phase(&self, container: &Container, lease: &Lease) -> Option<(Option<Phase>, String)> {
        let running = container.is_running();
        let hold = || self.hold(&lease.user);
        match lease.phase {
            Phase::Pending { .. } if running || container.state == Run::Created => {
                Some((Some(Phase::Held), format!("the container is {}", container.state)))
            }
            Phase::Stopped { .. } if running => {
                Some((Some(Phase::Held), "the container runs again".into()))
            }
            Phase::Stopped { stopped_at, hold_until: None } => match hold() {
                Limit::None => None,
                Limit::Max(hold) => {
                    let hold_until = Some(stopped_at.plus(hold));
                    let found = format!("its hold has no end, the limit is {hold}");
                    Some((Some(Phase::Stopped { stopped_at, hold_until }), found))
                }
            },
            Phase::Stopped { .. } if lease.lapsed(self.sides.now) => {
                Some((None, "its hold is over".into()))
            }
            Phase::Held | Phase::Pending { .. } if !running && container.state != Run::Created => {
                let stopped_at = container.stopped_since().unwrap_or(self.sides.now);
                let found = format!("the container is {} since {stopped_at}", container.state);
                let hold_until = match hold() {
                    Limit::None => None,
                    Limit::Max(Span::ZERO) => return Some((None, found)),
                    Limit::Max(hold) => Some(stopped_at.plus(hold)),
                };
                Some((Some(Phase::Stopped { stopped_at, hold_until }), found))
            }
            _ => None,
        }
    }

    fn hold(&self, user: &str) -> Limit<Span> {
        self.sides.config.resolve(user, self.sides.now).gpu_hold_after_stop
    }

    fn no_lease(&self, container: &Container) -> Difference {
        let slots = self.slots_of(container, None);
        let user = owner(container);
        let limits = self.sides.config.resolve(&user, self.sides.now);
        let priority = container.label("ds01.gpu.priority").and_then(|text| text.parse().ok());
        let since = container
            .label("ds01.created_at")
            .and_then(|text| text.parse().ok())
            .or(container.started)
            .unwrap_or(self.sides.now);
        let interface = container.label("ds01.interface").unwrap_or("docker");
        let runtime = limits.lifecycle(interface).max_runtime;
        let lease = Lease {
            container: container.name.clone(),
            container_id: Some(container.id.clone()),
            user,
            priority: priority.unwrap_or(limits.priority),
            interface: Some(interface.to_owned()),
            slots,
            allocated_at: since,
            runs_until: runtime.max().map(|max| container.started.unwrap_or(since).plus(*max)),
            phase: Phase::Held,
        };
        let found = format!("the container runs on {} and has no lease", lease.gpu_id());
        let mut one = about(Kind::NoLease, &lease, found);
        if lease.slots.is_empty() {
            one.fix = "find out which GPU it has: its devices have no name known here".into();
        } else {
            one.fix = "record the lease".into();
            one.decision = Some(Decision::Adopted { lease });
        }
        one
    }

    fn without_container(&self, lease: &Lease) -> Option<Difference> {
        let lapsed = lease.lapsed(self.sides.now);
        let (kind, found, why) = match lease.phase {
            Phase::Pending { .. } if !lapsed => return None,
            Phase::Pending { .. } => (Kind::Lapsed, "its container was never created", Why::Lapsed),
            _ => (Kind::NoContainer, "Docker has no such container", Why::Gone),
        };
        Some(Difference {
            fix: "end the lease".into(),
            decision: Some(ended(lease, why)),
            ..about(kind, lease, found.to_owned())
        })
    }

    fn unknown_slots(&self, lease: &Lease, container: &Container) -> Option<Difference> {
        self.sides.board?;
        let here = |slot: &&SlotUse| !self.slots.iter().any(|known| known.uuid == slot.uuid);
        let gone: Vec<&str> =
            lease.slots.iter().filter(here).map(|slot| slot.uuid.as_str()).collect();
        (!gone.is_empty()).then(|| Difference {
            fix: format!("`gpu-list` shows the slots; recreate {} on one of them", container.name),
            ..about(Kind::UnknownSlot, lease, format!("the board has no {}", gone.join(",")))
        })
    }

    /// Slots of several running containers: who must go is for people to say.
    fn shared(&self) -> Vec<Difference> {
        let mut users: BTreeMap<String, Vec<&Container>> = BTreeMap::new();
        for container in self.sides.containers.iter().filter(|one| one.is_running()) {
            for slot in self.slots_of(container, None) {
                users.entry(slot.uuid).or_default().push(container);
            }
        }
        users.retain(|_, users| users.len() > 1);
        users
            .into_iter()
            .map(|(uuid, users)| {
                let names: Vec<&str> = users.iter().map(|one| one.name.as_str()).collect();
                Difference {
                    kind: Kind::Shared,
                    container: names[0].to_owned(),
                    user: owner(users[0]),
                    found: format!("{uuid} is used by {}", names.join(" and ")),
                    fix: "stop all but one of them".into(),
                    decision: None,
                }
            })
            .collect()
    }

    /// The slots a container has, in the words of the board where it shows them.
    fn slots_of(&self, container: &Container, lease: Option<&Lease>) -> Vec<SlotUse> {
        let labelled = labelled(container);
        let devices = match container.gpu_use() {
            GpuUse::None => return Vec::new(),
            GpuUse::All => return self.slots.iter().map(slot_use).collect(),
            GpuUse::Count(count) => {
                return self.slots.iter().take(count as usize).map(slot_use).collect();
            }
            GpuUse::Devices(devices) => devices,
        };
        let known: HashMap<&str, &Slot> =
            self.slots.iter().map(|slot| (slot.uuid.as_str(), slot)).collect();
        let by_id = |id: SlotId| self.slots.iter().find(|slot| slot.id == id);
        let slot = |device: &Device| match device {
            Device::Uuid(uuid) => Some(match known.get(uuid.as_str()) {
                Some(slot) => slot_use(slot),
                None => remembered(uuid, lease, &labelled),
            }),
            Device::Index { gpu, mig: None } | Device::Node(gpu) => {
                by_id(SlotId::gpu(*gpu)).map(slot_use)
            }
            Device::Index { gpu, mig: Some(mig) } => {
                by_id(SlotId::instance(*gpu, *mig)).map(slot_use)
            }
            Device::Unknown(_) => None,
        };
        devices.iter().filter_map(slot).collect()
    }
}

fn about(kind: Kind, lease: &Lease, found: String) -> Difference {
    let (container, user) = (lease.container.clone(), lease.user.clone());
    Difference { kind, container, user, found, fix: String::new(), decision: None }
}

fn ended(lease: &Lease, why: Why) -> Decision {
    match life::released(lease) {
        Decision::Released { containers, .. } => Decision::Released { containers, why },
        other => other,
    }
}

/// Whose a container is: what the door wrote on it, else what its name says.
fn owner(container: &Container) -> String {
    let named = || match ds01_names::container::parse(&container.name)?.1 {
        Owner::Name(name) | Owner::Number(name) => Some(name),
        Owner::Uid(uid) => Some(uid.to_string()),
    };
    container.owner().map(str::to_owned).or_else(named).unwrap_or_else(|| "unowned".to_owned())
}

/// A slot that the board does not show, as the lease or the labels remember it. What nobody
/// remembers counts as a whole GPU: unknown is never nothing.
fn remembered(uuid: &str, lease: Option<&Lease>, labelled: &[SlotUse]) -> SlotUse {
    let leased = lease.map(|lease| lease.slots.as_slice()).unwrap_or_default();
    leased.iter().chain(labelled).find(|slot| slot.uuid == uuid).cloned().unwrap_or(SlotUse {
        id: uuid.to_owned(),
        uuid: uuid.to_owned(),
        profile: if uuid.starts_with("MIG-") { "unknown" } else { "full" }.to_owned(),
        gpueq: 1.0,
    })
}

/// What the door wrote on the container when it gave it the slots.
fn labelled(container: &Container) -> Vec<SlotUse> {
    let list = |name: &str| -> Vec<String> {
        let text = container.label(name).unwrap_or_default();
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let (uuids, ids) = (list("ds01.gpu.uuids"), list("ds01.gpu.slots"));
    let total: Option<f64> =
        container.label("ds01.gpu.equivalents").and_then(|text| text.parse().ok());
    let share = total
        .filter(|sum| sum.is_finite() && *sum >= 0.0)
        .map_or(1.0, |sum| sum / uuids.len().max(1) as f64);
    let slot = |(n, uuid): (usize, &String)| SlotUse {
        id: ids.get(n).unwrap_or(uuid).clone(),
        uuid: uuid.clone(),
        profile: if uuid.starts_with("MIG-") { "unknown" } else { "full" }.to_owned(),
        gpueq: share,
    };
    uuids.iter().enumerate().map(slot).collect()
}
