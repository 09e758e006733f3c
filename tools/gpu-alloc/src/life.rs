//! What happens to a lease after it was given.

use ds01_config::Config;
use ds01_eventlog::Event;
use ds01_fault::Fault;
use ds01_ledger::types::{Lease, Phase};
use ds01_ledger::{Decision, Why, life};
use ds01_site::Site;
use ds01_text::Output;
use serde_json::{Value, json};

use crate::after;

#[derive(clap::Args, Debug)]
pub struct Named {
    /// The container's full name, or its id
    #[arg(long, value_name = "NAME")]
    container: String,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(clap::Args, Debug)]
pub struct Release {
    #[command(flatten)]
    named: Named,
    /// Only if the lease is this user's
    #[arg(long, value_name = "USER")]
    user: Option<String>,
}

#[derive(clap::Args, Debug)]
pub struct Commit {
    #[command(flatten)]
    named: Named,
    /// The container's id
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// The name it was given, where the lease was made under a token
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

/// A user's name is text: it goes into logs and onto terminals.
pub fn check_user(user: &str) -> Result<(), Fault> {
    let is_text = !user.is_empty() && user.len() <= 255 && !user.chars().any(char::is_control);
    if is_text { Ok(()) } else { Err(Fault::usage(format!("`{user}` is no user name"))) }
}

impl Named {
    /// Finds the lease, decides, records, and says how the lease stands then. A decision of
    /// none means that nothing has to change.
    fn change(
        &self,
        site: &Site,
        decide: impl FnOnce(&Lease) -> Result<Option<Decision>, Fault>,
    ) -> Result<Output, Fault> {
        ds01_ledger::may_write(site)?;
        if self.dry_run {
            let state = ds01_ledger::look(site)?;
            let lease = state.find(&self.container).ok_or_else(|| self.unknown())?;
            let decision = decide(lease)?;
            return Ok(report(lease, decision.as_ref(), true));
        }
        let mut ledger = ds01_ledger::open(site)?;
        let lease = ledger.state().find(&self.container).ok_or_else(|| self.unknown())?.clone();
        let Some(decision) = decide(&lease)? else { return Ok(report(&lease, None, false)) };
        let event: Option<Event> = after::event(&decision, Some(&lease));
        let output = report(&lease, Some(&decision), false);
        ledger.record(decision, site.now())?;
        // A journal that stays long costs the next one some microseconds, no more.
        let _ = ledger.shorten();
        let (state, born) = (ledger.state().clone(), ledger.born());
        drop(ledger);
        let site = site.clone();
        Ok(output.after(move || after::tell(&site, &state, born, event.as_slice())))
    }

    fn unknown(&self) -> Fault {
        Fault::not_found(format!("container `{}` has no GPU lease", self.container)).todo(
            "`gpu-alloc status` lists who has one; `gpu-alloc reconcile` compares with Docker",
        )
    }

    pub fn abort(self, site: &Site) -> Result<Output, Fault> {
        self.change(site, |lease| match lease.phase {
            Phase::Pending { .. } => {
                let containers = vec![lease.container.clone()];
                Ok(Some(Decision::Released { containers, why: Why::Aborted }))
            }
            _ => Err(Fault::failed(format!("the lease of `{}` is not pending", lease.container))
                .why("its container was created")
                .todo(format!("gpu-alloc release --container {}", lease.container))),
        })
    }

    pub fn mark_stopped(self, site: &Site) -> Result<Output, Fault> {
        let (config, now) = (Config::load(site)?, site.now());
        self.change(site, |lease| {
            let hold = config.resolve(&lease.user, now).gpu_hold_after_stop;
            Ok(life::stopped(lease, hold, now))
        })
    }

    pub fn clear_stopped(self, site: &Site) -> Result<Output, Fault> {
        let now = site.now();
        self.change(site, |lease| match lease.phase {
            Phase::Stopped { hold_until: Some(until), .. } if until <= now => {
                Err(Fault::limit(format!("the hold of `{}` ended at {until}", lease.container))
                    .why("its slots are free for anybody since")
                    .todo("ask again: gpu-alloc allocate"))
            }
            _ => Ok(life::started(lease, None)),
        })
    }
}

impl Release {
    pub fn run(self, site: &Site) -> Result<Output, Fault> {
        let wanted = self.user;
        self.named.change(site, |lease| match wanted.filter(|user| *user != lease.user) {
            None => Ok(Some(life::released(lease))),
            Some(user) => Err(Fault::not_permitted(format!(
                "the lease of `{}` is not {user}'s",
                lease.container
            ))
            .why(format!("it is {}'s", lease.user))),
        })
    }
}

impl Commit {
    pub fn run(self, site: &Site) -> Result<Output, Fault> {
        if let Some(name) = &self.name {
            ds01_names::container::check(name)
                .map_err(|bad| Fault::usage(format!("`{name}` is no container name")).why(bad.0))?;
        }
        let (id, name) = (self.id, self.name);
        self.named.change(site, |lease| match lease.phase {
            // Told twice, by the door and by Docker's events.
            Phase::Held if id.is_none() || lease.container_id == id => Ok(None),
            Phase::Pending { .. } => Ok(Some(Decision::Committed {
                container: lease.container.clone(),
                name,
                container_id: id,
            })),
            phase => {
                Err(Fault::failed(format!("the lease of `{}` is not pending", lease.container))
                    .why(format!("it is {}", phase.word()))
                    .todo("`gpu-alloc status` shows it"))
            }
        })
    }
}

/// The lease as it was, and what was done.
fn report(lease: &Lease, decision: Option<&Decision>, dry_run: bool) -> Output {
    let (did, until) = match decision {
        None => ("nothing", Value::Null),
        Some(Decision::Released { .. }) => ("released", Value::Null),
        Some(Decision::Stopped { hold_until, .. }) => ("held", json!(hold_until)),
        Some(Decision::Resumed { .. }) => ("resumed", Value::Null),
        Some(Decision::Committed { .. }) => ("committed", Value::Null),
        Some(_) => ("changed", Value::Null),
    };
    let mut document = json!({
        "container": lease.container, "user": lease.user, "gpu_id": lease.gpu_id(),
        "did": did, "hold_until": until,
    });
    if dry_run {
        document["dry_run"] = json!(true);
    }
    let (name, gpu) = (&lease.container, lease.gpu_id());
    let text = match (did, &until) {
        ("nothing", _) => format!("{name} keeps {gpu}: nothing to change"),
        ("held", Value::String(until)) => format!("{name} keeps {gpu} until {until}"),
        ("held", _) => format!("{name} keeps {gpu} until it is removed"),
        (did, _) => format!("{name}: {gpu} {did}"),
    };
    let text = if dry_run { format!("would be done: {text}") } else { text };
    Output::one(&document).text(text)
}
