//! The known answer: a shop's purchases, whose number, customers and sum are published. `tests/data/README.md` says where
//! they come from.

use std::io::Read;
use std::path::PathBuf;

use flate2::read::GzDecoder;
use rapport::import::{self, Job, Mapping, Summary};
use rapport::wire::v1::TotalsResponse;

use super::repository;
use super::server::Server;
use super::soon::soon;

pub const CUSTOMERS: u64 = 2_357;
pub const ORDERS: u64 = 6_919;
pub const REVENUE: &str = "244091.94";

pub fn file() -> PathBuf {
    repository().join("tests/data/cdnow_sample.txt.gz")
}

pub fn mapping() -> PathBuf {
    repository().join("examples/cdnow-sample.toml")
}

/// The purchases, one in a line: customer, customer in the sample, date, number of CDs, dollars.
pub fn text() -> String {
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(file()).unwrap()).read_to_string(&mut text).unwrap();
    text
}

/// Imports all purchases and waits until they count.
pub async fn import_into(server: &Server) -> Summary {
    let mapping = Mapping::load(&mapping()).unwrap();
    import(server, file(), Some(mapping)).await
}

pub async fn import(server: &Server, file: PathBuf, mapping: Option<Mapping>) -> Summary {
    let (url, tenant) = (server.url().to_owned(), String::new());
    let job = Job { files: vec![file], mapping, strict: true, server: url, tenant, wait: true };
    let mut summary = Summary::default();
    soon(import::run(&job, &mut summary)).await.unwrap();
    summary
}

/// These are the published totals, and nothing more.
#[track_caller]
pub fn assert_exact(totals: &TotalsResponse) {
    let [in_dollars] = &totals.by_currency[..] else { panic!("{totals:?}") };
    assert_eq!(in_dollars.currency, "USD");
    assert_eq!(in_dollars.revenue, REVENUE);
    assert_eq!(in_dollars.orders, ORDERS);
    assert_eq!((totals.orders, totals.touchpoints, totals.anonymous), (ORDERS, ORDERS, 0));
    assert_eq!((totals.customers, totals.identified, totals.buyers), (CUSTOMERS, CUSTOMERS, CUSTOMERS));
}
