//! A disk whose power can be cut: a folder, and a journal of what SQLite did to the files in it.
//!
//! What was synced is there after a cut. What was not may be, in any part: pieces of 512 bytes of one write, one write and
//! not the one before. A new file has its name, and a deleted one loses it, for certain once the folder is synced; until
//! then names change in the order in which they were changed.

use std::collections::BTreeMap;
use std::ffi::c_int;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use rusqlite::ffi;
use tempfile::TempDir;

use super::chance::Chance;
use super::vfs;

const SECTOR: u64 = 512;

/// All disks there are, to find a file's.
static DISKS: Mutex<Vec<(PathBuf, Weak<Mutex<State>>)>> = Mutex::new(Vec::new());

pub struct Disk {
    folder: TempDir,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    journal: Vec<Operation>,
    /// The inode that a name has now.
    names: BTreeMap<PathBuf, usize>,
    inodes: usize,
    failing: Option<Failing>,
    refused: usize,
}

/// What happened on the disk, in order. Names are from its root.
enum Operation {
    Create {
        name: PathBuf,
        inode: usize,
    },
    Write {
        inode: usize,
        offset: u64,
        bytes: Vec<u8>,
    },
    Truncate {
        inode: usize,
        size: u64,
    },
    Sync {
        inode: usize,
    },
    Delete {
        name: PathBuf,
    },
    SyncFolder {
        folder: PathBuf,
    },
    /// Somebody was told that so many events are safe.
    Promised(usize),
}

/// What a cut leaves of what was not synced.
#[derive(Debug, Clone, Copy)]
pub enum Unsynced {
    Lost,
    Kept,
    /// Some of it, as this seed draws.
    Torn(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Write,
    Sync,
}

/// An operation on files whose names end so answers this code, from the `after`th on until it is [`Disk::heal`]ed.
#[derive(Debug, Clone, Copy)]
pub struct Failing {
    pub step: Step,
    pub names: &'static str,
    pub after: usize,
    pub code: c_int,
}

impl Disk {
    pub fn new() -> Self {
        vfs::register();
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let state = Arc::<Mutex<State>>::default();
        DISKS.lock().unwrap().push((root, Arc::downgrade(&state)));
        Self { folder, state }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// From now on so many events have to outlive a cut.
    pub fn promise(&self, events: usize) {
        self.state().journal.push(Operation::Promised(events));
    }

    /// A file that was written and synced without SQLite, its folder too.
    pub fn wrote_itself(&self, name: &str) {
        let bytes = fs::read(self.path().join(name)).unwrap();
        let (name, mut state) = (PathBuf::from(name), self.state());
        state.inodes += 1;
        let (inode, size, folder) = (state.inodes, bytes.len() as u64, name.parent().map(Path::to_owned));
        state.journal.extend([
            Operation::Create { name, inode },
            Operation::Write { inode, offset: 0, bytes },
            Operation::Truncate { inode, size },
            Operation::Sync { inode },
            Operation::SyncFolder { folder: folder.unwrap_or_default() },
        ]);
    }

    /// How many operations there were: before each of them, and after the last, power can be cut.
    pub fn operations(&self) -> usize {
        self.state().journal.len()
    }

    pub fn fail(&self, failing: Failing) {
        let mut state = self.state();
        (state.failing, state.refused) = (Some(failing), 0);
    }

    /// Nothing fails any more. How often something did.
    pub fn heal(&self) -> usize {
        let mut state = self.state();
        state.failing = None;
        state.refused
    }

    /// How often something failed since it was told to.
    pub fn refused(&self) -> usize {
        self.state().refused
    }

    /// What a cut after so many operations leaves, put into a folder; how many events had been promised.
    pub fn cut(&self, after: usize, unsynced: Unsynced, into: &Path) -> usize {
        let state = self.state();
        let mut image = Image::default();
        for operation in &state.journal[..after] {
            image.happen(operation);
        }
        image.lose_power(unsynced);
        image.write(into);
        image.promised
    }
}

/// What is on the disk, and what only the system's memory knows.
#[derive(Default)]
struct Image<'a> {
    files: BTreeMap<usize, Content<'a>>,
    names: BTreeMap<&'a Path, usize>,
    /// Changes of names that are not on the disk.
    naming: Vec<&'a Operation>,
    promised: usize,
}

#[derive(Default)]
struct Content<'a> {
    synced: Vec<u8>,
    unsynced: Vec<&'a Operation>,
}

impl<'a> Image<'a> {
    fn happen(&mut self, operation: &'a Operation) {
        match operation {
            Operation::Create { .. } | Operation::Delete { .. } => self.naming.push(operation),
            Operation::Write { inode, .. } | Operation::Truncate { inode, .. } => {
                self.files.entry(*inode).or_default().unsynced.push(operation);
            }
            Operation::Sync { inode } => {
                let content = self.files.entry(*inode).or_default();
                let unsynced = std::mem::take(&mut content.unsynced);
                unsynced.into_iter().for_each(|operation| content.apply(operation, |_| true));
            }
            Operation::SyncFolder { folder } => {
                let (here, elsewhere) = std::mem::take(&mut self.naming)
                    .into_iter()
                    .partition(|operation| operation.name().is_some_and(|name| name.parent() == Some(folder)));
                self.naming = elsewhere;
                self.name(here);
            }
            Operation::Promised(events) => self.promised = *events,
        }
    }

    fn name(&mut self, naming: Vec<&'a Operation>) {
        for operation in naming {
            match operation {
                Operation::Create { name, inode } => drop(self.names.insert(name, *inode)),
                Operation::Delete { name } => drop(self.names.remove(name.as_path())),
                _ => unreachable!("only these name files"),
            }
        }
    }

    fn lose_power(&mut self, unsynced: Unsynced) {
        let mut chance = Chance::new(if let Unsynced::Torn(seed) = unsynced { seed } else { 0 });
        let mut keeps = |of: u64| match unsynced {
            Unsynced::Lost => false,
            Unsynced::Kept => true,
            Unsynced::Torn(_) => chance.below(of) != 0,
        };
        let mut naming = std::mem::take(&mut self.naming);
        let kept = naming.iter().position(|_| !keeps(4)).unwrap_or(naming.len());
        naming.truncate(kept);
        self.name(naming);
        for content in self.files.values_mut() {
            for operation in std::mem::take(&mut content.unsynced) {
                // A whole write is lost as often as parts of it are.
                if keeps(4) {
                    content.apply(operation, |_| keeps(8));
                }
            }
        }
    }

    fn write(&self, into: &Path) {
        for (name, inode) in &self.names {
            let path = into.join(name);
            fs::create_dir_all(path.parent().expect("a file lies in a folder")).unwrap();
            fs::write(path, self.files.get(inode).map_or(&[][..], |content| &content.synced)).unwrap();
        }
    }
}

impl Content<'_> {
    /// Applies those sectors of a write that are kept.
    fn apply(&mut self, operation: &Operation, mut keeps: impl FnMut(u64) -> bool) {
        match operation {
            Operation::Write { offset, bytes, .. } => {
                let end = offset + bytes.len() as u64;
                let mut from = *offset;
                while from < end {
                    let until = end.min((from / SECTOR + 1) * SECTOR);
                    if keeps(from / SECTOR) {
                        let part = &bytes[(from - offset) as usize..(until - offset) as usize];
                        if self.synced.len() < until as usize {
                            self.synced.resize(until as usize, 0);
                        }
                        self.synced[from as usize..until as usize].copy_from_slice(part);
                    }
                    from = until;
                }
            }
            Operation::Truncate { size, .. } => self.synced.resize(*size as usize, 0),
            _ => unreachable!("only these change what is in a file"),
        }
    }
}

impl Operation {
    fn name(&self) -> Option<&Path> {
        match self {
            Self::Create { name, .. } | Self::Delete { name } => Some(name),
            _ => None,
        }
    }
}

/// A file on one of the disks, open.
#[derive(Clone)]
pub struct Opened {
    state: Arc<Mutex<State>>,
    name: PathBuf,
    inode: usize,
    /// As the system's VFS does it: the first sync of a journal syncs its folder too.
    syncs_folder: Arc<Mutex<bool>>,
}

/// Called when SQLite has opened a file. `None` if it lies on none of the disks.
pub fn opened(path: &Path, existed: bool, syncs_folder: bool) -> Option<Opened> {
    let (state, name) = find(path)?;
    let inode = {
        let mut locked = lock(&state);
        let known = locked.names.get(&name).copied().filter(|_| existed);
        known.unwrap_or_else(|| {
            locked.inodes += 1;
            let inode = locked.inodes;
            locked.names.insert(name.clone(), inode);
            locked.journal.push(Operation::Create { name: name.clone(), inode });
            inode
        })
    };
    Some(Opened { state, name, inode, syncs_folder: Arc::new(Mutex::new(syncs_folder)) })
}

/// Called to delete a file.
pub fn deleted(path: &Path, syncs_folder: bool, delete: impl FnOnce() -> c_int) -> c_int {
    let code = delete();
    if code == ffi::SQLITE_OK
        && let Some((state, name)) = find(path)
    {
        let mut state = lock(&state);
        state.names.remove(&name);
        let folder = name.parent().map(Path::to_owned);
        state.journal.push(Operation::Delete { name });
        if let Some(folder) = folder.filter(|_| syncs_folder) {
            state.journal.push(Operation::SyncFolder { folder });
        }
    }
    code
}

impl Opened {
    pub fn write(&self, offset: u64, bytes: &[u8], write: impl FnOnce() -> c_int) -> c_int {
        let operation = Operation::Write { inode: self.inode, offset, bytes: bytes.to_owned() };
        self.happen(Some(Step::Write), write, [operation])
    }

    pub fn truncate(&self, size: u64, truncate: impl FnOnce() -> c_int) -> c_int {
        self.happen(None, truncate, [Operation::Truncate { inode: self.inode, size }])
    }

    pub fn sync(&self, sync: impl FnOnce() -> c_int) -> c_int {
        let first = std::mem::take(&mut *lock(&self.syncs_folder));
        let folder = self.name.parent().filter(|_| first).map(|folder| Operation::SyncFolder { folder: folder.into() });
        self.happen(Some(Step::Sync), sync, [Operation::Sync { inode: self.inode }].into_iter().chain(folder))
    }

    /// In one piece with the record of it, so that the journal has the order of the disk.
    fn happen(
        &self,
        step: Option<Step>,
        act: impl FnOnce() -> c_int,
        operations: impl IntoIterator<Item = Operation>,
    ) -> c_int {
        let mut state = lock(&self.state);
        if let Some(failing) = &mut state.failing
            && step == Some(failing.step)
            && self.name.to_string_lossy().ends_with(failing.names)
        {
            if failing.after == 0 {
                let code = failing.code;
                state.refused += 1;
                return code;
            }
            failing.after -= 1;
        }
        let code = act();
        if code == ffi::SQLITE_OK {
            state.journal.extend(operations);
        }
        code
    }
}

fn find(path: &Path) -> Option<(Arc<Mutex<State>>, PathBuf)> {
    let disks = DISKS.lock().unwrap_or_else(PoisonError::into_inner);
    disks.iter().find_map(|(root, state)| Some((state.upgrade()?, path.strip_prefix(root).ok()?.to_owned())))
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // One test that failed must not hide what the others found.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
