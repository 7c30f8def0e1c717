//! Questions about all customers: what the cells say is what a look at every customer would say.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod support;

use std::collections::BTreeMap;

use proptest::prelude::*;
use rapport_customer::journey::FunnelQuestion;
use rapport_customer::{Bucket, Day, Days, Histogram, Measure, ScoreRow, ScoresQuestion, Slice};
use rapport_readmodel::{CustomerAnswer, Filter, ResponsesQuestion, TransitionsQuestion};
use serde_json::{Value, json};
use support::property::hold;
use support::{World, event_on};

fn question(slice: Option<Slice>) -> ScoresQuestion {
    let (measure, days, bucket) = (Measure::Nps, Days::default(), Bucket::Whole);
    ScoresQuestion { measure, days, bucket, slice, only: Vec::new(), most_slices: 1_000 }
}

fn scores(world: &World, question: &ScoresQuestion) -> Vec<(Option<Day>, Option<String>, ScoreRow)> {
    let [scores] = &world.reader().scores(std::slice::from_ref(question)).unwrap().content[..] else { panic!() };
    scores.clone().rows(question)
}

fn whole<'a>(rows: impl IntoIterator<Item = &'a ScoreRow>) -> ScoreRow {
    rows.into_iter().fold(ScoreRow::default(), |mut sum, row| {
        sum.histogram.add_all(&row.histogram);
        sum.asked += row.asked;
        sum.answered += row.answered;
        sum
    })
}

fn everybody(world: &World) -> Vec<CustomerAnswer> {
    let mut customers = Vec::new();
    let mut after = None;
    loop {
        let page = world.reader().find(&Filter::default(), after, 3).unwrap().content;
        customers.extend(page.customers);
        after = page.next;
        if after.is_none() {
            return customers;
        }
    }
}

/// All responses that count, in pages.
fn responses(world: &World, asked: &ResponsesQuestion) -> Histogram {
    let mut histogram = Histogram::default();
    let mut after = None;
    loop {
        let page = world.reader().responses(asked, after.as_ref(), 2).unwrap().content.unwrap();
        page.entries.iter().for_each(|entry| histogram.add(entry.fact.score, 1));
        after = page.next;
        if after.is_none() {
            return histogram;
        }
    }
}

fn touchpoint() -> impl Strategy<Value = Value> {
    let who = prop_oneof![
        4 => (0..4_u8).prop_map(|n| format!("user_id:{n}")),
        2 => (0..3_u8).prop_map(|n| format!("anonymous_id:a{n}")),
        2 => (0..4_u8, 0..3_u8).prop_map(|(user, device)| format!("user_id:{user} anonymous_id:a{device}")),
        1 => (0..4_u8, 0..3_u8).prop_map(|(user, mail)| format!("user_id:{user} email:{mail}@x.org")),
    ];
    let survey = |score: Option<u8>, n: u8, team: Option<u8>| {
        let mut data = json!({"survey": format!("s{}", n % 2), "metric": "nps"});
        if n < 4 {
            data["instance"] = json!(n.to_string());
        }
        if let Some(score) = score {
            data["score"] = json!(score);
        }
        if let Some(team) = team {
            data["team"] = json!(team.to_string());
        }
        data
    };
    let said = prop_oneof![
        2 => Just(("tour.taken", json!({}))),
        2 => Just(("order.placed", json!({"order_id": "o", "amount": "1.50", "currency": "EUR"}))),
        2 => (0..6_u8, proptest::option::of(0..3_u8)).prop_map(move |(n, team)| ("survey.sent", survey(None, n, team))),
        4 => (0..11_u8, 0..6_u8, proptest::option::of(0..3_u8))
            .prop_map(move |(score, n, team)| ("survey.answered", survey(Some(score), n, team))),
    ];
    let channel = prop_oneof![Just("web"), Just("store"), Just("phone")];
    (0..3000_u32, 0..80_u32, who, said, channel).prop_map(|(minute, id, who, (said, data), channel)| {
        event_on(channel, minute, &id.to_string(), said, &who, data)
    })
}

#[test]
fn every_slicing_adds_up_to_the_whole_and_the_funnel_to_a_scan() {
    hold(60, &(proptest::collection::vec(touchpoint(), 1..60), 1..20_usize, 0..4000_u32), |(events, cut, clock)| {
        let mut world = World::new();
        for batch in events.chunks(cut) {
            world.fold(batch);
        }
        world.let_pass(clock);

        let all = whole(scores(&world, &question(None)).iter().map(|(_, _, row)| row));
        prop_assert_eq!(&responses(&world, &ResponsesQuestion::default()), &all.histogram);
        for slice in Slice::ALL {
            let sliced = scores(&world, &question(Some(slice)));
            prop_assert_eq!(&whole(sliced.iter().map(|(_, _, row)| row)), &all, "by {}", slice.name());
            for (_, value, row) in &sliced {
                let only = vec![(slice, value.clone().unwrap())];
                let alone = scores(&world, &ScoresQuestion { only: only.clone(), ..question(None) });
                prop_assert_eq!(&whole(alone.iter().map(|(_, _, row)| row)), row);
                let listed = responses(&world, &ResponsesQuestion { only, ..ResponsesQuestion::default() });
                prop_assert_eq!(&listed, &row.histogram);
            }
            let few = ScoresQuestion { most_slices: 1, ..question(Some(slice)) };
            prop_assert_eq!(&whole(scores(&world, &few).iter().map(|(_, _, row)| row)), &all);
        }
        for bucket in [Bucket::Day, Bucket::Week, Bucket::Month, Bucket::Quarter] {
            let rows = scores(&world, &ScoresQuestion { bucket, ..question(None) });
            prop_assert_eq!(&whole(rows.iter().map(|(_, _, row)| row)), &all);
        }
        let day = Day::parse("2026-01-02");
        let before = scores(&world, &ScoresQuestion { days: Days { from: None, until: day }, ..question(None) });
        let after = scores(&world, &ScoresQuestion { days: Days { from: day, until: None }, ..question(None) });
        prop_assert_eq!(&whole(before.iter().chain(&after).map(|(_, _, row)| row)), &all);

        let customers = everybody(&world);
        prop_assert_eq!(customers.len() as i128, world.total("customers"));
        let labelled: Vec<String> =
            customers.iter().flat_map(|customer| customer.states.labels(&world.definitions.journeys)).collect();
        for label in labelled.iter().collect::<std::collections::BTreeSet<_>>() {
            let filter = Filter { labels: vec![label.clone()], ..Filter::default() };
            let found = world.reader().find(&filter, None, 1_000).unwrap().content.customers.len();
            prop_assert_eq!(found, labelled.iter().filter(|other| *other == label).count(), "{}", label);
        }
        prop_assert_eq!(world.labels(), labelled.len(), "nobody is found by what is no longer so");
        for map in world.definitions.journeys.iter() {
            let (_, asked) = (
                map,
                FunnelQuestion { map, days: Days::default(), bucket: Bucket::Whole, by_channel: false, channel: None },
            );
            let funnel = world.reader().funnel(&asked).unwrap().content;
            let mut scanned: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
            let mut began = 0;
            for customer in &customers {
                let journey = customer.states.journey.as_ref().unwrap();
                let (_, progress) =
                    journey.by_map(&world.definitions.journeys).find(|(of, _)| of.name == map.name).unwrap();
                let Some(place) = progress.place else { continue };
                began += 1;
                scanned.entry(&map.stage(place.stage).name).or_default().0 += 1;
                for stage in progress.first_entered.keys() {
                    scanned.entry(&map.stage(*stage).name).or_default().1 += 1;
                }
            }
            let counted = funnel.rows.values().next().cloned().unwrap_or_default();
            prop_assert_eq!(counted.began, began);
            for ((_, stage), count) in map.indexed().zip(&counted.stages) {
                let (now_in, entered) = scanned.remove(stage.name.as_str()).unwrap_or_default();
                prop_assert_eq!((count.now_in, count.entered), (now_in, entered), "{}", stage.name);
            }
            prop_assert!(scanned.is_empty());
            let by_channel =
                world.reader().funnel(&FunnelQuestion { by_channel: true, bucket: Bucket::Day, ..asked }).unwrap();
            prop_assert_eq!(by_channel.content.rows.values().map(|row| row.began).sum::<u64>(), began);
            let listed = world
                .reader()
                .transitions(
                    &TransitionsQuestion { journey: Some(map.name.clone()), ..TransitionsQuestion::default() },
                    None,
                    10_000,
                )
                .unwrap();
            let made: u64 = customers
                .iter()
                .flat_map(|customer| {
                    let journey = customer.states.journey.as_ref().unwrap();
                    journey
                        .by_map(&world.definitions.journeys)
                        .filter(|(of, _)| of.name == map.name)
                        .map(|(_, progress)| progress.transitions)
                        .collect::<Vec<_>>()
                })
                .sum();
            prop_assert_eq!(listed.content.unwrap().entries.len() as u64, made);
        }
        Ok(())
    });
}

#[test]
fn a_customer_is_found_by_all_that_holds() {
    let mut world = World::new();
    let traits = |city: &str| json!({"traits": {"city": city}});
    let bought = || json!({"order_id": "o", "amount": "1", "currency": "EUR"});
    world.fold(&[
        event_on("web", 1, "1", "customer.identified", "user_id:1", traits("Oslo")),
        event_on("store", 2, "2", "order.placed", "user_id:1", bought()),
        event_on("web", 3, "3", "customer.identified", "user_id:2", traits("Oslo")),
        event_on("web", 4, "4", "customer.identified", "user_id:3", traits("Rome")),
        event_on("web", 9, "5", "customer.identified", "user_id:3", traits("Oslo")),
    ]);
    let found = |labels: &[&str], seen: (Option<u32>, Option<u32>)| {
        let filter = Filter {
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            seen_from: seen.0.map(support::minute_of),
            seen_until: seen.1.map(support::minute_of),
        };
        let page = world.reader().find(&filter, None, 10).unwrap().content;
        let name = |customer: &CustomerAnswer| customer.states.identity.persons[0].value.clone();
        page.customers.iter().map(name).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(found(&[], (None, None)), "1 2 3");
    assert_eq!(found(&["trait:city=Oslo"], (None, None)), "1 2 3", "a trait is what was said last");
    assert_eq!(found(&["trait:city=Rome"], (None, None)), "");
    assert_eq!(found(&["stage:sales=customer"], (None, None)), "1");
    assert_eq!(found(&["trait:city=Oslo", "channel:store"], (None, None)), "1");
    assert_eq!(found(&["trait:city=Oslo"], (Some(3), Some(9))), "2");
    world.let_pass(7);
    let at_risk = Filter { labels: vec!["stage:sales=at_risk".to_owned()], ..Filter::default() };
    assert_eq!(
        world.reader().find(&at_risk, None, 10).unwrap().content.customers.len(),
        1,
        "silence changes what is found"
    );
}
