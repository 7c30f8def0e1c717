//! What would other definitions change? What is told is the difference of two systems that run apart.

use std::collections::BTreeMap;
use std::path::Path;

use rapport::clock::{Clock, SimulatedClock};
use rapport::wire::v1::what_if_place::Where;
use rapport::wire::v1::{
    FunnelRequest, GetJourneyRequest, ScoresRequest, WhatIfJourney, WhatIfPlace, WhatIfRequest, WhatIfResult,
};
use rapport_customer::Definitions;
use rapport_touchpoint::{Catalogue, Timestamp};
use serde_json::json;
use tonic::Code;

use super::generations::under;
use crate::support::client::named;
use crate::support::happened::{Happened, happened, ordered, viewed};
use crate::support::server::{Kept, Server};
use crate::support::soon::soon;

const CUSTOMERS: usize = 40;

fn standard() -> String {
    Definitions::standard(&Catalogue::built_in()).text.to_string()
}

/// The default journey with its quiet periods halved.
fn halved() -> String {
    standard().replace("quiet = \"30d\"", "quiet = \"15d\"").replace("quiet = \"90d\"", "quiet = \"45d\"")
}

async fn served(kept: Kept, text: &str) -> Server {
    served_from(kept, text, None).await
}

/// With a definitions file that has the text.
async fn served_from(kept: Kept, text: &str, file: Option<&Path>) -> Server {
    let clock = SimulatedClock::at(Timestamp::parse("2024-04-15T10:00:00Z").unwrap());
    kept.serve_with(|config| {
        under(config, text);
        config.clock = Clock::Simulated(clock);
        config.tenants.values_mut().for_each(|tenant| tenant.definitions_file = file.map(Path::to_owned));
    })
    .await
}

/// Customers of every age of silence, some of whom have answered.
fn happenings() -> Vec<Happened> {
    let mut all = Vec::new();
    for n in 0..CUSTOMERS {
        let by = format!("user_id:u{n}");
        let day = format!("{:02}-{:02}", 1 + n % 4, 1 + (n * 7) % 14);
        all.push(viewed(&format!("v-{n}")).by(&by).at("01-01"));
        if n % 5 > 0 {
            all.push(ordered(&format!("o-{n}"), "3 EUR").by(&by).at(&day));
        }
        if n % 3 == 0 {
            let (score, instance) = (n % 11, format!("i-{n}"));
            let data = json!({"survey": "s", "instance": instance, "metric": "nps", "score": score});
            all.push(happened("survey.answered", &format!("a-{n}")).with(data).by(&by).at(&day));
        }
    }
    all
}

async fn given(server: &Server) {
    server.accepted(happenings()).await;
    server.settled().await;
}

fn place(place: Option<&WhatIfPlace>) -> String {
    match place.and_then(|place| place.r#where.clone()).unwrap() {
        Where::Stage(stage) => stage,
        Where::Outside(_) => "(outside)".to_owned(),
        Where::Nobody(_) => "(nobody)".to_owned(),
    }
}

fn moves(journey: &WhatIfJourney) -> BTreeMap<(String, String), u64> {
    let ends = |of: &rapport::wire::v1::WhatIfMove| (place(of.from.as_ref()), place(of.to.as_ref()));
    journey.moves.iter().map(|of| (ends(of), of.customers)).collect()
}

async fn stage_of(server: &Server, n: usize) -> String {
    let customer = Some(named(&format!("user_id:u{n}")));
    let request = GetJourneyRequest { customer, ..GetJourneyRequest::default() };
    soon(server.connection.journeys().get(request)).await.unwrap().into_inner().journeys[0].stage.clone()
}

/// `stage entered reached now-in`
async fn funnel_of(server: &Server) -> Vec<(String, [u64; 3])> {
    let row = server.funnel(FunnelRequest::default()).await.rows.remove(0);
    row.stages.iter().map(|of| (of.stage.clone(), [of.entered, of.reached, of.now_in])).collect()
}

async fn what_if(server: &Server, text: &str) -> WhatIfResult {
    let request = WhatIfRequest { definitions: text.to_owned(), ..WhatIfRequest::default() };
    server.what_if(request).await.unwrap().0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_halved_quiet_periods_would_change_is_the_difference_of_two_systems_run_apart() {
    let (today, apart) = (served(Kept::embedded(), &standard()).await, served(Kept::embedded(), &halved()).await);
    given(&today).await;
    given(&apart).await;
    let before = today.settled().await;
    let result = what_if(&today, &halved()).await;

    let mut expected: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut moved = 0;
    for n in 0..CUSTOMERS {
        let ends = (stage_of(&today, n).await, stage_of(&apart, n).await);
        moved += u64::from(ends.0 != ends.1);
        *expected.entry(ends).or_default() += 1;
    }
    assert!(moved > 5 && moved < CUSTOMERS as u64, "the case shows something: {expected:?}");
    assert_eq!((moves(&result.journeys[0]), result.moved), (expected, moved));
    assert_eq!(result.examples.len(), moved.min(10) as usize);
    for example in &result.examples {
        let name = &example.customer.as_ref().unwrap().identifiers[0];
        let n: usize = name.strip_prefix("user_id:u").unwrap().parse().unwrap();
        let told = (place(example.moves[0].from.as_ref()), place(example.moves[0].to.as_ref()));
        assert_eq!(told, (stage_of(&today, n).await, stage_of(&apart, n).await), "{name}");
    }

    let counts = |of: &Option<rapport::wire::v1::WhatIfCount>| {
        let of = of.unwrap();
        [of.entered, of.reached, of.now_in]
    };
    let stages = &result.journeys[0].stages;
    let told = |side: fn(&rapport::wire::v1::WhatIfStage) -> &Option<rapport::wire::v1::WhatIfCount>| {
        stages.iter().map(|of| (of.stage.clone(), counts(side(of)))).collect::<Vec<_>>()
    };
    assert_eq!(told(|of| &of.now), funnel_of(&today).await);
    assert_eq!(told(|of| &of.then), funnel_of(&apart).await);

    for (server, side) in [(&today, 0), (&apart, 1)] {
        let rows = server.scores(ScoresRequest { measure: "nps".to_owned(), ..ScoresRequest::default() }).await.rows;
        let nps = result.scores.iter().find(|score| score.measure == "nps").unwrap();
        let found = [&nps.now, &nps.then][side].unwrap();
        assert_eq!((found.responses, found.value), (rows[0].responses, rows[0].score));
    }
    let identity = result.identity.unwrap();
    assert!(identity.same_rules && !result.same_definitions);
    assert_eq!(identity.fates.unwrap().unchanged, CUSTOMERS as u64);

    let after = today.settled().await;
    assert_eq!((after.generation, &after.digest), (before.generation, &before.digest), "nothing changed");
    assert!(!today.tenant().join("readmodel/whatif").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_definitions_would_change_nothing() {
    let server = served(Kept::embedded(), &standard()).await;
    given(&server).await;
    let result = what_if(&server, &standard()).await;
    assert!(result.same_definitions);
    assert_eq!((result.moved, result.examples.len()), (0, 0));
    assert!(result.journeys[0].moves.iter().all(|of| of.from == of.to));
    assert!(result.journeys[0].stages.iter().all(|of| of.now == of.then));
    assert!(result.scores.iter().all(|of| of.now == of.then));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_would_be_parted_is_in_one_of_the_two_only() {
    let server = served(Kept::embedded(), &standard()).await;
    let by = |n: usize| format!("email:{n}@shop.example phone:+4930901820");
    server.accepted((0..3).map(|n| ordered(&format!("o-{n}"), "1 EUR").by(&by(n)).at("04-10"))).await;
    server.settled().await;
    let result =
        what_if(&server, &format!("[identity]\nmost_partners = 2\n{}", standard().replace("time_zone", "#"))).await;
    let fates = result.identity.as_ref().unwrap().fates.unwrap();
    assert_eq!((fates.parted, fates.parted_into), (1, 3));
    let expected: BTreeMap<_, _> =
        [(("(nobody)".to_owned(), "customer".to_owned()), 2), (("loyal".to_owned(), "customer".to_owned()), 1)].into();
    assert_eq!(moves(&result.journeys[0]), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_condition_that_is_wrong_is_named_with_its_place() {
    let server = served(Kept::embedded(), &standard()).await;
    let wrong = standard().replace("customer.orders >= 3", "customer.ordres >= 3");
    let line = 1 + wrong.lines().position(|line| line.contains("ordres")).unwrap();
    let request = WhatIfRequest { definitions: wrong, file_name: "other.toml".to_owned(), ..WhatIfRequest::default() };
    let status = server.what_if(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    assert!(status.message().starts_with(&format!("other.toml:{line}: journey main, stage loyal")), "{status}");
    assert!(status.message().contains("ordres"), "{status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn definitions_without_a_file_to_put_them_in_are_not_promoted() {
    let server = served(Kept::embedded(), &standard()).await;
    let request = WhatIfRequest { definitions: halved(), promote: true, ..WhatIfRequest::default() };
    let status = server.what_if(request).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
    assert!(status.message().contains("no definitions file"), "{status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_promoted_is_what_a_server_with_these_definitions_knows() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("definitions.toml");
    std::fs::write(&file, standard()).unwrap();
    let server = served_from(Kept::embedded(), &standard(), Some(&file)).await;
    server.accepted(happenings()).await;
    let before = server.settled().await;
    let request = WhatIfRequest { definitions: halved(), promote: true, ..WhatIfRequest::default() };
    let (result, promoted) = server.what_if(request).await.unwrap();
    let promoted = promoted.unwrap();
    assert!(promoted.done && promoted.generation == before.generation + 1, "{promoted:?}");
    server.accepted([ordered("o-new", "1 EUR").by("user_id:u1").at("04-10")]).await;
    let after = server.settled().await;
    assert_ne!(after.fingerprint, before.fingerprint);
    assert_eq!((&after.wanted_fingerprint, after.previous_generation), (&after.fingerprint, before.generation));
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim_end(), halved().trim_end());
    assert!(server.verify().await.unwrap().equal);
    assert!(result.journeys[0].stages.iter().any(|of| of.now != of.then));
    // A rebuild folds under what is in force now.
    server.rebuild().await;
    assert_eq!(server.digest().await, after.digest);
    assert_eq!(server.go_back().await.unwrap().generation, promoted.generation);
}
