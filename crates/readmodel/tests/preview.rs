//! Given a log and two sets of rules: who would be who.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod support;

use std::sync::Arc;

use rapport_customer::Model;
use rapport_customer::identity::Rules;
use rapport_readmodel::{Census, Definitions, Example, Fates, Named, Overlap, Rule};
use rapport_touchpoint::Country;
use serde_json::Value;
use support::decided::{merged, split};
use support::{Record, World, at, definitions, now};

/// What comes out, in short.
struct Previewed {
    today: Census,
    then: Census,
    fates: Fates,
    examples: Vec<Example>,
}

impl Previewed {
    /// `user_id:1 + email:a@x.org > user_id:1`: the oldest identifiers of today's customers and of those there would be.
    fn shown(&self) -> Vec<String> {
        let names = |customers: &[Named]| {
            customers.iter().map(|named| named.identifiers[0].to_string()).collect::<Vec<_>>().join(" + ")
        };
        self.examples.iter().map(|example| format!("{} > {}", names(&example.today), names(&example.then))).collect()
    }
}

fn rules(change: impl FnOnce(&mut Rules)) -> Rules {
    let mut rules = Rules::default();
    change(&mut rules);
    rules
}

/// The other read model holds nothing but identity, as a preview folds it.
fn preview_of(records: &[Record], (today, then): (Rules, Rules)) -> Previewed {
    let mut serving = World::under(definitions(today));
    serving.fold_records(records.to_vec());
    let identity = Definitions { models: vec![Model::Identity], ..(*definitions(then)).clone() };
    let mut scratch = World::under(Arc::new(identity));
    scratch.fold_records(records.to_vec());
    let (today, then) = (serving.reader().hold(now()).unwrap(), scratch.reader().hold(now()).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let overlap = Overlap::between(&today, &then, &folder.path().join("overlap.db"), &mut |_| true).unwrap().unwrap();
    let found = Previewed {
        today: today.census().unwrap(),
        then: then.census().unwrap(),
        fates: overlap.fates().unwrap(),
        examples: overlap.examples(&today, &then, 10, &mut |_| true).unwrap().unwrap(),
    };
    let Fates { unchanged, joined, parted, regrouped, other_touchpoints, gone, .. } = found.fates;
    assert_eq!(unchanged + joined + parted + regrouped + other_touchpoints + gone, found.today.customers);
    assert_eq!(found.today.touchpoints + found.today.of_nobody, found.then.touchpoints + found.then.of_nobody);
    found
}

fn preview(events: &[Value], then: Rules) -> Previewed {
    preview_of(&World::new().records(events), (Rules::default(), then))
}

/// A little of everything: joins, a tablet that passes from hand to hand, a call centre's telephone, who names nobody.
fn a_little_of_everything() -> Vec<Value> {
    let mut events = vec![
        at(1, "a", "anonymous_id:t"),
        at(2, "b", "anonymous_id:t user_id:ann email:ann@x.org"),
        at(3, "c", "anonymous_id:t user_id:bo"),
        at(4, "d", "anonymous_id:t"),
        at(5, "e", "user_id:ann"),
        at(6, "f", "anonymous_id:alone"),
        at(7, "g", ""),
    ];
    events.extend((0..12).map(|n| at(20 + n, &format!("p{n}"), &format!("user_id:u{n} phone:+4930901820"))));
    events.push(at(50, "q", "phone:+4930901820"));
    events
}

#[test]
fn under_the_same_rules_nothing_changes() {
    let found = preview(&a_little_of_everything(), Rules::default());
    assert_eq!(found.fates, Fates { unchanged: found.today.customers, ..Fates::default() });
    assert_eq!((found.today.customers, found.today.identified, found.today.of_nobody), (15, 14, 2));
    assert_eq!(found.today, found.then);
    assert!(found.examples.is_empty());
}

#[test]
fn without_a_visit_its_touchpoints_are_anothers() {
    let events = [
        at(1, "a", "anonymous_id:t user_id:ann"),
        at(60, "b", "anonymous_id:t"),
        at(61, "c", "anonymous_id:t user_id:bo"),
        at(62, "d", "user_id:cy"),
    ];
    let found = preview(&events, rules(|rules| rules.visit.nanos = 0));
    assert_eq!(found.fates, Fates { joined: 1, regrouped: 1, unchanged: 1, joined_into: 1, ..Fates::default() });
    assert_eq!(found.shown(), ["user_id:ann + user_id:bo > user_id:ann + user_id:bo"]);
}

#[test]
fn a_lower_partner_limit_voids_a_telephone_and_parts_who_shared_it() {
    let events = [
        at(1, "a", "email:a@x.org phone:+4930901820"),
        at(2, "b", "email:b@x.org phone:+4930901820"),
        at(3, "c", "email:c@x.org phone:+4930901820"),
        at(4, "d", "phone:+4930901820"),
        at(5, "e", "email:other@x.org"),
    ];
    let found = preview(&events, rules(|rules| rules.most_partners = 2));
    assert_eq!(found.fates, Fates { parted: 1, parted_into: 3, unchanged: 1, ..Fates::default() });
    assert_eq!((found.today.customers, found.then.customers), (2, 4));
    assert_eq!((found.today.of_nobody, found.then.of_nobody), (0, 1));
    assert!(found.today.void_identifiers.is_empty());
    assert_eq!(found.then.void_identifiers, [("phone".to_owned(), 1)].into());
    assert_eq!(found.shown(), ["email:a@x.org > email:a@x.org + email:b@x.org + email:c@x.org"]);
    assert_eq!((found.examples[0].to_nobody, found.examples[0].from_nobody), (1, 0));
}

#[test]
fn a_raised_limit_joins_whom_the_lower_one_kept_apart() {
    let events: Vec<_> = (0..3)
        .map(|n| at(n, &format!("e{n}"), &format!("user_id:1 email:{n}@x.org")))
        .chain((0..3).map(|n| at(5 + n, &format!("m{n}"), &format!("email:{n}@x.org"))))
        .collect();
    let records = World::new().records(&events);
    let found = preview_of(&records, (rules(|rules| rules.most_persons = 2), Rules::default()));
    assert_eq!(found.fates, Fates { joined: 3, joined_into: 1, ..Fates::default() });
    assert_eq!((found.today.customers, found.then.customers), (3, 1));
    assert_eq!(found.today.refused_links, [(Rule::MostPersons, 2)].into());
    assert!(found.then.refused_links.is_empty());
    assert_eq!(found.shown(), ["user_id:1 + email:1@x.org + email:2@x.org > user_id:1"]);
    let [example] = &found.examples[..] else { panic!("{:?}", found.examples) };
    let touchpoints: Vec<_> = example.today.iter().map(|named| named.touchpoints).collect();
    assert_eq!((touchpoints, example.then[0].touchpoints, example.then[0].identifiers_in_all), (vec![4, 1, 1], 6, 4));
}

#[test]
fn the_other_way_round_a_join_is_a_parting() {
    let events: Vec<_> =
        (0..4).map(|n| at(n, &format!("e{n}"), &format!("email:x@x.org phone:+493090182{n}"))).collect();
    let mut events = events;
    events.extend((0..4).map(|n| at(10 + n, &format!("p{n}"), &format!("phone:+493090182{n}"))));
    let records = World::new().records(&events);
    let (one, other) = (Rules::default(), rules(|rules| rules.most_persons = 3));
    let there = preview_of(&records, (one.clone(), other.clone())).fates;
    let back = preview_of(&records, (other, one)).fates;
    assert_eq!(there, Fates { parted: 1, parted_into: 3, ..Fates::default() });
    assert_eq!(back, Fates { joined: 3, joined_into: 1, ..Fates::default() });
}

#[test]
fn who_loses_a_touchpoint_to_nobody_is_the_same_customer_with_others() {
    let mut events: Vec<_> =
        (1..4).map(|n| at(n, &format!("e{n}"), &format!("user_id:{n} phone:+4930901820"))).collect();
    events.push(at(9, "alone", "phone:+4930901820"));
    let strict = || rules(|rules| rules.most_partners = 2);
    let found = preview(&events, strict());
    assert_eq!(found.fates, Fates { other_touchpoints: 1, unchanged: 2, ..Fates::default() });
    assert_eq!(found.shown(), ["user_id:1 > user_id:1"]);
    assert_eq!(found.today.refused_links, [(Rule::Most("user_id".to_owned()), 2)].into());
    let back = preview_of(&World::new().records(&events), (strict(), Rules::default()));
    assert_eq!(back.fates, found.fates);
    assert_eq!((back.examples[0].to_nobody, back.examples[0].from_nobody), (0, 1));
}

#[test]
fn who_is_nobody_without_a_country_is_gone_and_comes_back_as_a_new_one() {
    let records = World::new().records(&[at(1, "a", "phone:139-1234-5678"), at(2, "b", "user_id:1")]);
    let in_china = || Rules::default().with_country(Country::parse("CN").ok());
    let found = preview_of(&records, (in_china(), Rules::default()));
    assert_eq!(found.fates, Fates { gone: 1, unchanged: 1, ..Fates::default() });
    assert_eq!(found.shown(), ["phone:+8613912345678 > "]);
    let back = preview_of(&records, (Rules::default(), in_china()));
    assert_eq!(back.fates, Fates { new: 1, unchanged: 1, ..Fates::default() });
    assert!(back.examples.is_empty(), "nobody of today changes");
}

#[test]
fn another_spelling_of_the_same_identifiers_changes_nobody() {
    let records = World::new().records(&[at(1, "a", "phone:+8613912345678"), at(2, "b", "phone:+86-139-1234-5678")]);
    let in_china = Rules::default().with_country(Country::parse("CN").ok());
    let found = preview_of(&records, (Rules::default(), in_china));
    assert_eq!(found.fates, Fates { unchanged: 1, ..Fates::default() });
}

#[test]
fn a_device_that_is_handed_over_otherwise_takes_its_touchpoints_along() {
    let events = [
        at(1, "a", "email:ann@x.org anonymous_id:t"),
        at(2, "b", "anonymous_id:t"),
        at(3, "c", "phone:+4930901820 anonymous_id:t"),
        at(4, "d", "anonymous_id:t"),
        at(5, "e", "email:ann@x.org phone:+4930901820"),
        at(6, "f", "phone:+4930901820 user_id:bo"),
    ];
    let found = preview(&events, rules(|rules| rules.most_persons = 2));
    assert_eq!((found.today.customers, found.then.customers), (1, 2));
    assert_eq!(found.fates, Fates { parted: 1, parted_into: 2, ..Fates::default() });
    let touchpoints: Vec<_> = found.examples[0].then.iter().map(|named| named.touchpoints).collect();
    assert_eq!(touchpoints.iter().sum::<u64>(), 6, "{touchpoints:?}");
}

#[test]
fn decisions_by_hand_hold_under_either_rules() {
    let mut records = World::new().records(&[
        at(1, "a", "email:a@x.org phone:+4930901820"),
        at(2, "b", "email:b@x.org phone:+4930901820"),
        at(3, "c", "email:c@x.org"),
        at(4, "d", "email:d@x.org"),
    ]);
    records.push(split(10, "s", "email:a@x.org", "email:b@x.org"));
    records.push(merged(11, "m", "email:c@x.org", "email:d@x.org"));
    let found = preview_of(&records, (Rules::default(), rules(|rules| rules.most_persons = 1)));
    assert_eq!(found.today.refused_links, [(Rule::Split, 1)].into());
    assert!(found.today.refused_merges.is_empty());
    assert_eq!(found.then.refused_merges, [(Rule::MostPersons, 1)].into());
    assert_eq!((found.fates.parted, found.fates.parted_into), (1, 2), "{:?}", found.fates);
}

#[test]
fn the_biggest_are_named_the_oldest_of_equals_first() {
    let mut events = Vec::new();
    for customer in 1..13 {
        for n in 0..=((customer - 1) % 4) {
            let ids = format!("user_id:{customer} email:{customer}-{n}@x.org");
            events.push(at(customer * 10 + n, &format!("e{customer}-{n}"), &ids));
        }
    }
    let found = preview(&events, Rules::default());
    for biggest in [&found.then.biggest.by_touchpoints, &found.then.biggest.by_identifiers] {
        let names: Vec<_> = biggest.iter().map(|named| named.identifiers[0].value.as_str()).collect();
        assert_eq!(names, ["4", "8", "12", "3", "7", "11", "2", "6", "10", "1"]);
    }
    let first = &found.today.biggest.by_identifiers[0];
    assert_eq!((first.identifiers_in_all, first.touchpoints, first.identifiers.len()), (5, 4, 5));
}

#[test]
fn examples_come_in_the_order_of_their_earliest_touchpoints_and_no_more_than_asked_for() {
    let mut events = Vec::new();
    for n in (0..15).rev() {
        let minute = 10 * n;
        events.push(at(minute, &format!("a{n}"), &format!("email:a{n}@x.org phone:+49309018{n:02}")));
        events.push(at(minute + 1, &format!("b{n}"), &format!("email:b{n}@x.org phone:+49309018{n:02}")));
    }
    let found = preview(&events, rules(|rules| rules.most_partners = 1));
    assert_eq!((found.fates.parted, found.fates.parted_into, found.examples.len()), (15, 30, 10));
    let firsts: Vec<_> = found.examples.iter().map(|example| example.then[0].identifiers[0].value.clone()).collect();
    assert_eq!(firsts, (0..10).map(|n| format!("a{n}@x.org")).collect::<Vec<_>>());
}

#[test]
fn an_example_of_very_many_is_cut_off_and_says_so() {
    // A tablet that everybody logs in on; what is done on it without a login is the last one's.
    let events: Vec<_> = (1..=250)
        .flat_map(|n| {
            let minute = 10 * n;
            [
                at(minute, &format!("in{n}"), &format!("user_id:{n} anonymous_id:t")),
                at(minute + 1, &format!("out{n}"), "anonymous_id:t device_id:d"),
            ]
        })
        .collect();
    let records = World::new().records(&events);
    let found = preview_of(&records, (rules(|rules| rules.most_partners = 1_000), Rules::default()));
    assert_eq!((found.today.customers, found.then.customers), (250, 251));
    assert_eq!(found.fates, Fates { regrouped: 250, joined_into: 1, ..Fates::default() });
    let example = &found.examples[0];
    assert!(example.more);
    assert_eq!((example.today.len(), example.then.len()), (10, 2));
    assert_eq!((example.today_in_all + example.then_in_all, example.then[0].touchpoints), (200, 1));
}

#[test]
fn whoever_waits_no_longer_ends_it() {
    let world = {
        let mut world = World::new();
        world.fold(&a_little_of_everything());
        world
    };
    let picture = || world.reader().hold(now()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ended = Overlap::between(&picture(), &picture(), &folder.path().join("overlap.db"), &mut |_| false).unwrap();
    assert!(ended.is_none());
}
