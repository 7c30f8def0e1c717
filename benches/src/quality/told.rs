//! How it reaches the log: with values of offices and placeholders in between, and some of it late.

use rapport_touchpoint::Timestamp;
use serde_json::{Map, Value, json};

use super::life::{Touch, Trouble};
use super::people::{Population, pick};
use crate::random::Random;

/// Events with a value that names nobody, and events with an office's, per mille.
const PLACEHOLDERS: u64 = 5;
const OFFICES: u64 = 5;
const LATE: u64 = 50;
const LATEST_S: u64 = 30 * 86_400;
/// 2025-01-01T00:00:00Z.
const FIRST_SECOND: u64 = 1_735_689_600;

const NOBODY: [(&str, &str); 8] = [
    ("user_id", "undefined"),
    ("user_id", "0"),
    ("email", "null"),
    ("email", "test@example.com"),
    ("email", "noreply@acme.example"),
    ("phone", "unknown"),
    ("anonymous_id", "00000000-0000-0000-0000-000000000000"),
    ("device_id", "null"),
];

/// Somebody at a desk types the office's own number or address beside what is known; a program writes a placeholder in the
/// place of a value.
pub fn spoil(touches: &mut [Touch], population: &Population, random: &mut Random) {
    for touch in touches {
        if random.per_mille(PLACEHOLDERS) {
            let (namespace, value) = NOBODY[random.below(NOBODY.len() as u64) as usize];
            touch.identifiers.retain(|(known, _)| *known != namespace);
            touch.identifiers.push((namespace, value.to_owned()));
            touch.trouble = Trouble::Placeholder;
        } else if random.per_mille(OFFICES) {
            touch.identifiers.push(pick(&population.offices, random).clone());
            touch.trouble = Trouble::Office;
        }
    }
}

/// The places of the touches, in the order in which they arrive.
pub fn arrival(touches: &[Touch], random: &mut Random) -> Vec<usize> {
    let mut arrives: Vec<(u64, usize)> = touches
        .iter()
        .enumerate()
        .map(|(place, touch)| {
            let delay = if random.per_mille(LATE) { random.below(LATEST_S) } else { 0 };
            (touch.second + delay, place)
        })
        .collect();
    arrives.sort_unstable();
    arrives.into_iter().map(|(_, place)| place).collect()
}

/// The event, named by its place among the touches.
pub fn event(place: usize, touch: &Touch) -> Value {
    let mut data = match touch.event_type {
        "page.viewed" => json!({"url": "https://shop.example.com/tea"}),
        "order.placed" => json!({"order_id": place.to_string(), "amount": "19.90", "currency": "EUR"}),
        "form.submitted" => json!({"form_id": "newsletter"}),
        "email.opened" | "email.clicked" => json!({"message_id": place.to_string()}),
        "call.completed" => json!({"direction": "inbound"}),
        _ => json!({}),
    };
    let mut identifiers: Map<String, Value> = Map::new();
    for (namespace, value) in &touch.identifiers {
        match identifiers.entry(*namespace).or_insert_with(|| json!([])) {
            Value::Array(values) => values.push(json!(value)),
            _ => unreachable!("it was made as a list"),
        }
    }
    data["identifiers"] = Value::Object(identifiers);
    let nanos = (FIRST_SECOND + touch.second) as i64 * 1_000_000_000;
    json!({
        "specversion": "1.0", "id": place.to_string(), "source": "quality", "type": touch.event_type,
        "channel": touch.channel, "data": data,
        "time": Timestamp::from_nanos(nanos).map(|time| time.to_string()),
    })
}
