//! A touchpoint as a row of a table: what every event has, what many are asked for, and the event itself.

use std::borrow::Cow;

use rapport_touchpoint::{Amount, Json, Object, Timestamp};

use crate::parquet_file::{Cell, Column, Kind};
use crate::wire::v1::ReplayedTouchpoint;

/// `docs/replay.md` tells what each of them is.
pub(super) const COLUMNS: [Column; 23] = [
    Column::required("position", Kind::Count),
    Column::optional("recorded_at", Kind::Moment),
    Column::optional("time", Kind::Moment),
    Column::optional("type", Kind::Text),
    Column::optional("channel", Kind::Text),
    Column::optional("source", Kind::Text),
    Column::optional("id", Kind::Text),
    Column::optional("sequence", Kind::Text),
    Column::optional("subject", Kind::Text),
    Column::required("identifiers", Kind::Texts),
    Column::optional("customer", Kind::Text),
    Column::optional("dataschema", Kind::Text),
    Column::optional("bodyhash", Kind::Text),
    Column::optional("order_id", Kind::Text),
    Column::optional("amount", Kind::Amount),
    Column::optional("currency", Kind::Text),
    Column::optional("survey", Kind::Text),
    Column::optional("instance", Kind::Text),
    Column::optional("metric", Kind::Text),
    Column::optional("score", Kind::Integer),
    Column::optional("url", Kind::Text),
    Column::optional("data", Kind::Json),
    Column::required("event", Kind::Json),
];

/// What an event does not say, or says as something else than it should, is nothing.
pub(super) fn row(touchpoint: &ReplayedTouchpoint) -> [Cell<'_>; 23] {
    let ReplayedTouchpoint { position, recorded_at, event_json, customer } = touchpoint;
    let event = match Json::parse(event_json.as_bytes()) {
        Ok(Json::Object(event)) => event,
        Ok(_) | Err(_) => Object::default(),
    };
    let nothing = Object::default();
    let data = match event.get("data") {
        Some(Json::Object(data)) => data,
        Some(_) | None => &nothing,
    };
    let recorded_at = recorded_at.as_ref().and_then(crate::event_proto::timestamp);
    let time = text(&event, "time").and_then(|time| Timestamp::parse(&time).ok());
    let amount = text(data, "amount").and_then(|amount| Amount::parse(&amount).ok());
    let data_json = event.get("data").and_then(|data| serde_json::to_string(data).ok());
    let of_event = |name| Cell::or_nothing(text(&event, name).map(Cell::Text));
    let of_data = |name| Cell::or_nothing(text(data, name).map(Cell::Text));
    [
        Cell::Count(*position),
        Cell::or_nothing(recorded_at.map(Cell::Moment)),
        Cell::or_nothing(time.map(Cell::Moment)),
        of_event("type"),
        of_event("channel"),
        of_event("source"),
        of_event("id"),
        of_event("sequence"),
        of_event("subject"),
        Cell::Texts(identifiers(&event, data)),
        Cell::or_nothing(Some(customer.as_str()).filter(|id| !id.is_empty()).map(Cell::text)),
        of_event("dataschema"),
        of_event("bodyhash"),
        of_data("order_id"),
        Cell::or_nothing(amount.map(|amount| Cell::Amount(amount.micros()))),
        of_data("currency"),
        of_data("survey"),
        of_data("instance"),
        of_data("metric"),
        Cell::or_nothing(whole(data, "score").map(Cell::Integer)),
        of_data("url"),
        Cell::or_nothing(data_json.map(Cell::text)),
        Cell::text(event_json.as_str()),
    ]
}

fn text<'a>(object: &Object<'a>, name: &str) -> Option<Cow<'a, str>> {
    match object.get(name)? {
        Json::Text(text) => Some(text.clone()),
        _ => None,
    }
}

fn whole(object: &Object<'_>, name: &str) -> Option<i64> {
    match object.get(name)? {
        Json::Number(number) => number.as_i64(),
        _ => None,
    }
}

/// As they were sent, each as `namespace:value`: the subject first, then those in the data.
fn identifiers<'a>(event: &Object<'a>, data: &Object<'a>) -> Vec<Cow<'a, str>> {
    let mut found: Vec<Cow<'a, str>> = text(event, "subject").into_iter().collect();
    let Some(Json::Object(named)) = data.get("identifiers") else { return found };
    for (namespace, value) in named.iter() {
        let values = match value {
            Json::List(values) => values.as_slice(),
            one => std::slice::from_ref(one),
        };
        for value in values {
            let identifier = match value {
                Json::Text(text) => format!("{namespace}:{text}"),
                Json::Number(number) => format!("{namespace}:{number}"),
                Json::Null | Json::Bool(_) | Json::List(_) | Json::Object(_) => continue,
            };
            if !found.iter().any(|known| *known == identifier) {
                found.push(identifier.into());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cell(event: serde_json::Value, column: &str) -> Cell<'static> {
        let event_json = event.to_string();
        let touchpoint = ReplayedTouchpoint { position: 7, event_json, ..ReplayedTouchpoint::default() };
        let place = COLUMNS.iter().position(|known| known.name == column).unwrap();
        match row(&touchpoint)[place].clone() {
            Cell::Text(text) => Cell::Text(text.into_owned().into()),
            Cell::Texts(texts) => Cell::Texts(texts.into_iter().map(|text| text.into_owned().into()).collect()),
            Cell::Nothing => Cell::Nothing,
            Cell::Integer(number) => Cell::Integer(number),
            Cell::Count(count) => Cell::Count(count),
            Cell::Flag(flag) => Cell::Flag(flag),
            Cell::Moment(moment) => Cell::Moment(moment),
            Cell::Day(day) => Cell::Day(day),
            Cell::Amount(amount) => Cell::Amount(amount),
        }
    }

    #[test]
    fn what_is_asked_for_often_has_a_column() {
        let event = json!({
            "type": "order.placed", "time": "2026-11-21T18:00:00+08:00", "subject": "user_id:42",
            "data": {"amount": "129.90", "currency": "CNY", "score": 9,
                     "identifiers": {"email": ["a@x.example", "b@x.example"], "user_id": 42, "odd": {}}},
        });
        let moment = Timestamp::parse("2026-11-21T10:00:00Z").unwrap();
        assert_eq!(cell(event.clone(), "time"), Cell::Moment(moment));
        assert_eq!(cell(event.clone(), "amount"), Cell::Amount(129_900_000));
        assert_eq!(cell(event.clone(), "score"), Cell::Integer(9));
        let identifiers = ["user_id:42", "email:a@x.example", "email:b@x.example"].map(Cow::from).to_vec();
        assert_eq!(cell(event.clone(), "identifiers"), Cell::Texts(identifiers));
        assert_eq!(cell(event, "position"), Cell::Count(7));
    }

    #[test]
    fn what_is_not_said_or_not_as_it_should_be_is_nothing() {
        let odd = json!({"time": "soon", "type": 5, "data": {"amount": 12.5, "score": 4.5, "identifiers": "none"}});
        for column in ["time", "type", "channel", "amount", "score", "recorded_at"] {
            assert_eq!(cell(odd.clone(), column), Cell::Nothing, "{column}");
        }
        assert_eq!(cell(odd, "identifiers"), Cell::Texts(Vec::new()));
        assert_eq!(cell(json!({"data": [1]}), "data"), Cell::text("[1]"));
        assert_eq!(cell(json!({}), "data"), Cell::Nothing);
    }
}
