//! `follow`: Docker's events, applied to the leases of the containers they are about.
//!
//! What was missed while nobody followed is what `reconcile --apply` is for.

use std::io::BufRead;

use ds01_config::Config;
use ds01_fault::{Code, Context, Fault};
use ds01_ledger::types::Lease;
use ds01_ledger::{Decision, life};
use ds01_site::Site;
use ds01_text::Output;
use ds01_units::Stamp;
use serde_json::{Value, json};

use crate::after;

pub fn run(site: &Site) -> Result<Output, Fault> {
    ds01_ledger::may_write(site)?;
    let site = site.clone();
    Ok(Output::stream(move |emit| {
        // After a boot there is no view until something is decided, or until now.
        let ledger = ds01_ledger::open(&site)?;
        let (state, born) = (ledger.state().clone(), ledger.born());
        drop(ledger);
        after::tell(&site, &state, born, &[]);
        for line in std::io::stdin().lock().lines() {
            let line = line.or_fault(Code::Failed, || "cannot read the events on stdin".into())?;
            let Some(event) = Happened::read(&line) else { continue };
            if let Some(done) = apply(&site, &event)? {
                emit(done.clone(), &format!("{} {}", event.name, event.action))?;
            }
        }
        Ok(())
    }))
}

/// Something that happened to a container.
#[derive(Debug, PartialEq)]
struct Happened {
    action: String,
    id: String,
    name: String,
    old_name: Option<String>,
    at: Option<Stamp>,
}

impl Happened {
    /// From Docker's own form. Other lines are somebody else's: images, networks, notes.
    fn read(line: &str) -> Option<Self> {
        let event: Value = serde_json::from_str(line).ok()?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        if event.get("Type").or_else(|| event.get("type"))?.as_str()? != "container" {
            return None;
        }
        let actor = event.get("Actor").or_else(|| event.get("actor"))?;
        let attributes = actor.get("Attributes").or_else(|| actor.get("attributes"))?;
        let nanos = event.get("timeNano").and_then(Value::as_i64);
        Some(Self {
            action: text(event.get("Action").or_else(|| event.get("action"))?)?,
            id: text(actor.get("ID").or_else(|| actor.get("id"))?)?,
            name: text(attributes.get("name")?)?.trim_start_matches('/').to_owned(),
            old_name: attributes
                .get("oldName")
                .and_then(Value::as_str)
                .map(|name| name.trim_start_matches('/').to_owned()),
            at: nanos.map(|nanos| Stamp::from_millis(nanos / 1_000_000)),
        })
    }
}

fn apply(site: &Site, event: &Happened) -> Result<Option<Value>, Fault> {
    // Most events are about nothing that the ledger cares for: no lock for those.
    if !["create", "start", "die", "destroy", "rename"].contains(&event.action.as_str()) {
        return Ok(None);
    }
    let mut ledger = ds01_ledger::open(site)?;
    let state = ledger.state();
    let name = event.old_name.as_deref().unwrap_or(&event.name);
    let Some(lease) = state.find(&event.id).or_else(|| state.leases.get(name)).cloned() else {
        // The door has given its slots back before Docker's event came, and left it to us to
        // say whose turn it is.
        let someone_waits = event.action == "destroy" && !state.queue.is_empty();
        drop(ledger);
        if someone_waits {
            after::next_in_line(site);
        }
        return Ok(None);
    };
    // The name may belong to another container by now.
    if lease.container_id.as_ref().is_some_and(|id| *id != event.id) {
        return Ok(None);
    }
    let Some(decision) = decision(site, event, &lease)? else { return Ok(None) };
    if ledger.state().check(&decision).is_err() {
        return Ok(None);
    }
    let logged = after::event(&decision, Some(&lease));
    ledger.record(decision, site.now())?;
    let _ = ledger.shorten();
    let (state, born) = (ledger.state().clone(), ledger.born());
    drop(ledger);
    after::tell(site, &state, born, logged.as_slice());
    let standing = state.find(&event.id).or_else(|| state.leases.get(&event.name));
    Ok(Some(json!({
        "container": event.name, "container_id": event.id, "action": event.action,
        "user": lease.user, "gpu_id": lease.gpu_id(),
        "state": standing.map_or("released", |lease| lease.phase.word()),
    })))
}

fn decision(site: &Site, event: &Happened, lease: &Lease) -> Result<Option<Decision>, Fault> {
    Ok(match event.action.as_str() {
        "create" => life::created(lease, &event.id),
        "start" => life::started(lease, Some(&event.id)),
        "die" => {
            let hold = Config::load(site)?.resolve(&lease.user, site.now()).gpu_hold_after_stop;
            life::stopped(lease, hold, event.at.unwrap_or_else(|| site.now()))
        }
        "destroy" => Some(life::released(lease)),
        "rename" => {
            Some(Decision::Renamed { container: lease.container.clone(), to: event.name.clone() })
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dockers_own_lines_are_understood_and_others_passed_over() {
        let line = r#"{"Type":"container","Action":"rename","Actor":{"ID":"ab","Attributes":
            {"name":"b._.alice","oldName":"/a._.alice"}},"timeNano":1800000000000000000}"#;
        let event = Happened::read(line).unwrap();
        assert_eq!(
            (event.name.as_str(), event.old_name.as_deref()),
            ("b._.alice", Some("a._.alice"))
        );
        assert_eq!(event.at, Some(Stamp::from_secs(1_800_000_000)));
        for other in ["", "{", "[]", r#"{"Type":"network","Action":"create"}"#] {
            assert_eq!(Happened::read(other), None, "{other}");
        }
    }
}
