//! Dedup: which records stand under their source and id, which are retries, and which are parked. As [`crate::seen`] does it,
//! for the whole log at once.

use rusqlite::Transaction;

use super::error::{BulkError, Result};
use super::sorting::{Merge, Sorted, Sorter};
use crate::seen::{self, Conflict};
use crate::{MOST_SHOWN, names, rows};

/// What is asked about one readable record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate {
    pub name: [u8; 16],
    pub position: u64,
    pub body: [u8; 16],
    /// It was discarded, and so never stands.
    pub is_out: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Stands,
    /// It stands, but happened after the moment that is meant.
    Later,
    Retry,
    Discarded,
    /// Another body stands under its name, at this position.
    Conflict(u64),
}

impl Verdict {
    /// Why a record is parked, if it is.
    pub fn reason(self) -> Option<String> {
        match self {
            Self::Stands | Self::Later | Self::Retry => None,
            Self::Discarded => Some(seen::DISCARDED.to_owned()),
            Self::Conflict(standing) => Some(seen::conflict(standing)),
        }
    }
}

impl Candidate {
    pub fn push(&self, into: &mut Sorter) -> Result<()> {
        into.push(&[&self.name, &self.position.to_be_bytes()], &[&self.body, &[u8::from(self.is_out)]])
    }

    fn read(key: &[u8], rest: &[u8]) -> Option<Self> {
        let (name, position) = key.split_first_chunk()?;
        let (body, is_out) = rest.split_first_chunk()?;
        Some(Self {
            name: *name,
            position: u64::from_be_bytes(position.try_into().ok()?),
            body: *body,
            is_out: *is_out.first()? == 1,
        })
    }
}

/// Judges all candidates, by name and then by position.
fn judge(names: &Sorted, mut take: impl FnMut(&Candidate, Verdict) -> Result<()>) -> Result<()> {
    let mut merge = names.read()?;
    let mut standing: Option<Candidate> = None;
    while let Some(record) = merge.next()? {
        let candidate = Candidate::read(record.key, record.rest).ok_or_else(|| BulkError::torn("a name"))?;
        let verdict = match standing.filter(|standing| standing.name == candidate.name) {
            Some(standing) if standing.body != candidate.body => Verdict::Conflict(standing.position),
            _ if candidate.is_out => Verdict::Discarded,
            Some(_) => Verdict::Retry,
            None => {
                standing = Some(candidate);
                Verdict::Stands
            }
        };
        take(&candidate, verdict)?;
    }
    Ok(())
}

/// What does not stand.
pub(super) struct Judged {
    dropped: Sorted,
    pub duplicates: u64,
    pub conflicts: u64,
}

impl Judged {
    /// `dropped` takes what does not stand.
    pub fn of(names: &Sorted, mut dropped: Sorter) -> Result<Self> {
        let (mut duplicates, mut conflicts) = (0, 0);
        judge(names, |candidate, verdict| {
            let (tag, standing) = match verdict {
                Verdict::Stands | Verdict::Later => return Ok(()),
                Verdict::Retry => {
                    duplicates += 1;
                    (0, 0)
                }
                Verdict::Discarded => (1, 0),
                Verdict::Conflict(standing) => {
                    conflicts += 1;
                    (2, standing)
                }
            };
            dropped.push(&[&candidate.position.to_be_bytes()], &[&[tag], &standing.to_be_bytes()])
        })?;
        Ok(Self { dropped: dropped.sorted()?, duplicates, conflicts })
    }

    /// To be asked for positions that rise.
    pub fn verdicts(&self) -> Result<Verdicts<'_>> {
        let mut verdicts = Verdicts { merge: self.dropped.read()?, next: None };
        verdicts.step()?;
        Ok(verdicts)
    }

    /// The first of the conflicts, in the order of the log.
    pub fn first_conflicts(&self) -> Result<Vec<Conflict>> {
        let mut told = Vec::new();
        let mut verdicts = self.verdicts()?;
        while let Some((parked, verdict)) = verdicts.next
            && told.len() < MOST_SHOWN
        {
            if let Verdict::Conflict(standing) = verdict {
                told.push(Conflict { standing, parked });
            }
            verdicts.step()?;
        }
        Ok(told)
    }
}

/// What does not stand, by position.
pub(super) struct Verdicts<'a> {
    merge: Merge<'a>,
    next: Option<(u64, Verdict)>,
}

impl Verdicts<'_> {
    pub fn of(&mut self, position: u64) -> Result<Verdict> {
        while let Some((at, verdict)) = self.next
            && at <= position
        {
            if at == position {
                return Ok(verdict);
            }
            self.step()?;
        }
        Ok(Verdict::Stands)
    }

    fn step(&mut self) -> Result<()> {
        let torn = || BulkError::torn("a verdict");
        self.next = match self.merge.next()? {
            None => None,
            Some(record) => {
                let position = u64::from_be_bytes(record.key.try_into().map_err(|_| torn())?);
                let (tag, standing) = record.rest.split_first().ok_or_else(torn)?;
                let standing = u64::from_be_bytes(standing.try_into().map_err(|_| torn())?);
                let verdict = match tag {
                    0 => Verdict::Retry,
                    1 => Verdict::Discarded,
                    2 => Verdict::Conflict(standing),
                    _ => return Err(torn()),
                };
                Some((position, verdict))
            }
        };
        Ok(())
    }
}

/// Writes what stands.
pub(super) fn write(tx: &Transaction<'_>, names: &Sorted) -> Result<()> {
    let mut standing = Vec::with_capacity(rows::GATHERED);
    judge(names, |Candidate { name, body, position, .. }, verdict| {
        if verdict == Verdict::Stands {
            standing.push((*name, (*body, *position)));
        }
        if standing.len() == rows::GATHERED {
            names::insert_all(tx, &standing)?;
            standing.clear();
        }
        Ok(())
    })?;
    Ok(names::insert_all(tx, &standing)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names, bodies and marks in the order of the log: `a1` is the body 1 under the name a, `a1!` one that was discarded.
    fn check(log: &str, verdicts: &str) {
        let folder = tempfile::tempdir().unwrap();
        let mut names = Sorter::new(folder.path().join("names"), 40);
        let mut positions = 0;
        for (at, said) in log.split_whitespace().enumerate() {
            let said = said.as_bytes();
            positions = at as u64 + 1;
            let (name, body, is_out) = ([said[0]; 16], [said[1]; 16], said.get(2) == Some(&b'!'));
            Candidate { name, position: positions, body, is_out }.push(&mut names).unwrap();
        }
        let names = names.sorted().unwrap();
        let judged = Judged::of(&names, Sorter::new(folder.path().join("dropped"), 40)).unwrap();
        let mut found = judged.verdicts().unwrap();
        let shown = (1..=positions).map(|position| match found.of(position).unwrap() {
            Verdict::Stands => "stands".to_owned(),
            Verdict::Later => "later".to_owned(),
            Verdict::Retry => "retry".to_owned(),
            Verdict::Discarded => "discarded".to_owned(),
            Verdict::Conflict(standing) => standing.to_string(),
        });
        assert_eq!(shown.collect::<Vec<_>>().join(" "), verdicts);
    }

    #[test]
    fn the_first_body_under_a_name_stands() {
        check("a1 b1 a1 a2 b1 c1 a1", "stands stands retry 1 retry stands retry");
    }

    #[test]
    fn what_was_discarded_stands_for_nothing() {
        check("a1! a2 a1 a2!", "discarded stands 2 discarded");
        check("a1! a1 a1!", "discarded stands discarded");
    }
}
