//! A disk that can lose power between any two calls, and fail any of them.
//!
//! What was written and not synced may be there after a crash, or not, sector by sector;
//! files may have grown and hold zeros; renames last in their order, but only after the
//! directory is synced for certain. After a failed sync the kernel takes the pages for clean:
//! the cache shows what the disk never got, until the page is written again.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::rc::Rc;

use ds01_ledger::disk::Disk;

use crate::random::Random;

const SECTOR: usize = 512;
const PAGE: usize = 4096;

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

#[derive(Clone, Debug, Default)]
struct Inode {
    /// What a crash leaves for certain.
    safe: Vec<u8>,
    /// What programs see.
    seen: Vec<u8>,
    /// What may or may not be safe already.
    pending: Vec<Change>,
}

#[derive(Clone, Debug)]
enum NameChange {
    Create { name: String, inode: usize },
    Rename { from: String, to: String },
}

/// What goes wrong, and from which call on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    Once(ErrorKind),
    ForEver(ErrorKind),
}

#[derive(Clone, Debug, Default)]
pub struct World {
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    safe_names: BTreeMap<String, usize>,
    pending_names: Vec<NameChange>,
    distrusted: Option<String>,
    settled: String,
    /// The calls so far that change something, by name.
    pub calls: Vec<&'static str>,
    pub fail: Option<(usize, Failure)>,
}

pub type Watch = Rc<RefCell<dyn FnMut(&World)>>;

/// A disk and somebody who looks at it before and after every call.
#[derive(Clone)]
pub struct SimDisk {
    pub world: Rc<RefCell<World>>,
    watch: Option<Watch>,
    /// The call at which the process that uses it is killed: from then on it does nothing.
    dies_at: Option<usize>,
}

impl World {
    pub fn failing(at: usize, failure: Failure) -> Self {
        Self { fail: Some((at, failure)), ..Self::default() }
    }

    /// What the next boot may find: one of the many possibilities, chosen by `random`.
    pub fn after_crash(&self, random: &mut Random) -> Self {
        let mut names = self.safe_names.clone();
        let lasting = random.below(self.pending_names.len() + 1);
        for change in &self.pending_names[..lasting] {
            rename(&mut names, change);
        }
        let mut inodes = vec![Inode::default(); self.inodes.len()];
        for index in names.values() {
            let content = self.inodes[*index].survivor(random);
            inodes[*index] = Inode { seen: content.clone(), safe: content, pending: Vec::new() };
        }
        // Never synced, so it may be there or not.
        let settled = if random.below(2) == 0 { self.settled.clone() } else { String::new() };
        Self { inodes, safe_names: names.clone(), names, settled, ..Self::default() }
    }

    /// The next call that fails, if any: counts the call.
    fn call(&mut self, name: &'static str) -> io::Result<()> {
        let number = self.calls.len();
        self.calls.push(name);
        match self.fail {
            Some((at, Failure::Once(kind))) if at == number => Err(kind.into()),
            Some((from, Failure::ForEver(kind))) if from <= number => Err(kind.into()),
            _ => Ok(()),
        }
    }

    fn inode(&mut self, name: &str) -> io::Result<&mut Inode> {
        let index = *self.names.get(name).ok_or(ErrorKind::NotFound)?;
        Ok(&mut self.inodes[index])
    }
}

fn rename(names: &mut BTreeMap<String, usize>, change: &NameChange) {
    match change {
        NameChange::Create { name, inode } => drop(names.insert(name.clone(), *inode)),
        NameChange::Rename { from, to } => {
            if let Some(inode) = names.remove(from) {
                names.insert(to.clone(), inode);
            }
        }
    }
}

impl Inode {
    fn write(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        self.seen.resize(self.seen.len().max(end), 0);
        self.seen[offset..end].copy_from_slice(bytes);
        self.dirty(offset, end);
    }

    /// The kernel writes whole pages, also the part of one that nobody touched.
    fn dirty(&mut self, from: usize, to: usize) {
        let from = from / PAGE * PAGE;
        let to = to.next_multiple_of(PAGE).min(self.seen.len());
        let bytes = self.seen[from..to].to_vec();
        self.pending.push(Change::Write { offset: from, bytes });
    }

    fn truncate(&mut self, length: usize) {
        self.seen.resize(length, 0);
        self.pending.push(Change::Length(length));
        if length % PAGE > 0 {
            self.dirty(length - 1, length);
        }
    }

    fn survivor(&self, random: &mut Random) -> Vec<u8> {
        let mut content = self.safe.clone();
        for change in &self.pending {
            match change {
                Change::Length(length) => {
                    if random.below(2) == 0 {
                        content.resize(*length, 0);
                    }
                }
                Change::Write { offset, bytes } => put_some(&mut content, *offset, bytes, random),
            }
        }
        content
    }
}

/// A write that power was lost under: none of it, all, the front, some sectors, or only the
/// length.
fn put_some(content: &mut Vec<u8>, offset: usize, bytes: &[u8], random: &mut Random) {
    let how = random.below(5);
    let front = random.below(bytes.len() + 1);
    if how == 4 && content.len() < offset + bytes.len() {
        content.resize(offset + bytes.len(), 0);
    }
    for (number, sector) in bytes.chunks(SECTOR).enumerate() {
        let start = number * SECTOR;
        let kept = match how {
            0 | 4 => 0,
            1 => sector.len(),
            2 => front.saturating_sub(start).min(sector.len()),
            _ => sector.len() * random.below(2),
        };
        if kept > 0 {
            let (from, to) = (offset + start, offset + start + kept);
            content.resize(content.len().max(to), 0);
            content[from..to].copy_from_slice(&sector[..kept]);
        }
    }
}

impl SimDisk {
    pub fn new(world: World) -> Self {
        Self { world: Rc::new(RefCell::new(world)), watch: None, dies_at: None }
    }

    pub fn new_on(world: &Rc<RefCell<World>>) -> Self {
        Self { world: Rc::clone(world), watch: None, dies_at: None }
    }

    pub fn watched(world: &Rc<RefCell<World>>, watch: &Watch, dies_at: Option<usize>) -> Self {
        Self { world: Rc::clone(world), watch: Some(Rc::clone(watch)), dies_at }
    }

    fn is_dead(&self) -> bool {
        self.dies_at.is_some_and(|at| self.world.borrow().calls.len() >= at)
    }

    fn look(&self) {
        if let Some(watch) = &self.watch {
            watch.borrow_mut()(&self.world.borrow());
        }
    }

    fn change<T>(
        &self,
        name: &'static str,
        change: impl FnOnce(&mut World, io::Result<()>) -> io::Result<T>,
    ) -> io::Result<T> {
        if self.is_dead() {
            return Err(ErrorKind::Interrupted.into());
        }
        self.look();
        let result = {
            let mut world = self.world.borrow_mut();
            let fate = world.call(name);
            change(&mut world, fate)
        };
        self.look();
        result
    }
}

impl Disk for SimDisk {
    fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.world.borrow_mut().inode(name).ok().map(|inode| inode.seen.clone()))
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.change("write", |world, fate| {
            if !world.names.contains_key(name) {
                let (name, inode) = (name.to_owned(), world.inodes.len());
                world.inodes.push(Inode::default());
                world.names.insert(name.clone(), inode);
                world.pending_names.push(NameChange::Create { name, inode });
            }
            // A write that fails may have been done in part.
            let done = if fate.is_ok() { bytes.len() } else { bytes.len() / 2 };
            world.inode(name)?.write(offset as usize, &bytes[..done]);
            fate
        })
    }

    fn truncate(&mut self, name: &str, length: u64) -> io::Result<()> {
        self.change("truncate", |world, fate| {
            let inode = world.inode(name)?;
            fate?;
            inode.truncate(length as usize);
            Ok(())
        })
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.change("sync", |world, fate| {
            let inode = world.inode(name)?;
            match &fate {
                Ok(()) => inode.safe = inode.seen.clone(),
                // Some of it arrived; the rest is taken for written and never will be.
                Err(_) => inode.safe = inode.survivor(&mut Random(inode.seen.len() as u64)),
            }
            inode.pending.clear();
            fate
        })
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.change("rename", |world, fate| {
            fate?;
            let change = NameChange::Rename { from: from.to_owned(), to: to.to_owned() };
            rename(&mut world.names, &change);
            world.pending_names.push(change);
            Ok(())
        })
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        self.change("sync directory", |world, fate| {
            fate?;
            world.safe_names = world.names.clone();
            world.pending_names.clear();
            Ok(())
        })
    }

    fn set_settled(&mut self, mark: &str) -> io::Result<()> {
        if !self.is_dead() {
            self.world.borrow_mut().settled = mark.to_owned();
        }
        Ok(())
    }

    fn settled(&mut self) -> io::Result<String> {
        Ok(self.world.borrow().settled.clone())
    }

    fn set_distrusted(&mut self, why: Option<&str>) -> io::Result<()> {
        if self.is_dead() {
            return Ok(());
        }
        self.world.borrow_mut().distrusted = why.map(str::to_owned);
        Ok(())
    }

    fn distrusted(&mut self) -> Option<String> {
        self.world.borrow().distrusted.clone()
    }
}
