//! Who an event belongs to: given these touchpoints, then these customers.

mod support;

use support::given::given;
use support::{World, at, event};

#[test]
fn identifiers_in_one_event_are_one_customer() {
    given(
        &[at(1, "a", "user_id:1 email:Ann@x.org"), at(2, "b", "email:ann@x.org"), at(3, "c", "user_id:1")],
        &[("user_id:1", "a b c"), ("email:ANN@X.ORG", "a b c")],
    );
}

#[test]
fn anonymous_then_identified_brings_the_past_along() {
    given(
        &[at(1, "a", "anonymous_id:d"), at(2, "b", "anonymous_id:d user_id:1"), at(3, "c", "anonymous_id:d")],
        &[("user_id:1", "a b c"), ("anonymous_id:d", "a b c")],
    );
}

#[test]
fn a_shared_tablet_is_handed_over_at_each_login() {
    given(
        &[
            at(1, "before", "anonymous_id:t"),
            at(2, "ann-in", "anonymous_id:t user_id:ann"),
            at(3, "ann", "anonymous_id:t"),
            at(4, "bo-in", "anonymous_id:t user_id:bo"),
            at(5, "bo", "anonymous_id:t"),
            at(6, "ann-again", "anonymous_id:t user_id:ann"),
            at(7, "ann-late", "anonymous_id:t"),
        ],
        &[("user_id:ann", "before ann-in ann ann-again ann-late"), ("user_id:bo", "bo-in bo")],
    );
}

#[test]
fn two_user_ids_are_never_one_customer() {
    given(
        &[at(1, "a", "user_id:1 email:e@x.org"), at(2, "b", "user_id:2 email:e@x.org"), at(3, "c", "email:e@x.org")],
        &[("user_id:1", "a c"), ("user_id:2", "b"), ("email:e@x.org", "a c")],
    );
}

#[test]
fn a_link_that_comes_late_but_happened_first_wins() {
    given(
        &[at(5, "b", "user_id:2 email:e@x.org"), at(1, "a", "user_id:1 email:e@x.org"), at(6, "c", "email:e@x.org")],
        &[("user_id:1", "a c"), ("user_id:2", "b")],
    );
}

#[test]
fn a_link_is_as_old_as_its_first_event_whenever_that_comes() {
    given(
        &[
            at(5, "again", "user_id:1 email:e@x.org"),
            at(3, "other", "user_id:2 email:e@x.org"),
            at(1, "first", "user_id:1 email:e@x.org"),
            at(9, "mail", "email:e@x.org"),
        ],
        &[("user_id:1", "first again mail"), ("user_id:2", "other"), ("email:e@x.org", "first again mail")],
    );
}

#[test]
fn a_call_centre_phone_becomes_void() {
    let mut events: Vec<_> =
        (0..11).map(|n| at(n, &format!("e{n}"), &format!("user_id:u{n} phone:+4930901820 device_id:desk"))).collect();
    given(&events[..10], &[("user_id:u0", "e0"), ("user_id:u3", "e3"), ("phone:+4930901820", "e0")]);
    events.push(at(50, "only-phone", "phone:+4930901820"));
    given(&events, &[("user_id:u0", "e0"), ("user_id:u3", "e3"), ("phone:+4930901820", "-"), ("device_id:desk", "-")]);
}

#[test]
fn events_of_an_identifier_that_becomes_void_go_to_their_next_anchors() {
    let mut events = vec![at(100, "home", "phone:+4930901820 anonymous_id:d"), at(101, "alone", "phone:+4930901820")];
    events.extend((0..11).map(|n| at(n, &format!("e{n}"), &format!("email:{n}@x.org phone:+4930901820"))));
    given(&events, &[("anonymous_id:d", "home"), ("phone:+4930901820", "-"), ("email:0@x.org", "e0")]);
}

#[test]
fn placeholders_glue_nobody_together() {
    given(
        &[at(1, "a", "user_id:1 email:null"), at(2, "b", "user_id:2 email:NULL"), at(3, "c", "email:undefined")],
        &[("user_id:1", "a"), ("user_id:2", "b"), ("email:null", "-")],
    );
}

#[test]
fn a_sixth_e_mail_stays_apart() {
    let events: Vec<_> = (0..6).map(|n| at(n, &format!("e{n}"), &format!("user_id:1 email:{n}@x.org"))).collect();
    let mut with_mail = events.clone();
    with_mail.push(at(10, "last", "email:5@x.org"));
    given(&with_mail, &[("user_id:1", "e0 e1 e2 e3 e4 e5"), ("email:5@x.org", "last")]);
}

#[test]
fn wechat_open_ids_meet_in_the_union_id() {
    given(
        &[
            at(1, "a", "wechat_openid:app1"),
            at(2, "b", "wechat_openid:app2 wechat_unionid:u"),
            at(3, "c", "wechat_openid:app1 wechat_unionid:u"),
        ],
        &[("wechat_unionid:u", "a b c"), ("wechat_openid:app2", "a b c")],
    );
}

#[test]
fn every_former_id_still_names_the_customer() {
    let mut world = World::new();
    world.fold(&[at(5, "a", "email:e@x.org")]);
    let by_mail = world.customer("email:e@x.org").unwrap().id;
    world.fold(&[at(1, "b", "anonymous_id:d")]);
    let by_device = world.customer("anonymous_id:d").unwrap().id;
    assert_ne!(by_mail, by_device);
    world.fold(&[at(7, "c", "email:e@x.org user_id:1 anonymous_id:d"), at(2, "d", "user_id:1")]);
    let now = world.customer("user_id:1").unwrap();
    assert_eq!(now.events, 4);
    for id in [by_mail, by_device, now.id] {
        let found = world.reader().customer(&rapport_readmodel::CustomerName::Id(id)).unwrap().content.unwrap();
        assert_eq!(found.id, now.id);
    }
}

#[test]
fn an_event_that_names_nobody_is_counted_and_nobodys() {
    let mut world = World::new();
    world.fold(&[at(1, "a", ""), event(2, "b", "test.seen", "user_id:1", serde_json::json!({}))]);
    assert_eq!((world.total("touchpoints"), world.total("events"), world.total("customers")), (2, 1, 1));
}
