//! That odd data and odd sources are no trouble: no panic, and the same answer each time.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        any::<String>().prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map("[a-d]|.*", inner, 0..4).prop_map(Json::from_iter),
        ]
    })
}

/// What every operator and function makes of anything.
static ODD: LazyLock<Vec<Condition>> = LazyLock::new(|| {
    let sources = [
        "event.data.a == event.data.b",
        "event.data.a < event.data.b",
        "event.data.a + event.data.b == 1",
        "event.data.a - event.data.b > 0",
        "event.data.a * event.data.b > 0",
        "event.data.a / event.data.b > 0",
        "event.data.a % event.data.b > 0",
        "-event.data.a > 0",
        "event.data.a[event.data.b] == 1",
        "event.data.a in event.data.b",
        "event.data.a.exists(x, x == event.data.b)",
        "event.data.a.all(x, x > 1)",
        "event.data.a.exists_one(x, x)",
        "size(event.data.a) > 1",
        "int(event.data.a) > 1",
        "double(event.data.a) > 1.0",
        "string(event.data.a) == \"\"",
        "bool(event.data.a)",
        "event.data.a.contains(event.data.b)",
        "event.data.a.matches(\"^a+$\")",
        "event.data.a.c.d == 1",
        "event.data.a ? event.data.b : false",
        "!event.data.a || event.data.b",
        "size(event.data) == 2",
    ];
    sources.map(|source| Condition::parse(source, &[]).unwrap()).into()
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn odd_data_is_no_trouble(a in any_json(), b in any_json()) {
        let event = event("tour.taken", &json!({"a": a, "b": b}));
        let mut profile = Profile::default();
        profile.fold(&event);
        for condition in ODD.iter() {
            let first = condition.holds(&event, &profile);
            prop_assert_eq!(condition.holds(&event, &profile), first);
        }
    }

    #[test]
    fn odd_sources_are_no_trouble(source in "[a-z0-9.()\\[\\]{}!&|<>=+*/%?:,'\"@# \n-]{0,60}|.{0,40}") {
        let example = event("tour.taken", &json!({}));
        let _ = Condition::parse(&source, &[example]);
    }
}
