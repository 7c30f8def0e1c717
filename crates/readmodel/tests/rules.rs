//! What the rules of identity come to: the default ones where data is bad, and a tenant's own.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod support;

use std::sync::Arc;

use rapport_customer::identity::Rules;
use rapport_customer::{Definitions as OfTenant, Model};
use rapport_readmodel::Definitions;
use rapport_touchpoint::Country;
use serde_json::Value;
use support::given::{given, given_under};
use support::{World, at, catalogue, definitions, event_on};

/// The rules of a definitions file, of a tenant in China.
fn rules(text: &str) -> Rules {
    let definitions = OfTenant::parse("definitions.toml", text, &catalogue()).unwrap();
    definitions.rules.with_country(Country::parse("CN").ok())
}

/// Customers who each called once, from the call centre's own number, as the agent typed it.
fn calls(customers: u32) -> Vec<Value> {
    let call = |n| at(n, &format!("call{n}"), &format!("user_id:u{n} email:{n}@x.org phone:+4930901820"));
    (0..customers).map(call).collect()
}

#[test]
fn an_address_typed_wrong_is_somebody_else_until_it_stands_beside_the_right_one() {
    let mut events = vec![
        at(1, "opened", "user_id:ann email:ann@x.org"),
        at(2, "typed", "email:anm@x.org anonymous_id:d"),
        at(3, "next", "anonymous_id:d"),
    ];
    given(&events, &[("user_id:ann", "opened"), ("email:anm@x.org", "typed next"), ("anonymous_id:d", "typed next")]);
    events.push(at(4, "in", "user_id:ann anonymous_id:d"));
    given(&events, &[("user_id:ann", "opened in"), ("email:anm@x.org", "typed next"), ("anonymous_id:d", "opened in")]);
    events[3] = at(4, "both", "user_id:ann email:anm@x.org");
    given(&events, &[("user_id:ann", "opened typed next both")]);
}

#[test]
fn an_address_typed_wrong_that_is_anothers_joins_nobody_who_has_an_account() {
    given(
        &[
            at(1, "ann", "user_id:ann email:ann@x.org"),
            at(2, "bo", "user_id:bo email:bo@x.org"),
            at(3, "typed", "user_id:ann email:bo@x.org"),
            at(4, "mail", "email:bo@x.org"),
        ],
        &[("user_id:ann", "ann typed"), ("user_id:bo", "bo mail")],
    );
}

#[test]
fn a_blocked_value_in_ten_thousand_events_joins_nobody() {
    let nobody = ["email:null", "email:test@example.com", "phone:0", "loyalty_card:unknown", "user_id:undefined"];
    let named = |n: u32| match n % 5 {
        4 => format!("anonymous_id:a{} {}", n / 5, nobody[4]),
        kind => format!("user_id:u{} {}", n / 5, nobody[kind as usize]),
    };
    let events: Vec<_> = (0..10_000).map(|n| at(n, &n.to_string(), &named(n))).collect();
    let only_who = Definitions { models: vec![Model::Identity], ..(*definitions(Rules::default())).clone() };
    let mut world = World::under(Arc::new(only_who));
    for batch in events.chunks(2_500) {
        world.fold(batch);
    }
    assert_eq!((world.total("customers"), world.total("touchpoints")), (4_000, 10_000));
    assert_eq!(world.timeline("user_id:u7"), "35 36 37 38");
    assert_eq!(world.timeline("anonymous_id:a7"), "39");
    for name in nobody {
        assert!(world.customer(name).is_none(), "{name}");
    }
}

#[test]
fn a_call_centres_phone_is_its_first_callers_until_the_eleventh() {
    let mut events = calls(10);
    events.push(at(100, "only-phone", "phone:+4930901820"));
    given(&events, &[("user_id:u0", "call0 only-phone"), ("user_id:u9", "call9"), ("email:9@x.org", "call9")]);
    events.push(at(50, "call10", "user_id:u10 phone:+4930901820"));
    given(&events, &[("user_id:u0", "call0"), ("user_id:u10", "call10"), ("phone:+4930901820", "-")]);
}

#[test]
fn five_hundred_customers_who_share_a_call_centres_phone_are_five_hundred() {
    let digests: Vec<_> = [false, true]
        .into_iter()
        .map(|backwards| {
            let mut events = calls(500);
            events.push(at(600, "only-phone", "phone:+4930901820"));
            if backwards {
                events.reverse();
            }
            let mut world = World::new();
            for batch in events.chunks(7) {
                world.fold(batch);
            }
            assert_eq!((world.total("customers"), world.total("identified")), (500, 500));
            assert_eq!(world.timeline("phone:+4930901820"), "-");
            assert_eq!(world.timeline("email:0@x.org"), "call0");
            assert_eq!(world.timeline("user_id:u499"), "call499");
            world.digests()
        })
        .collect();
    assert_eq!(digests[0], digests[1], "arrival left a trace");
}

#[test]
fn the_case_of_an_address_does_not_count_and_its_dots_do_unless_the_tenant_says_so() {
    let events = [
        at(1, "account", "user_id:ann email:Ann.Lee@Gmail.com"),
        at(2, "case", "email:ann.lee@gmail.com"),
        at(3, "dots", "email:annlee@gmail.com"),
        at(4, "tag", "email:ann.lee+tea@googlemail.com"),
    ];
    given(
        &events,
        &[
            ("user_id:ann", "account case"),
            ("email:annlee@gmail.com", "dots"),
            ("email:ann.lee+tea@googlemail.com", "tag"),
        ],
    );
    let folded = rules("[[identity.namespace]]\nname = \"email\"\nnormalisation = \"email_gmail\"");
    given_under(
        folded,
        &events,
        &[("user_id:ann", "account case dots tag"), ("email:a.n.n.lee@gmail.com", "account case dots tag")],
    );
}

#[test]
fn an_openid_of_each_app_meets_in_the_unionid_and_brings_its_devices_along() {
    given(
        &[
            at(1, "shop", "wechat_openid:shop-1 device_id:phone"),
            at(2, "club", "wechat_openid:club-9 wechat_unionid:u"),
            at(3, "shop-in", "wechat_openid:shop-1 wechat_unionid:u"),
            at(4, "looks", "device_id:phone"),
        ],
        &[("wechat_openid:club-9", "shop club shop-in looks"), ("device_id:phone", "shop club shop-in looks")],
    );
    given(
        &[at(1, "a", "wechat_openid:shop-1 wechat_unionid:u"), at(2, "b", "wechat_openid:shop-1 wechat_unionid:v")],
        &[("wechat_unionid:u", "a"), ("wechat_unionid:v", "b")],
    );
}

#[test]
fn whoever_signs_in_on_two_devices_brings_the_past_of_both_along() {
    given(
        &[
            at(1, "phone", "anonymous_id:phone"),
            at(2, "desk", "anonymous_id:desk"),
            at(3, "phone-in", "anonymous_id:phone user_id:ann"),
            at(4, "desk-in", "anonymous_id:desk user_id:ann"),
        ],
        &[("user_id:ann", "phone desk phone-in desk-in"), ("anonymous_id:desk", "phone desk phone-in desk-in")],
    );
}

#[test]
fn two_people_on_one_tablet_take_turns_in_any_order_of_arrival() {
    given(
        &[
            at(1, "ann-in", "anonymous_id:tablet user_id:ann"),
            at(2, "ann", "anonymous_id:tablet"),
            at(3, "bo-in", "anonymous_id:tablet email:bo@x.org"),
            at(4, "bo", "anonymous_id:tablet"),
        ],
        &[("user_id:ann", "ann-in ann"), ("email:bo@x.org", "bo-in bo"), ("anonymous_id:tablet", "bo-in bo")],
    );
}

#[test]
fn a_link_holds_for_the_events_before_it_and_after_it() {
    let linked = |minute| {
        event_on("web", minute, "link", "customer.linked", "user_id:ann email:ann@x.org", serde_json::json!({}))
    };
    let events = |minute| [at(3, "a", "user_id:ann"), at(5, "b", "email:ann@x.org"), linked(minute)];
    for (minute, timeline) in [(1, "link a b"), (4, "a link b"), (9, "a b link")] {
        given(&events(minute), &[("user_id:ann", timeline), ("email:ann@x.org", timeline)]);
    }
}

#[test]
fn a_number_of_the_tenants_own_tells_customers_apart() {
    let member = rules(
        "[[identity.namespace]]\nname = \"member_no\"\nrole = \"person\"\nstronger_than = \"user_id\"\n\
         normalisation = \"digits\"\nmost = 1",
    );
    let events = [
        at(1, "a", "member_no:12-34 email:ann@x.org"),
        at(2, "b", "member_no:1234 user_id:u1"),
        at(3, "c", "member_no:77 email:ann@x.org"),
        at(4, "mail", "email:ann@x.org"),
    ];
    given_under(
        member,
        &events,
        &[("user_id:u1", "a b mail"), ("member_no:7-7", "c"), ("email:ann@x.org", "a b mail")],
    );
    given(&events, &[("email:ann@x.org", "a c mail"), ("user_id:u1", "b"), ("member_no:1234", "-")]);
}

#[test]
fn a_namespace_has_its_own_limits() {
    let narrow = rules(
        "[[identity.namespace]]\nname = \"phone\"\nmost_partners = 2\n[[identity.namespace]]\nname = \"email\"\nmost = 1",
    );
    let calls: Vec<_> =
        (0..3).map(|n| at(n, &format!("call{n}"), &format!("user_id:u{n} phone:+8613912345678"))).collect();
    given_under(narrow.clone(), &calls[..2], &[("phone:13912345678", "call0"), ("user_id:u1", "call1")]);
    given_under(narrow.clone(), &calls, &[("phone:13912345678", "-"), ("user_id:u0", "call0")]);
    let mails = [at(1, "a", "phone:13912345678 email:a@x.org"), at(2, "b", "phone:13912345678 email:b@x.org")];
    given_under(narrow, &mails, &[("email:a@x.org", "a"), ("email:b@x.org", "b"), ("phone:13912345678", "a")]);
    let china = rules("");
    given_under(china, &mails, &[("email:a@x.org", "a b"), ("email:b@x.org", "a b")]);
}

#[test]
fn what_the_tenant_takes_out_or_blocks_joins_nobody() {
    let own = rules(
        "identity.blocked_patterns = ['^shop-']\n[[identity.namespace]]\nname = \"phone\"\nuse = false\n\
         [[identity.namespace]]\nname = \"user_id\"\nallowed = [\"guest\"]",
    );
    let events = [
        at(1, "a", "email:ann@x.org phone:+8613912345678"),
        at(2, "b", "email:bo@x.org phone:+8613912345678"),
        at(3, "c", "email:ann@x.org email:Shop-7@acme.example"),
        at(4, "d", "email:bo@x.org email:shop-7@acme.example user_id:guest"),
    ];
    given_under(own, &events, &[("email:ann@x.org", "a c"), ("user_id:guest", "b d"), ("phone:+8613912345678", "-")]);
}

#[test]
fn other_rules_are_another_fingerprint() {
    let fingerprint = |text: &str| definitions(rules(text)).fingerprint();
    assert_eq!(fingerprint(""), fingerprint("[identity]\nmost_partners = 10\nblocked = [\"NULL\"]"));
    assert_ne!(fingerprint(""), fingerprint("[identity]\nmost_partners = 11"));
    assert_ne!(fingerprint(""), fingerprint("[identity]\nblocked = [\"walk-in\"]"));
}
