//! Whatever comes in is answered, and what is taken comes back the same.

use proptest::prelude::*;

use super::*;

/// Any JSON, with the words of the envelope among its keys, so that it comes near to being an event.
fn any_json() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        Just("id".to_owned()),
        Just("type".to_owned()),
        Just("time".to_owned()),
        Just("data".to_owned()),
        Just("identifiers".to_owned()),
        Just("bodyhash".to_owned()),
        "\\PC{0,12}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "(?s).{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(event in any_json(), attribute in any_json()) {
        let _ = receive(event.clone(), now(), &CATALOGUE);
        let _ = read(event.to_string().into_bytes(), now(), &CATALOGUE);
        for name in ["id", "source", "type", "channel", "time", "sequence", "subject", "dataschema", "bodyhash", "data"] {
            let mut near = order();
            near[name] = attribute.clone();
            let _ = receive(near, now(), &CATALOGUE);
        }
    }

    #[test]
    fn what_is_received_is_read_back(
        id in "[ -~ä中]{1,40}", nanos in 0..1_795_000_000_000_000_000_i64, sequence in prop::option::of("[0-9a-z]{0,20}"),
        user_id in "\\PC{0,40}", more in any_json(),
    ) {
        let time = Timestamp::from_nanos(nanos).unwrap().to_string();
        let event = json!({
            "specversion": "1.0", "id": id, "source": "shop/web", "type": "custom.thing", "channel": "web",
            "time": time, "sequence": sequence, "data": {"identifiers": {"user_id": user_id}, "more": more},
        });
        let touchpoint = receive(event, now(), &CATALOGUE).unwrap();
        let event = read(touchpoint.json().to_vec(), now(), &CATALOGUE).unwrap();
        prop_assert_eq!(&event.touchpoint, &touchpoint);
        let replayed = receive(serde_json::from_slice::<Value>(touchpoint.json()).unwrap(), now(), &CATALOGUE).unwrap();
        prop_assert_eq!(&replayed, &touchpoint);
    }
}
