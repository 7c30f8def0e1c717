//! Who is who by hand: merges and splits over gRPC, checked before, told after, undone exactly.

use rapport::wire::v1::decision::Outcome;
use rapport::wire::v1::explain_request::Without;
use rapport::wire::v1::explain_response::step::By;
use rapport::wire::v1::{
    DecisionResponse, ExplainRequest, ExplainResponse, ListDecisionsRequest, ListDecisionsResponse,
    ListRefusalsRequest, ListVoidIdentifiersRequest, MergeRequest, SplitRequest,
};
use tonic::{Code, Status};

use crate::support::client::{Client, named};
use crate::support::happened::{Happened, ordered, viewed};
use crate::support::server::Server;
use crate::support::soon::soon;

/// Ann by her account and e-mail, Bo by his e-mail and card.
async fn ann_and_bo(server: &Server) {
    let bought = |id: &str, price: &str| ordered(id, price);
    server
        .accepted([
            bought("a1", "10.00 EUR").at("03-01").by("user_id:ann email:ann@x.org"),
            viewed("b1").at("03-02").by("email:bo@x.org"),
            bought("b2", "5.00 EUR").at("03-03").by("email:bo@x.org loyalty_card:7"),
        ])
        .await;
}

fn merge(one: &str, other: &str) -> MergeRequest {
    let (reason, by) = ("she wrote from both".to_owned(), "ops".to_owned());
    MergeRequest { left: Some(named(one)), right: Some(named(other)), reason, by, ..MergeRequest::default() }
}

fn undo(decision: &DecisionResponse) -> SplitRequest {
    let (undo, reason, by) = (id(decision), "it was her sister".to_owned(), "ops".to_owned());
    SplitRequest { undo, reason, by, ..SplitRequest::default() }
}

fn part(customer: &str, identifiers: &[&str]) -> SplitRequest {
    let identifiers = identifiers.iter().map(|text| (*text).to_owned()).collect();
    let (reason, by) = ("two people".to_owned(), "ops".to_owned());
    SplitRequest { customer: Some(named(customer)), identifiers, reason, by, ..SplitRequest::default() }
}

fn id(decision: &DecisionResponse) -> String {
    decision.decision.clone().unwrap().name.unwrap().id
}

async fn merged(client: &Client, request: MergeRequest) -> Result<DecisionResponse, Status> {
    let request = MergeRequest { min_position: client.acknowledged(), ..request };
    Ok(soon(client.connection.admin().merge(request)).await?.into_inner())
}

async fn parted(client: &Client, request: SplitRequest) -> Result<DecisionResponse, Status> {
    let request = SplitRequest { min_position: client.acknowledged(), ..request };
    Ok(soon(client.connection.admin().split(request)).await?.into_inner())
}

async fn explained(client: &Client, identifier: &str, without: Option<Without>) -> Result<ExplainResponse, Status> {
    let (identifier, min_position) = (identifier.to_owned(), client.acknowledged());
    let request = ExplainRequest { identifier, without, min_position, ..ExplainRequest::default() };
    Ok(soon(client.connection.identity().explain(request)).await?.into_inner())
}

async fn decisions(client: &Client, request: ListDecisionsRequest) -> ListDecisionsResponse {
    soon(client.connection.identity().list_decisions(request)).await.unwrap().into_inner()
}

#[track_caller]
fn refused<T: std::fmt::Debug>(answer: Result<T, Status>, code: Code, parts: &[&str]) {
    let status = answer.expect_err("it is refused");
    assert_eq!(status.code(), code, "{status}");
    for part in parts {
        assert!(status.message().contains(part), "{part:?} is not in: {}", status.message());
    }
}

pub async fn a_merge_is_told_with_what_came_of_it_and_undone_exactly(server: Server) {
    ann_and_bo(&server).await;
    let digest = server.digest().await;
    let (ann, bo) = (server.customer("user_id:ann").await.unwrap(), server.customer("loyalty_card:7").await.unwrap());

    let told = merged(&server, merge("user_id:ann", &bo.id)).await.unwrap();
    assert_eq!(told.decision.as_ref().unwrap().outcome, Some(Outcome::Holds(true)));
    let [one] = &told.customers[..] else { panic!("{told:?}") };
    assert_eq!((&one.id, one.touchpoints, one.identifiers.len()), (&ann.id, 3, 4));
    assert_eq!(server.customer(&bo.id).await.unwrap().id, ann.id, "the old id answers");
    assert_ne!(server.digest().await, digest);
    server.accepted([viewed("b3").at("03-04").by("loyalty_card:7")]).await;
    assert_eq!(server.customer("user_id:ann").await.unwrap().touchpoints, 4);

    let told = parted(&server, undo(&told)).await.unwrap();
    let ids: Vec<&String> = told.customers.iter().map(|customer| &customer.id).collect();
    assert_eq!(ids, [&ann.id, &bo.id]);
    assert_eq!(server.customer("user_id:ann").await.unwrap(), ann);
    assert_eq!(server.customer("email:bo@x.org").await.unwrap().touchpoints, 3);
    let listed = decisions(&server, ListDecisionsRequest::default()).await.decisions;
    assert!(matches!(listed[0].outcome, Some(Outcome::Holds(true))), "{listed:?}");
    assert!(matches!(&listed[1].outcome, Some(Outcome::CancelledBy(by)) if by.id == id(&told)), "{listed:?}");

    let server = server.stop().await.serve().await;
    let settled = server.digest().await;
    assert_eq!(server.rebuild().await.last().unwrap().digest, settled, "a rebuild comes to the same");
    assert!(server.verify().await.unwrap().equal);
}

pub async fn a_merge_against_a_rule_is_refused_with_the_rule_unless_it_is_forced(server: Server) {
    ann_and_bo(&server).await;
    server.accepted([viewed("c").at("03-05").by("user_id:cy")]).await;
    let head = server.status().await.head;
    let against = merged(&server, merge("user_id:ann", "user_id:cy")).await;
    refused(against, Code::FailedPrecondition, &["at most 1 user_id", "force"]);
    assert_eq!(server.status().await.head, head, "nothing was decided");
    let forced = MergeRequest { forced: true, ..merge("user_id:ann", "user_id:cy") };
    assert_eq!(merged(&server, forced).await.unwrap().customers.len(), 1);
}

pub async fn a_split_keeps_apart_until_it_is_undone(server: Server) {
    server.accepted([ordered("a1", "10.00 EUR").by("user_id:ann email:shared@x.org phone:+4915112345678")]).await;
    let digest = server.digest().await;
    let told = parted(&server, part("user_id:ann", &["email:shared@x.org"])).await.unwrap();
    assert_eq!(told.customers.len(), 1, "nothing has happened to the e-mail alone");
    server.accepted([viewed("e1").at("03-02").by("email:shared@x.org user_id:ann")]).await;
    server.accepted([viewed("e2").at("03-03").by("email:shared@x.org")]).await;
    let (ann, other) =
        (server.customer("user_id:ann").await.unwrap(), server.customer("email:shared@x.org").await.unwrap());
    assert_eq!((ann.touchpoints, other.touchpoints), (2, 1));

    let split = id(&told);
    refused(merged(&server, merge("user_id:ann", "email:shared@x.org")).await, Code::FailedPrecondition, &[&split]);
    let forced = MergeRequest { forced: true, ..merge("user_id:ann", "email:shared@x.org") };
    refused(merged(&server, forced).await, Code::FailedPrecondition, &["split --undo", &split]);
    let refusals = ListRefusalsRequest { customer: Some(named("user_id:ann")), ..ListRefusalsRequest::default() };
    let refusals = soon(server.connection.identity().list_refusals(refusals)).await.unwrap().into_inner();
    assert_eq!(refusals.by_rule[0].rule.as_ref().unwrap().name, "split_by_hand");

    parted(&server, undo(&told)).await.unwrap();
    assert_eq!(server.customer("email:shared@x.org").await.unwrap().touchpoints, 3);
    refused(parted(&server, undo(&told)).await, Code::FailedPrecondition, &["undone already"]);
    assert_ne!(server.digest().await, digest);
}

pub async fn what_cannot_be_decided_says_why(server: Server) {
    ann_and_bo(&server).await;
    let crowd: Vec<Happened> =
        (0..11).map(|n| viewed(&format!("p{n}")).by(&format!("user_id:u{n} phone:+4915112345678"))).collect();
    server.accepted(crowd).await;
    server.accepted([viewed("t").by("anonymous_id:t"), viewed("s").by("anonymous_id:s")]).await;
    let merging = async |one: &str, other: &str| merged(&server, merge(one, other)).await;
    refused(merging("user_id:ann", "user_id:nobody").await, Code::NotFound, &["nobody is known as user_id:nobody"]);
    refused(merging("user_id:ann", "email:ann@x.org").await, Code::FailedPrecondition, &["one customer already"]);
    refused(merging("user_id:ann", "phone:+4915112345678").await, Code::FailedPrecondition, &["too many share it"]);
    refused(merging("anonymous_id:t", "anonymous_id:s").await, Code::FailedPrecondition, &["both are devices"]);
    let unreasoned = MergeRequest { reason: String::new(), ..merge("user_id:ann", "loyalty_card:7") };
    refused(merged(&server, unreasoned).await, Code::InvalidArgument, &["reason"]);
    let nameless = MergeRequest { right: None, ..merge("user_id:ann", "loyalty_card:7") };
    refused(merged(&server, nameless).await, Code::InvalidArgument, &["right: is missing"]);

    let parting = async |of: &str, identifiers: &[&str]| parted(&server, part(of, identifiers)).await;
    refused(parting("user_id:ann", &["loyalty_card:7"]).await, Code::FailedPrecondition, &["loyalty_card:7 is not"]);
    let all = ["user_id:ann", "email:ann@x.org"];
    refused(parting("user_id:ann", &all).await, Code::FailedPrecondition, &["leave at least one"]);
    refused(parting("user_id:ann", &[]).await, Code::InvalidArgument, &["identifiers: are missing"]);
    refused(parting("user_id:ann", &["ann"]).await, Code::InvalidArgument, &["identifiers:"]);
    let unknown = SplitRequest { undo: "6f1c".to_owned(), reason: "r".to_owned(), ..SplitRequest::default() };
    refused(parted(&server, unknown).await, Code::NotFound, &["6f1c", "rapport identity decisions"]);
    let both = SplitRequest { undo: "6f1c".to_owned(), ..part("user_id:ann", &["email:ann@x.org"]) };
    refused(parted(&server, both).await, Code::InvalidArgument, &["give one of them"]);
    refused(parted(&server, SplitRequest::default()).await, Code::InvalidArgument, &["customer: is missing"]);
    assert_eq!(decisions(&server, ListDecisionsRequest::default()).await.decisions, []);

    let asked = ListVoidIdentifiersRequest::default();
    let void = soon(server.connection.identity().list_void_identifiers(asked)).await.unwrap().into_inner();
    assert_eq!((void.identifiers.len(), void.identifiers[0].met, void.by_namespace["phone"]), (1, 11, 1));
}

pub async fn an_identifier_is_explained_by_its_events_and_decisions(server: Server) {
    ann_and_bo(&server).await;
    server.accepted([viewed("t").at("03-04").by("loyalty_card:7 anonymous_id:tablet")]).await;
    let told = merged(&server, merge("user_id:ann", "email:bo@x.org")).await.unwrap();
    let card = explained(&server, "loyalty_card:7", None).await.unwrap();
    assert_eq!(card.customer_id, server.customer("user_id:ann").await.unwrap().id);
    let by_decision = |step: &rapport::wire::v1::explain_response::Step| matches!(&step.by, Some(By::Decision(name)) if name.id == id(&told));
    assert!(card.way.iter().any(by_decision), "{card:?}");
    let without = explained(&server, "loyalty_card:7", Some(Without::Decision(id(&told)))).await.unwrap();
    let customers: Vec<usize> = without.customers_without.iter().map(|customer| customer.identifiers.len()).collect();
    assert_eq!(customers, [2, 2]);
    let tablet = explained(&server, "anonymous_id:tablet", None).await.unwrap();
    assert!(matches!(&tablet.way[0].by, Some(By::Claim(event)) if event.id == "t"), "{tablet:?}");
    assert_eq!(tablet.hands.len(), 1);
    refused(explained(&server, "user_id:nobody", None).await, Code::NotFound, &["nothing is known as user_id:nobody"]);
    refused(explained(&server, "ann", None).await, Code::InvalidArgument, &["identifier:"]);
    let unknown = Some(Without::Decision("6f1c".to_owned()));
    refused(explained(&server, "loyalty_card:7", unknown).await, Code::NotFound, &["6f1c"]);
}
