//! The funnel of a shop's clickstream, against a count of the file itself. `tests/data/README.md` says where it is from.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use flate2::read::GzDecoder;
use rapport::config::DEFAULT_TENANT;
use rapport::import::{self, Job, Mapping, Summary};
use rapport::wire::v1::{Bucket, FunnelRequest, FunnelRow};
use rapport_customer::Definitions;
use rapport_touchpoint::Catalogue;

use crate::support::repository;
use crate::support::server::{Kept, Server};
use crate::support::soon::soon;

/// How many users did each step after the one before, by the month of their first one.
fn counted_in_the_file() -> BTreeMap<String, [u64; 3]> {
    let mut text = String::new();
    let file = std::fs::File::open(repository().join("tests/data/ecom_clickstream.csv.gz")).unwrap();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let mut rows: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(',').collect()).collect();
    rows.sort_by_key(|row| row[3]);
    let mut users: BTreeMap<&str, (String, usize)> = BTreeMap::new();
    for row in rows {
        let steps = users.entry(row[0]).or_insert((row[3][..7].to_owned(), 0));
        if ["product_view", "add_to_cart", "payment_details"].get(steps.1) == Some(&row[2]) {
            steps.0 = if steps.1 == 0 { row[3][..7].to_owned() } else { steps.0.clone() };
            steps.1 += 1;
        }
    }
    let mut by_month: BTreeMap<String, [u64; 3]> = BTreeMap::new();
    for (month, steps) in users.into_values() {
        by_month.entry(month).or_default()[..steps].iter_mut().for_each(|reached| *reached += 1);
    }
    by_month.retain(|_, reached| reached[0] > 0);
    by_month
}

async fn served(kept: Kept) -> Server {
    let file = repository().join("examples/ecom-definitions.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let definitions = Definitions::parse("ecom-definitions.toml", &text, &Catalogue::built_in()).unwrap();
    let server = kept
        .serve_with(|config| {
            let default = config.tenants.iter_mut().find(|(tenant, _)| tenant.as_str() == DEFAULT_TENANT).unwrap();
            default.1.definitions = Arc::new(definitions);
        })
        .await;
    let job = Job {
        files: vec![repository().join("tests/data/ecom_clickstream.csv.gz")],
        mapping: Some(Mapping::load(&repository().join("examples/ecom.toml")).unwrap()),
        strict: true,
        server: server.url().to_owned(),
        tenant: String::new(),
        wait: true,
    };
    soon(import::run(&job, &mut Summary::default())).await.unwrap();
    server
}

fn reached(row: &FunnelRow) -> [u64; 3] {
    [0, 1, 2].map(|stage| row.stages[stage].reached)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_funnel_is_what_a_count_of_the_file_says() {
    let server = served(Kept::embedded()).await;
    let by_month = counted_in_the_file();
    let whole = by_month.values().fold([0; 3], |sum, month| [0, 1, 2].map(|step| sum[step] + month[step]));
    assert!(whole[0] > whole[1] && whole[1] > whole[2] && whole[2] > 100, "{whole:?}");

    let funnel = server.funnel(FunnelRequest::default()).await;
    assert_eq!(funnel.journey, "purchase");
    assert_eq!(reached(&funnel.rows[0]), whole);
    let bucket = Bucket::Month.into();
    let monthly = server.funnel(FunnelRequest { bucket, ..FunnelRequest::default() }).await;
    let monthly: BTreeMap<String, [u64; 3]> =
        monthly.rows.iter().map(|row| (row.period[..7].to_owned(), reached(row))).collect();
    assert_eq!(monthly, by_month);
    let by_channel = server.funnel(FunnelRequest { by_channel: true, ..FunnelRequest::default() }).await;
    let sum = by_channel.rows.iter().map(reached).fold([0; 3], |sum, row| [0, 1, 2].map(|step| sum[step] + row[step]));
    assert_eq!(sum, whole);
}
