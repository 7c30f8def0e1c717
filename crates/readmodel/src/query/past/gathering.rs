//! What could touch who had a name at a moment: everyone who could be one customer with them, everyone who claimed one of
//! their devices, and the decisions about any of these.
//!
//! What connects today connected no less then, and what is void today may have connected then; so the closure of today, and
//! what is void in it, is all there is to look at.

use std::collections::{BTreeMap, BTreeSet};

use rapport_customer::identity::{KindIndex, Role, Usable};
use rapport_touchpoint::{EventName, OrderKey, Place, Timestamp};
use rusqlite::{Connection, params};

use super::{Entangled, MOST_BYTES, MOST_IDENTIFIERS, MOST_TOUCHPOINTS, Moment};
use crate::error::Result;
use crate::identifiers::{self, Identifier, IdentifierKey};
use crate::incoming::Ready;
use crate::names::Standings;
use crate::timeline::TimelineRow;
use crate::{Definitions, Incoming, decisions, links};

/// Events whose positions are looked up together.
const TOGETHER: usize = 1_024;

/// What is to be folded.
#[derive(Default)]
pub(super) struct Gathered {
    /// Touchpoints and decisions of the moment, in the order of the log.
    pub records: Vec<Incoming>,
    /// Identifiers that were void then, whatever these tell.
    pub void: Vec<Usable>,
}

/// Either what is wanted, or why that takes everybody.
type Alone<T> = Result<std::result::Result<T, Entangled>>;

/// Passes on why it takes everybody.
macro_rules! alone {
    ($outcome:expr) => {
        match $outcome? {
            Ok(found) => found,
            Err(entangled) => return Ok(Err(entangled)),
        }
    };
}

pub(super) struct Gathering<'a> {
    connection: &'a Connection,
    definitions: &'a Definitions,
    moment: &'a Moment,
    end: OrderKey,
    last: u64,
    /// Persons who could be one customer with whom is asked for, and devices in whose hands they may be.
    found: BTreeSet<IdentifierKey>,
    open: Vec<IdentifierKey>,
    /// Persons who had one of the devices.
    claimants: BTreeSet<IdentifierKey>,
    void: BTreeMap<IdentifierKey, Usable>,
    /// By position.
    touchpoints: BTreeMap<u64, Ready>,
    bytes: usize,
    /// By position, as on the log.
    decisions: BTreeMap<u64, Vec<u8>>,
}

impl<'a> Gathering<'a> {
    pub fn of(connection: &'a Connection, definitions: &'a Definitions, moment: &'a Moment) -> Self {
        Self {
            connection,
            definitions,
            moment,
            end: moment.end(),
            last: moment.last(),
            found: BTreeSet::new(),
            open: Vec::new(),
            claimants: BTreeSet::new(),
            void: BTreeMap::new(),
            touchpoints: BTreeMap::new(),
            bytes: 0,
            decisions: BTreeMap::new(),
        }
    }

    /// All that could touch who had this identifier.
    pub fn gather(mut self, named: Identifier) -> Alone<Gathered> {
        if self.role(&named) == Role::Device && !named.void {
            // The device may have been any of theirs.
            for (claimant, _) in links::partners(self.connection, named.key)? {
                self.find(claimant);
            }
        }
        self.find(named.key);
        while let Some(next) = self.open.pop() {
            alone!(self.look_at(next));
        }
        alone!(self.look_at_claimants());
        Ok(Ok(self.gathered()))
    }

    fn gathered(self) -> Gathered {
        let Self { definitions, .. } = self;
        let touchpoints = self.touchpoints.into_iter().map(|(position, ready)| Incoming::counted(position, ready));
        let decode = |(position, json): (u64, Vec<u8>)| {
            Incoming::decode(position, Timestamp::MAX, Place::Decisions, &json, definitions)
        };
        let mut records: Vec<_> = touchpoints.chain(self.decisions.into_iter().map(decode)).collect();
        records.sort_unstable_by_key(|record| record.position);
        Gathered { records, void: self.void.into_values().collect() }
    }

    fn role(&self, identifier: &Identifier) -> Role {
        identifier.usable.role(&self.definitions.rules)
    }

    fn find(&mut self, identifier: IdentifierKey) {
        if self.found.insert(identifier) {
            self.open.push(identifier);
        }
    }

    /// Its events, and whom these, links and decisions name beside it.
    fn look_at(&mut self, next: IdentifierKey) -> Alone<()> {
        if self.found.len() + self.claimants.len() > MOST_IDENTIFIERS {
            return Ok(Err(Entangled::TooMuch { what: "identifiers", most: MOST_IDENTIFIERS }));
        }
        let known = identifiers::by_key(self.connection, next)?;
        if known.void {
            return self.judge(known);
        }
        for (partner, first) in links::partners(self.connection, next)? {
            if first >= self.end {
                continue;
            }
            match self.role(&known) {
                Role::Person => self.find(partner),
                Role::Device => drop(self.claimants.insert(partner)),
            }
        }
        self.look_at_decisions(next)?;
        let named = alone!(self.take_touchpoints(next, |_| true));
        for usable in named {
            if let Some(found) = identifiers::by_name(self.connection, &usable)? {
                self.find(found.key);
            }
        }
        Ok(Ok(()))
    }

    /// Takes the events of an anchor that are wanted, and gives whom they name.
    fn take_touchpoints(
        &mut self,
        anchor: IdentifierKey,
        is_wanted: impl Fn(&Ready) -> bool,
    ) -> Alone<BTreeSet<Usable>> {
        let mut find = self.connection.prepare_cached(
            "SELECT event, position, json FROM timeline JOIN touchpoints ON id = touchpoint
             WHERE anchor = ?1 AND event < ?2 AND position <= ?3 ORDER BY event",
        )?;
        let last = i64::try_from(self.last).unwrap_or(i64::MAX);
        let mut rows = find.query(params![anchor, self.end.as_bytes(), last])?;
        let mut named = BTreeSet::new();
        while let Some(row) = rows.next()? {
            let position = row.get(1)?;
            let row = TimelineRow { event: OrderKey::from_bytes(row.get(0)?), position, json: row.get(2)? };
            let bytes = row.json.len();
            let ready = Ready::new(row.into_event(self.definitions)?, self.definitions);
            if !is_wanted(&ready) {
                continue;
            }
            named.extend(ready.evidence.iter().cloned());
            if self.touchpoints.insert(position, ready).is_none() {
                self.bytes += bytes;
            }
            if self.touchpoints.len() > MOST_TOUCHPOINTS {
                return Ok(Err(Entangled::TooMuch { what: "touchpoints", most: MOST_TOUCHPOINTS }));
            }
            if self.bytes > MOST_BYTES {
                return Ok(Err(Entangled::TooMuch { what: "bytes of touchpoints", most: MOST_BYTES }));
            }
        }
        Ok(Ok(named))
    }

    /// What was decided of it by then, and whatever says that this does not hold.
    fn look_at_decisions(&mut self, named: IdentifierKey) -> Result<()> {
        for stored in decisions::naming(self.connection, &[named])? {
            if stored.position > self.last {
                continue;
            }
            for other in decisions::named_by(self.connection, &stored.event)? {
                self.find(other);
            }
            let mut open = vec![stored];
            while let Some(stored) = open.pop() {
                if self.decisions.insert(stored.position, stored.json).is_none() {
                    let cancelling = decisions::cancelling(self.connection, &stored.event)?;
                    open.extend(cancelling.into_iter().filter(|by| by.position <= self.last));
                }
            }
        }
        Ok(())
    }

    /// Of those who had one of the devices, the events in which they had it.
    fn look_at_claimants(&mut self) -> Alone<()> {
        let mut devices = BTreeSet::new();
        for found in &self.found {
            let known = identifiers::by_key(self.connection, *found)?;
            if self.role(&known) == Role::Device {
                devices.insert(known.usable);
            }
        }
        for claimant in std::mem::take(&mut self.claimants) {
            if self.found.contains(&claimant) {
                continue;
            }
            let known = identifiers::by_key(self.connection, claimant)?;
            if known.void {
                alone!(self.judge(known));
            } else {
                alone!(self.take_touchpoints(claimant, |ready| ready.evidence.iter().any(|one| devices.contains(one))));
            }
        }
        Ok(Ok(()))
    }

    /// What is void today either was so then, or somebody's events are where nobody finds them.
    fn judge(&mut self, known: Identifier) -> Alone<()> {
        let rules = &self.definitions.rules;
        let most = rules.most_partners(known.usable.kind);
        let connection = self.connection;
        let mut find =
            connection.prepare_cached("SELECT partner_kind, first FROM links WHERE identifier = ?1 AND first < ?2")?;
        let mut rows = find.query(params![known.key, self.end.as_bytes()])?;
        let mut met: BTreeMap<KindIndex, u32> = BTreeMap::new();
        let mut partners = Vec::with_capacity(TOGETHER);
        loop {
            while partners.len() < TOGETHER
                && let Some(row) = rows.next()?
            {
                partners.push((KindIndex(row.get(0)?), OrderKey::from_bytes(row.get(1)?)));
            }
            if partners.is_empty() {
                return Ok(Err(Entangled::Void(known.usable.to_identifier(rules))));
            }
            self.keep_known(&mut partners)?;
            for (kind, _) in partners.drain(..) {
                let met = met.entry(kind).or_default();
                *met += 1;
                if *met > most {
                    self.void.insert(known.key, known.usable);
                    return Ok(Ok(()));
                }
            }
        }
    }

    /// Leaves those whose events were on the log by then.
    fn keep_known(&self, partners: &mut Vec<(KindIndex, OrderKey)>) -> Result<()> {
        if self.moment.known_at().is_none() {
            return Ok(());
        }
        let name = |event: &OrderKey| event.source_and_id().map(|(source, id)| EventName { source, id }.hash());
        let wanted: BTreeSet<_> = partners.iter().filter_map(|(_, event)| name(event)).collect();
        let names = Standings::of(self.connection, |name| wanted.contains(name))?;
        let mut known = Vec::with_capacity(partners.len());
        for (kind, event) in partners.drain(..) {
            let position = name(&event).map(|name| names.position(name)).transpose()?.flatten();
            if position.is_some_and(|position| position <= self.last) {
                known.push((kind, event));
            }
        }
        *partners = known;
        Ok(())
    }
}
