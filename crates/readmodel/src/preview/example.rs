//! Some of those who would change: a few of today's customers, and the customers that they would be.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::census::Named;
use super::overlap::Overlap;
use crate::error::Result;
use crate::identifiers::IdentifierKey;
use crate::picture::{GoesOn, Picture, STEP};

/// Customers of one example that are looked at, and that are shown on each side.
const MOST_MET: usize = 200;
const MOST_SHOWN: usize = 10;

/// Customers of today and those that there would be, connected by touchpoints.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Example {
    /// By their earliest touchpoints; some of them.
    pub today: Vec<Named>,
    pub today_in_all: u64,
    pub then: Vec<Named>,
    pub then_in_all: u64,
    /// There are still more than those counted.
    pub more: bool,
    /// Touchpoints of these that would be nobody's.
    pub to_nobody: u64,
    /// Touchpoints that would be these's and are nobody's today.
    pub from_nobody: u64,
}

/// Keys in either read model.
#[derive(Default)]
struct Group {
    today: BTreeSet<IdentifierKey>,
    then: BTreeSet<IdentifierKey>,
    more: bool,
}

impl Overlap {
    /// The first ones by their earliest touchpoint today. `None` if nobody waits for it any more.
    pub fn examples(
        &self,
        today: &Picture,
        then: &Picture,
        most: usize,
        goes_on: GoesOn<'_>,
    ) -> Result<Option<Vec<Example>>> {
        let mut examples = Vec::new();
        if most == 0 || self.fates()?.changed() == 0 {
            return Ok(Some(examples));
        }
        let mut shown: BTreeSet<IdentifierKey> = BTreeSet::new();
        let mut everyone = today.connection.prepare("SELECT id FROM customers ORDER BY first")?;
        let mut rows = everyone.query([])?;
        let mut done = 0;
        while let Some(row) = rows.next()?
            && examples.len() < most
        {
            if done % STEP == 0 && !goes_on(done) {
                return Ok(None);
            }
            done += 1;
            let customer = row.get(0)?;
            if shown.contains(&customer) || !self.is_changed(customer)? {
                continue;
            }
            let group = self.group(customer)?;
            examples.push(self.example(today, then, &group)?);
            shown.extend(group.today);
        }
        Ok(Some(examples))
    }

    /// Everyone whom shared touchpoints connect with a customer of today's.
    fn group(&self, customer: IdentifierKey) -> Result<Group> {
        let mut of_today =
            self.connection.prepare_cached("SELECT other FROM shared WHERE today = ?1 AND other NOTNULL")?;
        let mut of_then =
            self.connection.prepare_cached("SELECT today FROM shared WHERE other = ?1 AND today NOTNULL")?;
        let mut group = Group { today: BTreeSet::from([customer]), ..Group::default() };
        let mut open = vec![customer];
        while let Some(customer) = open.pop() {
            for heir in of_today.query_map([customer], |row| row.get(0))? {
                let heir = heir?;
                if !group.has_room() {
                    return Ok(Group { more: true, ..group });
                }
                if !group.then.insert(heir) {
                    continue;
                }
                for source in of_then.query_map([heir], |row| row.get(0))? {
                    let source = source?;
                    if !group.has_room() {
                        return Ok(Group { more: true, ..group });
                    }
                    if group.today.insert(source) {
                        open.push(source);
                    }
                }
            }
        }
        Ok(group)
    }

    fn example(&self, today: &Picture, then: &Picture, group: &Group) -> Result<Example> {
        let (mut to_nobody, mut from_nobody) = (0, 0);
        for customer in &group.today {
            to_nobody += sum(&self.connection, "today = ?1 AND other IS NULL", *customer)?;
        }
        for customer in &group.then {
            from_nobody += sum(&self.connection, "other = ?1 AND today IS NULL", *customer)?;
        }
        Ok(Example {
            today: first_of(today, &group.today)?,
            today_in_all: group.today.len() as u64,
            then: first_of(then, &group.then)?,
            then_in_all: group.then.len() as u64,
            more: group.more,
            to_nobody,
            from_nobody,
        })
    }
}

impl Group {
    fn has_room(&self) -> bool {
        self.today.len() + self.then.len() < MOST_MET
    }
}

fn sum(connection: &Connection, of: &str, customer: IdentifierKey) -> Result<u64> {
    let mut find =
        connection.prepare_cached(&format!("SELECT coalesce(sum(touchpoints), 0) FROM shared WHERE {of}"))?;
    Ok(find.query_row([customer], |row| row.get(0))?)
}

fn first_of(picture: &Picture, customers: &BTreeSet<IdentifierKey>) -> Result<Vec<Named>> {
    let mut named = customers.iter().map(|customer| picture.named(*customer)).collect::<Result<Vec<_>>>()?;
    named.sort_by(|one, other| one.earliest.cmp(&other.earliest));
    named.truncate(MOST_SHOWN);
    Ok(named)
}
