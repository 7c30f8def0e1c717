//! JSON as hardly anybody writes it: it is read as `serde_json::Value` reads it, and says the same as its plain form.

#![allow(clippy::unwrap_used)]

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::select;
use rapport_touchpoint::{Catalogue, Event, Json, Object, Timestamp, Violation, glance, read, receive, reread};
use serde_json::{Map, Value, json};

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::built_in);

fn now() -> Timestamp {
    Timestamp::parse("2026-11-21T10:00:00Z").unwrap()
}

const NUMBERS: &[&str] = &[
    "0",
    "7",
    "-1",
    "-0",
    "1.0",
    "1e5",
    "0.10",
    "1e21",
    "1e400",
    "01",
    "9007199254740993",
    "18446744073709551615",
    "-9223372036854775809",
    "123456789012345678901234567890",
];
const TEXTS: &[&str] = &[
    r#""""#,
    r#""a""#,
    r#""\u0061""#,
    r#""é\u00e9""#,
    r#""\ud83d\ude00\n\/\"\\""#,
    r#""\ud800""#,
    r#""a\u0000b""#,
    r#""web""#,
    r#""order.placed""#,
    r#""product.viewed\/1""#,
    r#""2024-02-29T23:59:59.120Z""#,
    r#""2024-01-01t00:00:00+08:00""#,
    r#""129.90""#,
    r#""user_id:42""#,
];
const NAMES: &[&str] = &[
    r#""id""#,
    r#""\u0069d""#,
    r#""type""#,
    r#""channel""#,
    r#""subject""#,
    r#""time""#,
    r#""sequence""#,
    r#""dataschema""#,
    r#""bodyhash""#,
    r#""data""#,
    r#""identifiers""#,
    r#""amount""#,
    r#""sku""#,
    r#""product_id""#,
    r#""traceid""#,
    r#""É""#,
    r#""""#,
];
const SPACES: &[&str] = &["", "", "", " ", "\n\t", "\r\n"];

/// JSON, or nearly.
fn text() -> impl Strategy<Value = String> {
    let word = select(&["null", "true", "false", "nul", ""][..]);
    let leaf = prop_oneof![select(NUMBERS), select(TEXTS), word].prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 5, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..4).prop_map(|values| format!("[{}]", values.join(",")));
        prop_oneof![list, prop::collection::vec(field(inner), 0..5).prop_map(|fields| object(&fields))]
    })
}

fn field(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (select(NAMES), select(SPACES), value).prop_map(|(name, space, value)| format!("{space}{name}{space}:{value}"))
}

fn object(fields: &[String]) -> String {
    format!("{{{}}}", fields.join(","))
}

/// A good event's fields in any order, with others before, between and behind.
fn event() -> impl Strategy<Value = String> {
    let order =
        r#""order_id": "8841", "amount": "129.90", "currency": "CNY", "items": [{"sku": "s", "quantity": 2.0}]"#;
    let data = [
        (r#""order.placed""#, order),
        (r#""product.viewed""#, r#""product_id": "s", "category": "tea""#),
        (r#""survey.answered""#, r#""survey": "s", "metric": "nps", "score": 1e1"#),
        (r#""customer.identified""#, r#""traits": {"a": 1.50, "b": "\u0061", "c": null, "d": true}"#),
        (r#""fitting.booked""#, r#""room": 3"#),
    ];
    let identifiers = r#""identifiers": {"user_id": 42, "email": ["a@x.org", null], "phone": null}"#;
    (select(data.to_vec()), prop::collection::vec(field(text()), 0..2), prop::collection::vec(field(text()), 0..2))
        .prop_flat_map(move |((event_type, data), more, strange)| {
            let version = if event_type.contains("viewed") { r#", "dataschema": "product.viewed\/1""# } else { "" };
            let mut inner = vec![data.to_owned(), identifiers.to_owned()];
            inner.extend(more);
            let mut fields = vec![
                r#""specversion": "1.0", "id": "ord\u002d8841""#.to_owned(),
                r#""source": "shop/web", "channel": "web""#.to_owned(),
                r#""time": "2026-11-20T09:30:00.120Z""#.to_owned(),
                format!(r#""type": {event_type}{version}"#),
                format!(r#""data": {}"#, object(&inner)),
            ];
            fields.extend(strange);
            Just(fields).prop_shuffle()
        })
        .prop_map(|fields| object(&fields))
}

fn without_json(read: Result<Event, Vec<Violation>>) -> Result<String, Vec<Violation>> {
    let event = read?;
    let touchpoint = event.touchpoint.clone();
    let (order, content, data) = (&touchpoint.order, &event.content, event.data());
    let (channel, schema, hash) = (&touchpoint.channel, touchpoint.schema, touchpoint.body_hash);
    Ok(format!("{order:?} {channel} {schema:?} {hash} {:?} {content:?} {data:?}", touchpoint.identifiers))
}

/// The body's hash by the letter: all that the producer sent, in canonical JSON.
fn hash_by_the_letter(event: &Map<String, Value>) -> String {
    let mut body = event.clone();
    body.retain(|name, value| name != "bodyhash" && !value.is_null());
    if let Some(Ok(time)) = body.get("time").and_then(Value::as_str).map(Timestamp::parse) {
        body.insert("time".to_owned(), time.to_string().into());
    }
    body.values_mut().for_each(long_integers_as_text);
    let hash = blake3::hash(&serde_json_canonicalizer::to_vec(&body).unwrap());
    hash.to_hex()[..32].to_owned()
}

fn long_integers_as_text(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(digits) = number.as_i128().filter(|digits| *digits as f64 as i128 != *digits) {
                *value = digits.to_string().into();
            }
        }
        Value::Array(values) => values.iter_mut().for_each(long_integers_as_text),
        Value::Object(fields) => fields.values_mut().for_each(long_integers_as_text),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn json_is_read_as_a_value_is(text in text()) {
        match (Json::parse(text.as_bytes()), serde_json::from_slice::<Value>(text.as_bytes())) {
            (Ok(tree), Ok(value)) => {
                prop_assert_eq!(Value::from(&tree), value.clone());
                prop_assert_eq!(serde_json::to_string(&tree).unwrap(), value.to_string());
                prop_assert_eq!(&Json::from(value), &tree);
            }
            (Err(error), Err(of_value)) => prop_assert_eq!(error.to_string(), of_value.to_string()),
            (tree, value) => prop_assert!(false, "{tree:?} and {value:?}"),
        }
    }

    #[test]
    fn a_record_says_the_same_as_its_plain_form(text in event()) {
        let Ok(value) = serde_json::from_str::<Value>(&text) else { return Ok(()) };
        let plain = serde_json::to_vec(&value).unwrap();
        let of = |json: &[u8]| read(json.to_vec(), now(), &CATALOGUE);
        prop_assert_eq!(without_json(of(text.as_bytes())), without_json(of(&plain)));
        if let Ok(event) = of(text.as_bytes()) {
            let (event_type, channel) = glance(text.as_bytes(), &CATALOGUE).unwrap();
            prop_assert_eq!((&event_type, &channel), (&event.touchpoint.event_type, &event.touchpoint.channel));
            prop_assert_eq!(&reread(text.clone().into_bytes(), &CATALOGUE).unwrap(), &event);
            let again = Event::of_gist(&event.put_gist(Vec::new()), &event.touchpoint.order.key(), text.into_bytes());
            prop_assert_eq!(again, Some(event));
        }
    }

    #[test]
    fn what_is_received_is_stamped_and_hashed_by_the_letter(text in event()) {
        let Ok(Value::Object(sent)) = serde_json::from_str(&text) else { return Ok(()) };
        let Ok(touchpoint) = receive(Value::Object(sent.clone()), now(), &CATALOGUE) else { return Ok(()) };
        let mut logged = sent.clone();
        logged.retain(|_, value| !value.is_null());
        logged.insert("bodyhash".to_owned(), hash_by_the_letter(&sent).into());
        if let Some(version) = touchpoint.schema {
            let newest = version.dataschema(&touchpoint.event_type);
            logged.entry("dataschema").or_insert(newest.into());
        }
        logged.entry("time").or_insert(now().to_string().into());
        prop_assert_eq!(str::from_utf8(touchpoint.json()).unwrap(), Value::Object(logged).to_string());
        let event = Json::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(receive(event, now(), &CATALOGUE).unwrap(), touchpoint);
    }
}

/// `serde_json` takes the one field of such an object for a text to be parsed, if it is to be a `Value`.
#[test]
fn a_name_that_the_library_gives_a_meaning_is_a_name() {
    let text = br#"{"$serde_json::private::RawValue":"{"}"#;
    assert_eq!(serde_json::to_vec(&Json::parse(text).unwrap()).unwrap(), text);
}

#[test]
fn of_two_fields_of_one_name_the_last_counts() {
    let twice = br#"{"b": 1, "a": {"x": 1, "x": 2}, "b": [3], "\u0062": 4}"#;
    assert_eq!(Value::from(&Json::parse(twice).unwrap()), json!({"a": {"x": 2}, "b": 4}));
    let Json::Object(object) = Json::parse(twice).unwrap() else { panic!("an object") };
    assert_eq!(object.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(Object::of(Vec::new()), Object::default());
}
