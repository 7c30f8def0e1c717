//! What is taken along as it is.

use super::*;

#[test]
fn what_rapport_gives_no_meaning_to() {
    let event = order_with(json!({"traceparent": "00-4bf9-01", "sampled": true, "retries": 3}));
    let logged = logged(&received(event));
    assert_eq!(
        (&logged["traceparent"], &logged["sampled"], &logged["retries"]),
        (&json!("00-4bf9-01"), &json!(true), &json!(3))
    );
}

#[test]
fn the_sequence() {
    let touchpoint = received(order_with(json!({"sequence": "00000017"})));
    assert_eq!(touchpoint.order.sequence.as_deref(), Some("00000017"));
    assert_eq!(received(order()).order.sequence, None);
}

#[test]
fn the_name_and_the_identifiers() {
    let touchpoint = received(order());
    assert_eq!((touchpoint.order.source.as_str(), touchpoint.order.id.as_str()), ("shop/web", "ord-8841"));
    assert_eq!((touchpoint.event_type.as_str(), touchpoint.channel.as_str()), ("order.placed", "web"));
    let identifiers: Vec<_> = touchpoint.identifiers.iter().map(ToString::to_string).collect();
    assert_eq!(identifiers, ["email:ann@example.com", "anonymous_id:a-77", "user_id:42"]);
}
