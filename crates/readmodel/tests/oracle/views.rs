//! The views for analysts, held against the naive reading.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use rapport_customer::identity::{CustomerId, Usable};
use rapport_customer::{Fact, FactKind};
use rapport_touchpoint::Timestamp;

use crate::naive::{Customer, Naive};
use crate::support::{World, origin};

type Lines = BTreeSet<String>;

/// As a view writes a moment.
fn moment(time: Timestamp) -> String {
    let nanos = time.nanos();
    let whole = Timestamp::from_nanos(nanos - nanos % 1_000_000_000).unwrap().to_string();
    format!("{}.{:09}Z", whole.trim_end_matches('Z'), nanos % 1_000_000_000)
}

/// As a view writes an amount.
fn money(micros: i128) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// The rows of a query, with a blank between two columns and `-` for NULL.
fn rows(world: &World, sql: &str) -> Lines {
    let mut find = world.file().prepare_cached(sql).unwrap();
    let columns = find.column_count();
    let line = |row: &rusqlite::Row<'_>| {
        let text = |at| match row.get_ref(at).unwrap() {
            rusqlite::types::ValueRef::Null => "-".to_owned(),
            rusqlite::types::ValueRef::Integer(number) => number.to_string(),
            other => other.as_str().unwrap().to_owned(),
        };
        Ok((0..columns).map(text).collect::<Vec<_>>().join(" "))
    };
    find.query_map([], line).unwrap().collect::<Result<_, _>>().unwrap()
}

/// A line for each of what `lines` says of each customer.
fn said<'a>(naive: &'a Naive, lines: impl Fn(&str, &'a Customer) -> Vec<String>) -> Lines {
    naive.customers.iter().flat_map(|(first, customer)| lines(&id_of(naive, first), customer)).collect()
}

fn id_of(naive: &Naive, first: &Usable) -> String {
    let oldest = naive.who.oldest(first).to_identifier(&naive.definitions.rules);
    CustomerId::of(&oldest, &origin().key).to_string()
}

pub fn check(world: &World, naive: &Naive) -> Result<(), TestCaseError> {
    let touchpoint = |at: &usize| &naive.who.events[*at].event.touchpoint;
    prop_assert_eq!(
        rows(world, "SELECT customer_id, position, time, channel FROM analyst_timeline"),
        said(naive, |id, customer| {
            let line = |at: &usize| {
                let (position, told) = (naive.who.events[*at].position, touchpoint(at));
                format!("{id} {position} {} {}", moment(told.order.time), told.channel)
            };
            customer.timeline.iter().map(line).collect()
        })
    );
    prop_assert_eq!(
        rows(
            world,
            "SELECT customer_id, touchpoints, first_seen, last_seen, first_channel, last_channel, identified
             FROM analyst_customers"
        ),
        said(naive, |id, customer| {
            let (first, last) = (touchpoint(&customer.timeline[0]), touchpoint(customer.timeline.last().unwrap()));
            let (from, until) = (moment(first.order.time), moment(last.order.time));
            let identified = u8::from(customer.states.identity.is_identified());
            let touchpoints = customer.timeline.len();
            vec![format!("{id} {touchpoints} {from} {until} {} {} {identified}", first.channel, last.channel)]
        })
    );
    check_orders(world, naive)?;
    check_facts(world, naive)?;
    check_identifiers(world, naive)
}

fn check_orders(world: &World, naive: &Naive) -> Result<(), TestCaseError> {
    prop_assert_eq!(
        rows(
            world,
            "SELECT customer_id, currency, orders, units, revenue, refunds, refunded, last_order
             FROM analyst_customer_orders"
        ),
        said(naive, |id, customer| {
            let profile = customer.states.profile.as_ref().unwrap();
            let line = |(currency, of): (&_, &rapport_customer::Orders)| {
                let last = of.last_order.map_or("-".to_owned(), moment);
                let (revenue, refunded) = (money(of.revenue.micros()), money(of.refunded.micros()));
                format!("{id} {currency} {} {} {revenue} {} {refunded} {last}", of.orders, of.units, of.refunds)
            };
            profile.orders.iter().map(line).collect()
        })
    );
    Ok(())
}

fn check_facts(world: &World, naive: &Naive) -> Result<(), TestCaseError> {
    let maps = &naive.definitions.journeys;
    prop_assert_eq!(
        rows(world, "SELECT customer_id, journey, stage, since, previous_stage, changes FROM analyst_customer_stages"),
        said(naive, |id, customer| {
            let by_map = customer.states.journey.as_ref().unwrap().by_map(maps);
            let line =
                |(map, progress): (&rapport_customer::journey::JourneyMap, &rapport_customer::journey::Progress)| {
                    let place = progress.place?;
                    let before = place.before.map_or("-", |before| &map.stage(before).name);
                    let (stage, since) = (&map.stage(place.stage).name, moment(place.since));
                    Some(format!("{id} {} {stage} {since} {before} {}", map.name, progress.transitions))
                };
            by_map.filter_map(line).collect()
        })
    );
    prop_assert_eq!(
        rows(world, "SELECT customer_id, time, measure, score, counts, survey FROM analyst_feedback_responses"),
        said(naive, |id, customer| {
            let line = |((kind, key), (fact, closed)): (&(FactKind, rapport_customer::FactKey), &(Fact, Option<_>))| {
                let (FactKind::Response, Fact::Response(response)) = (kind, fact) else { return None };
                let (time, counts) = (moment(key.event.time()), u8::from(closed.is_none()));
                let (measure, survey) = (response.about.measure.name(), &response.about.survey);
                Some(format!("{id} {time} {measure} {} {counts} {survey}", response.score))
            };
            customer.facts.iter().filter_map(line).collect()
        })
    );
    Ok(())
}

/// Whose each identifier is now.
fn check_identifiers(world: &World, naive: &Naive) -> Result<(), TestCaseError> {
    let rules = &naive.definitions.rules;
    let found = rows(world, "SELECT namespace || ':' || value, customer_id FROM analyst_identifiers");
    for name in naive.who.events.iter().flat_map(|seen| &seen.named) {
        let id = naive.customer(name).map_or("-".to_owned(), |(first, _)| id_of(naive, first));
        let line = format!("{} {id}", name.to_identifier(rules));
        prop_assert!(found.contains(&line), "{line:?} is not in {found:?}");
    }
    Ok(())
}
