//! A refusal names every limit in the way at once, where it is written, and who holds what.

use std::collections::BTreeSet;

use ds01_board::Slot;
use ds01_fault::Fault;
use ds01_units::{Limit, Span, Stamp};
use serde::Serialize;

use super::pick::{Quota, matches};
use super::{Grounds, HAIR, Request, Standing};
use crate::types::{Lease, Phase, Want};

/// One limit in the way.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hit {
    pub field: &'static str,
    pub value: f64,
    pub used: f64,
    pub asked: f64,
    /// Where the limit is written.
    pub source: String,
    pub held_by: Vec<String>,
}

/// Why nothing is granted, and what would be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Refusal {
    pub error: &'static str,
    pub message: String,
    pub limits: Vec<Hit>,
    /// The smallest changes that would let it pass, each for itself.
    pub would_pass: Vec<String>,
    /// When it passes by itself at the latest, as far as anybody can know.
    pub earliest: Option<Stamp>,
}

impl Hit {
    fn new(field: &'static str, value: f64, used: f64, asked: f64, source: String) -> Self {
        Self { field, value, used, asked, source, held_by: Vec::new() }
    }

    fn held_by(mut self, held_by: Vec<String>) -> Self {
        self.held_by = held_by;
        self
    }
}

/// Every limit in the way of a request for which no slots were found.
pub(crate) fn hits(
    request: &Request,
    on: &Grounds,
    slots: &[Slot],
    standings: &[Standing],
    quota: &Quota,
) -> Vec<Hit> {
    let limits = on.limits;
    let asked = f64::from(request.count);
    let wanted: Vec<usize> = (0..slots.len()).filter(|n| matches(request, &slots[*n])).collect();
    let mine = || quota.leases.iter().map(|lease| words(lease, on)).collect();
    let mut hits = Vec::new();
    let mut over = |field, limit: &Limit<f64>, used: f64, asked: f64, own: Vec<String>| {
        if let Some(max) = limit.max().filter(|max| used + asked > **max + HAIR) {
            let source = limits.source(field);
            hits.push(Hit::new(field, *max, round(used), round(asked), source).held_by(own));
        }
    };
    over("max_slots_per_container", &limits.max_slots_per_container, 0.0, asked, vec![]);
    over("max_slots", &limits.max_slots, quota.slots, asked, mine());
    let lightest = lightest(&wanted, slots, request.count as usize);
    over("max_gpu_equivalents", &limits.max_gpu_equivalents, quota.gpueq, lightest, mine());
    if let Some(max) = request.max_gpus.filter(|max| quota.slots + asked > max + HAIR) {
        let source = "the caller (--max-gpus)".to_owned();
        hits.push(Hit::new("max_gpus", max, quota.slots, asked, source).held_by(mine()));
    }
    let is_full = |n: &usize| slots[*n].profile.is_none();
    if !limits.allow_full_gpu && (request.want == Want::Full || wanted.iter().any(is_full)) {
        let has_instances = wanted.iter().any(|n| !is_full(n));
        if !has_instances {
            let source = limits.source("allow_full_gpu");
            hits.push(Hit::new("allow_full_gpu", 0.0, 0.0, asked, source));
        }
    }
    let affordable =
        |n: &&usize| slots[**n].gpueq <= quota.left(on) && (limits.allow_full_gpu || !is_full(n));
    let within: Vec<usize> = wanted.iter().filter(affordable).copied().collect();
    let pool = if within.is_empty() { &wanted } else { &within };
    let short = not_free(on, slots, standings, pool, request);
    if short.value + HAIR < asked {
        hits.push(short);
    } else if hits.is_empty() {
        // Each slot fits, but what is free does not fit together.
        let open: Vec<usize> = pool.iter().copied().filter(|n| standings[*n].is_open()).collect();
        let asked = self::lightest(&open, slots, request.count as usize);
        let max = limits.max_gpu_equivalents.max().copied().unwrap_or(f64::INFINITY);
        let source = limits.source("max_gpu_equivalents");
        hits.push(
            Hit::new("max_gpu_equivalents", max, round(quota.gpueq), round(asked), source)
                .held_by(mine()),
        );
    }
    hits
}

/// The shortage of free slots as if it were a limit: how many are free, and who has the rest.
fn not_free(
    on: &Grounds,
    slots: &[Slot],
    standings: &[Standing],
    pool: &[usize],
    request: &Request,
) -> Hit {
    let is_open = |n: &&usize| standings[**n].is_open();
    let full = pool.iter().filter(is_open).filter(|n| slots[**n].profile.is_none()).count();
    let mig = pool.iter().filter(is_open).count() - full;
    let mut held_by: Vec<String> =
        pool.iter().filter_map(|n| standings[*n].words(&slots[*n], on)).collect();
    held_by.dedup();
    let kind = kind(request);
    let source = match pool.len() {
        0 => format!("this host has no {kind} slot"),
        all => format!("this host has {all} {kind} slots"),
    };
    let free = full.max(mig);
    let used = pool.len() - full - mig;
    Hit::new("free_slots", free as f64, used as f64, f64::from(request.count), source)
        .held_by(held_by)
}

/// What the lightest `count` of these weigh together; those that the host lacks as much as
/// the heaviest that it has.
fn lightest(among: &[usize], slots: &[Slot], count: usize) -> f64 {
    let mut weights: Vec<f64> = among.iter().map(|n| slots[*n].gpueq).collect();
    weights.sort_by(f64::total_cmp);
    let missing = count.saturating_sub(weights.len()) as f64;
    weights.iter().take(count).sum::<f64>() + missing * weights.last().copied().unwrap_or(0.0)
}

/// Four digits: sevenths need no more, and nobody wants to read sixteen.
fn round(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

fn kind(request: &Request) -> String {
    match &request.want {
        Want::Any if request.only.is_empty() => "GPU".into(),
        Want::Any => "such".into(),
        Want::Full => "full GPU".into(),
        Want::Mig => "MIG".into(),
        Want::Profile(profile) => profile.clone(),
    }
}

impl Standing<'_> {
    /// Who or what keeps the slot; nothing for one that is open.
    fn words(&self, slot: &Slot, on: &Grounds) -> Option<String> {
        let (id, now) = (slot.id, on.now);
        Some(match self {
            Self::Free | Self::Lapsed(_) | Self::Reclaimable(_) | Self::Own(_) => return None,
            Self::Leased(lease) => words(lease, on),
            Self::Drained(drain) => {
                let since = now.since(drain.since).words();
                format!("{id} out of service since {since}: {}", drain.reason)
            }
            Self::Reserved(reservation, window) => format!(
                "{id} reserved for {} from {} till {}",
                reservation.user, window.from, window.till
            ),
            Self::Claimed(entry) => {
                let left = entry.claim.as_ref().map_or(Span::ZERO, |claim| claim.until.since(now));
                format!("{id} kept for {}, next in line, {} more", entry.user, left.words())
            }
            Self::Awaited(planned) => match planned.from.filter(|from| *from > now) {
                Some(from) => {
                    format!("{id} planned for {}, before in line, from {from}", planned.user)
                }
                None => format!("{id} planned for {}, before in line", planned.user),
            },
            Self::Unknown => format!("{id} has no UUID, so nobody knows who uses it"),
        })
    }
}

/// `a._.alice 0:1 since 3 h, idle 2 h`; what is not known is left out.
pub(crate) fn words(lease: &Lease, on: &Grounds) -> String {
    let (name, gpu, now) = (&lease.container, lease.gpu_id(), on.now);
    match lease.phase {
        Phase::Pending { .. } => {
            format!("{name} {gpu} being created since {}", now.since(lease.allocated_at).words())
        }
        Phase::Held => {
            let idle = on.idle.get(name).map(|idle| format!(", idle {}", idle.words()));
            let since = now.since(lease.allocated_at).words();
            format!("{name} {gpu} since {since}{}", idle.unwrap_or_default())
        }
        Phase::Stopped { stopped_at, hold_until } => {
            let kept = match hold_until {
                Some(until) => format!("kept {} more", until.since(now).words()),
                None => "kept until it is removed".to_owned(),
            };
            format!("{name} {gpu} stopped since {}, {kept}", now.since(stopped_at).words())
        }
    }
}

impl Refusal {
    pub(crate) fn new(
        request: &Request,
        limits: Vec<Hit>,
        would_pass: Vec<String>,
        earliest: Option<Stamp>,
    ) -> Self {
        let message = match limits.first() {
            Some(hit) => hit.words(request),
            None => "nothing can be given".to_owned(),
        };
        Self { error: "limit_reached", message, limits, would_pass, earliest }
    }

    /// The same as an error of a tool, with exit code 3.
    pub fn fault(&self) -> Fault {
        let why: Vec<String> = self.limits.iter().map(Hit::why).collect();
        // The same lease stands in the way of several limits; one line is enough.
        let mut told = BTreeSet::new();
        let mut holders: Vec<&String> = self.limits.iter().flat_map(|hit| &hit.held_by).collect();
        holders.retain(|holder| told.insert(*holder));
        let line = |holder: &&String| format!("       {}\n", ds01_text::printable(holder));
        let shown: String = holders.iter().map(line).collect();
        let limits = serde_json::to_value(&self.limits).unwrap_or_default();
        let mut fault = Fault::limit(&self.message)
            .why(why.join("; "))
            .shown(shown)
            .todo(self.would_pass.join(", or "))
            .detail("limits", limits)
            .detail("would_pass", self.would_pass.clone());
        if let Some(earliest) = self.earliest {
            fault = fault.detail("earliest", earliest.to_string());
        }
        fault
    }
}

impl Hit {
    fn words(&self, request: &Request) -> String {
        let (user, count) = (&request.user, request.count);
        let (value, used) = (self.value, self.used);
        match self.field {
            "max_slots" | "max_gpus" => format!("{user} holds {used} of {value} GPUs"),
            "max_gpu_equivalents" => format!(
                "{user} holds {used} of {value} GPU equivalents and asks for {} more",
                self.asked
            ),
            "max_slots_per_container" => {
                format!("{count} GPUs are more than the {value} a container may have")
            }
            "allow_full_gpu" => format!("{user} may not have a full GPU"),
            _ if self.value == 0.0 => format!("no {} slot is free", kind(request)),
            _ => format!("{value} of the {count} {} slots asked for are free", kind(request)),
        }
    }

    fn why(&self) -> String {
        match self.field {
            "free_slots" => format!("{}, {} free, {} asked", self.source, self.value, self.asked),
            "allow_full_gpu" => format!("allow_full_gpu is false by {}", self.source),
            field => format!("{field} is {} by {}", self.value, self.source),
        }
    }
}
