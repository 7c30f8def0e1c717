//! The past can be asked: what had happened by then, what was known by then, of one customer at once and of all when it is
//! folded.

use rapport::wire::v1::known_at::When;
use rapport::wire::v1::prepare_past_response::What;
use rapport::wire::v1::{
    Customer, FindRequest, Freshness, FunnelRequest, GetCustomerRequest, GetJourneyRequest, KnownAt,
    ListTimelineRequest, PreparePastRequest, PreparedPast, ScoresRequest, TotalsRequest, TotalsResponse,
    TraitHistoryRequest, TransitionsRequest,
};
use rapport_touchpoint::Timestamp;
use serde_json::json;
use tonic::{Code, Status};

use crate::support::cdnow;
use crate::support::client::named;
use crate::support::happened::{happened, ordered, viewed};
use crate::support::server::Server;
use crate::support::soon::soon;

/// As of when, and known at.
type Then = (Option<prost_types::Timestamp>, Option<KnownAt>);

fn moment(text: &str) -> prost_types::Timestamp {
    let nanos = Timestamp::parse(text).unwrap().nanos();
    prost_types::Timestamp { seconds: nanos / 1_000_000_000, nanos: (nanos % 1_000_000_000) as i32 }
}

fn as_of(text: &str) -> Then {
    (Some(moment(text)), None)
}

fn known_at(position: u64) -> Then {
    (None, Some(KnownAt { when: Some(When::Position(position)) }))
}

async fn get(server: &Server, name: &str, (as_of, known_at): Then) -> Result<(Customer, Freshness), Status> {
    let (customer, min_position) = (Some(named(name)), server.acknowledged());
    let request = GetCustomerRequest { customer, min_position, as_of, known_at, ..Default::default() };
    let answer = soon(server.connection.customers().get(request)).await?.into_inner();
    Ok((answer.customer.unwrap(), answer.freshness.unwrap()))
}

async fn totals(server: &Server, (as_of, known_at): Then) -> Result<TotalsResponse, Status> {
    let request = TotalsRequest { as_of, known_at, ..TotalsRequest::default() };
    Ok(soon(server.connection.customers().totals(request)).await?.into_inner())
}

/// To its end.
async fn prepare(server: &Server, (as_of, known_at): Then, min_position: u64) -> Result<PreparedPast, Status> {
    let request = PreparePastRequest { as_of, known_at, min_position, ..PreparePastRequest::default() };
    let mut answers = soon(server.connection.admin().prepare_past(request)).await?.into_inner();
    let mut result = None;
    while let Some(answer) = soon(answers.message()).await? {
        assert!(result.is_none(), "nothing comes after the result");
        if let Some(What::Result(found)) = answer.what {
            result = Some(found);
        }
    }
    Ok(result.expect("the result is the last answer"))
}

/// Ann looks, and then buys as somebody else who turns out to be her; what she did on the second comes late.
async fn given_ann(server: &Server) -> Vec<u64> {
    let says = |id: &str, city: &str| happened("customer.identified", id).with(json!({"traits": {"city": city}}));
    server
        .accepted([
            viewed("v-1").by("email:ann@shop.example").at("03-01"),
            says("i-1", "Oslo").by("email:ann@shop.example").at("03-03"),
            ordered("o-1", "5 EUR").by("user_id:ann").at("03-04"),
            viewed("v-2").by("user_id:ann email:ann@shop.example").at("03-05"),
            ordered("o-2", "7 EUR").by("user_id:ann").at("03-06"),
            says("i-2", "Rome").by("user_id:ann").at("03-07"),
            viewed("late").by("email:ann@shop.example").at("03-02"),
        ])
        .await
}

pub async fn before_the_link_was_known_there_were_two_customers(server: Server) {
    let positions = given_ann(&server).await;
    let (now, _) = get(&server, "user_id:ann", (None, None)).await.unwrap();
    assert_eq!(now.touchpoints, 7);
    let (then, freshness) = get(&server, "user_id:ann", as_of("2024-03-04T10:00:00Z")).await.unwrap();
    assert_eq!((then.touchpoints, then.identifiers.len(), then.orders[0].orders), (1, 1, 1));
    assert_eq!((freshness.position, freshness.clock), (server.acknowledged(), Some(moment("2024-03-04T10:00:00Z"))));
    let (email, _) = get(&server, "email:ann@shop.example", as_of("2024-03-04T10:00:00Z")).await.unwrap();
    assert_eq!(email.touchpoints, 3, "what came late had happened");
    assert_ne!(email.id, then.id);

    let (known, freshness) = get(&server, "email:ann@shop.example", known_at(positions[4])).await.unwrap();
    assert_eq!((known.touchpoints, known.orders[0].orders, freshness.position), (5, 2, positions[4]));
    let both = (Some(moment("2024-03-05T10:00:00Z")), known_at(positions[4]).1);
    let (both, _) = get(&server, "email:ann@shop.example", both).await.unwrap();
    assert_eq!((both.touchpoints, both.orders[0].orders), (4, 1));
    // Everything was recorded by now.
    let now_known = KnownAt { when: Some(When::Time(moment(&recorded().await))) };
    let (all, freshness) = get(&server, "user_id:ann", (None, Some(now_known))).await.unwrap();
    assert_eq!((all.touchpoints, freshness.position), (7, server.acknowledged()));
    let nothing = KnownAt { when: Some(When::Time(moment("2024-01-01T00:00:00Z"))) };
    let nobody = get(&server, "user_id:ann", (None, Some(nothing))).await.unwrap_err();
    let right = "customer: nobody was known as user_id:ann from what the log held up to position 0";
    assert_eq!((nobody.code(), nobody.message()), (Code::NotFound, right));
}

/// A moment by which all that was published is recorded.
async fn recorded() -> String {
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_nanos(i64::try_from(now.as_nanos()).unwrap()).unwrap().to_string()
}

pub async fn a_timeline_a_journey_and_a_trait_are_those_of_then(server: Server) {
    given_ann(&server).await;
    let (customer, min_position) = (Some(named("email:ann@shop.example")), server.acknowledged());
    let then = Some(moment("2024-03-05T12:00:00Z"));
    let mut ids = Vec::new();
    let mut page_token = String::new();
    loop {
        let (customer, page_size, as_of) = (customer.clone(), 2, then);
        let request =
            ListTimelineRequest { customer, page_size, page_token, as_of, min_position, ..Default::default() };
        let page = soon(server.connection.customers().list_timeline(request)).await.unwrap().into_inner();
        ids.extend(page.entries.into_iter().map(|entry| entry.id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(ids, ["v-2", "o-1", "i-1", "late", "v-1"]);

    let request = GetJourneyRequest { customer: customer.clone(), as_of: then, min_position, ..Default::default() };
    let journey = soon(server.connection.journeys().get(request)).await.unwrap().into_inner();
    assert_eq!((journey.journeys[0].stage.as_str(), journey.journeys[0].transitions), ("customer", 2));
    let request = TransitionsRequest { customer: customer.clone(), as_of: then, min_position, ..Default::default() };
    let changes = soon(server.connection.journeys().transitions(request)).await.unwrap().into_inner().transitions;
    assert_eq!(changes.iter().map(|change| change.to.as_str()).collect::<Vec<_>>(), ["customer", "aware"]);

    let history = async |as_of| {
        let (customer, r#trait) = (customer.clone(), "city".to_owned());
        let request = TraitHistoryRequest { customer, r#trait, as_of, min_position, ..Default::default() };
        let answer = soon(server.connection.customers().trait_history(request)).await.unwrap().into_inner();
        answer.changes.into_iter().map(|change| format!("{} {}", change.value_json, change.id)).collect::<Vec<_>>()
    };
    assert_eq!(history(None).await, ["\"Rome\" i-2", "\"Oslo\" i-1"]);
    assert_eq!(history(then).await, ["\"Oslo\" i-1"]);
}

pub async fn what_is_told_of_all_is_folded_once_and_asked_again(server: Server) {
    let positions = given_ann(&server).await;
    let then = as_of("2024-03-04T10:00:00Z");
    let unprepared = totals(&server, then).await.unwrap_err();
    assert_eq!(unprepared.code(), Code::FailedPrecondition);
    assert!(unprepared.message().contains("AdminService.PreparePast"), "{unprepared}");

    let prepared = prepare(&server, then, server.acknowledged()).await.unwrap();
    assert_eq!((prepared.position, prepared.reused), (server.acknowledged(), false));
    let found = totals(&server, then).await.unwrap();
    assert_eq!((found.customers, found.touchpoints, found.orders, found.buyers), (2, 4, 1, 1));
    assert_eq!(found.freshness.unwrap().clock, then.0);
    let find = FindRequest { as_of: then.0, ..FindRequest::default() };
    assert_eq!(soon(server.connection.customers().find(find)).await.unwrap().into_inner().customers.len(), 2);
    let funnel = FunnelRequest { as_of: then.0, ..FunnelRequest::default() };
    assert_eq!(soon(server.connection.journeys().funnel(funnel)).await.unwrap().into_inner().rows[0].began, 2);
    let scores = ScoresRequest { as_of: then.0, ..ScoresRequest::default() };
    assert!(soon(server.connection.feedback().scores(scores)).await.unwrap().into_inner().rows.is_empty());

    // One more that happened by then: what is there says up to where it looked, and is folded anew where that is too little.
    server.accepted([viewed("v-9").by("user_id:eve").at("03-01")]).await;
    assert!(prepare(&server, then, 0).await.unwrap().reused);
    assert_eq!(totals(&server, then).await.unwrap().customers, 2);
    assert_eq!(get(&server, "user_id:eve", then).await.unwrap().0.touchpoints, 1, "one customer is asked for at once");
    let prepared = prepare(&server, then, server.acknowledged()).await.unwrap();
    assert_eq!((prepared.position, prepared.reused), (server.acknowledged(), false));
    assert_eq!(totals(&server, then).await.unwrap().customers, 3);

    // What was known is known for ever.
    let known = known_at(positions[3]);
    assert!(!prepare(&server, known, 0).await.unwrap().reused);
    assert_eq!(totals(&server, known).await.unwrap().touchpoints, 4);
    assert!(prepare(&server, known, server.acknowledged()).await.unwrap().reused);

    // The two that were asked, and the third and fourth; one more makes room for itself.
    let files = || {
        let names = std::fs::read_dir(server.tenant().join("readmodel/past")).unwrap().flatten();
        names.filter(|name| name.file_name().to_str().unwrap().ends_with(".db")).count()
    };
    for day in 1..=4 {
        prepare(&server, as_of(&format!("2024-03-0{day}T23:00:00Z")), 0).await.unwrap();
    }
    assert_eq!(files(), 4);
    assert!(!server.tenant().join("readmodel/preparation").exists());
    assert_eq!(totals(&server, then).await.unwrap_err().code(), Code::FailedPrecondition, "nobody asked for it");

    let server = server.stop().await.serve().await;
    let last = as_of("2024-03-04T23:00:00Z");
    assert!(prepare(&server, last, 0).await.unwrap().reused, "kept over a restart");
    server.rebuild().await;
    assert!(!prepare(&server, last, 0).await.unwrap().reused, "another generation may count what this one parked");
}

pub async fn a_moment_that_cannot_be_asked_names_the_place(server: Server) {
    given_ann(&server).await;
    let head = server.acknowledged();
    let known = |when| (None, Some(KnownAt { when }));
    for (then, code, says) in [
        (
            as_of("2200-01-01T00:00:00Z"),
            Code::InvalidArgument,
            "as_of: is 2200-01-01T00:00:00Z, which is to come; now".to_owned(),
        ),
        (
            known(Some(When::Time(moment("2200-01-01T00:00:00Z")))),
            Code::InvalidArgument,
            "known_at.time: is 2200".to_owned(),
        ),
        (known(None), Code::InvalidArgument, "known_at: says nothing; it is a position or a time".to_owned()),
        (
            known_at(head + 1),
            Code::OutOfRange,
            format!("known_at.position: is {}, but the log ends at {head}", head + 1),
        ),
    ] {
        for status in [
            get(&server, "user_id:ann", then).await.map(drop).unwrap_err(),
            totals(&server, then).await.map(drop).unwrap_err(),
            prepare(&server, then, 0).await.map(drop).unwrap_err(),
        ] {
            assert_eq!(status.code(), code, "{status}");
            assert!(status.message().starts_with(&says), "{status}");
        }
    }
    let never = prepare(&server, (None, None), 0).await.unwrap_err();
    assert_eq!(never.code(), Code::InvalidArgument);
    assert!(never.message().starts_with("as_of: is missing"), "{never}");
    let request = TraitHistoryRequest { customer: Some(named("user_id:ann")), ..TraitHistoryRequest::default() };
    let nameless = soon(server.connection.customers().trait_history(request)).await.unwrap_err();
    assert_eq!(
        (nameless.code(), nameless.message()),
        (Code::InvalidArgument, "trait: is missing; name one, such as email")
    );
}

pub async fn a_phone_that_is_nobodys_today_takes_everybodys_past(server: Server) {
    let crowd = (10..24).map(|n| {
        ordered(&format!("o-{n}"), "5 EUR").by(&format!("user_id:u{n} phone:+4930901820")).at(&format!("03-{n}"))
    });
    server.accepted(crowd).await;
    let early = as_of("2024-03-11T12:00:00Z");
    let entangled = get(&server, "user_id:u10", early).await.unwrap_err();
    assert_eq!(entangled.code(), Code::FailedPrecondition);
    assert!(
        entangled.message().contains("phone:+4930901820") && entangled.message().contains("PreparePast"),
        "{entangled}"
    );
    prepare(&server, early, 0).await.unwrap();
    let (one, _) = get(&server, "user_id:u10", early).await.unwrap();
    assert_eq!((one.touchpoints, one.identifiers.len()), (1, 2), "it has the phone");
    let (later, _) = get(&server, "user_id:u10", as_of("2024-04-01T00:00:00Z")).await.unwrap();
    assert_eq!((later.touchpoints, later.identifiers.len()), (1, 1));
}

pub async fn the_totals_of_real_purchases_are_those_of_the_file_up_to_then(server: Server) {
    cdnow::import_into(&server).await;
    // Each line: customer, customer in the sample, date, number of CDs, dollars.
    let (mut customers, mut orders, mut cents) = (std::collections::BTreeSet::new(), 0, 0);
    let text = cdnow::text();
    for line in text.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if let [_, customer, date, _, dollars] = fields[..]
            && date <= "19970930"
        {
            customers.insert(customer);
            orders += 1;
            cents += dollars.replace('.', "").parse::<u64>().unwrap();
        }
    }
    assert!(orders > 1_000 && orders < cdnow::ORDERS);
    let then = as_of("1997-09-30T00:00:00Z");
    prepare(&server, then, server.status().await.head).await.unwrap();
    let found = totals(&server, then).await.unwrap();
    let counted = (found.customers, found.buyers, found.orders, found.touchpoints);
    assert_eq!(counted, (customers.len() as u64, customers.len() as u64, orders, orders));
    assert_eq!(found.by_currency[0].revenue, format!("{}.{:02}", cents / 100, cents % 100));
    cdnow::assert_exact(&server.totals().await);
}
