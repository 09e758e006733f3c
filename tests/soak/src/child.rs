//! One of the processes: takes, marks, gives back, until it is killed.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use ds01_board::{Board, Gpu, Mig};
use ds01_config::Config;
use ds01_fault::{Code, Context, Fault};
use ds01_ledger::ahead::Ahead;
use ds01_ledger::decide::{Denied, Grounds, Request, decide};
use ds01_ledger::types::Lease;
use ds01_ledger::{State, life, place};
use ds01_site::Site;
use ds01_text::Output;

use crate::random::Random;

/// Fewer than the processes want, so that they meet.
const SLOTS: u32 = 48;
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(120);

struct Child {
    site: Site,
    config: Config,
    board: Board,
    number: usize,
    random: Random,
    directory: PathBuf,
    /// Containers that hold a lease of ours.
    mine: Vec<String>,
}

pub fn run(directory: &Path, number: usize, seed: u64) -> Result<Output, Fault> {
    let site = Site::at(directory);
    let mut child = Child {
        config: Config::load(&site)?,
        site,
        board: board(),
        number,
        random: Random(seed),
        directory: directory.to_owned(),
        mine: Vec::new(),
    };
    child.recover()?;
    let mut counter = OpenOptions::new()
        .create(true)
        .append(true)
        .open(directory.join(format!("count.{number}")))
        .or_fault(Code::Failed, || "cannot count".into())?;
    loop {
        if child.mine.len() < 2 && child.random.below(3) > 0 {
            child.take()?;
        } else {
            child.give_back()?;
        }
        // One byte an operation: a kill leaves the count right to one.
        counter.write_all(b".").or_fault(Code::Failed, || "cannot count".into())?;
    }
}

fn board() -> Board {
    let gpu = |index: u32| Gpu {
        index,
        uuid: format!("GPU-{index}"),
        name: None,
        pci: None,
        memory: None,
        numa: Some(index % 2),
        nvlink: vec![],
        mig: Mig::Off,
        instances: vec![],
    };
    Board { gpus: (0..SLOTS).map(gpu).collect(), ..Board::default() }
}

impl Child {
    /// What the one before us, killed somewhere, left: every mark of ours has a lease, and
    /// every lease gets its mark.
    fn recover(&mut self) -> Result<(), Fault> {
        let state = place::open_within(&self.site, PATIENCE)?.state().clone();
        let own = |lease: &&Lease| lease.user == format!("u{}", self.number);
        let leases: Vec<Lease> = state.leases.values().filter(own).cloned().collect();
        for entry in fs::read_dir(self.directory.join("marks")).into_iter().flatten().flatten() {
            let owner = fs::read_to_string(entry.path()).unwrap_or_default();
            let uuid = entry.file_name().to_string_lossy().into_owned();
            if owner == self.owner() && !holds(&state, &owner, &uuid) {
                return self.report(&format!("an acknowledged lease of {uuid} is lost"));
            }
        }
        for lease in leases {
            self.mark(&lease, true)?;
            self.mine.push(lease.container);
        }
        Ok(())
    }

    fn owner(&self) -> String {
        format!("u{}", self.number)
    }

    fn take(&mut self) -> Result<(), Fault> {
        let request = Request {
            container: format!("c{}._.{}", self.random.below(1 << 40), self.owner()),
            user: self.owner(),
            count: 1 + self.random.below(2) as u32,
            ..Request::default()
        };
        let mut ledger = place::open_within(&self.site, PATIENCE)?;
        let now = self.site.now();
        let limits = self.config.resolve(&request.user, now);
        let (idle, ahead) = (BTreeMap::new(), Ahead::default());
        let grounds = Grounds {
            limits: &limits,
            state: ledger.state(),
            board: &self.board,
            policy: self.config.gpu(),
            idle: &idle,
            ahead: &ahead,
            now,
        };
        let grant = match decide(&request, &grounds) {
            Ok(grant) => grant,
            Err(Denied::Refused(_)) => return Ok(()),
            Err(Denied::Bad(fault)) => return Err(fault),
        };
        if let Some(decision) = grant.decision() {
            ledger.record(decision, now)?;
        }
        drop(ledger);
        self.mark(grant.lease(), false)?;
        self.mine.push(request.container);
        Ok(())
    }

    fn give_back(&mut self) -> Result<(), Fault> {
        let Some(container) = self.mine.pop() else { return Ok(()) };
        let state = ds01_ledger::look(&self.site)?;
        let Some(lease) = state.leases.get(&container) else {
            return self.report(&format!("the lease of {container} is lost"));
        };
        for slot in &lease.slots {
            fs::remove_file(self.directory.join("marks").join(&slot.uuid))
                .or_fault(Code::Failed, || format!("the mark of {} is gone", slot.uuid))?;
        }
        let mut ledger = place::open_within(&self.site, PATIENCE)?;
        ledger.record(life::released(lease), self.site.now())?;
        ledger.shorten()
    }

    /// Marks what was granted. Only `again`, after a kill, may the mark be there: our own.
    fn mark(&self, lease: &Lease, again: bool) -> Result<(), Fault> {
        for slot in &lease.slots {
            let path = self.directory.join("marks").join(&slot.uuid);
            // Whole from the first moment: a kill must not leave a mark that names nobody.
            let fresh = self.directory.join(format!("mark.{}", self.number));
            fs::write(&fresh, self.owner()).or_fault(Code::Failed, || "cannot mark".into())?;
            match fs::hard_link(&fresh, &path) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    let holder = fs::read_to_string(&path).unwrap_or_default();
                    if !again || holder != self.owner() {
                        return self.report(&format!("{} is given twice", slot.uuid));
                    }
                }
                Err(error) => return Err(error).or_fault(Code::Failed, || "cannot mark".into()),
            }
        }
        Ok(())
    }

    /// The end of the whole run: the parent looks for this file.
    fn report(&self, what: &str) -> Result<(), Fault> {
        let line = format!("process {}: {what}\n", self.number);
        let file = OpenOptions::new().create(true).append(true).open(self.directory.join("broken"));
        if let Ok(mut file) = file {
            let _ = file.write_all(line.as_bytes());
        }
        Err(Fault::failed(line))
    }
}

fn holds(state: &State, user: &str, uuid: &str) -> bool {
    state.holders(uuid).any(|lease| lease.user == user)
}
