//! What a decision about GPUs depends on beside the ledger: the config, the board, and how
//! idle containers are. Gathered once, before the lock is taken.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use ds01_board::{Board, Depth, Nvml};
use ds01_config::{Config, Limits};
use ds01_fault::Fault;
use ds01_site::Site;
use ds01_units::{Span, Stamp};
use serde::{Deserialize, Serialize};

use crate::ahead::Ahead;
use crate::decide::{Grounds, Request};
use crate::host::Host;
use crate::place;
use crate::state::State;

/// How long a board that was read counts. Asking NVML costs as much as the whole decision
/// and more; what is decided on an old board is at worst a UUID that Docker refuses.
const FRESH: Span = Span::minutes(5);

/// Config, board and idleness.
#[derive(Clone, Debug)]
pub struct Facts {
    pub config: Config,
    pub board: Board,
    pub idle: BTreeMap<String, Span>,
    /// Whether the board was read just now, and is worth remembering.
    pub board_is_new: bool,
}

impl Facts {
    /// From the site. No config or no board: no decision.
    pub fn gather(site: &Site) -> Result<Self, Fault> {
        let config = Config::load(site)?;
        let (board, board_is_new) = match remembered(site) {
            Some(board) => (board, false),
            None => (read_board()?, true),
        };
        Ok(Self { config, board, idle: idle(site), board_is_new })
    }

    pub fn limits(&self, user: &str, now: Stamp) -> Limits {
        self.config.resolve(user, now)
    }

    /// What is planned for those in line who stand before this request.
    pub fn ahead(&self, request: &Request, state: &State, now: Stamp) -> Ahead {
        Ahead::of(&Host { config: &self.config, board: &self.board, state, now }, request)
    }

    pub fn grounds<'a>(
        &'a self,
        limits: &'a Limits,
        state: &'a State,
        ahead: &'a Ahead,
        now: Stamp,
    ) -> Grounds<'a> {
        let (board, policy, idle) = (&self.board, self.config.gpu(), &self.idle);
        Grounds { limits, state, board, policy, idle, ahead, now }
    }

    /// Remembers the board for the next decision; for after the answer.
    pub fn remember(&self, site: &Site) -> Result<(), Fault> {
        if !self.board_is_new {
            return Ok(());
        }
        let kept = Kept { read_at: site.now(), traces: traces(), board: self.board.clone() };
        let text = serde_json::to_string(&kept).unwrap_or_default();
        ds01_site::replace(&path(site), text.as_bytes(), 0o644, false)
    }
}

/// The board as it is remembered, or else as NVML shows it now.
pub fn board(site: &Site) -> Result<Board, Fault> {
    remembered(site).map_or_else(read_board, Ok)
}

/// The board as NVML shows it now, with all that weights and neighbourhoods depend on.
pub fn read_board() -> Result<Board, Fault> {
    Nvml::open()?.board(Depth::Whole)
}

/// The board as it was read last.
#[derive(Serialize, Deserialize)]
struct Kept {
    read_at: Stamp,
    /// What the board looked like to the file system then.
    traces: String,
    board: Board,
}

fn path(site: &Site) -> PathBuf {
    site.run().join("board.json")
}

/// Forgets the remembered board: for whoever has changed it.
pub fn forget_board(site: &Site) {
    // Without a file there is nothing to forget.
    let _ = std::fs::remove_file(path(site));
}

fn remembered(site: &Site) -> Option<Board> {
    let file = std::fs::File::open(path(site)).ok()?;
    // Only what root wrote says where root's leases go.
    place::check_file(&file).ok()?;
    let kept: Kept = serde_json::from_reader(std::io::BufReader::new(file)).ok()?;
    let age = site.now().millis().checked_sub(kept.read_at.millis())?;
    let fresh = u64::try_from(age).is_ok_and(|age| age < FRESH.millis());
    (fresh && kept.traces == traces()).then_some(kept.board)
}

/// Cheap signs of another board: instances come and go as directories of the driver, and a
/// simulated world is a file.
fn traces() -> String {
    let mut traces = Vec::new();
    for gpu in entries(Path::new("/proc/driver/nvidia/capabilities")) {
        traces.push(gpu.display().to_string());
        traces.extend(entries(&gpu.join("mig")).iter().map(|path| path.display().to_string()));
    }
    for name in ["DS01_NVML_LIB", "NVML_SIM_WORLD"] {
        let Some(path) = std::env::var_os(name) else { continue };
        let changed = std::fs::metadata(&path).and_then(|metadata| metadata.modified()).ok();
        let since = changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        traces.push(format!("{} {since:?}", path.to_string_lossy()));
    }
    traces.join("\n")
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let read = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut entries: Vec<PathBuf> = read.map(|entry| entry.path()).collect();
    entries.sort_unstable();
    entries
}

/// How long containers have been idle, as `idle-check` last saw it. Unknown is left out:
/// comfort, for words only.
fn idle(site: &Site) -> BTreeMap<String, Span> {
    #[derive(Deserialize)]
    struct Activity {
        containers: BTreeMap<String, Seen>,
    }
    #[derive(Deserialize)]
    struct Seen {
        idle_since: Option<Stamp>,
    }
    let text = std::fs::read_to_string(site.state().join("activity.json")).unwrap_or_default();
    let activity: Option<Activity> = serde_json::from_str(&text).ok();
    let now = site.now();
    let idle = |(name, seen): (String, Seen)| Some((name, now.since(seen.idle_since?)));
    activity.into_iter().flat_map(|activity| activity.containers).filter_map(idle).collect()
}
