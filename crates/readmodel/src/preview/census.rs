//! What the rules made of a log, in numbers.

use std::collections::BTreeMap;

use rapport_customer::identity::{CustomerId, KindIndex, Limit, Rules};
use rapport_touchpoint::{Identifier, OrderKey};
use rusqlite::Connection;

use crate::error::Result;
use crate::identifiers::{self, IdentifierKey};
use crate::picture::Picture;
use crate::{customers, decisions, links, totals};

/// Customers that are shown as the biggest ones.
const MOST_BIGGEST: usize = 10;

/// What refused a link or a merge, as the rules that were in force call it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// So many identifiers of this namespace has a customer at most.
    Most(String),
    /// So many person identifiers has a customer at most.
    MostPersons,
    /// A split by hand.
    Split,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    pub customers: u64,
    /// Known by more than a device.
    pub identified: u64,
    /// Of all customers.
    pub touchpoints: u64,
    /// Touchpoints that name nobody who counts.
    pub of_nobody: u64,
    pub refused_links: BTreeMap<Rule, u64>,
    pub refused_merges: BTreeMap<Rule, u64>,
    /// By namespace.
    pub void_identifiers: BTreeMap<String, u64>,
    pub biggest: Biggest,
}

/// The ten biggest customers; of equals, who came first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Biggest {
    pub by_touchpoints: Vec<Named>,
    pub by_identifiers: Vec<Named>,
}

/// A customer, told from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub id: CustomerId,
    /// Some of those of the person, the oldest first; of a device that nobody claimed, its own.
    pub identifiers: Vec<Identifier>,
    pub identifiers_in_all: u64,
    pub touchpoints: u64,
    pub earliest: OrderKey,
}

impl Picture {
    pub fn census(&self) -> Result<Census> {
        let (connection, rules) = (&self.connection, &self.definitions.rules);
        let sum =
            |name: &str| Ok::<_, crate::ReadModelError>(u64::try_from(totals::sum(connection, name)?).unwrap_or(0));
        let touchpoints: u64 =
            connection.query_row("SELECT coalesce(sum(events), 0) FROM customers", [], |row| row.get(0))?;
        let void = identifiers::void_by_kind(connection)?;
        Ok(Census {
            customers: sum("customers")?,
            identified: sum("identified")?,
            touchpoints,
            of_nobody: sum("touchpoints")?.saturating_sub(touchpoints),
            refused_links: by_rule(links::refused_by_limit(connection)?, rules),
            refused_merges: by_rule(decisions::refused_by_limit(connection)?, rules),
            void_identifiers: void.into_iter().map(|(kind, count)| (namespace(kind, rules), count)).collect(),
            biggest: Biggest {
                by_touchpoints: self.all_named("SELECT id FROM customers ORDER BY events DESC, first LIMIT ?1")?,
                by_identifiers: self.all_named(
                    "SELECT root FROM identifiers JOIN customers ON customers.id = root
                     GROUP BY root ORDER BY count(*) DESC, customers.first LIMIT ?1",
                )?,
            },
        })
    }

    /// Are customers made by the same rules in both?
    pub fn has_the_rules_of(&self, other: &Self) -> bool {
        self.definitions.rules.canonical() == other.definitions.rules.canonical()
    }

    fn all_named(&self, biggest: &str) -> Result<Vec<Named>> {
        let mut find = self.connection.prepare(biggest)?;
        let keys = find.query_map([MOST_BIGGEST as u64], |row| row.get(0))?;
        keys.map(|key| self.named(key?)).collect()
    }

    pub(crate) fn named(&self, customer: IdentifierKey) -> Result<Named> {
        let identifiers_in_all = identifiers::members(&self.connection, customer)?.len().max(1) as u64;
        let (id, identifiers) = self.name(customer);
        let (earliest, touchpoints) = row(&self.connection, customer)?;
        let id = id.ok_or_else(|| no_name(customer))?;
        Ok(Named { id, identifiers, identifiers_in_all, touchpoints, earliest })
    }
}

fn no_name(customer: IdentifierKey) -> crate::ReadModelError {
    crate::ReadModelError::corrupt(format!("customer {} has no identifier", customer.0))
}

fn row(connection: &Connection, customer: IdentifierKey) -> Result<(OrderKey, u64)> {
    customers::first_and_events(connection, customer)?
        .ok_or_else(|| crate::ReadModelError::corrupt(format!("customer {} has touchpoints but no row", customer.0)))
}

fn by_rule(counted: BTreeMap<Limit, u64>, rules: &Rules) -> BTreeMap<Rule, u64> {
    let rule = |limit| match limit {
        Limit::OfKind(kind) => Rule::Most(namespace(kind, rules)),
        Limit::InAll => Rule::MostPersons,
        Limit::Apart => Rule::Split,
    };
    counted.into_iter().map(|(limit, count)| (rule(limit), count)).collect()
}

fn namespace(kind: KindIndex, rules: &Rules) -> String {
    rules.kind(kind).namespace.clone()
}
