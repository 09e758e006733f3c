//! `allocate`, and `explain`, which is the same question without the answer taking effect.

use ds01_fault::{Code, Fault};
use ds01_ledger::decide::{Denied, Grant, Request, check, decide};
use ds01_ledger::facts::Facts;
use ds01_ledger::types::{Phase, Want};
use ds01_site::Site;
use ds01_text::Output;
use ds01_units::{Span, Stamp};
use serde_json::{Value, json};

use crate::after;

#[derive(clap::Args, Debug)]
pub struct Wanted {
    /// Whose limits count
    #[arg(long, value_name = "USER")]
    user: String,
    /// How many slots; with --gpu as many as it names
    #[arg(long, value_name = "N")]
    count: Option<u32>,
    /// full, mig (any instance), any, or a MIG profile such as 2g.20gb
    #[arg(long, value_name = "PROFILE", default_value = "any", value_parser = want)]
    profile: Want,
    /// These very slots: display names or UUIDs
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    gpu: Vec<String>,
    /// A further limit on the user's slots; it can only lower the configured one
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    max_gpus: Option<f64>,
    /// In place of the user's own priority, 1 to 100
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
    priority: Option<u8>,
    /// A run no longer than this, to fit before a reservation
    #[arg(long, value_name = "SPAN")]
    runtime: Option<Span>,
    /// How the container is made: docker, compose, devcontainer, api, atomic, orchestration
    #[arg(long, value_name = "KIND")]
    interface: Option<String>,
}

#[derive(clap::Args, Debug)]
pub struct Allocate {
    #[command(flatten)]
    wanted: Wanted,
    /// The container's full name, or a token until it has one
    #[arg(long, value_name = "NAME")]
    container: String,
    /// Its id, where it exists already
    #[arg(long, value_name = "ID")]
    container_id: Option<String>,
    /// The container is yet to be created: without `commit` the lease ends after this time
    #[arg(long, value_name = "SPAN", conflicts_with = "deadline")]
    pending_for: Option<Span>,
    /// The same as a moment
    #[arg(long, value_name = "TIME")]
    deadline: Option<Stamp>,
    /// Show what would be granted, and change nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(clap::Args, Debug)]
pub struct Explain {
    #[command(flatten)]
    wanted: Wanted,
    /// The container it is for, where there is one already
    #[arg(long, value_name = "NAME")]
    container: Option<String>,
}

/// Stands for the container of a question about none in particular.
const NOBODYS: &str = "?";

fn want(text: &str) -> Result<Want, String> {
    text.parse()
}

impl Wanted {
    fn request(self, container: Option<String>) -> Result<Request, Fault> {
        if let Some(name) = &container {
            ds01_names::container::check(name)
                .map_err(|bad| Fault::usage(format!("`{name}` is no container name")).why(bad.0))?;
        }
        crate::life::check_user(&self.user)?;
        let named = u32::try_from(self.gpu.len()).unwrap_or(u32::MAX);
        let count = self.count.unwrap_or(if named > 0 { named } else { 1 });
        Ok(Request {
            // No container bears such a name, so no lease is taken for its own.
            container: container.unwrap_or_else(|| NOBODYS.to_owned()),
            user: self.user,
            count,
            want: self.profile,
            only: self.gpu,
            priority: self.priority,
            max_gpus: self.max_gpus,
            runtime: self.runtime,
            interface: self.interface,
            ..Request::default()
        })
    }
}

impl Allocate {
    pub fn run(self, site: &Site) -> Result<Output, Fault> {
        ds01_ledger::may_write(site)?;
        let now = site.now();
        let pending = self.deadline.map(|at| at.since(now)).or(self.pending_for);
        let request = Request {
            pending,
            container_id: self.container_id,
            ..self.wanted.request(Some(self.container))?
        };
        if request.pending == Some(Span::ZERO) {
            return Err(Fault::usage("the lease would end before it begins")
                .why("its deadline is not in the future"));
        }
        let facts = Facts::gather(site)?;
        check(&request, &facts.board)?;
        let limits = facts.limits(&request.user, now);
        if self.dry_run {
            let state = ds01_ledger::look(site)?;
            let ahead = facts.ahead(&request, &state, now);
            let grant = decide(&request, &facts.grounds(&limits, &state, &ahead, now))?;
            return Ok(answer(&grant, true));
        }
        let mut ledger = ds01_ledger::open(site)?;
        let ahead = facts.ahead(&request, ledger.state(), now);
        let decided = decide(&request, &facts.grounds(&limits, ledger.state(), &ahead, now));
        let grant = decided.map_err(Fault::from).inspect_err(|fault| {
            if fault.code == Code::Limit {
                let event = after::rejected(&request.user, &request.container, fault);
                ds01_eventlog::append(site, &event);
            }
        })?;
        let Some(decision) = grant.decision() else { return Ok(answer(&grant, false)) };
        let events: Vec<_> =
            after::event(&decision, None).into_iter().chain(after::served(&decision)).collect();
        ledger.record(decision, now)?;
        let (state, born) = (ledger.state().clone(), ledger.born());
        drop(ledger);
        let site = site.clone();
        Ok(answer(&grant, false).after(move || {
            after::tell(&site, &state, born, &events);
            // Without it, the next decision asks NVML again.
            let _ = facts.remember(&site);
        }))
    }
}

fn answer(grant: &Grant, dry_run: bool) -> Output {
    let lease = grant.lease();
    let uuids: Vec<&str> = lease.slots.iter().map(|slot| slot.uuid.as_str()).collect();
    let deadline = match lease.phase {
        Phase::Pending { deadline } => Some(deadline),
        _ => None,
    };
    let existing = !matches!(grant, Grant::New { .. });
    let ended = match grant {
        Grant::New { ended, .. } => ended.as_slice(),
        _ => &[],
    };
    let mut document = json!({
        "container": lease.container, "user": lease.user, "gpu_id": lease.gpu_id(),
        "uuids": uuids, "slots": lease.slots, "state": lease.phase.word(),
        "allocated_at": lease.allocated_at, "deadline": deadline,
        "runs_until": lease.runs_until, "existing": existing, "ended": ended,
    });
    if dry_run {
        document["dry_run"] = json!(true);
    }
    let gpu = lease.gpu_id();
    let name = if lease.container == NOBODYS { &lease.user } else { &lease.container };
    let has = match (dry_run, existing) {
        (true, false) => "would get",
        (_, true) => "has already",
        (false, false) => "has",
    };
    Output::one(&document).text(format!("{name} {has} {gpu} ({})", uuids.join(", ")))
}

impl Explain {
    pub fn run(self, site: &Site) -> Result<Output, Fault> {
        let now = site.now();
        let request = self.wanted.request(self.container)?;
        let facts = Facts::gather(site)?;
        let limits = facts.limits(&request.user, now);
        let state = ds01_ledger::view::state(site)?;
        let ahead = facts.ahead(&request, &state, now);
        match decide(&request, &facts.grounds(&limits, &state, &ahead, now)) {
            Ok(grant) => Ok(answer(&grant, true)),
            Err(Denied::Bad(fault)) => Err(fault),
            Err(Denied::Refused(refusal)) => {
                let document = serde_json::to_value(&*refusal).unwrap_or(Value::Null);
                let text = refusal.fault().to_string();
                Ok(Output::one(&document).text(text).exit(Code::Limit as u8))
            }
        }
    }
}
