//! An event and a profile as CEL values: only what the condition asks for, borrowed where it can be.
//!
//! Counts are CEL's `int`, so that they go with the numbers that one writes.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString};
use cel::common::value::Val;
use cel::{Context, Env};
use rapport_touchpoint::{Amount, Event, Json, NANOS_PER_DAY, Object, Timestamp, TraitValue};
use serde::Deserialize;
use serde_json::{Number, Value};

use super::fields::{CustomerField, EventField, Needs, Part, Variable};
use crate::{Counts, Profile};

type Cel<'v> = Box<dyn Val + 'v>;

/// The functions of the language; making them takes longer than evaluating a condition.
static LANGUAGE: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// Whole numbers above this are not told apart by a double.
const MOST_EXACT: f64 = 9_007_199_254_740_992.0;

/// The event's data, if the condition asks for it.
pub(super) fn data<'e>(needs: &Needs, event: &'e Event) -> Object<'e> {
    if needs.event.contains_key(&EventField::Data) { event.data() } else { Object::default() }
}

/// What a condition is evaluated in.
pub(super) fn context<'v>(
    needs: &Needs,
    event: &'v Event,
    data: &'v Object<'v>,
    profile: &'v Profile,
) -> Context<'v, 'v> {
    let mut context = Context::with_env(Arc::clone(&LANGUAGE));
    let of_event = |field: EventField, part| Some((field.name(), of_event(field, part, event, data)?));
    let fields = needs.event.iter().filter_map(|(field, part)| of_event(*field, part));
    context.add_variable_as_val(Variable::Event.name(), map(fields));
    let fields = needs.customer.iter().map(|(field, part)| (field.name(), of_customer(*field, part, profile)));
    context.add_variable_as_val(Variable::Customer.name(), map(fields));
    context
}

fn of_event<'v>(field: EventField, part: &Part, event: &'v Event, data: &'v Object<'v>) -> Option<Cel<'v>> {
    let touchpoint = &event.touchpoint;
    Some(match field {
        EventField::Type => text(touchpoint.event_type.as_str()),
        EventField::Channel => text(touchpoint.channel.as_str()),
        EventField::Time => moment(touchpoint.order.time),
        EventField::Source => text(&touchpoint.order.source),
        EventField::Id => text(&touchpoint.order.id),
        EventField::Subject => return subject(touchpoint.json()),
        EventField::Data => {
            let wanted = data.iter().filter(|(key, _)| part.wants(key));
            map(wanted.map(|(key, value)| (key, json(value))))
        }
    })
}

fn of_customer<'v>(field: CustomerField, part: &Part, profile: &'v Profile) -> Cel<'v> {
    let in_all = |count: fn(&crate::Orders) -> u64| int(profile.orders.values().map(count).sum());
    match field {
        CustomerField::Touchpoints => int(profile.events),
        CustomerField::FirstChannel => text(&profile.first_channel),
        CustomerField::LastChannel => text(&profile.last_channel),
        CustomerField::Channels => counts(part, &profile.channels),
        CustomerField::Types => counts(part, &profile.types),
        CustomerField::FirstSeen => moment(profile.first_seen),
        CustomerField::LastSeen => moment(profile.last_seen),
        CustomerField::DaysKnown => {
            let nanos = profile.last_seen.nanos() - profile.first_seen.nanos();
            Box::new(CelInt::from(nanos / NANOS_PER_DAY))
        }
        CustomerField::Orders => in_all(|orders| orders.orders),
        CustomerField::Refunds => in_all(|orders| orders.refunds),
        CustomerField::Units => in_all(|orders| orders.units),
        CustomerField::Revenue => {
            let wanted = profile.orders.iter().filter(|(currency, _)| part.wants(currency.code()));
            map(wanted.map(|(currency, orders)| (currency.code(), double(orders.revenue))))
        }
        CustomerField::Traits => {
            let wanted = profile.traits.iter().filter(|(name, _)| part.wants(name));
            map(wanted.map(|(name, found)| (name.as_str(), of_trait(&found.value))))
        }
        CustomerField::Consents => {
            let wanted = profile.consents.iter().filter(|(purpose, _)| part.wants(purpose));
            map(wanted.map(|(purpose, found)| (purpose.as_str(), Box::new(CelBool::from(found.granted)) as Cel<'_>)))
        }
    }
}

fn text(text: &str) -> Cel<'_> {
    Box::new(CelString::from(text))
}

fn moment<'v>(moment: Timestamp) -> Cel<'v> {
    Box::new(CelString::from(moment.to_string()))
}

/// No customer has more touchpoints than an `i64` counts.
fn int<'v>(count: u64) -> Cel<'v> {
    Box::new(CelInt::from(i64::try_from(count).unwrap_or(i64::MAX)))
}

fn double<'v>(amount: Amount) -> Cel<'v> {
    Box::new(CelDouble::from(amount.micros() as f64 / 1e6))
}

fn counts<'v>(part: &Part, counts: &'v Counts) -> Cel<'v> {
    map(counts.iter().filter(|(name, _)| part.wants(name)).map(|(name, count)| (name, int(count))))
}

fn subject<'v>(event: &'v [u8]) -> Option<Cel<'v>> {
    #[derive(Deserialize)]
    struct Attributes<'a> {
        #[serde(borrow)]
        subject: Option<Cow<'a, str>>,
    }
    let attributes: Attributes<'v> = serde_json::from_slice(event).ok()?;
    Some(Box::new(CelString::from(attributes.subject?)))
}

fn of_trait<'v>(value: &TraitValue) -> Cel<'v> {
    match serde_json::from_str(value.as_json()) {
        Ok(Value::Bool(value)) => Box::new(CelBool::from(value)),
        Ok(Value::Number(value)) => number(&value),
        Ok(Value::String(value)) => Box::new(CelString::from(value)),
        Ok(Value::Null | Value::Array(_) | Value::Object(_)) | Err(_) => Box::new(CelNull),
    }
}

fn json<'v>(value: &'v Json<'v>) -> Cel<'v> {
    match value {
        Json::Null => Box::new(CelNull),
        Json::Bool(value) => Box::new(CelBool::from(*value)),
        Json::Number(value) => number(value),
        Json::Text(value) => text(value),
        Json::List(values) => Box::new(CelList::from(values.iter().map(json).collect::<Vec<_>>())),
        Json::Object(fields) => map(fields.iter().map(|(key, value)| (key, json(value)))),
    }
}

/// To JSON, and to the body's hash, `2.0` is the integer 2; so it is here, and one body has one answer.
fn number<'v>(number: &Number) -> Cel<'v> {
    let value = number.as_f64().unwrap_or(f64::NAN);
    if value.fract() == 0.0 && value.abs() <= MOST_EXACT {
        Box::new(CelInt::from(value as i64))
    } else {
        Box::new(CelDouble::from(value))
    }
}

#[expect(clippy::disallowed_types, reason = "a map of cel is a HashMap; no condition can tell its order: see `walk`")]
fn map<'v>(entries: impl IntoIterator<Item = (&'v str, Cel<'v>)>) -> Cel<'v> {
    let entries: std::collections::HashMap<CelMapKey<'v>, Cel<'v>> =
        entries.into_iter().map(|(key, value)| (CelMapKey::from(key), value)).collect();
    Box::new(CelMap::from(entries))
}
