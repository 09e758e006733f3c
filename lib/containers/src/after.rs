//! What goes on when somebody leaves, stops or pauses a container, and until when. One place
//! for the words, so that every command says the same.

use ds01_config::Limits;
use ds01_docker::{Container, State};
use ds01_ledger::types::{Lease, Phase};
use ds01_units::{Limit, Span, Stamp};
use serde::Serialize;

/// A container, and how long it keeps running, its GPU and itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct After {
    /// As its owner calls it.
    pub name: String,
    pub state: String,
    /// Display names of its slots; `null` where nobody can say.
    pub gpu: Option<Vec<String>>,
    /// `null`: none, or not known; `limits_known` tells.
    pub idle_timeout: Limit<Span>,
    /// When a running container reaches its longest runtime.
    pub stops_at: Option<Stamp>,
    /// Until when its GPU is kept once it is stopped now, or is kept for a stopped one.
    pub gpu_kept_until: Option<Stamp>,
    /// The same for the container itself.
    pub kept_until: Option<Stamp>,
    pub limits_known: bool,
    #[serde(skip)]
    holds: Holds,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Holds {
    gpu: Option<Limit<Span>>,
    container: Option<Limit<Span>>,
}

impl After {
    /// `lease` is what the ledger says of it: nothing where the ledger cannot be asked, and
    /// nothing within where it holds no GPU.
    pub fn of(
        name: &str,
        container: &Container,
        lease: Option<Option<&Lease>>,
        limits: Option<&Limits>,
        now: Stamp,
    ) -> Self {
        let running = container.is_running();
        let life = limits.map(|limits| lifecycle(limits, container));
        let holds = Holds {
            gpu: limits.map(|limits| limits.gpu_hold_after_stop),
            container: limits.map(|limits| limits.container_hold_after_stop),
        };
        let since = container.stopped_since().unwrap_or(now);
        let end = |hold: Option<Limit<Span>>| Some(since.plus(*hold?.max()?));
        let gpu_kept_until = match lease.flatten().map(|lease| lease.phase) {
            Some(Phase::Stopped { hold_until, .. }) if !running => hold_until,
            _ => end(holds.gpu),
        };
        let kept_until = end(holds.container);
        // With the container goes its GPU, whatever its hold says.
        let gpu_kept_until = match (gpu_kept_until, kept_until) {
            (Some(gpu), Some(container)) => Some(gpu.min(container)),
            (gpu, container) => gpu.or(container),
        };
        let runtime = life.and_then(|(_, runtime)| runtime.max().copied());
        Self {
            name: name.to_owned(),
            state: container.state.to_string(),
            gpu: gpus(container, lease),
            idle_timeout: life.map_or(Limit::None, |(idle, _)| idle),
            stops_at: container
                .started
                .filter(|_| running)
                .and_then(|started| Some(started.plus(runtime?))),
            gpu_kept_until,
            kept_until,
            limits_known: limits.is_some(),
            holds,
        }
    }

    fn has_gpu(&self) -> bool {
        self.gpu.as_ref().is_some_and(|gpus| !gpus.is_empty())
    }

    /// `GPU 0:1`, `GPUs 0 and 1`.
    fn gpus(&self) -> String {
        gpu_words(self.gpu.as_deref().unwrap_or_default())
    }

    fn are(&self) -> &'static str {
        if self.gpu.as_ref().is_some_and(|gpus| gpus.len() > 1) { "are" } else { "is" }
    }

    /// What is true for somebody who goes away from a running container: a shell, an editor
    /// or an SSH session that ends changes nothing.
    pub fn leaving(&self, now: Stamp) -> String {
        if self.state == State::Paused.to_string() {
            return self.paused();
        }
        if self.state != State::Running.to_string() {
            return self.stopped(now);
        }
        let mut lines = vec![format!("{} goes on: what runs in it keeps running.", self.name)];
        match (self.limits_known, self.stops_at, self.idle_timeout.max()) {
            (false, ..) => lines.push("Until when is not known: the limits cannot be read.".into()),
            (_, None, None) => lines.push("Until you stop it; no time limit holds for it.".into()),
            (_, stops, idle) => {
                if let Some(at) = stops {
                    lines.push(format!("At the latest it is stopped {}.", when(at, now)));
                }
                if let Some(idle) = idle {
                    let when = if stops.is_some() { "earlier when" } else { "when" };
                    let idle = idle.words();
                    lines.push(format!("It is stopped {when} it does nothing for {idle}."));
                }
            }
        }
        if self.has_gpu() {
            lines.push(format!("It keeps {} while it runs.", self.gpus()));
        }
        lines.join("\n")
    }

    /// For one that has been stopped: what is kept, and until when.
    pub fn stopped(&self, now: Stamp) -> String {
        let mut lines = vec![format!("{} is stopped.", self.name)];
        if self.has_gpu() {
            let (gpus, are) = (self.gpus(), self.are());
            lines.push(match (self.gpu_kept_until, self.holds.gpu) {
                (_, Some(Limit::Max(Span::ZERO))) => {
                    format!("{gpus} {are} free for others now; a start takes what is free then.")
                }
                (Some(at), _) if at <= now => {
                    format!("{gpus} {are} no longer kept for it; a start takes what is free then.")
                }
                (Some(at), _) => format!("{gpus} {are} kept for it until {}.", when(at, now)),
                (None, Some(_)) => format!("{gpus} {are} kept for it until you remove it."),
                (None, None) => format!("{gpus} {are} kept for it; until when is not known."),
            });
        }
        lines.push(match (self.holds.container, self.kept_until) {
            (_, Some(at)) => format!("The container is kept until {}.", when(at, now)),
            (Some(_), None) => "The container is kept until you remove it.".into(),
            (None, None) => "Until when the container is kept is not known.".into(),
        });
        lines.join("\n")
    }

    /// For one that is paused: it stands still and gives nothing back.
    pub fn paused(&self) -> String {
        let held = match (&self.gpu, self.has_gpu()) {
            (_, true) => format!("It still holds {} and its memory.", self.gpus()),
            (None, _) => "It still holds its memory, and its GPU if it has one.".into(),
            _ => "It still holds its memory.".into(),
        };
        format!("{} is paused: its processes stand still. {held}", self.name)
    }

    /// For one that is gone. `freed` is what the ledger says of its GPU.
    pub fn removed(&self, freed: Option<bool>) -> String {
        let text = format!("{} is removed; volumes and mounted directories stay.", self.name);
        let (gpus, are) = (self.gpus(), self.are());
        match freed {
            _ if !self.has_gpu() => text,
            Some(true) => format!("{text} {gpus} {are} free for others now."),
            _ => format!("{text} {gpus} {are} given back as soon as the ledger hears of it."),
        }
    }
}

/// How long it may idle and run: by its kind, and less what its owner is exempt from.
pub fn lifecycle(limits: &Limits, container: &Container) -> (Limit<Span>, Limit<Span>) {
    let life = limits.lifecycle(kind(container));
    let exempt = |of: fn(&ds01_config::Exemption) -> bool| limits.exemptions.iter().any(of);
    (
        if exempt(|one| one.idle_timeout) { Limit::None } else { life.idle_timeout },
        if exempt(|one| one.max_runtime) { Limit::None } else { life.max_runtime },
    )
}

/// Which way it was made, as the door notes it; what lacks the note is Docker's own.
pub fn kind(container: &Container) -> &str {
    container.label("ds01.interface").unwrap_or("docker")
}

/// Its slots by the ledger; where that cannot be asked, by the label that the door set.
fn gpus(container: &Container, lease: Option<Option<&Lease>>) -> Option<Vec<String>> {
    match lease {
        Some(Some(lease)) => Some(lease.slots.iter().map(|slot| slot.id.clone()).collect()),
        Some(None) => Some(Vec::new()),
        None => container
            .label("ds01.gpu.slots")
            .map(|slots| slots.split(',').map(|slot| slot.trim().to_owned()).collect()),
    }
}

/// `GPU 0:1`, `GPUs 0 and 1`.
pub fn gpu_words(slots: &[String]) -> String {
    match slots {
        [] => "no GPU".into(),
        [one] => format!("GPU {one}"),
        [first @ .., last] => format!("GPUs {} and {last}", first.join(", ")),
    }
}

/// A moment, and how far off it is: `30 Nov 2026 00:30 UTC (in 23 h)`.
pub fn when(at: Stamp, now: Stamp) -> String {
    let date = at.utc().format("%d %b %Y %H:%M UTC");
    if at <= now {
        return format!("{date} (now due)");
    }
    format!("{date} (in {})", at.since(now).words())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ds01_config::Config;
    use serde_json::json;

    const NOW: Stamp = Stamp::from_secs(1_800_000_000);

    fn limits(text: &str) -> Limits {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("resource-limits.yaml");
        std::fs::write(&path, text).unwrap();
        Config::read(&path).unwrap().resolve("alice", NOW)
    }

    fn usual() -> Limits {
        limits(
            "defaults: {idle_timeout: 48h, max_runtime: 72h, gpu_hold_after_stop: 24h, \
             container_hold_after_stop: 36h}\ndefault_group: s\ngroups: {s: {members: [alice]}}\n",
        )
    }

    fn container(state: &str) -> Container {
        Container::read(&json!({
            "Id": "ab", "Name": "/train._.alice",
            "State": {"Status": state, "StartedAt": NOW.minus(Span::hours(2)).to_string(),
                "FinishedAt": NOW.minus(Span::hours(1)).to_string()},
            "Config": {"Labels": {"ds01.interface": "atomic", "ds01.gpu.slots": "0:1,0:2"}},
        }))
        .unwrap()
    }

    fn told(state: &str, limits: Option<&Limits>) -> After {
        After::of("train", &container(state), None, limits, NOW)
    }

    #[test]
    fn leaving_says_what_goes_on_and_until_when() {
        let text = told("running", Some(&usual())).leaving(NOW);
        for part in ["train goes on", "(in 2 d 22 h)", "nothing for 2 d.", "keeps GPUs 0:1 and 0:2"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        let text = told("running", None).leaving(NOW);
        assert!(text.contains("not known") && !text.contains("no time limit"), "{text}");
    }

    #[test]
    fn no_limit_is_said_as_none_and_an_exemption_is_no_limit() {
        let none = limits(
            "defaults: {idle_timeout: null, max_runtime: null}\ndefault_group: s\n\
             groups: {s: {members: [alice]}}\n",
        );
        let text = told("running", Some(&none)).leaving(NOW);
        assert!(text.contains("no time limit holds"), "{text}");
    }

    #[test]
    fn stopping_says_until_when_gpu_and_container_are_kept() {
        let short = limits(
            "defaults: {gpu_hold_after_stop: 24h, container_hold_after_stop: 12h}\n\
             default_group: s\ngroups: {s: {members: [alice]}}\n",
        );
        let text = told("exited", Some(&short)).stopped(NOW);
        assert_eq!(text.matches("(in 11 h)").count(), 2, "with it goes its GPU: {text}");
        let text = told("exited", Some(&usual())).stopped(NOW);
        assert!(text.contains("are kept for it until 16 Jan 2027 07:00 UTC (in 23 h)"), "{text}");
        assert!(text.contains("The container is kept until 16 Jan 2027 19:00 UTC"), "{text}");
        let text = told("exited", None).stopped(NOW);
        assert!(text.contains("are kept for it; until when is not known"), "{text}");
    }

    #[test]
    fn a_hold_of_zero_frees_at_once_and_none_keeps_until_removal() {
        let hold = |hold: &str| {
            limits(&format!(
                "defaults: {{gpu_hold_after_stop: {hold}, container_hold_after_stop: {hold}}}\n\
                 default_group: s\ngroups: {{s: {{members: [alice]}}}}\n"
            ))
        };
        let text = told("exited", Some(&hold("0s"))).stopped(NOW);
        assert!(text.contains("are free for others now"), "{text}");
        let text = told("exited", Some(&hold("null"))).stopped(NOW);
        assert_eq!(text.matches("until you remove it").count(), 2, "{text}");
    }

    #[test]
    fn the_ledger_goes_before_the_label() {
        let mut none = After::of("t", &container("exited"), Some(None), Some(&usual()), NOW);
        assert_eq!(none.gpu.as_deref(), Some(&[][..]));
        assert!(!none.stopped(NOW).contains("GPU"));
        none.gpu = None;
        assert!(none.paused().contains("its GPU if it has one"));
    }
}
