//! What can happen: a log in some order of arrival, and what is done to the read model on the way.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, LazyLock};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use rapport_customer::Zone;
use rapport_customer::identity::Rules;
use rapport_customer::journey::JourneyMaps;
use rapport_readmodel::{Definitions, Spacing};
use rapport_touchpoint::{Catalogue, Place, SchemaFile, receive};
use serde_json::{Value, json};

use crate::support::{Record, catalogue, decided, definitions, event, journeys, minute_of, now};

#[derive(Debug, Clone)]
pub struct Case {
    pub said: Vec<Said>,
    /// Brings the touchpoints into the order of events first; only those that are moved are late then.
    pub in_order: Option<Vec<(Index, Index)>>,
    pub steps: Vec<Step>,
    /// Records of each batch after the steps.
    pub rest: usize,
    pub spacing: Spacing,
    /// One of [`DEFINITIONS`].
    pub under: usize,
}

/// What comes to the log.
#[derive(Clone)]
pub enum Said {
    Touchpoint(Value),
    /// Something that was said before, in the same words.
    Again(Index),
    /// Other words under the name of something that was said before.
    OtherBody(Index, Value),
    Unreadable(Value),
    /// With a short text for people.
    Decision(String, Record),
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Touchpoint(event) => write!(f, "{event}"),
            Self::Again(of) => write!(f, "again {of:?}"),
            Self::OtherBody(of, event) => write!(f, "under the name of {of:?}: {event}"),
            Self::Unreadable(record) => write!(f, "unreadable {record}"),
            Self::Decision(text, _) => f.write_str(text),
        }
    }
}

/// What is done to the read model.
#[derive(Debug, Clone)]
pub enum Step {
    /// The next so many records, as one batch.
    Fold(usize),
    /// Lets silence fall up to this minute.
    Pass(u32),
    /// Up to the very moment of the next silence.
    PassNext,
    Reopen,
    /// What was written last is lost or spoiled from a place in the write-ahead log on, in thousandths of its length.
    Crash(Tear, usize),
    /// A batch that fails at its last step, and is tried again.
    Fail(usize),
    /// Another writer folds this batch first.
    Race(usize),
    /// Other definitions; one of [`DEFINITIONS`].
    Define(usize),
}

#[derive(Debug, Clone, Copy)]
pub enum Tear {
    Cut,
    CutBetweenFrames,
    Spoiled,
}

/// Limits so small that few events reach them; smaller ones, and visits that are longer than all cases; and with the first
/// another place, other journeys, no visits and a schema that not everything passes.
pub const DEFINITIONS: usize = 5;
/// So short that moments of a case are longer apart and exactly so far.
const VISIT_MINUTES: i64 = 3;

pub fn definitions_of(number: usize) -> Arc<Definitions> {
    static ALL: LazyLock<[Arc<Definitions>; DEFINITIONS]> = LazyLock::new(|| {
        let limited = |partners, visit_minutes: i64| {
            let mut rules = Rules::default();
            rules.most_partners = partners;
            rules.most_persons = 4;
            rules.visit.nanos = visit_minutes * 60 * 1_000_000_000;
            (*definitions(rules)).clone()
        };
        let one_journey = JourneyMaps(journeys().0.into_iter().take(1).collect());
        [
            limited(2, VISIT_MINUTES),
            limited(1, 60),
            Definitions { zone: Zone::utc(), ..limited(2, VISIT_MINUTES) },
            Definitions { journeys: Arc::new(one_journey), ..limited(2, VISIT_MINUTES) },
            Definitions { catalogue: Arc::new(strict_catalogue()), ..limited(2, 0) },
        ]
        .map(Arc::new)
    });
    ALL[number].clone()
}

/// A tour has a guide here.
fn strict_catalogue() -> Catalogue {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A tour with a guide", "description": "Who came along.", "type": "object",
        "properties": {"guide": {"type": "string", "maxLength": 64}}, "required": ["guide"],
        "examples": [{"guide": "g"}],
    });
    let file = SchemaFile { path: "tour.taken/1.json".to_owned(), text: schema.to_string() };
    Catalogue::with_custom(&[file]).unwrap()
}

impl Case {
    /// The log, as a gateway wrote it.
    pub fn log(&self) -> Vec<Record> {
        let mut sent: Vec<Value> = Vec::new();
        let mut log = Vec::new();
        for (at, said) in self.arrival().into_iter().enumerate() {
            let event = match said {
                Said::Touchpoint(event) => event,
                Said::Again(of) if !sent.is_empty() => of.get(&sent).clone(),
                Said::OtherBody(of, mut event) if !sent.is_empty() => {
                    let known = of.get(&sent);
                    (event["source"], event["id"]) = (known["source"].clone(), known["id"].clone());
                    event
                }
                Said::Again(_) | Said::OtherBody(..) => continue,
                Said::Decision(_, record) => {
                    log.push(record);
                    continue;
                }
                Said::Unreadable(record) => {
                    log.push(Record { place: Place::Touchpoints, json: record.to_string().into_bytes() });
                    continue;
                }
            };
            // Who gives no time gets that of arrival, another one each time.
            let arrives = if event.get("time").is_some() { now() } else { minute_of(at as u32) };
            let json = receive(event.clone(), arrives, &catalogue()).unwrap().into_json();
            log.push(Record { place: Place::Touchpoints, json });
            sent.push(event);
        }
        log
    }

    fn arrival(&self) -> Vec<Said> {
        let mut said = self.said.clone();
        let Some(moves) = &self.in_order else { return said };
        // Stable, so what has no time of its own stays about where it was.
        said.sort_by_key(|said| match said {
            Said::Touchpoint(event) => event["time"].as_str().map_or_else(|| minute_of(15).to_string(), str::to_owned),
            Said::Again(_) | Said::OtherBody(..) | Said::Unreadable(_) | Said::Decision(..) => {
                minute_of(15).to_string()
            }
        });
        for (from, to) in moves {
            let moved = said.remove(from.index(said.len()));
            said.insert(to.index(said.len() + 1), moved);
        }
        said
    }
}

pub fn case() -> impl Strategy<Value = Case> {
    let in_order = proptest::option::of(vec(any::<(Index, Index)>(), 0..4));
    let spacing = (1..4_u64, 1..4_u64).prop_map(|(from, every)| Spacing { from, every });
    (vec(said(), 1..40), in_order, vec(step(), 1..16), 1..12_usize, spacing, 0..DEFINITIONS).prop_map(
        |(said, in_order, steps, rest, spacing, under)| Case {
            said: said.concat(),
            in_order,
            steps,
            rest,
            spacing,
            under,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let tear = prop_oneof![Just(Tear::Cut), Just(Tear::CutBetweenFrames), Just(Tear::Spoiled)];
    prop_oneof![
        16 => (1..10_usize).prop_map(Step::Fold),
        4 => (0..60_u32).prop_map(Step::Pass),
        4 => Just(Step::PassNext),
        2 => Just(Step::Reopen),
        3 => (tear, 0..=1_000_usize).prop_map(|(tear, at)| Step::Crash(tear, at)),
        2 => (1..6_usize).prop_map(Step::Fail),
        2 => (1..6_usize).prop_map(Step::Race),
        2 => (0..DEFINITIONS).prop_map(Step::Define),
    ]
}

fn said() -> impl Strategy<Value = Vec<Said>> {
    let unreadable = prop_oneof![
        Just(json!("no object")),
        Just(json!({"specversion": "1.0", "id": "1", "source": "test", "type": "order.placed", "time": "soon"})),
    ];
    let one = prop_oneof![
        30 => touchpoint().prop_map(Said::Touchpoint),
        5 => any::<Index>().prop_map(Said::Again),
        2 => (any::<Index>(), touchpoint()).prop_map(|(of, other)| Said::OtherBody(of, other)),
        1 => unreadable.prop_map(Said::Unreadable),
        5 => decision(),
    ];
    prop_oneof![
        30 => one.prop_map(|one| vec![one]),
        3 => answer_handed_over(),
        2 => link_turns_out_older(),
        5 => visit_and_sign_in(),
    ]
}

/// A visit about a visit's length before somebody signs in, on a device that another one had; and then, late, somebody who
/// signed in between. Each by another kind of identifier, so that the device is not void by it.
fn visit_and_sign_in() -> impl Strategy<Value = Vec<Said>> {
    let minutes = (0..15_u32, 2..9_u32, 0..4_u32, 0..4_u32);
    let people = (0..3_u8, 0..5_u8, 0..4_u8);
    (minutes, people, 0..3_u8, 0..3_u8).prop_map(
        |((minute, until, visit, late), (user, mail, card), device, between)| {
            let next = minute + until;
            let before_next = |minutes| next.saturating_sub(minutes);
            let (user, mail) = (format!("user_id:u{user}"), format!("email:{mail}@x.org"));
            let between = match between {
                0 => user.clone(),
                1 => mail.clone(),
                _ => format!("loyalty_card:c{card}"),
            };
            let said =
                [(minute, user), (next, mail), (before_next(visit), String::new()), (before_next(late), between)];
            let touchpoint = |(minute, person): (u32, String)| {
                let ids = format!("{person} anonymous_id:a{device}");
                Said::Touchpoint(event(minute, &format!("visit {minute} {ids}"), "tour.taken", &ids, json!({})))
            };
            said.into_iter().map(touchpoint).collect()
        },
    )
}

/// An e-mail address is one account's, until it turns out that it was another one's before.
fn link_turns_out_older() -> impl Strategy<Value = Vec<Said>> {
    (0..3_u8, 1..3_u8, 0..5_u8, 0..25_u32).prop_map(|(one, next, mail, minute)| {
        let other = (one + next) % 3;
        let said = [(1, one), (2, other), (0, other)];
        let touchpoint = |(after, user): (u32, u8)| {
            let ids = format!("user_id:u{user} email:{mail}@x.org");
            Said::Touchpoint(event(minute + after, &format!("{minute} {after} {ids}"), "tour.taken", &ids, json!({})))
        };
        said.into_iter().map(touchpoint).collect()
    })
}

/// An answer replaces another one, until it turns out that the device on which it was given had gone to somebody else.
fn answer_handed_over() -> impl Strategy<Value = Vec<Said>> {
    (0..3_u8, 0..3_u8, 0..3_u8, 0..25_u32).prop_map(|(one, other, device, minute)| {
        let device = format!("anonymous_id:a{device}");
        let answer = |score: u8| json!({"survey": "s", "metric": "nps", "instance": "0", "score": score});
        let said = [
            (0, "tour.taken", format!("user_id:u{one} {device}"), json!({})),
            (1, "survey.answered", format!("user_id:u{one}"), answer(9)),
            (3, "survey.answered", device.clone(), answer(3)),
            (2, "tour.taken", format!("user_id:u{other} {device}"), json!({})),
        ];
        let touchpoint = |(after, what, ids, data): (u32, &str, String, Value)| {
            Said::Touchpoint(event(minute + after, &format!("{minute} {after} {ids}"), what, &ids, data))
        };
        said.into_iter().map(touchpoint).collect()
    })
}

/// Few names, so that they are cancelled, and sometimes taken by another one.
fn decision() -> impl Strategy<Value = Said> {
    let name = || (0..4_u8).prop_map(|n| format!("d{n}"));
    let what = prop_oneof![
        5 => merge().prop_map(|(what, _)| what),
        3 => sides().prop_map(|(left, right)| What::Split(left, right)),
        5 => vec(name(), 1..3).prop_map(What::Undo),
    ];
    (0..30_u32, name(), what).prop_map(|(minute, id, what)| {
        let text = format!("decision {id} at {minute}: {what:?}");
        Said::Decision(text, what.record(minute, &id))
    })
}

/// Two lists of identifiers with nothing in common.
fn sides() -> impl Strategy<Value = (String, String)> {
    let person = || {
        prop_oneof![
            6 => (0..3_u8).prop_map(|n| format!("user_id:u{n}")),
            4 => (0..5_u8).prop_map(|n| format!("email:{n}@x.org")),
            2 => (0..4_u8).prop_map(|n| format!("loyalty_card:c{n}")),
        ]
    };
    let device = || (0..3_u8).prop_map(|n| format!("anonymous_id:a{n}"));
    let side = || {
        prop_oneof![
            3 => person(),
            1 => (person(), person()).prop_map(|(one, other)| format!("{one} {other}")),
            1 => (person(), device()).prop_map(|(one, other)| format!("{one} {other}")),
            1 => device(),
        ]
    };
    let nothing_in_common =
        |(left, right): &(String, String)| !left.split(' ').any(|name| right.split(' ').any(|other| other == name));
    (side(), side()).prop_filter("two sides", nothing_in_common)
}

/// A merge, and a minute.
pub fn merge() -> impl Strategy<Value = (What, u32)> {
    let merge = |((left, right), forced, minute)| (What::Merge { left, right, forced }, minute);
    (sides(), proptest::bool::weighted(0.35), 0..30_u32).prop_map(merge)
}

/// What a decision says.
#[derive(Debug, Clone)]
pub enum What {
    Merge {
        left: String,
        right: String,
        forced: bool,
    },
    Split(String, String),
    /// Of these names.
    Undo(Vec<String>),
}

impl What {
    pub fn record(&self, minute: u32, id: &str) -> Record {
        match self {
            Self::Merge { left, right, forced: false } => decided::merged(minute, id, left, right),
            Self::Merge { left, right, forced: true } => decided::forced(minute, id, left, right),
            Self::Split(left, right) => decided::split(minute, id, left, right),
            Self::Undo(names) => {
                let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
                decided::undone(minute, id, &names.into_iter().collect::<Vec<_>>())
            }
        }
    }
}

/// Few people, few devices, few moments: so that they meet.
fn touchpoint() -> impl Strategy<Value = Value> {
    let identifier = prop_oneof![
        3 => (0..3_u8).prop_map(|n| format!("user_id:u{n}")),
        4 => (0..5_u8).prop_map(|n| format!("email:{n}@x.org")),
        2 => (0..4_u8).prop_map(|n| format!("loyalty_card:c{n}")),
        5 => (0..3_u8).prop_map(|n| format!("anonymous_id:a{n}")),
        1 => (0..2_u8).prop_map(|n| format!("device_id:d{n}")),
        1 => Just("email:null".to_owned()),
    ];
    let one_by_one = vec(identifier, 0..4).prop_map(|ids| ids.join(" "));
    let known_pair = (0..3_u8, 0..2_u8).prop_map(|(n, mail)| format!("user_id:u{n} email:{}@x.org", n + mail));
    let ids = prop_oneof![3 => one_by_one, 1 => known_pair];
    let name = (0..3_000_u32, 0..4_u8).prop_map(|(id, source)| (id.to_string(), source));
    let sequence = proptest::option::weighted(0.2, 0..3_u8);
    (0..30_u32, name, ids, what(), sequence, proptest::bool::weighted(0.15)).prop_map(
        |(minute, (id, source), ids, (event_type, data), sequence, timeless)| {
            let mut event = event(minute, &id, event_type, &ids, data);
            if source == 0 {
                event["source"] = json!("shop");
            }
            if let Some(sequence) = sequence {
                event["sequence"] = json!(sequence.to_string());
            }
            if timeless {
                event.as_object_mut().unwrap().remove("time");
            }
            event
        },
    )
}

fn what() -> impl Strategy<Value = (&'static str, Value)> {
    let asked = |n: Option<u8>| {
        let mut asked = json!({"survey": "s", "metric": "nps"});
        if let Some(n) = n {
            asked["instance"] = json!(n.to_string());
        }
        asked
    };
    let answered = move |n: Option<u8>, score: u8| {
        let mut answered = asked(n);
        answered["score"] = json!(score);
        answered
    };
    let instance = || prop_oneof![4 => Just(Some(0)), 1 => Just(Some(1)), 1 => Just(None)];
    let city = |city: u8| json!({"traits": {"city": city.to_string()}});
    prop_oneof![
        3 => Just(("tour.taken", json!({}))),
        1 => Just(("tour.taken", json!({"guide": "g"}))),
        2 => Just(("order.placed", json!({"order_id": "o", "amount": "1.50", "currency": "EUR"}))),
        1 => (0..3_u8).prop_map(move |n| ("customer.identified", city(n))),
        2 => instance().prop_map(move |n| ("survey.sent", asked(n))),
        6 => (instance(), 0..11_u8).prop_map(move |(n, score)| ("survey.answered", answered(n, score))),
    ]
}
