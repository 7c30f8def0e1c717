//! Questions about who is who: why, what was refused, what a decision would do.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod support;

use rapport_customer::identity::{CustomerId, Limit};
use rapport_readmodel::{CustomerName, Evidence, Explanation, RefusalPlace, Step, Unfit, Without};
use rapport_touchpoint::{EventName, Identifier};
use support::decided::{SOURCE, merged, split};
use support::{Record, World, at, named, origin};

/// Ann by her account and her e-mail, Bo by his e-mail and his card.
fn ann_and_bo() -> Vec<Record> {
    World::new().records(&[
        at(1, "a1", "user_id:ann email:ann@x.org"),
        at(2, "b1", "email:bo@x.org"),
        at(4, "b2", "email:bo@x.org loyalty_card:7"),
    ])
}

fn with(records: &[Record], more: Vec<Record>) -> Vec<Record> {
    records.iter().cloned().chain(more).collect()
}

fn identifier(name: &str) -> Identifier {
    Identifier::parse(name).unwrap()
}

#[test]
fn a_merge_against_a_limit_is_foreseen() {
    let mut world = World::new();
    world.fold_records(ann_and_bo()).fold(&[at(5, "c", "user_id:cy")]);
    let foreseen = |left: &str, right: &str| world.reader().foresee_merge(&named(left), &named(right)).unwrap().content;
    let one = foreseen("email:ann@x.org", "loyalty_card:7").unwrap();
    assert_eq!(one.left, [identifier("user_id:ann"), identifier("email:ann@x.org")]);
    assert_eq!(one.right, [identifier("loyalty_card:7"), identifier("email:bo@x.org")]);
    assert_eq!((one.limit, one.kept_apart_by), (None, None));
    let account = world.definitions.rules.find("user_id").unwrap().0;
    assert_eq!(foreseen("user_id:ann", "user_id:cy").unwrap().limit, Some(Limit::OfKind(account)));
    assert!(matches!(foreseen("user_id:ann", "user_id:nobody"), Err(Unfit::Nobody(_))));
    assert!(matches!(foreseen("user_id:ann", "email:ann@x.org"), Err(Unfit::One(_))));
}

#[test]
fn whose_id_becomes_another_has_changed() {
    let mut world = World::new();
    world.fold_records(vec![merged(10, "m", "user_id:ann loyalty_card:7", "email:ann@x.org")]);
    world.fold(&[at(3, "a", "user_id:ann")]);
    let before = world.reader().customer(&named("user_id:ann")).unwrap().content.unwrap();
    // The card stays with her, and is older than her account now.
    world.fold(&[at(1, "b", "user_id:bo loyalty_card:7")]);
    let after = world.reader().customer(&named("user_id:ann")).unwrap().content.unwrap();
    assert_eq!((after.key, after.events), (before.key, before.events));
    assert_ne!(after.id, before.id);
    assert!(world.applied.changed.contains(&after.key), "{:?}", world.applied.changed);
}

#[test]
fn what_a_split_keeps_apart_is_foreseen_through_others() {
    let mut world = World::new();
    world.fold_records(with(&ann_and_bo(), vec![split(10, "s", "user_id:ann", "email:bo@x.org")]));
    let foreseen = world.reader().foresee_merge(&named("email:ann@x.org"), &named("loyalty_card:7")).unwrap().content;
    let foreseen = foreseen.unwrap();
    assert_eq!(foreseen.limit, Some(Limit::Apart));
    assert_eq!(foreseen.kept_apart_by.unwrap().id, "s");
}

#[test]
fn a_split_cancels_the_merges_across_it() {
    let mut world = World::new();
    world.fold_records(with(&ann_and_bo(), vec![merged(10, "m", "user_id:ann", "email:bo@x.org")]));
    let parted = [identifier("email:bo@x.org"), identifier("loyalty_card:7")];
    let foreseen = world.reader().foresee_split(&named("user_id:ann"), &parted).unwrap().content.unwrap();
    assert_eq!(foreseen.left, [identifier("user_id:ann"), identifier("email:ann@x.org")]);
    assert_eq!(foreseen.cancels.iter().map(|name| name.id.as_str()).collect::<Vec<_>>(), ["m"]);
    let unfit = |parted: &[Identifier]| world.reader().foresee_split(&named("user_id:ann"), parted).unwrap().content;
    assert_eq!(unfit(&[identifier("user_id:cy")]), Err(Unfit::NotHis(identifier("user_id:cy"))));
    assert_eq!(unfit(&[]), Err(Unfit::NothingLeft));
}

#[test]
fn an_explanation_names_the_way_and_what_there_would_be_without_it() {
    let mut world = World::new();
    world.fold_records(with(&ann_and_bo(), vec![merged(10, "m", "email:ann@x.org", "email:bo@x.org")]));
    world.fold(&[at(11, "t", "loyalty_card:7 anonymous_id:tablet")]);
    let explain =
        |name: &str, without: Option<&Without>| world.reader().explain(&named(name), without).unwrap().content.unwrap();
    let way = |explanation: &Explanation| {
        let step = |step: &Step| {
            let by = match &step.by {
                Evidence::Link(event) => format!("link {}", event.source_and_id().unwrap().1),
                Evidence::Claim(event) => format!("claim {}", event.source_and_id().unwrap().1),
                Evidence::Decision(event) => format!("decision {}", event.source_and_id().unwrap().1),
            };
            format!("{} by {by}", step.to)
        };
        explanation.way.iter().map(step).collect::<Vec<_>>().join(", ")
    };
    let card = explain("loyalty_card:7", None);
    assert_eq!(card.customer, world.customer("user_id:ann").map(|ann| ann.id));
    assert_eq!(way(&card), "email:bo@x.org by link b2, email:ann@x.org by decision m, user_id:ann by link a1");
    assert_eq!(card.since, Some(1), "since the merge");
    let tablet = explain("anonymous_id:tablet", None);
    assert!(way(&tablet).starts_with("loyalty_card:7 by claim t, email:bo@x.org by link b2"), "{}", way(&tablet));
    assert_eq!(tablet.hands.len(), 1);
    // The id that Bo had before the merge.
    let former = CustomerId::of(&identifier("email:bo@x.org"), &origin().key);
    let former = world.reader().explain(&CustomerName::Id(former), None).unwrap().content.unwrap();
    assert_eq!((former.customer, former.identifier), (card.customer, identifier("email:bo@x.org")));
    assert!(matches!(former.way[former.since.unwrap()].by, Evidence::Decision(_)), "since the merge");
    let cancelled = Without::Decision(EventName { source: SOURCE.to_owned(), id: "m".to_owned() });
    let parted = explain("loyalty_card:7", Some(&cancelled)).without.unwrap();
    assert_eq!(parted.len(), 2);
    let cut = Without::Link(identifier("email:bo@x.org"), identifier("loyalty_card:7"));
    let parted = explain("loyalty_card:7", Some(&cut)).without.unwrap();
    assert_eq!(parted.iter().map(Vec::len).collect::<Vec<_>>(), [3, 1]);
    assert_eq!(world.reader().explain(&named("user_id:nobody"), None).unwrap().content, None);
}

#[test]
fn refusals_and_void_identifiers_are_listed_with_their_reason() {
    let mut world = World::new();
    let crowd = (0..11).map(|n| at(n, &format!("e{n}"), &format!("user_id:u{n} phone:+4915112345678")));
    world.fold(&crowd.collect::<Vec<_>>());
    world.fold(&[at(20, "a", "user_id:ann email:x@x.org"), at(21, "b", "user_id:bo email:x@x.org")]);
    let page = world.reader().refusals(None, None, 10).unwrap().content.unwrap();
    let [refusal] = &page.refusals[..] else { panic!("{page:?}") };
    assert_eq!((&refusal.stronger, &refusal.weaker), (&identifier("user_id:bo"), &identifier("email:x@x.org")));
    assert_eq!(refusal.event.source_and_id().unwrap().1, "b");
    let account = world.definitions.rules.find("user_id").unwrap().0;
    assert_eq!(page.by_limit, [(Limit::OfKind(account), 1)].into());
    let id = |name: &str| world.customer(name).unwrap().id;
    assert_eq!(refusal.customers, (id("user_id:bo"), id("user_id:ann")));
    for name in ["user_id:ann", "user_id:bo"] {
        let of = world.reader().refusals(Some(&named(name)), None, 10).unwrap().content.unwrap();
        assert_eq!(of.refusals, page.refusals, "of {name}");
    }
    let void = world.reader().void_identifiers(None, 10).unwrap().content;
    let [phone] = &void.identifiers[..] else { panic!("{void:?}") };
    assert_eq!(
        (phone.met.clone(), phone.since.source_and_id().unwrap().1),
        (("user_id".to_owned(), 11), "e10".to_owned())
    );
    assert_eq!(void.by_namespace["phone"], 1);
    let explained = world.reader().explain(&named("phone:+4915112345678"), None).unwrap().content.unwrap();
    assert_eq!((explained.void.as_ref(), explained.customer), (Some(phone), None));
}

#[test]
fn a_long_list_of_refusals_comes_in_pages() {
    let mut world = World::new();
    let refused = (1..8).map(|n| at(n, &format!("e{n}"), &format!("user_id:u{n} email:{}@x.org", n / 4)));
    world.fold(&refused.collect::<Vec<_>>());
    let all = world.reader().refusals(None, None, 100).unwrap().content.unwrap();
    assert_eq!((all.refusals.len(), all.next.is_none()), (5, true));
    let (mut paged, mut after) = (Vec::new(), None);
    loop {
        let page = world.reader().refusals(None, after.as_ref(), 2).unwrap().content.unwrap();
        assert_eq!(page.by_limit, all.by_limit);
        paged.extend(page.refusals);
        let Some(next) = page.next else { break };
        after = RefusalPlace::from_bytes(&next.to_bytes());
    }
    assert_eq!(paged, all.refusals);
}
