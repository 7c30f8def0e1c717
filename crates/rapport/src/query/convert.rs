//! From what the read models hold to what the wire carries.

use std::cmp::Reverse;
use std::collections::HashMap;

use rapport_customer::{Counts, JourneyMaps, Profile, States, Totals};
use rapport_readmodel::{CustomerAnswer, Discard, ParkedEvent, TimelineEntry, TraitSet};
use rapport_touchpoint::{Amount, Currency, Identifier, Timestamp};

use crate::wire::v1;

mod feedback;
mod identity;
mod journey;

pub(super) use feedback::{feedback_given, response, score_row};
pub(super) use identity::{decision, explanation, refusal, refusals_by_rule, void};
pub(super) use journey::{funnel_row, journeys, transition};

/// What names beyond those told apart are counted under.
const OTHER: &str = "(other)";

pub(crate) fn timestamp(moment: Timestamp) -> prost_types::Timestamp {
    let moment = moment.to_datetime();
    let nanos = i32::try_from(moment.nanosecond()).expect("a second has less than 2^31 nanoseconds");
    prost_types::Timestamp { seconds: moment.unix_timestamp(), nanos }
}

pub(super) fn customer(answer: &CustomerAnswer, maps: &JourneyMaps) -> v1::Customer {
    let mut customer =
        v1::Customer { id: answer.id.to_string(), touchpoints: answer.events, ..v1::Customer::default() };
    let States { identity, profile, journey: _, feedback } = &answer.states;
    customer.identifiers = identity.persons.iter().map(identifier).collect();
    customer.devices = identity.devices.iter().map(identifier).collect();
    customer.devices_in_all = identity.devices_in_all;
    if let Some(profile) = profile {
        with_profile(&mut customer, profile);
    }
    customer.journeys = journeys(&answer.states, maps);
    let given = feedback.iter().flat_map(|feedback| &feedback.by_measure);
    customer.feedback = given.map(|(measure, given)| feedback_given(*measure, given)).collect();
    customer
}

fn identifier(identifier: &Identifier) -> v1::Identifier {
    v1::Identifier { namespace: identifier.namespace.clone(), value: identifier.value.clone() }
}

fn with_profile(customer: &mut v1::Customer, profile: &Profile) {
    customer.display_name = profile.display_name().unwrap_or_default();
    customer.first_seen = Some(timestamp(profile.first_seen));
    customer.last_seen = Some(timestamp(profile.last_seen));
    customer.first_channel.clone_from(&profile.first_channel);
    customer.last_channel.clone_from(&profile.last_channel);
    customer.channels = counts(&profile.channels);
    customer.types = counts(&profile.types);
    let traits = profile.traits.iter().map(|(name, found)| v1::Trait {
        name: name.clone(),
        value_json: found.value.as_json().to_owned(),
        since: Some(timestamp(found.since)),
    });
    customer.traits = traits.collect();
    let orders = profile.orders.iter().map(|(currency, orders)| v1::Orders {
        currency: currency.to_string(),
        orders: orders.orders,
        units: orders.units,
        revenue: orders.revenue.display_in(*currency),
        refunds: orders.refunds,
        refunded: orders.refunded.display_in(*currency),
        last_order: orders.last_order.map(timestamp),
    });
    customer.orders = orders.collect();
    let interests = profile.interests.iter().map(|(category, interest)| v1::Interest {
        category: category.clone(),
        weight: interest.weight,
        last_seen: Some(timestamp(interest.last_seen)),
    });
    customer.interests = interests.collect();
    customer.interests.sort_by_key(|interest| Reverse(interest.weight));
    let consents = profile.consents.iter().map(|(purpose, consent)| v1::Consent {
        purpose: purpose.clone(),
        granted: consent.granted,
        since: Some(timestamp(consent.since)),
    });
    customer.consents = consents.collect();
    let items = profile.recent_items.iter().map(|item| v1::RecentItem {
        sku: item.sku.clone(),
        name: item.name.clone().unwrap_or_default(),
        ordered: item.ordered,
        time: Some(timestamp(item.time)),
    });
    customer.recent_items = items.collect();
}

fn counts(counts: &Counts) -> HashMap<String, u64> {
    let mut named: HashMap<String, u64> = counts.iter().map(|(name, count)| (name.to_owned(), count)).collect();
    if counts.beyond() > 0 {
        named.insert(OTHER.to_owned(), counts.beyond());
    }
    named
}

pub(super) fn timeline_entry(entry: TimelineEntry) -> v1::TimelineEntry {
    let touchpoint = entry.touchpoint;
    v1::TimelineEntry {
        position: entry.position,
        time: Some(timestamp(touchpoint.order.time)),
        r#type: touchpoint.event_type.to_string(),
        channel: touchpoint.channel.to_string(),
        source: touchpoint.order.source.clone(),
        id: touchpoint.order.id.clone(),
        event_json: String::from_utf8_lossy(touchpoint.json()).into_owned(),
    }
}

pub(super) fn trait_change(change: TraitSet) -> v1::TraitChange {
    let TraitSet { value, position, key: _, touchpoint } = change;
    v1::TraitChange {
        value_json: value.map(|value| value.as_json().to_owned()).unwrap_or_default(),
        time: Some(timestamp(touchpoint.order.time)),
        r#type: touchpoint.event_type.to_string(),
        channel: touchpoint.channel.to_string(),
        source: touchpoint.order.source,
        id: touchpoint.order.id,
        position,
    }
}

pub(super) fn totals(totals: &Totals) -> v1::TotalsResponse {
    let count = |name: &str| as_count(totals.get(name));
    let sliced = |counter: &str| totals.slices(counter).map(|(name, sum)| (name.to_owned(), as_count(sum))).collect();
    let mut currencies: Vec<Currency> = ["orders", "refunds"]
        .iter()
        .flat_map(|of| totals.slices(of))
        .filter_map(|(code, _)| Currency::parse(code).ok())
        .collect();
    currencies.sort_unstable();
    currencies.dedup();
    let in_currency = |currency: Currency| {
        let count = |counter: &str| as_count(totals.get(&format!("{counter}/{currency}")));
        let money =
            |counter: &str| Amount::from_micros(totals.get(&format!("{counter}/{currency}"))).display_in(currency);
        v1::Orders {
            currency: currency.to_string(),
            orders: count("orders"),
            units: count("units"),
            revenue: money("revenue"),
            refunds: count("refunds"),
            refunded: money("refunded"),
            last_order: None,
        }
    };
    v1::TotalsResponse {
        customers: count("customers"),
        identified: count("identified"),
        buyers: count("buyers"),
        touchpoints: count("touchpoints"),
        anonymous: as_count(totals.get("touchpoints") - totals.get("events")),
        orders: totals.slices("orders").map(|(_, orders)| as_count(orders)).sum(),
        by_currency: currencies.into_iter().map(in_currency).collect(),
        by_type: sliced("type"),
        by_channel: sliced("channel"),
        freshness: None,
    }
}

fn as_count(sum: i128) -> u64 {
    u64::try_from(sum).unwrap_or_default()
}

pub(super) fn parked(event: ParkedEvent) -> v1::ParkedEvent {
    v1::ParkedEvent {
        position: event.position,
        recorded_at: Some(timestamp(event.recorded_at)),
        source: event.source,
        id: event.id,
        r#type: event.event_type,
        reason: event.reason,
        record: event.record.to_string(),
        discarded: event.discarded.map(discard),
    }
}

fn discard(discard: Discard) -> v1::Discard {
    let Discard { position, time, reason, by } = discard;
    v1::Discard { position, time: Some(timestamp(time)), reason, by }
}
