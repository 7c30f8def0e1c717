//! Pasts that were folded: `past/<log and definitions>.<generation>.<as of>.<known at>.<position>.db`, the last few that were
//! asked for.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rapport_readmodel::{Definitions, Moment, Origin, Reader};
use rapport_touchpoint::RecordHash;

use crate::projector::Live;

/// Files that are kept; the one that nobody asked for the longest makes room.
const MOST_KEPT: usize = 4;

/// A generation, and the definitions under which it was folded.
pub(in crate::projector) struct Generation {
    pub number: u32,
    pub definitions: Arc<Definitions>,
}

impl Generation {
    pub fn of(live: &Live) -> Self {
        Self { number: live.generation, definitions: live.reader.definitions().clone() }
    }
}

pub(in crate::projector) struct Kept {
    folder: PathBuf,
    origin: Origin,
    /// The one that was asked last comes last.
    files: Mutex<Vec<Past>>,
}

struct Past {
    name: Name,
    reader: Option<Reader>,
}

/// Of which moment a file is. A generation may count what another one parked.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    /// Of the log and the definitions, a hash.
    whose: RecordHash,
    generation: u32,
    /// In nanoseconds.
    as_of: Option<i64>,
    known_at: Option<u64>,
    /// Everything on the log up to here was looked at.
    position: u64,
}

impl Name {
    fn of(whose: RecordHash, generation: u32, moment: &Moment, position: u64) -> Self {
        let known_at = moment.known_at().map(|known| known.position);
        Self { whose, generation, as_of: moment.as_of().map(|as_of| as_of.nanos()), known_at, position }
    }

    fn to_text(&self) -> String {
        let number = |number: Option<String>| number.unwrap_or_else(|| "any".to_owned());
        let (as_of, known_at) = (self.as_of.map(|n| n.to_string()), self.known_at.map(|n| n.to_string()));
        format!("{}.{}.{}.{}.{}", self.whose, self.generation, number(as_of), number(known_at), self.position)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let whose = RecordHash::parse(parts.next()?)?;
        let generation = parts.next()?.parse().ok()?;
        let (as_of, known_at) = (parts.next()?, parts.next()?);
        let as_of = if as_of == "any" { None } else { Some(as_of.parse().ok()?) };
        let known_at = if known_at == "any" { None } else { Some(known_at.parse().ok()?) };
        let position = parts.next()?.parse().ok()?;
        parts.next().is_none().then_some(Self { whose, generation, as_of, known_at, position })
    }

    /// Does it answer a question about this moment, from what holds everything up to a position?
    fn answers(&self, asked: &Self) -> bool {
        let is_far_enough = self.known_at.is_some() || self.position >= asked.position;
        let of = |name: &Self| (name.whose, name.generation, name.as_of, name.known_at);
        of(self) == of(asked) && is_far_enough
    }
}

impl Kept {
    /// What was kept before is found again, unless it is of another log or of other definitions.
    pub fn open(readmodels: &Path, origin: Origin, definitions: &Definitions) -> Self {
        let kept = Self { folder: readmodels.join("past"), origin, files: Mutex::new(Vec::new()) };
        let whose = kept.whose(definitions);
        let mut found = Vec::new();
        for entry in fs::read_dir(&kept.folder).into_iter().flatten().flatten() {
            match parse(&entry.path()).filter(|name| name.whose == whose) {
                Some(name) => found.push((entry.metadata().and_then(|known| known.modified()).ok(), name)),
                None => remove(&entry.path()),
            }
        }
        found.sort_by_key(|(modified, _)| *modified);
        for (_, name) in found {
            kept.enter(name);
        }
        kept
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The newest file of a generation that answers, and up to which position.
    pub fn find(&self, of: &Generation, moment: &Moment, min_position: u64) -> Option<(Reader, u64)> {
        let asked = self.name(of, moment, min_position);
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = files.iter().enumerate().filter(|(_, past)| past.name.answers(&asked));
        let at = fitting.max_by_key(|(_, past)| past.name.position).map(|(at, _)| at)?;
        let mut past = files.remove(at);
        let reader = match past.reader.take() {
            Some(reader) => reader,
            None => match Reader::open(&self.path(&past.name), self.origin.clone(), of.definitions.clone()) {
                Ok(reader) => reader,
                Err(error) => {
                    tracing::warn!(path = %self.path(&past.name).display(), "a past is not kept any more: {error}");
                    return None;
                }
            },
        };
        let position = past.name.position;
        past.reader = Some(reader.clone());
        files.push(past);
        Some((reader, position))
    }

    /// Where the file of a moment is to be put.
    pub fn place(&self, of: &Generation, moment: &Moment, position: u64) -> io::Result<PathBuf> {
        fs::create_dir_all(&self.folder)?;
        Ok(self.path(&self.name(of, moment, position)))
    }

    /// It is put there.
    pub fn keep(&self, of: &Generation, moment: &Moment, position: u64) {
        self.enter(self.name(of, moment, position));
    }

    fn name(&self, of: &Generation, moment: &Moment, position: u64) -> Name {
        Name::of(self.whose(&of.definitions), of.number, moment, position)
    }

    fn whose(&self, definitions: &Definitions) -> RecordHash {
        let fingerprint = u128::from_be_bytes(definitions.fingerprint());
        RecordHash::of(format!("{} {fingerprint:032x}", self.origin.epoch).as_bytes())
    }

    /// What is not asked for any more makes room: the same moment from less of the log, and then whatever was not asked for
    /// the longest.
    fn enter(&self, name: Name) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let is_older = |past: &Past| past.name.generation < name.generation || name.answers(&past.name);
        let (mut gone, mut left): (Vec<Past>, Vec<Past>) = files.drain(..).partition(is_older);
        let too_many = (left.len() + 1).saturating_sub(MOST_KEPT);
        gone.extend(left.drain(..too_many));
        for past in gone.iter().filter(|past| past.name != name) {
            remove(&self.path(&past.name));
        }
        left.push(Past { name, reader: None });
        *files = left;
    }

    fn path(&self, name: &Name) -> PathBuf {
        self.folder.join(format!("{}.db", name.to_text()))
    }
}

fn parse(path: &Path) -> Option<Name> {
    Name::parse(path.file_name()?.to_str()?.strip_suffix(".db")?)
}

/// With what SQLite left beside it.
fn remove(path: &Path) {
    for beside in ["", "-wal", "-shm"] {
        let mut file = path.to_owned().into_os_string();
        file.push(beside);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %path.display(), "a past that nobody asks for is left behind: {error}");
            }
            Ok(()) | Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use rapport_readmodel::KnownAt;
    use rapport_touchpoint::Timestamp;

    use super::*;

    fn name(as_of: Option<i64>, known_at: Option<u64>, position: u64) -> Name {
        Name { whose: RecordHash::of(b"a log"), generation: 3, as_of, known_at, position }
    }

    #[test]
    fn a_name_says_which_moment_it_is_of() {
        for name in [name(Some(7), None, 9), name(None, Some(4), 4), name(Some(0), Some(4), 4)] {
            assert_eq!(Name::parse(&name.to_text()), Some(name));
        }
        let whose = RecordHash::of(b"a log");
        for bad in ["", "3.7.any", "3.7.any.9.1", "x.7.any.9"].map(|bad| format!("{whose}.{bad}")) {
            assert_eq!(Name::parse(&bad), None, "{bad}");
        }
        let recorded_at = Timestamp::EPOCH;
        let moment = Moment::new(Timestamp::from_nanos(5), Some(KnownAt { position: 4, recorded_at })).unwrap();
        assert_eq!(Name::of(whose, 3, &moment, 4), name(Some(5), Some(4), 4));
    }

    #[test]
    fn what_came_later_matters_unless_the_moment_says_what_was_known() {
        let file = name(Some(7), None, 9);
        assert!(file.answers(&name(Some(7), None, 9)) && file.answers(&name(Some(7), None, 0)));
        for other in [name(Some(7), None, 10), name(Some(8), None, 9), name(Some(7), Some(9), 9)] {
            assert!(!file.answers(&other), "{other:?}");
        }
        assert!(name(None, Some(4), 4).answers(&name(None, Some(4), 100)));
    }
}
