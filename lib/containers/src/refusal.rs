//! The door's refusals and Docker's failures, in the words of whoever asked: every limit in
//! the way, who holds what, and what would let it pass, as commands and options of ds01.

use ds01_docker::Answer;
use ds01_fault::{Code, Fault};
use ds01_text::printable;
use serde::Deserialize;
use serde_json::Value;

/// What the door or the daemon says beside the status.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Said {
    message: String,
    /// The door's own word; a daemon gives none.
    code: String,
    explain: Option<Explained>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Explained {
    limits: Vec<Hit>,
    would_pass: Vec<String>,
    earliest: Option<String>,
}

/// One limit in the way.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Hit {
    field: String,
    value: Option<f64>,
    used: f64,
    asked: f64,
    source: String,
    held_by: Vec<String>,
}

/// Passes a yes on; a no becomes a fault. `what` is what did not happen, `short` takes the
/// owner's suffix off names.
pub fn judged(answer: Answer, what: &str, short: &dyn Fn(&str) -> String) -> Result<Answer, Fault> {
    if (200..300).contains(&answer.status) || answer.status == 304 {
        return Ok(answer);
    }
    let said: Said = serde_json::from_slice(&answer.body).unwrap_or_default();
    if said.message.is_empty() {
        return answer.ok();
    }
    let document: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    Err(fault(answer.status, said, &document, what, short))
}

/// Whether waiting in line can help: nothing but free GPUs is missing.
pub fn waiting_helps(fault: &Fault) -> bool {
    let would = fault.details.get("would_pass").and_then(Value::as_array);
    would.is_some_and(|all| all.iter().any(|one| one.as_str().is_some_and(|w| w.starts_with(WAIT))))
}

/// Where nobody can say which GPUs there are.
const WITHOUT: &str = "--cpu-only needs no GPU";
/// Where nothing would let it pass.
const ASK: &str = "ask the admins; `check-limits` shows what you may have";
/// The option that joins the line.
const WAIT: &str = "--wait";

fn fault(
    status: u16,
    said: Said,
    document: &Value,
    what: &str,
    short: &dyn Fn(&str) -> String,
) -> Fault {
    let (first, why, todo) = lines(&said.message);
    let fault = match (&said.explain, said.code.as_str()) {
        (Some(explained), _) if !explained.limits.is_empty() => {
            limits(explained, document, what, short)
        }
        (_, "") => of_daemon(status, &first, what),
        (_, code) => {
            let kind = match status {
                400 | 413 | 415 => Code::Usage,
                403 if code.starts_with("limit.") => Code::Limit,
                403 => Code::NotPermitted,
                404 => Code::NotFound,
                429 => Code::Limit,
                502..=504 => Code::Unreachable,
                _ => Code::Failed,
            };
            let todo = match (code, todo.is_empty()) {
                ("gpu.ledger", true) => WITHOUT.to_owned(),
                ("gpu.ledger", false) => format!("{todo}; {WITHOUT}"),
                _ => todo,
            };
            Fault::new(kind, format!("{what}: {first}")).why(why).todo(todo)
        }
    };
    let fault = fault.detail("status", status);
    if said.code.is_empty() { fault } else { fault.detail("code", said.code) }
}

/// The door's three lines.
fn lines(message: &str) -> (String, String, String) {
    let (mut what, mut why, mut todo) = (String::new(), String::new(), String::new());
    for (at, line) in message.lines().enumerate() {
        let line = line.trim();
        if at == 0 {
            line.clone_into(&mut what);
        } else if let Some(text) = line.strip_prefix("why: ") {
            text.clone_into(&mut why);
        } else if let Some(text) = line.strip_prefix("do: ") {
            text.clone_into(&mut todo);
        }
    }
    (what, why, todo)
}

fn limits(
    explained: &Explained,
    document: &Value,
    what: &str,
    short: &dyn Fn(&str) -> String,
) -> Fault {
    let sentences: Vec<String> = explained.limits.iter().map(Hit::words).collect();
    let why: Vec<String> = explained.limits.iter().map(Hit::why).collect();
    let mut shown = String::new();
    let mut told: Vec<&String> = Vec::new();
    for holder in explained.limits.iter().flat_map(|hit| &hit.held_by) {
        // One lease stands in the way of several limits.
        if !told.contains(&holder) {
            told.push(holder);
            shown += &format!("       {}\n", printable(&held(holder, short)));
        }
    }
    let ways: Vec<String> = explained.would_pass.iter().map(|way| self::way(way, short)).collect();
    let about_gpus = explained.limits.iter().all(|hit| hit.field != "max_containers");
    let mut fault = Fault::limit(format!("{what}: {}", sentences.join("; ")))
        .why(why.join("; "))
        .shown(shown)
        .todo(match (ways.is_empty(), about_gpus) {
            (true, true) => format!("{WITHOUT}; {ASK}"),
            (true, false) => ASK.into(),
            (false, _) => ways.join(", or "),
        })
        .detail("limits", document["explain"]["limits"].clone())
        .detail("would_pass", ways);
    if let Some(earliest) = &explained.earliest {
        fault = fault.detail("earliest", earliest.as_str());
    }
    fault
}

fn gpus(count: &str) -> &'static str {
    if count == "1" { "GPU" } else { "GPUs" }
}

impl Hit {
    fn words(&self) -> String {
        let value = self.value.map_or_else(|| "none".into(), |value| value.to_string());
        let (used, asked) = (self.used, self.asked);
        match self.field.as_str() {
            "max_containers" => {
                format!("you have {used} of {value} containers, and stopped ones count too")
            }
            "max_slots" | "max_gpus" => {
                let gpus = gpus(&value);
                format!("you hold {used} of the {value} {gpus} that you may have at once")
            }
            "max_slots_per_container" => {
                let gpus = gpus(&value);
                format!("one container may have {value} {gpus}, and this asks for {asked}")
            }
            "max_gpu_equivalents" => format!(
                "you hold {used} of the {value} whole GPUs' worth that you may have, and this asks for {asked} more"
            ),
            "allow_full_gpu" => "you may have a slice of a GPU, not a whole one".into(),
            "free_slots" if self.value == Some(0.0) => "no such GPU is free now".into(),
            "free_slots" => format!("only {value} of the {asked} GPUs asked for are free now"),
            field => format!("{field} is {value}, {used} are used and {asked} asked for"),
        }
    }

    /// The limit and where it is written.
    fn why(&self) -> String {
        match (self.field.as_str(), self.value) {
            ("free_slots", _) => self.source.clone(),
            ("allow_full_gpu", _) => format!("allow_full_gpu is false by {}", self.source),
            (field, Some(value)) => format!("{field} is {value} by {}", self.source),
            (field, None) => format!("{field}: {}", self.source),
        }
    }
}

/// `a._.alice 0:1 since 3 h` with the name as its owner calls it.
fn held(holder: &str, short: &dyn Fn(&str) -> String) -> String {
    match holder.split_once(' ') {
        Some((name, rest)) => format!("{} {rest}", short(name)),
        None => short(holder),
    }
}

/// What would let it pass, as somebody types it here.
fn way(way: &str, short: &dyn Fn(&str) -> String) -> String {
    if let Some(name) = way.strip_prefix("docker rm -f ").or_else(|| way.strip_prefix("docker rm "))
    {
        return format!("container-retire {}", short(name));
    }
    if let Some(when) = way.strip_prefix("gpu-queue join: ") {
        return format!("{WAIT} ({when})");
    }
    way.strip_prefix("ask for --").map_or_else(|| way.to_owned(), |option| format!("--{option}"))
}

/// What Docker itself says.
fn of_daemon(status: u16, message: &str, what: &str) -> Fault {
    let has = |part: &str| message.to_ascii_lowercase().contains(part);
    if has("no space left on device") || has("disk quota exceeded") {
        return Fault::failed(format!("{what}: the disk is full"))
            .why(message)
            .todo("remove images and containers that you no longer need (`docker image prune`, `container-cleanup`), and tell the admins");
    }
    if status == 409 && has("already in use") {
        return Fault::failed(format!("{what}: you have a container of that name already"))
            .why("two containers cannot share a name")
            .todo("`container-run` goes into it; else choose another name or remove it first");
    }
    if has("could not select device driver") || has("nvidia-container") {
        return Fault::unreachable(format!("{what}: Docker cannot give GPUs on this machine"))
            .why(message)
            .todo("--cpu-only needs none; the admins set GPUs up");
    }
    let code = match status {
        401 | 403 => Code::NotPermitted,
        404 => Code::NotFound,
        502..=504 => Code::Unreachable,
        _ => Code::Failed,
    };
    Fault::new(code, format!("{what}: {message}")).why("Docker says no more than that")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(status: u16, body: &Value) -> Fault {
        let said: Said = serde_json::from_value(body.clone()).unwrap();
        let short = |name: &str| name.trim_end_matches("._.alice").to_owned();
        fault(status, said, body, "train is not created", &short)
    }

    fn gpus() -> Value {
        json!({"message": "alice holds 2 of 2 GPUs\n  why: x\n  do: y", "code": "limit.gpus",
            "explain": {"error": "limit_reached", "limits": [
                {"field": "max_slots", "value": 2.0, "used": 2.0, "asked": 1.0,
                 "source": "groups.students (resource-limits.yaml:31)",
                 "held_by": ["a._.alice 0:1 since 3 h, idle 2 h", "b._.alice 0:2 since 1 h"]},
                {"field": "free_slots", "value": 0.0, "used": 4.0, "asked": 1.0,
                 "source": "this host has 4 MIG slots", "held_by": ["a._.alice 0:1 since 3 h, idle 2 h"]}],
                "would_pass": ["docker rm -f a._.alice", "ask for --profile 1g.10gb",
                    "gpu-queue join: position 2, by 2026-11-21T14:30:00Z"]}})
    }

    #[test]
    fn every_limit_in_the_way_is_said_once_with_who_holds_what() {
        let fault = read(403, &gpus());
        assert_eq!(fault.code as u8, 3);
        assert_eq!(
            fault.what,
            "train is not created: you hold 2 of the 2 GPUs that you may have at once; \
             no such GPU is free now"
        );
        assert!(fault.why.contains("resource-limits.yaml:31"), "{fault}");
        assert_eq!(fault.shown.matches("a 0:1 since 3 h").count(), 1, "{fault}");
        assert_eq!(
            fault.todo,
            "container-retire a, or --profile 1g.10gb, or --wait (position 2, by 2026-11-21T14:30:00Z)"
        );
        assert!(waiting_helps(&fault));
        assert_eq!(fault.details["limits"][0]["field"], "max_slots");
    }

    #[test]
    fn a_limit_of_zero_is_told_like_any_other() {
        let body = json!({"message": "m", "code": "limit.containers", "explain": {"limits": [
            {"field": "max_containers", "value": 0, "used": 0, "asked": 1, "source": "s", "held_by": []}],
            "would_pass": []}});
        let fault = read(403, &body);
        assert!(fault.what.contains("you have 0 of 0 containers"), "{fault}");
        assert!(fault.todo.starts_with("ask the admins"), "{fault}");
        assert!(!waiting_helps(&fault));
    }

    #[test]
    fn whoever_may_have_no_gpu_hears_of_the_way_without_one() {
        let body = json!({"message": "m", "code": "limit.gpus", "explain": {"limits": [
            {"field": "max_slots", "value": 0, "used": 0, "asked": 1, "source": "s", "held_by": []}],
            "would_pass": []}});
        let fault = read(403, &body);
        assert!(fault.todo.starts_with("--cpu-only needs no GPU; ask the admins"), "{fault}");
    }

    #[test]
    fn the_doors_own_words_stay() {
        let message = "/etc may not be mounted into a container\n  why: mounts may\n  do: mount";
        let fault = read(403, &json!({"message": message, "code": "create.bind"}));
        assert_eq!(fault.code as u8, 5);
        assert_eq!((fault.why.as_str(), fault.todo.as_str()), ("mounts may", "mount"));
        assert_eq!(fault.details["code"], "create.bind");
    }

    #[test]
    fn without_a_board_the_way_without_a_gpu_is_named() {
        let message = "NVIDIA's library does not answer\n  why: x\n  do: nvidia-smi";
        let fault = read(503, &json!({"message": message, "code": "gpu.ledger", "explain": {}}));
        assert_eq!(fault.code as u8, 6);
        assert_eq!(fault.todo, "nvidia-smi; --cpu-only needs no GPU");
    }

    #[test]
    fn dockers_failures_say_what_to_do() {
        for (status, message, code, part) in [
            (500, "write /var/lib/docker: no space left on device", 1, "disk is full"),
            (409, "Conflict. The container name \"/t\" is already in use by", 1, "already"),
            (500, "could not select device driver \"\" with capabilities: [[gpu]]", 6, "GPUs"),
            (404, "No such image: x:latest", 4, "No such image"),
            (502, "the Docker daemon is not reachable", 6, "not reachable"),
        ] {
            let fault = read(status, &json!({"message": message}));
            assert_eq!(fault.code as u8, code, "{message}");
            assert!(fault.what.contains(part), "{fault}");
        }
    }
}
