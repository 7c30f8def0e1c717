//! The names that were seen, and what stands under each: most in the table `seen`, the latest in memory.
//!
//! A name is a hash, so on a large file each lies on a page of its own, and to write that page costs more than the rest of
//! the record. So new names wait, and a batch writes as many as it brings, those that come next in the order of names: a
//! sweep over the table finds several names for each page. What waits stands in `seen_recent` as well, a row for each
//! batch, until the sweep has gone by; from there it waits again when the file is opened.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound::{Excluded, Unbounded};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::error::{ReadModelError, Result};
use crate::identifiers::sixteen;
use crate::rows;

/// A hash of source and id.
pub(crate) type Name = [u8; 16];

/// The body that stands under a name, and where it was first.
pub(crate) type Standing = ([u8; 16], u64);

/// A name, the body and the position, one after the other.
const ENTRY: usize = 16 + 16 + 8;

/// How many names wait: about 56 bytes each in memory. A longer log has a larger table, for which more have to wait if a page
/// is to get several.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiting {
    pub least: u64,
    pub most: u64,
    /// One for each so many positions of the log.
    pub of_log: u64,
}

impl Default for Waiting {
    fn default() -> Self {
        Self { least: 65_536, most: 524_288, of_log: 8 }
    }
}

impl Waiting {
    fn at(self, position: u64) -> usize {
        usize::try_from((position / self.of_log).clamp(self.least, self.most)).unwrap_or(usize::MAX)
    }
}

/// The writer's names.
pub(crate) struct Names {
    allowed: Waiting,
    waiting: BTreeMap<Name, Standing>,
    sweep: Sweep,
}

/// How far the names are in their table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sweep {
    /// All that were first at this position or before it are.
    swept: u64,
    /// Where the read model stood when the sweep that is under way began.
    began_at: u64,
    /// The last name that it has written; `None` where it begins.
    written: Option<Name>,
}

/// What a transaction wrote, to be taken over once it is committed.
#[derive(Default)]
pub(crate) struct Written {
    new: Vec<(Name, Standing)>,
    swept: Vec<Name>,
    sweep: Option<Sweep>,
}

impl Names {
    /// Of a file that is opened: what waited when it was last written waits again.
    pub fn open(connection: &Connection) -> Result<Self> {
        let sweep = Sweep::load(connection)?;
        let mut waiting = BTreeMap::new();
        each_recent(connection, sweep.swept, |name, standing| {
            let is_in_table = standing.1 <= sweep.began_at && sweep.written.is_some_and(|written| name <= written);
            if !is_in_table {
                waiting.insert(name, standing);
            }
        })?;
        Ok(Self { allowed: Waiting::default(), waiting, sweep })
    }

    pub fn with_waiting(self, allowed: Waiting) -> Self {
        Self { allowed, ..self }
    }

    /// What stands under these names, where anything does. The table is in the order of names, and best asked in it.
    pub fn look_up(&self, tx: &Transaction<'_>, names: &[Name]) -> Result<HashMap<Name, Standing>> {
        let mut known = HashMap::with_capacity(names.len());
        for name in names {
            let standing = match self.waiting.get(name) {
                Some(waiting) => Some(*waiting),
                None => in_table(tx, *name)?,
            };
            if let Some(standing) = standing {
                known.insert(*name, standing);
            }
        }
        Ok(known)
    }

    /// Writes what is new in a batch, which leads from one position to the next, and makes room for it.
    pub fn write(&self, tx: &Transaction<'_>, new: Vec<(Name, Standing)>, from: u64, to: u64) -> Result<Written> {
        if new.is_empty() {
            return Ok(Written::default());
        }
        let entries: Vec<u8> = new.iter().flat_map(entry).collect();
        tx.prepare_cached("INSERT INTO seen_recent VALUES (?1, ?2)")?.execute(params![to, entries])?;
        let beyond = (self.waiting.len() + new.len()).saturating_sub(self.allowed.at(to));
        if beyond == 0 {
            return Ok(Written { new, ..Written::default() });
        }
        // After a crash more may wait; that is not made one batch's burden.
        let most = beyond.min(2 * new.len());
        let next = self.waiting.range((self.sweep.written.map_or(Unbounded, Excluded), Unbounded)).take(most);
        let mut insert = tx.prepare_cached("INSERT OR IGNORE INTO seen VALUES (?1, ?2, ?3)")?;
        let mut swept = Vec::with_capacity(most);
        for (name, (body, position)) in next {
            insert.execute(params![name, body, position])?;
            swept.push(*name);
        }
        let sweep = if swept.len() < most {
            Sweep { swept: self.sweep.began_at, began_at: from, written: None }
        } else {
            Sweep { written: swept.last().copied(), ..self.sweep }
        };
        sweep.write(tx)?;
        // One came, so the rows become fewer as soon as the sweep has gone by.
        tx.prepare_cached(
            "DELETE FROM seen_recent WHERE position IN
             (SELECT position FROM seen_recent WHERE position <= ?1 ORDER BY position LIMIT 2)",
        )?
        .execute([sweep.swept])?;
        Ok(Written { new, swept, sweep: Some(sweep) })
    }

    /// Takes over what was committed.
    pub fn committed(&mut self, Written { new, swept, sweep }: Written) {
        for name in &swept {
            self.waiting.remove(name);
        }
        self.waiting.extend(new);
        self.sweep = sweep.unwrap_or(self.sweep);
    }
}

impl Sweep {
    fn load(connection: &Connection) -> Result<Self> {
        let row = connection.query_row("SELECT swept, began_at, written FROM seen_sweep", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get::<_, Option<Vec<u8>>>(2)?))
        });
        let (swept, began_at, written) = row?;
        let broken =
            |written: Vec<u8>| ReadModelError::corrupt(format!("seen_sweep: a name of {} bytes", written.len()));
        let written = written.map(|written| Name::try_from(written).map_err(broken)).transpose()?;
        Ok(Self { swept, began_at, written })
    }

    fn write(&self, tx: &Transaction<'_>) -> Result<()> {
        let Self { swept, began_at, written } = self;
        tx.prepare_cached("UPDATE seen_sweep SET swept = ?1, began_at = ?2, written = ?3")?
            .execute(params![swept, began_at, written])?;
        Ok(())
    }
}

/// The names as a question finds them beside the writer.
pub(crate) struct Standings<'a> {
    connection: &'a Connection,
    recent: HashMap<Name, Standing>,
}

impl<'a> Standings<'a> {
    /// Of the names that are wanted; of these, those that may not be in the table are held in memory.
    pub fn of(connection: &'a Connection, is_wanted: impl Fn(&Name) -> bool) -> Result<Self> {
        let mut recent = HashMap::new();
        each_recent(connection, Sweep::load(connection)?.swept, |name, standing| {
            if is_wanted(&name) {
                recent.insert(name, standing);
            }
        })?;
        Ok(Self { connection, recent })
    }

    pub fn standing(&self, name: Name) -> Result<Option<Standing>> {
        match self.recent.get(&name) {
            Some(standing) => Ok(Some(*standing)),
            None => in_table(self.connection, name),
        }
    }

    /// Where the event that counts under a name was first.
    pub fn position(&self, name: Name) -> Result<Option<u64>> {
        Ok(self.standing(name)?.map(|(_, position)| position))
    }
}

/// Writes names into an empty table, in its order.
pub(crate) fn insert_all(tx: &Transaction<'_>, names: &[(Name, Standing)]) -> Result<()> {
    rows::insert_all(tx, "seen", names, |(name, (body, position))| {
        [ValueRef::Blob(name), ValueRef::Blob(body), rows::position(*position)]
    })
}

fn in_table(connection: &Connection, name: Name) -> Result<Option<Standing>> {
    let mut find = connection.prepare_cached("SELECT body, position FROM seen WHERE name = ?1")?;
    Ok(find.query_row([name], |row| Ok((sixteen(row, 0)?, row.get(1)?))).optional()?)
}

fn entry((name, (body, position)): &(Name, Standing)) -> [u8; ENTRY] {
    let mut entry = [0; ENTRY];
    entry[..16].copy_from_slice(name);
    entry[16..32].copy_from_slice(body);
    entry[32..].copy_from_slice(&position.to_be_bytes());
    entry
}

/// What [`entry`] made it of.
fn of_entry(entry: &[u8; ENTRY]) -> (Name, Standing) {
    let [name, body] = [0, 16].map(|from| std::array::from_fn(|at| entry[from + at]));
    (name, (body, u64::from_be_bytes(std::array::from_fn(|at| entry[32 + at]))))
}

/// Those of the batches after a position.
fn each_recent(connection: &Connection, after: u64, mut take: impl FnMut(Name, Standing)) -> Result<()> {
    let mut find = connection.prepare_cached("SELECT position, names FROM seen_recent WHERE position > ?1")?;
    let mut rows = find.query([after])?;
    while let Some(row) = rows.next()? {
        let names = row.get_ref(1)?.as_blob().unwrap_or_default();
        let (entries, rest) = names.as_chunks::<ENTRY>();
        if entries.is_empty() || !rest.is_empty() {
            let (position, length): (u64, _) = (row.get(0)?, names.len());
            return Err(ReadModelError::corrupt(format!(
                "seen_recent: {length} bytes of names at position {position}"
            )));
        }
        for entry in entries {
            let (name, (body, position)) = of_entry(entry);
            take(name, (body, position));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    const FEW: Waiting = Waiting { least: 8, most: 8, of_log: 1 };

    /// A name that lies anywhere among the others.
    fn name(number: u64) -> Name {
        u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes()
    }

    fn standing(number: u64) -> Standing {
        ([number as u8; 16], number)
    }

    /// A file, and batches of so many names each that were written into it.
    struct File {
        connection: Connection,
        names: Names,
        position: u64,
        _folder: tempfile::TempDir,
    }

    impl File {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let connection = schema::open_writer(&folder.path().join("model.db")).unwrap();
            let names = Names::open(&connection).unwrap().with_waiting(FEW);
            Self { connection, names, position: 0, _folder: folder }
        }

        fn batch(&mut self, count: u64, commit: bool) {
            let to = self.position + count;
            let new = (self.position + 1..=to).map(|number| (name(number), standing(number))).collect();
            let tx = self.connection.unchecked_transaction().unwrap();
            let written = self.names.write(&tx, new, self.position, to).unwrap();
            if commit {
                tx.commit().unwrap();
                self.names.committed(written);
                self.position = to;
            }
        }

        fn open_anew(&mut self) {
            self.names = Names::open(&self.connection).unwrap().with_waiting(FEW);
        }

        #[track_caller]
        fn check(&self) {
            let all: Vec<Name> = (1..=self.position + 5).map(name).collect();
            let tx = self.connection.unchecked_transaction().unwrap();
            let known = self.names.look_up(&tx, &all).unwrap();
            let found = Standings::of(&self.connection, |_| true).unwrap();
            for number in 1..=self.position + 5 {
                let stands = (number <= self.position).then(|| standing(number));
                assert_eq!(known.get(&name(number)).copied(), stands, "{number}");
                assert_eq!(found.standing(name(number)).unwrap(), stands, "{number}, beside the writer");
            }
        }

        fn count(&self, table: &str) -> u64 {
            self.connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
        }
    }

    #[test]
    fn every_name_is_found_in_memory_or_in_the_table() {
        let mut file = File::new();
        for count in [1, 3, 8, 20, 2, 2, 2, 2, 2, 2, 40, 1] {
            file.batch(count, true);
            file.check();
        }
    }

    #[test]
    fn few_wait_and_what_was_swept_is_let_go_of() {
        let mut file = File::new();
        (0..200).for_each(|_| file.batch(3, true));
        assert_eq!(file.names.waiting.len(), 8);
        assert_eq!(file.count("seen"), 592);
        assert!(file.count("seen_recent") <= 8, "{} rows", file.count("seen_recent"));
    }

    #[test]
    fn what_waited_when_the_writer_went_waits_again() {
        let mut file = File::new();
        for at in 0..60 {
            file.batch(at % 7, true);
            file.open_anew();
            file.check();
        }
        assert!(file.count("seen_recent") <= 20, "{} rows", file.count("seen_recent"));
    }

    #[test]
    fn what_was_not_committed_was_not_swept() {
        let mut file = File::new();
        for _ in 0..20 {
            file.batch(3, true);
            file.batch(5, false);
            file.check();
        }
    }
}
