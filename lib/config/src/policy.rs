//! What holds for the whole machine: how GPUs are given out, and who sees what is nobody's.

use ds01_units::Span;
use serde::Serialize;

/// `gpu_allocation`: how slots are given out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GpuPolicy {
    pub enable_mig: bool,
    /// The profile a layout is planned with where none is asked for.
    pub mig_profile: Option<String>,
    pub strategy: Strategy,
    /// Whether the slot of a stopped container goes to somebody of higher priority.
    pub reclaim_held: bool,
    pub weight: Weight,
    /// After this time a use counts half in the fair share of the waiting line.
    pub fair_share_half_life: Span,
    /// Who has waited so long in the line is overtaken by nobody who joins later.
    pub queue_patience: Span,
    /// How long the first in line may take to claim what became free.
    pub claim: Span,
    /// How long a lease waits for its container before it expires by itself.
    pub pending_deadline: Span,
}

/// Which free slot is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The one on the GPU with the least in use.
    LeastAllocated,
    /// The one on the GPU with the most in use, so that whole GPUs stay free.
    Pack,
}

/// What a MIG instance weighs in GPU equivalents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// Its share of the compute slices.
    Compute,
    /// The larger of its compute and memory shares.
    Max,
}

/// `access_control`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Access {
    pub unowned: Unowned,
    /// The Linux group whose members are admins.
    pub admin_group: String,
}

/// Who may do what with a container that carries no owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unowned {
    /// Everybody everything, as in the earlier system.
    Open,
    /// Everybody sees it, admins touch it.
    Visible,
    /// Admins only.
    Admin,
}

/// `door`: what the Docker door lets a person do. `None` where no level says it, and what
/// holds then is the door's to know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Door {
    pub host_network: Option<bool>,
    pub seccomp_unconfined: Option<bool>,
    /// Whether `sudo` works without a question in containers made by `container-create`.
    pub sudo: Option<bool>,
    /// `deny`, `strip` or `pass`.
    pub unknown_fields: Option<String>,
    /// Directories; `:ro` behind one means for reading.
    pub bind_roots: Option<Vec<String>>,
    pub capabilities: Option<Vec<String>>,
    pub image_names: Option<Vec<String>>,
    pub private_volumes: Option<Vec<String>>,
}
