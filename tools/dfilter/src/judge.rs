//! A decision with its questions answered, for a connection of the door and for `admit`.

use std::path::PathBuf;

use ds01_door::{Answer, Ask, Denial, Facts, Forward, Request, Stop, Who, Words, decide};
use ds01_fault::{Code, Context, Fault};
use ds01_site::Site;
use tokio::sync::OwnedMutexGuard;

use crate::daemon::Daemon;
use crate::door::Door;
use crate::lease::Lease;
use crate::people::Directory;
use crate::{Mode, resolve};

/// More questions than any request needs. Each is a request to the daemon and the decision
/// anew, so one that asks on would keep the door from everybody else.
const MOST_QUESTIONS: usize = 200;

/// What is forwarded, and what was taken for it.
#[derive(Debug)]
pub(crate) struct Settled {
    pub forward: Forward,
    /// Held until the create is answered; see `Door::turn`.
    pub turn: Option<OwnedMutexGuard<()>>,
    pub lease: Option<Lease>,
}

/// Why nothing is forwarded.
#[derive(Debug)]
pub(crate) enum Refused {
    Denied(Denial),
    Missing(Vec<u8>),
}

impl From<Denial> for Refused {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

/// Decides, asking what must be known.
pub(crate) async fn settle(
    door: &Door,
    daemon: &mut Daemon,
    request: &Request,
    who: &Who,
    words: &Words,
) -> Result<Settled, Refused> {
    let mut facts = Facts::default();
    let (mut turn, mut lease) = (None, None);
    let now = door.site.now().to_string();
    for _ in 0..MOST_QUESTIONS {
        match decide(request, who, words, &facts, &now) {
            Ok(forward) => return Ok(Settled { forward, turn, lease }),
            Err(Stop::Need(ask)) => {
                if matches!(ask, Ask::Grant(_)) {
                    turn = Some(door.turn(&who.user).lock_owned().await);
                }
                let answer = match resolve::answer(door, daemon, who, &ask).await {
                    Ok(answer) => answer,
                    Err(denial) => return Err(undone(lease, denial.into()).await),
                };
                if let Answer::Granted(grant) = &answer
                    && let Some(token) = &grant.lease
                {
                    lease = Some(Lease::new(&door.site, token.clone()));
                }
                facts.add(ask, answer);
            }
            Err(Stop::Deny(denial)) => return Err(undone(lease, denial.into()).await),
            Err(Stop::Missing(words)) => return Err(undone(lease, Refused::Missing(words)).await),
        }
    }
    let most = Denial::forbidden("door.facts", "the request names more than 200 things")
        .why("each must be looked up before it can be judged")
        .todo("ask for fewer containers, volumes, networks and mounts at once");
    Err(undone(lease, most.into()).await)
}

/// The slots are free before the client hears that it was refused.
async fn undone(lease: Option<Lease>, refused: Refused) -> Refused {
    if let Some(lease) = lease {
        lease.abort().await;
    }
    refused
}

/// One decision outside of any connection. A lease it makes waits to be committed; with
/// `dry_run` none is made.
pub fn once(
    site: &Site,
    upstream: PathBuf,
    directory: Directory,
    request: &Request,
    who: &Who,
    dry_run: bool,
) -> Result<Result<Forward, Denial>, Fault> {
    let door = Door::quiet(site, upstream, Mode::Enforce, directory, !dry_run)?;
    if door.config().is_none() {
        // Its fault names the line.
        ds01_config::Config::load(site)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .or_fault(Code::Failed, || "cannot ask the daemon".to_owned())?;
    let words = door.words(&who.user);
    let settled = runtime
        .block_on(async { settle(&door, &mut Daemon::default(), request, who, &words).await });
    match settled {
        Ok(mut settled) => {
            // Whoever asked commits it; unheard of, it ends by itself.
            drop(settled.lease.as_mut().and_then(Lease::sent));
            Ok(Ok(settled.forward))
        }
        Err(Refused::Denied(denial)) if denial.code == "daemon.gone" => {
            Err(Fault::unreachable(denial.lines.what).why(denial.lines.why).todo(denial.lines.todo))
        }
        Err(Refused::Denied(denial)) => Ok(Err(denial)),
        Err(Refused::Missing(words)) => {
            let said: serde_json::Value = serde_json::from_slice(&words).unwrap_or_default();
            let message = said["message"].as_str().unwrap_or("not found");
            Ok(Err(Denial::new(404, "daemon.missing", message)))
        }
    }
}
