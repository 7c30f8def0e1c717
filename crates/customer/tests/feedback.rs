//! What feedback means: given these answers and askings, in the order of events, then this.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod support;

use std::collections::BTreeMap;

use rapport_customer::{
    Definitions, Fact, FactChange, FactKey, FactKind, Given, Histogram, Measure, Slice, Totals, with_coordinates,
};
use serde_json::{Value, json};

use support::{CATALOGUE, Customer};

/// One event a minute, each from another channel than the one before: `web` and `app` in turn.
fn given(events: &[(&str, Value)]) -> Customer {
    let mut customer = Customer::new(Definitions::standard(&CATALOGUE));
    for (at, (event_type, data)) in events.iter().enumerate() {
        let time = format!("2026-01-{:02}T{:02}:{:02}:00Z", 1 + at / 1440, at / 60 % 24, at % 60);
        customer.does(event_type, if at % 2 == 0 { "web" } else { "app" }, &time, data);
    }
    customer
}

fn nps(instance: Option<&str>, score: u32) -> (&'static str, Value) {
    let mut data = json!({"survey": "s", "metric": "nps", "score": score});
    if let Some(instance) = instance {
        data["instance"] = json!(instance);
    }
    ("survey.answered", data)
}

fn sent(instance: Option<&str>) -> (&'static str, Value) {
    let mut data = json!({"survey": "s", "metric": "nps"});
    if let Some(instance) = instance {
        data["instance"] = json!(instance);
    }
    ("survey.sent", data)
}

/// The facts of feedback as they stand in the end, with whether they are closed.
fn standing(customer: &Customer) -> BTreeMap<(FactKind, FactKey), (Fact, bool)> {
    let mut facts = BTreeMap::new();
    for change in &customer.facts {
        match change {
            FactChange::Put(_, Fact::Transition(_)) => {}
            FactChange::Put(key, fact) => {
                let before = facts.insert((fact.kind(), key.clone()), (fact.clone(), false));
                assert_eq!(before, None, "a fact is put once");
            }
            FactChange::Close { kind, key, by } => {
                assert!(key.event < *by, "a fact is closed by a later event");
                let (_, closed) = facts.get_mut(&(*kind, key.clone())).expect("what is closed was put");
                assert!(!*closed, "a fact is closed once");
                *closed = true;
            }
        }
    }
    facts
}

fn totals(customer: &Customer) -> Totals {
    let mut totals = Totals::default();
    for ((_, key), (fact, closed)) in standing(customer) {
        totals.add_all(&fact.contributes(&key, closed, &customer.definitions.zone));
    }
    totals
}

fn coordinates(cell: &str) -> Vec<String> {
    with_coordinates(cell, |found| found.iter().map(|text| (*text).to_owned()).collect()).unwrap()
}

/// How often each score counts on a measure, in all cells.
fn histogram(customer: &Customer, measure: Measure) -> Histogram {
    let mut histogram = Histogram::default();
    for (cell, count) in totals(customer).iter() {
        let cell = coordinates(cell);
        if cell[0] == "score" && cell[1] == measure.name() {
            histogram.add(cell[9].parse().unwrap(), count.try_into().unwrap());
        }
    }
    histogram
}

fn scores(customer: &Customer, measure: Measure) -> Vec<(u32, u64)> {
    histogram(customer, measure).iter().collect()
}

fn of(customer: &Customer, measure: Measure) -> Given {
    customer.states.feedback.as_ref().unwrap().by_measure[&measure].clone()
}

#[test]
fn each_answer_without_an_instance_counts() {
    let customer = given(&[nps(None, 9), nps(None, 9), nps(None, 3)]);
    assert_eq!(scores(&customer, Measure::Nps), [(3, 1), (9, 2)]);
    let given = of(&customer, Measure::Nps);
    assert_eq!((given.responses, given.last_score), (3, Some(3)));
    assert_eq!(given.last_time.to_string(), "2026-01-01T00:02:00Z");
}

#[test]
fn the_last_answer_to_an_instance_counts() {
    let customer =
        given(&[nps(Some("order-1"), 2), nps(Some("order-2"), 5), nps(Some("order-1"), 9), nps(Some("order-1"), 10)]);
    assert_eq!(scores(&customer, Measure::Nps), [(5, 1), (10, 1)]);
    assert_eq!((of(&customer, Measure::Nps).responses, of(&customer, Measure::Nps).last_score), (2, Some(10)));
}

#[test]
fn an_instance_is_one_of_its_survey_and_measure() {
    let answer = |survey: &str, metric: &str, score: u32| {
        ("survey.answered", json!({"survey": survey, "metric": metric, "score": score, "instance": "1"}))
    };
    let customer =
        given(&[answer("a", "nps", 1), answer("b", "nps", 2), answer("a", "csat", 3), answer("a", "nps", 4)]);
    assert_eq!(scores(&customer, Measure::Nps), [(2, 1), (4, 1)]);
    assert_eq!(scores(&customer, Measure::Csat), [(3, 1)]);
}

#[test]
fn an_answer_answers_the_asking_of_its_instance() {
    let customer = given(&[sent(Some("1")), sent(Some("2")), sent(None), nps(Some("2"), 9), nps(Some("3"), 9)]);
    let closed: Vec<bool> = standing(&customer)
        .into_iter()
        .filter(|((kind, _), _)| *kind == FactKind::Asking)
        .map(|(_, (_, closed))| closed)
        .collect();
    assert_eq!(closed, [false, true, false]);
    let given = of(&customer, Measure::Nps);
    assert_eq!((given.asked, given.answered, given.responses), (3, 1, 2));
}

#[test]
fn an_asking_is_answered_once() {
    let customer = given(&[sent(None), sent(None), nps(None, 9), nps(None, 9), nps(None, 9)]);
    let given = of(&customer, Measure::Nps);
    assert_eq!((given.asked, given.answered, given.responses), (2, 2, 3));
    let customer = self::given(&[sent(Some("1")), nps(Some("1"), 9), nps(Some("1"), 8)]);
    let given = of(&customer, Measure::Nps);
    assert_eq!((given.asked, given.answered, given.responses), (1, 1, 1));
}

#[test]
fn a_reminder_is_no_other_asking() {
    let customer = given(&[sent(Some("1")), sent(Some("1")), sent(Some("2")), nps(Some("1"), 9)]);
    assert_eq!((of(&customer, Measure::Nps).asked, of(&customer, Measure::Nps).answered), (2, 1));
}

#[test]
fn an_answer_before_the_asking_answers_it_not() {
    let customer = given(&[nps(Some("1"), 9), sent(Some("1"))]);
    assert_eq!((of(&customer, Measure::Nps).asked, of(&customer, Measure::Nps).answered), (1, 0));
}

#[test]
fn feedback_has_the_stage_that_stood_before_it() {
    let order = ("order.placed", json!({"order_id": "o", "amount": "1", "currency": "CNY"}));
    let mut customer = given(&[nps(None, 9), order, nps(None, 10)]);
    // The answer makes the customer an advocate; after it, 30 days of silence fall before the next one.
    customer.does("survey.answered", "web", "2026-03-01T00:00:00Z", &nps(None, 8).1);
    let stages: Vec<_> = standing(&customer)
        .into_values()
        .map(|(fact, _)| match fact {
            Fact::Response(response) => response.about.stage,
            Fact::Asking(_) | Fact::Transition(_) => panic!("answers only"),
        })
        .collect();
    assert_eq!(stages, [None, Some("customer".to_owned()), Some("at_risk".to_owned())]);
}

#[test]
fn an_answer_is_told_by_what_it_is_about() {
    let data = json!({
        "survey": "after_delivery", "instance": "o-1", "metric": "csat", "score": 4, "comment": "Quick.",
        "touchpoint": "delivery", "agent": "st-31", "team": "east",
    });
    let customer = given(&[("survey.answered", data)]);
    let totals = totals(&customer);
    let [(cell, 1)] = totals.iter().collect::<Vec<_>>()[..] else { panic!("one cell") };
    let cell = coordinates(cell);
    assert_eq!(cell[..3], ["score", "csat", "2026-01-01"]);
    let slices: Vec<_> = Slice::ALL.map(Slice::name).into_iter().zip(cell[3..].iter().map(String::as_str)).collect();
    assert_eq!(
        slices,
        [
            ("channel", "web"),
            ("survey", "after_delivery"),
            ("touchpoint", "delivery"),
            ("agent", "st-31"),
            ("team", "east"),
            ("stage", "")
        ]
    );
    assert_eq!((cell.len(), cell[9].as_str()), (10, "4"));
}

#[test]
fn reviews_are_stars() {
    let review = |data: Value| ("review.posted", data);
    let customer = given(&[
        review(
            json!({"score": 5, "review_id": "r1", "platform": "maps", "location": "Hubin", "sku": "s1", "title": "Good"}),
        ),
        review(json!({"score": 1, "review_id": "r1", "platform": "maps", "text": "Not any more."})),
        review(json!({"score": 4, "sku": "s1", "title": "Fine", "text": "Fresh."})),
        review(json!({"score": 4})),
    ]);
    assert_eq!(scores(&customer, Measure::Stars), [(1, 1), (4, 2)]);
    let responses: Vec<_> = standing(&customer)
        .into_values()
        .map(|(fact, closed)| match fact {
            Fact::Response(response) => (response.about.survey, response.about.touchpoint, response.comment, closed),
            Fact::Asking(_) | Fact::Transition(_) => panic!("answers only"),
        })
        .collect();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        responses,
        [
            ("maps".to_owned(), text("Hubin"), text("Good"), true),
            ("maps".to_owned(), None, text("Not any more."), false),
            ("review".to_owned(), text("s1"), text("Fresh."), false),
            ("review".to_owned(), None, None, false),
        ]
    );
}

#[test]
fn beyond_a_thousand_instances_an_old_answer_counts_as_it_stands() {
    let mut events: Vec<_> = (0..1_001).map(|n| nps(Some(&n.to_string()), 5)).collect();
    events.push(nps(Some("0"), 9));
    events.push(nps(Some("1000"), 9));
    let customer = given(&events);
    // The first was forgotten by the thousand and first, so its second answer is one more.
    assert_eq!(scores(&customer, Measure::Nps), [(5, 1_000), (9, 2)]);
    assert_eq!(of(&customer, Measure::Nps).responses, 1_002);
}

#[test]
fn an_answer_that_is_given_anew_is_remembered_anew() {
    let mut events: Vec<_> = (0..1_000).map(|n| nps(Some(&n.to_string()), 5)).collect();
    events.extend([nps(Some("0"), 6), nps(Some("1000"), 5), nps(Some("0"), 7)]);
    let customer = given(&events);
    assert_eq!(scores(&customer, Measure::Nps), [(5, 1_000), (7, 1)]);
}

#[test]
fn beyond_two_hundred_askings_an_old_one_stays_unanswered() {
    let mut events: Vec<_> = (0..201).map(|n| sent(Some(&n.to_string()))).collect();
    events.extend([nps(Some("0"), 9), nps(Some("200"), 9)]);
    let given = of(&given(&events), Measure::Nps);
    assert_eq!((given.asked, given.answered, given.responses), (201, 1, 2));
}

/// Answers without an instance: how many of each score.
fn answers(metric: &'static str, of_score: &[(u32, usize)]) -> Vec<(&'static str, Value)> {
    let answer = |score: u32| ("survey.answered", json!({"survey": "s", "metric": metric, "score": score}));
    of_score.iter().flat_map(|(score, times)| std::iter::repeat_n(answer(*score), *times)).collect()
}

/// Sixty answers, twenty on each scale, worked out on paper. n = 20; the margin is 1.959964 × √(variance / 19), where the
/// variance is that of the numbers themselves, since √(s² / n) with s² = variance × n / (n - 1) is just that.
#[test]
fn sixty_answers_give_the_scores_that_were_worked_out_on_paper() {
    let mut events = answers("nps", &[(10, 5), (9, 4), (8, 4), (7, 2), (6, 2), (4, 1), (2, 1), (0, 1)]);
    events.extend(answers("csat", &[(5, 8), (4, 5), (3, 3), (2, 2), (1, 2)]));
    events.extend(answers("ces", &[(7, 6), (6, 5), (5, 3), (4, 2), (3, 2), (2, 1), (1, 1)]));
    let customer = given(&events);
    let told = |measure: Measure| {
        let score = histogram(&customer, measure).score(measure).unwrap();
        let numbers = format!("{:.3} ± {:.3}, mean {:.3}", score.value, score.margin.unwrap(), score.mean);
        (numbers, score.responses, score.high, score.low)
    };
    // 9 of 20 gave 9-10: 45 %. 5 of 20 gave 0-6: 25 %. NPS = 45 - 25 = 20.
    // As +1, 0 and -1: mean 0.20, variance 0.45 + 0.25 - 0.20² = 0.66; √(0.66 / 19) = √0.0347368 = 0.1863782;
    // 1.959964 × 0.1863782 = 0.3652946, so ± 36.529. Mean: (50 + 36 + 32 + 14 + 12 + 4 + 2 + 0) / 20 = 150 / 20 = 7.5.
    assert_eq!(told(Measure::Nps), ("20.000 ± 36.529, mean 7.500".to_owned(), 20, 9, 5));
    // 13 of 20 gave 4-5: CSAT = 65 %. Variance 0.65 × 0.35 = 0.2275; √(0.2275 / 19) = √0.0119737 = 0.1094243;
    // 1.959964 × 0.1094243 = 0.2144677, so ± 21.447. Mean: (40 + 20 + 9 + 4 + 2) / 20 = 75 / 20 = 3.75. 4 gave 1-2.
    assert_eq!(told(Measure::Csat), ("65.000 ± 21.447, mean 3.750".to_owned(), 20, 13, 4));
    // 14 of 20 gave 5-7: CES = 70 %. Variance 0.70 × 0.30 = 0.21; √(0.21 / 19) = √0.0110526 = 0.1051315;
    // 1.959964 × 0.1051315 = 0.2060540, so ± 20.605. Mean: (42 + 30 + 15 + 8 + 6 + 2 + 1) / 20 = 104 / 20 = 5.2. 4 gave 1-3.
    assert_eq!(told(Measure::Ces), ("70.000 ± 20.605, mean 5.200".to_owned(), 20, 14, 4));
}

#[test]
fn no_answers_are_no_score_and_one_has_no_margin() {
    assert_eq!(Histogram::default().score(Measure::Nps), None);
    let mut one = Histogram::default();
    one.add(10, 1);
    let score = one.score(Measure::Nps).unwrap();
    assert_eq!((score.value, score.margin, score.responses), (100.0, None, 1));
}

#[test]
fn five_who_agree_do_not_make_a_number_exact() {
    for measure in Measure::ALL {
        let mut agreed = Histogram::default();
        agreed.add(5, 5);
        assert_eq!(agreed.score(measure).unwrap().margin, None, "{}", measure.name());
    }
}
