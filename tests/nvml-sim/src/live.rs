//! The one simulation of a process: read when NVML is initialised, and again whenever its
//! files have changed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::board::{self, Card};
use crate::calls;
use crate::code::{Answer, Code};
use crate::events::EventSets;
use crate::gpm::Samples;
use crate::handle::{Handle, Target};
use crate::state::{self, Ci, Gi};
use crate::watch::Watch;
use crate::world::World;

#[derive(Debug)]
pub struct Live {
    world_path: PathBuf,
    state_path: PathBuf,
    watch: Watch,
    pub world: World,
    pub cards: Vec<Card>,
    /// `nvmlInit` less `nvmlShutdown`.
    inits: u32,
    pub sets: EventSets,
    pub samples: Samples,
    /// The function that is being answered, for the errors a world asks for.
    function: &'static str,
}

static LIVE: Mutex<Option<Live>> = Mutex::new(None);

fn lock() -> MutexGuard<'static, Option<Live>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `nvmlInit`, under the name it was called by.
pub fn init(function: &'static str) -> Answer {
    let mut live = lock();
    if let Some(live) = live.as_mut() {
        live.inits += 1;
        return Ok(());
    }
    // No world is a machine without a driver.
    let path = std::env::var_os("NVML_SIM_WORLD").filter(|path| !path.is_empty());
    let world_path = PathBuf::from(path.ok_or(Code::DRIVER_NOT_LOADED)?);
    let state_path = state::path(&world_path);
    let watch = Watch::start(&world_path, &state_path);
    if !watch.has_world() {
        return Err(Code::DRIVER_NOT_LOADED);
    }
    let (world, cards) = load(&world_path, &state_path).map_err(|why| {
        complain(&world_path, &why);
        Code::UNKNOWN
    })?;
    std::thread::sleep(Duration::from_millis(world.slowness(function)));
    if let Some(code) = world.init.filter(|code| *code != Code::SUCCESS) {
        return Err(code);
    }
    *live = Some(Live {
        world_path,
        state_path,
        watch,
        world,
        cards,
        inits: 1,
        sets: EventSets::default(),
        samples: Samples::default(),
        function: "",
    });
    Ok(())
}

/// `nvmlShutdown`.
pub fn shutdown() -> Answer {
    let mut live = lock();
    let inits = live.as_ref().ok_or(Code::UNINITIALIZED)?.inits;
    match live.as_mut() {
        Some(running) if inits > 1 => running.inits -= 1,
        _ => *live = None,
    }
    Ok(())
}

/// Answers a call: counted, slowed and failed as the world wants it.
pub fn call(function: &'static str, work: impl FnOnce(&mut Live) -> Answer) -> u32 {
    calls::count(function);
    answer(function, work)
}

/// The same without counting, for one that looks again and again.
pub fn answer(function: &'static str, work: impl FnOnce(&mut Live) -> Answer) -> u32 {
    let wait = lock().as_ref().map_or(0, |live| live.world.slowness(function));
    if wait > 0 {
        std::thread::sleep(Duration::from_millis(wait));
    }
    let mut live = lock();
    let Some(live) = live.as_mut() else { return Code::UNINITIALIZED.0 };
    live.refresh();
    live.function = function;
    let errors = &live.world.errors;
    if let Some(code) = errors.get(function).or_else(|| errors.get("*")) {
        return code.0;
    }
    match work(live) {
        Ok(()) => Code::SUCCESS.0,
        Err(code) => code.0,
    }
}

/// The same for the functions that start and end all.
pub fn outside(function: &'static str, answer: impl FnOnce() -> Answer) -> u32 {
    calls::count(function);
    answer().map_or_else(|code| code.0, |()| Code::SUCCESS.0)
}

fn load(world: &Path, state: &Path) -> Result<(World, Vec<Card>), String> {
    let text = fs::read(world).map_err(|error| error.to_string())?;
    let world: World = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    let cards = board::build(&world, &state::read(state))?;
    Ok((world, cards))
}

/// Where a broken world's reason goes: the library speaks on no one's stderr unasked.
fn complain(world: &Path, why: &str) {
    use std::io::Write;
    let line = format!("nvml-sim: {}: {why}\n", world.display());
    match std::env::var_os("NVML_SIM_LOG") {
        Some(path) if path == "-" => {
            let _ = io::stderr().write_all(line.as_bytes());
        }
        Some(path) => {
            if let Ok(mut file) = fs::File::options().create(true).append(true).open(path) {
                let _ = file.write_all(line.as_bytes());
            }
        }
        None => {}
    }
}

impl Live {
    /// Reads the files again when they have changed. One that is broken by now, or only half
    /// written, changes nothing: the last whole world goes on.
    pub fn refresh(&mut self) {
        if self.watch.changed() {
            self.reload();
        }
    }

    fn reload(&mut self) {
        match load(&self.world_path, &self.state_path) {
            Ok((world, cards)) => (self.world, self.cards) = (world, cards),
            Err(why) => complain(&self.world_path, &why),
        }
    }

    /// The real driver keeps GPU instances for root, to look at as well as to change.
    pub fn may_change(&self) -> Answer {
        if am_root() || !self.world.root_only { Ok(()) } else { Err(Code::NO_PERMISSION) }
    }

    /// Changes a card, for every process that looks at this world.
    pub fn change(
        &mut self,
        gpu: usize,
        work: impl FnOnce(&mut Card, &mut u64) -> Answer,
    ) -> Answer {
        self.may_change()?;
        struct Failed(Code);
        impl From<io::Error> for Failed {
            fn from(error: io::Error) -> Self {
                match error.kind() {
                    io::ErrorKind::PermissionDenied => Self(Code::NO_PERMISSION),
                    _ => Self(Code::OPERATING_SYSTEM),
                }
            }
        }
        let world = &self.world;
        let done = state::change::<(), Failed>(&self.state_path.clone(), |state| {
            let mut cards = board::build(world, state).map_err(|_| Failed(Code::UNKNOWN))?;
            let card = cards.get_mut(gpu).ok_or(Failed(Code::INVALID_ARGUMENT))?;
            work(card, &mut state.serial).map_err(Failed)?;
            state.cards.insert(card.uuid.clone(), card.state());
            Ok(())
        });
        // One's own change is there at once.
        if self.watch.changed_now() {
            self.reload();
        }
        done.map_err(|failed| failed.0)
    }

    /// The machine restarts: no instance survives, the MIG mode only on Ampere.
    pub fn reboot(&mut self) -> Answer {
        let count = self.cards.len();
        let _ = state::change::<(), io::Error>(&self.state_path.clone(), |state| {
            state.boots += 1;
            Ok(())
        });
        (0..count).try_for_each(|gpu| {
            self.change(gpu, |card, _| {
                card.mig = card.mig_pending && card.model.mig_survives_reboot();
                card.mig_pending = card.mig;
                card.gis.clear();
                Ok(())
            })
        })
    }

    /// The errors that the world has for a card.
    fn fault_of(&self, gpu: usize) -> Answer<&Card> {
        let card = self.cards.get(gpu).ok_or(Code::INVALID_ARGUMENT)?;
        let errors = &self.world.errors;
        if !errors.is_empty() {
            let by_function = errors.get(&format!("gpu:{gpu}/{}", self.function));
            if let Some(code) = by_function.or_else(|| errors.get(&format!("gpu:{gpu}"))) {
                return Err(*code);
            }
        }
        if card.spec.lost { Err(Code::GPU_IS_LOST) } else { Ok(card) }
    }

    /// The card that a handle stands for; MIG devices have no answer to most questions.
    pub fn card(&self, device: Handle) -> Answer<&Card> {
        match device.target()? {
            Target::Gpu(gpu) => self.fault_of(gpu),
            Target::Mig { .. } => Err(Code::NOT_SUPPORTED),
            _ => Err(Code::INVALID_ARGUMENT),
        }
    }

    /// The card of a handle, and the instance when it is a MIG device's.
    pub fn device(&self, device: Handle) -> Answer<(&Card, Option<(&Gi, &Ci)>)> {
        match device.target()? {
            Target::Gpu(gpu) => Ok((self.fault_of(gpu)?, None)),
            Target::Mig { gpu, gi, ci, serial } => {
                let card = self.fault_of(gpu)?;
                let found = card
                    .mig_devices()
                    .find(|(a, b)| a.id == gi && b.id == ci && b.serial as u16 == serial);
                // Its instance is gone, or is another by now.
                found.map(|pair| (card, Some(pair))).ok_or(Code::INVALID_ARGUMENT)
            }
            _ => Err(Code::INVALID_ARGUMENT),
        }
    }

    pub fn gi(&self, handle: Handle) -> Answer<(&Card, &Gi)> {
        let Target::Gi { gpu, gi, serial } = handle.target()? else {
            return Err(Code::INVALID_ARGUMENT);
        };
        let card = self.fault_of(gpu)?;
        let found = card.gis.iter().find(|one| one.id == gi && one.serial as u16 == serial);
        found.map(|gi| (card, gi)).ok_or(Code::INVALID_ARGUMENT)
    }

    pub fn ci(&self, handle: Handle) -> Answer<(&Card, &Gi, &Ci)> {
        let Target::Ci { gpu, gi, ci, serial } = handle.target()? else {
            return Err(Code::INVALID_ARGUMENT);
        };
        let card = self.fault_of(gpu)?;
        card.mig_devices()
            .find(|(a, b)| a.id == gi && b.id == ci && b.serial as u16 == serial)
            .map(|(gi, ci)| (card, gi, ci))
            .ok_or(Code::INVALID_ARGUMENT)
    }
}

/// Handles of what stands on a card.
pub fn handle_of_gi(card: &Card, gi: &Gi) -> Handle {
    Handle::to(Target::Gi { gpu: card.index as usize, gi: gi.id, serial: gi.serial as u16 })
}
pub fn handle_of_ci(card: &Card, gi: &Gi, ci: &Ci) -> Handle {
    let (gpu, serial) = (card.index as usize, ci.serial as u16);
    Handle::to(Target::Ci { gpu, gi: gi.id, ci: ci.id, serial })
}
pub fn handle_of_mig(card: &Card, gi: &Gi, ci: &Ci) -> Handle {
    let (gpu, serial) = (card.index as usize, ci.serial as u16);
    Handle::to(Target::Mig { gpu, gi: gi.id, ci: ci.id, serial })
}

fn am_root() -> bool {
    // SAFETY: geteuid takes nothing and cannot fail.
    unsafe { libc::geteuid() == 0 }
}
