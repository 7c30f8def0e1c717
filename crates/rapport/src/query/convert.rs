//! From what the read models hold to what the wire carries.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message;
use rapport_customer::{Counts, JourneyMaps, Profile, States, Totals};
use rapport_readmodel::{CustomerAnswer, Discard, Glimpse, ParkedEvent, TraitSet};
use rapport_touchpoint::{Amount, Currency, Identifier, NANOS_PER_SECOND, Timestamp};

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
    let nanos = i32::try_from(moment.nanos().rem_euclid(NANOS_PER_SECOND));
    let nanos = nanos.expect("a second has less than 2^31 nanoseconds");
    prost_types::Timestamp { seconds: moment.nanos().div_euclid(NANOS_PER_SECOND), nanos }
}

pub(super) fn customer(answer: CustomerAnswer, maps: &JourneyMaps) -> v1::Customer {
    let mut customer =
        v1::Customer { id: answer.id.to_string(), touchpoints: answer.events, ..v1::Customer::default() };
    customer.journeys = journeys(&answer.states, maps);
    let States { identity, profile, journey: _, feedback } = answer.states;
    customer.identifiers = identity.persons.into_iter().map(identifier).collect();
    customer.devices = identity.devices.into_iter().map(identifier).collect();
    customer.devices_in_all = identity.devices_in_all;
    if let Some(profile) = profile {
        with_profile(&mut customer, *profile);
    }
    let given = feedback.iter().flat_map(|feedback| &feedback.by_measure);
    customer.feedback = given.map(|(measure, given)| feedback_given(*measure, given)).collect();
    customer
}

pub(super) fn encoded_customer(answer: CustomerAnswer, maps: &JourneyMaps) -> Bytes {
    Bytes::from(customer(answer, maps).encode_to_vec())
}

fn identifier(identifier: Identifier) -> v1::Identifier {
    let Identifier { namespace, value } = identifier;
    v1::Identifier { namespace, value }
}

fn with_profile(customer: &mut v1::Customer, profile: Profile) {
    customer.display_name = profile.display_name().unwrap_or_default();
    customer.first_seen = Some(timestamp(profile.first_seen));
    customer.last_seen = Some(timestamp(profile.last_seen));
    customer.first_channel = profile.first_channel;
    customer.last_channel = profile.last_channel;
    customer.channels = counts(profile.channels);
    customer.types = counts(profile.types);
    let traits = profile.traits.into_iter().map(|(name, found)| v1::Trait {
        name,
        value_json: found.value.into_json(),
        since: Some(timestamp(found.since)),
    });
    customer.traits = traits.collect();
    let orders = profile.orders.into_iter().map(|(currency, orders)| v1::Orders {
        currency: currency.to_string(),
        orders: orders.orders,
        units: orders.units,
        revenue: orders.revenue.display_in(currency),
        refunds: orders.refunds,
        refunded: orders.refunded.display_in(currency),
        last_order: orders.last_order.map(timestamp),
    });
    customer.orders = orders.collect();
    let interests = profile.interests.into_iter().map(|(category, interest)| v1::Interest {
        category,
        weight: interest.weight,
        last_seen: Some(timestamp(interest.last_seen)),
    });
    customer.interests = interests.collect();
    customer.interests.sort_by_key(|interest| Reverse(interest.weight));
    let consents = profile.consents.into_iter().map(|(purpose, consent)| v1::Consent {
        purpose,
        granted: consent.granted,
        since: Some(timestamp(consent.since)),
    });
    customer.consents = consents.collect();
    let items = profile.recent_items.into_iter().map(|item| v1::RecentItem {
        sku: item.sku,
        name: item.name.unwrap_or_default(),
        ordered: item.ordered,
        time: Some(timestamp(item.time)),
    });
    customer.recent_items = items.collect();
}

fn counts(counts: Counts) -> BTreeMap<String, u64> {
    let beyond = counts.beyond();
    let mut named = counts.into_by_name();
    if beyond > 0 {
        named.insert(OTHER.to_owned(), beyond);
    }
    named
}

pub(super) fn timeline_entry(seen: Glimpse) -> v1::TimelineEntry {
    let Glimpse { position, key, event_type, channel, json } = seen;
    let (source, id) = key.source_and_id().unwrap_or_default();
    v1::TimelineEntry {
        position,
        time: Some(timestamp(key.time())),
        r#type: event_type.into_string(),
        channel: channel.into_string(),
        source,
        id,
        event_json: String::from_utf8(json)
            .unwrap_or_else(|broken| String::from_utf8_lossy(broken.as_bytes()).into_owned()),
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
