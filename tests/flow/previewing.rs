//! Other definitions are tried on the log; nothing that is served changes by it.

use std::path::PathBuf;

use rapport::wire::v1::preview_refused::Rule;
use rapport::wire::v1::{PreviewRequest, PreviewResult};
use tonic::Code;

use crate::support::happened::{ordered, viewed};
use crate::support::server::Server;
use crate::support::soon::soon;

/// Where it is folded anew.
fn scratch(server: &Server) -> PathBuf {
    server.tenant().join("readmodel/preview")
}

/// Three who share a telephone, one who has two addresses, a browser that nobody claims, and who names nobody.
async fn given_a_little_of_everything(server: &Server) {
    server
        .accepted([
            viewed("v-1").by("anonymous_id:a-1").at("03-01"),
            ordered("o-1", "5 EUR").by("email:ann@shop.example phone:+4930901820").at("03-02"),
            ordered("o-2", "7 EUR").by("email:bob@shop.example phone:+4930901820").at("03-03"),
            ordered("o-3", "7 EUR").by("email:cy@shop.example phone:+4930901820").at("03-04"),
            viewed("v-2").by("user_id:dot email:dot@shop.example").at("03-05"),
            viewed("v-3").by("user_id:dot email:dot@work.example").at("03-06"),
            viewed("v-4"),
        ])
        .await;
    server.settled().await;
}

/// What is served, and that nothing is left of the preview.
async fn untouched(server: &Server, digest: &str) {
    assert!(!scratch(server).exists());
    assert_eq!(server.digest().await, digest);
    assert!(server.verify().await.unwrap().equal);
}

/// `customers identified of-nobody`, now and then.
fn counts(result: &PreviewResult) -> [[u64; 3]; 2] {
    [&result.now, &result.then]
        .map(|census| census.as_ref().unwrap())
        .map(|census| [census.customers, census.identified, census.of_nobody])
}

pub async fn under_the_same_rules_nothing_would_change(server: Server) {
    let empty = server.preview("").await.unwrap();
    assert_eq!((empty.position, empty.events, empty.same_rules, counts(&empty)), (0, 0, true, [[0; 3]; 2]));

    given_a_little_of_everything(&server).await;
    let digest = server.digest().await;
    let result = server.preview("time_zone = \"Asia/Shanghai\"").await.unwrap();
    assert_eq!((result.tenant.as_str(), result.same_rules), ("default", true));
    assert_eq!((result.position, result.events), (server.acknowledged(), 7));
    assert_eq!(counts(&result), [[3, 2, 1]; 2]);
    let fates = result.fates.unwrap();
    assert_eq!((fates.unchanged, fates.joined, fates.parted, fates.new), (3, 0, 0, 0));
    assert!(result.examples.is_empty());
    assert_eq!(result.now, result.then);
    let biggest = &result.now.unwrap().biggest_by_touchpoints[0];
    assert_eq!(biggest.id, server.customer("phone:+4930901820").await.unwrap().id);
    assert_eq!((biggest.touchpoints, biggest.identifiers_in_all), (3, 4));
    untouched(&server, &digest).await;
}

pub async fn who_would_be_parted_is_told_and_is_not(server: Server) {
    given_a_little_of_everything(&server).await;
    let digest = server.digest().await;
    let result = server.preview("[identity]\nmost_partners = 2").await.unwrap();
    assert!(!result.same_rules);
    assert_eq!(counts(&result), [[3, 2, 1], [5, 4, 1]]);
    let fates = result.fates.unwrap();
    assert_eq!((fates.parted, fates.parted_into, fates.unchanged, fates.joined), (1, 3, 2, 0));
    let (now, then) = (result.now.unwrap(), result.then.unwrap());
    assert!(now.void_identifiers.is_empty());
    assert_eq!((then.void_identifiers[0].namespace.as_str(), then.void_identifiers[0].count), ("phone", 1));
    let [example] = &result.examples[..] else { panic!("{:?}", result.examples) };
    assert_eq!(example.now[0].id, server.customer("phone:+4930901820").await.unwrap().id);
    assert_eq!((example.now[0].touchpoints, example.now_in_all, example.then_in_all), (3, 1, 3));
    let then: Vec<_> = example.then.iter().map(|customer| customer.identifiers.join(" ")).collect();
    assert_eq!(then, ["email:ann@shop.example", "email:bob@shop.example", "email:cy@shop.example"]);
    assert_eq!(server.customer("email:cy@shop.example").await.unwrap().touchpoints, 3, "still one customer");
    untouched(&server, &digest).await;
}

pub async fn who_would_be_joined_is_told_with_the_rule_that_keeps_them_apart_now(server: Server) {
    given_a_little_of_everything(&server).await;
    server
        .accepted([
            viewed("w-1").by("user_id:eve phone:+4930901821").at("03-07"),
            viewed("w-2").by("user_id:eva phone:+4930901821").at("03-08"),
        ])
        .await;
    server.settled().await;
    let result = server.preview("[[identity.namespace]]\nname = \"user_id\"\nmost = 2").await.unwrap();
    let fates = result.fates.unwrap();
    assert_eq!((fates.joined, fates.joined_into, fates.unchanged), (2, 1, 3));
    let (now, then) = (result.now.unwrap(), result.then.unwrap());
    let refused = &now.refused_links[0];
    assert_eq!((refused.rule(), refused.namespace.as_str(), refused.count), (Rule::MostOfNamespace, "user_id", 1));
    assert!(then.refused_links.is_empty());
    let [example] = &result.examples[..] else { panic!("{:?}", result.examples) };
    assert_eq!((example.now.len(), example.then[0].touchpoints), (2, 2));
}

pub async fn definitions_that_are_wrong_are_refused_with_the_line(server: Server) {
    given_a_little_of_everything(&server).await;
    let large = format!("# {}", "x".repeat(256 * 1024));
    for (file_name, text, says) in [
        ("other.toml", "\ntime_zone = \"Mars\"", "other.toml:2: time_zone is \"Mars\"; it"),
        ("other.toml", "[identity]\nmost_persons = 0", "other.toml:2: identity: most_persons is 0; it must be from 1"),
        ("", "surprise = 1", "definitions.toml:1: unknown field `surprise`"),
        ("other.toml", large.as_str(), "other.toml:1: the file has 262146 bytes; it has at most 262144"),
    ] {
        let request = PreviewRequest {
            definitions: text.to_owned(),
            file_name: file_name.to_owned(),
            ..PreviewRequest::default()
        };
        let status = soon(server.connection.admin().preview(request)).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        assert!(status.message().starts_with(says), "{status}");
    }
    let many = PreviewRequest { examples: 101, ..PreviewRequest::default() };
    let status = soon(server.connection.admin().preview(many)).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::InvalidArgument, "examples: is 101; at most 100"));
    let unknown = PreviewRequest { tenant: "globex".to_owned(), ..PreviewRequest::default() };
    let status = soon(server.connection.admin().preview(unknown)).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound, "{status}");
    // More than any definitions have; the transport refuses it.
    let status = server.preview(&"#".repeat(5_000_000)).await.unwrap_err();
    assert!(matches!(status.code(), Code::OutOfRange | Code::ResourceExhausted), "{status}");
    assert!(!scratch(&server).exists());
}

async fn given_many(server: &Server) {
    for batch in 0..3 {
        let order = |n| ordered(&format!("o-{batch}-{n}"), "1 EUR").by(&format!("user_id:{n}"));
        server.accepted((1..=1_000).map(order)).await;
    }
    server.settled().await;
}

pub async fn a_second_preview_at_once_is_refused(server: Server) {
    given_many(&server).await;
    let mut admin = server.connection.admin();
    let mut first = soon(admin.preview(PreviewRequest::default())).await.unwrap().into_inner();
    if let Err(status) = server.preview("").await {
        assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
        assert!(status.message().contains("a preview is under way already"), "{status}");
    }
    assert!(server.verify().await.unwrap().equal, "a verify may go on beside it");
    while soon(first.message()).await.unwrap().is_some() {}
    assert_eq!(server.preview("").await.unwrap().fates.unwrap().unchanged, 1_000);
}

pub async fn a_preview_ends_when_nobody_waits_for_it(server: Server) {
    given_many(&server).await;
    let digest = server.digest().await;
    let mut admin = server.connection.admin();
    let mut first = soon(admin.preview(PreviewRequest::default())).await.unwrap().into_inner();
    assert!(soon(first.message()).await.unwrap().is_some());
    drop(first);
    soon(async {
        while let Err(status) = server.preview("").await {
            assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
        }
    })
    .await;
    untouched(&server, &digest).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_crash_left_of_a_preview_is_removed() {
    let server = Server::embedded().await;
    given_a_little_of_everything(&server).await;
    let folder = scratch(&server);
    let kept = server.stop().await;
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("anew.db"), "half").unwrap();
    std::fs::write(folder.join("overlap.db"), "half").unwrap();
    let server = kept.serve().await;
    assert!(!folder.exists());
    assert_eq!(counts(&server.preview("").await.unwrap()), [[3, 2, 1]; 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scratch_of_a_preview_that_cannot_be_made_is_named() {
    let server = Server::embedded().await;
    given_a_little_of_everything(&server).await;
    std::fs::write(scratch(&server), "no folder").unwrap();
    let status = server.preview("").await.unwrap_err();
    assert_eq!(status.code(), Code::Internal, "{status}");
    assert!(status.message().contains("readmodel/preview cannot be made"), "{status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_foreseen_is_what_a_server_with_these_definitions_knows() {
    let server = Server::embedded().await;
    given_a_little_of_everything(&server).await;
    let foreseen = server.preview("[identity]\nmost_partners = 2").await.unwrap();
    let biggest = foreseen.then.as_ref().unwrap().biggest_by_touchpoints.clone();
    let strict = |config: &mut rapport::config::Config| {
        config.tenants.values_mut().for_each(|tenant| tenant.rules.most_partners = 2);
    };
    let server = server.stop().await.serve_with(strict).await;
    server.settled().await;
    let totals = server.totals().await;
    assert_eq!([totals.customers, totals.identified], counts(&foreseen)[1][..2]);
    for customer in biggest {
        let found = server.customer(&customer.id).await.unwrap();
        assert_eq!(found.touchpoints, customer.touchpoints, "{}", customer.id);
    }
    assert_eq!(counts(&server.preview("").await.unwrap()), [counts(&foreseen)[1], counts(&foreseen)[0]]);
}
