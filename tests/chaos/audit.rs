//! What is on the log and in the read models when all is over, held against what was acknowledged.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use rapport::wire::v1::{ReplayRequest, StatusRequest, StatusResponse};
use serde_json::Value;
use tokio::time::sleep;
use tonic::{Code, Status};

use super::load::{Name, Published, name};
use super::world::World;
use crate::support::client::Client;
use crate::support::soon::soon;

/// The figures, and what is wrong with them.
#[derive(Debug, Default)]
pub struct Audit {
    /// Distinct events that a client was told are on the log.
    pub acknowledged: usize,
    /// Of these, not on the log, or not counted.
    pub lost: usize,
    /// Counted more than once.
    pub counted_twice: u64,
    /// Records on the log, and the distinct events among them.
    pub records: usize,
    pub distinct: usize,
    pub customers: u64,
    pub wrong: Vec<String>,
}

/// Waits until every projector has caught up, without a helping hand, and looks at all of it.
pub async fn audit(world: &mut World, published: &Published) -> Audit {
    let mut found = Audit { acknowledged: published.acknowledged.len(), ..Audit::default() };
    found.wrong.extend(published.tally.wrong.iter().take(10).cloned());
    let on_log = read_log(&Client::connect(&world.addresses.get(0)).await).await;
    found.records = on_log.values().map(Vec::len).sum();
    found.distinct = on_log.len();
    found.lost = published.acknowledged.iter().filter(|(name, _)| !on_log.contains_key(*name)).count();
    for (name, told) in &published.acknowledged {
        if on_log.get(name).is_some_and(|positions| !positions.contains(told)) {
            found.wrong.push(format!("{name:?} was said to be at {told}, and is at {:?}", on_log[name]));
        }
    }

    let highest = published.acknowledged.values().copied().max().unwrap_or_default();
    let mut digests: BTreeMap<String, String> = BTreeMap::new();
    for member in world.folding() {
        let client = Client::connect(member.url()).await;
        let status = caught_up(&client, highest).await;
        let (distinct, records) = (found.distinct as u64, found.records as u64);
        found.counted_twice = found.counted_twice.max(status.touchpoints.saturating_sub(distinct));
        found.lost = found.lost.max(usize::try_from(distinct.saturating_sub(status.touchpoints)).unwrap_or(usize::MAX));
        found.expect(&member.name, "touchpoints", status.touchpoints, distinct);
        found.expect(&member.name, "duplicates", status.duplicates, records - distinct);
        found.expect(&member.name, "parked", status.parked, 0);
        for (model, digest) in &status.digests {
            let first = digests.entry(model.clone()).or_insert_with(|| digest.clone());
            found.expect(&member.name, &format!("the digest of {model}"), digest, first);
        }
        let verified = again(|| client.verify()).await;
        found.expect(&member.name, "events verified", verified.events, distinct);
        if !verified.equal {
            found.wrong.push(format!("{} is not what the log says: {verified:?}", member.name));
        }
        found.customers = verified.customers;
    }
    let totals = Client::connect(world.folding()[0].url()).await.totals().await;
    found.expect("totals", "touchpoints", totals.touchpoints, found.distinct as u64);
    world.assert_all_run();
    found
}

impl Audit {
    /// Nothing lost, nothing twice, nothing else wrong.
    pub fn is_clean(&self) -> bool {
        self.lost == 0 && self.counted_twice == 0 && self.wrong.is_empty()
    }

    fn expect<T: PartialEq + std::fmt::Display>(&mut self, who: &str, what: &str, found: T, right: T) {
        if found != right {
            self.wrong.push(format!("{who}: {what} {found}, not {right}"));
        }
    }
}

/// Where each event is on the log.
async fn read_log(client: &Client) -> BTreeMap<Name, Vec<u64>> {
    let mut on_log: BTreeMap<Name, Vec<u64>> = BTreeMap::new();
    for replayed in again(|| client.replay(ReplayRequest::default())).await {
        let event: Value = serde_json::from_str(&replayed.event_json).unwrap();
        on_log.entry(name(&event)).or_default().push(replayed.position);
    }
    on_log
}

/// All that is on the log is folded, and nothing changes any more.
async fn caught_up(client: &Client, highest: u64) -> StatusResponse {
    soon(async {
        loop {
            let request = StatusRequest { tenant: String::new(), min_position: highest };
            match client.connection.admin().status(request).await.map(tonic::Response::into_inner) {
                Ok(status) if status.settled => return status,
                Ok(_) => sleep(Duration::from_millis(20)).await,
                Err(status) if is_passing(&status) => {}
                Err(status) => panic!("{status}"),
            }
        }
    })
    .await
}

/// Until it is answered: a cluster may still be agreeing on who leads.
async fn again<T, A: Future<Output = Result<T, Status>>>(ask: impl Fn() -> A) -> T {
    soon(async {
        loop {
            match ask().await {
                Ok(answer) => return answer,
                Err(status) if is_passing(&status) => sleep(Duration::from_millis(100)).await,
                Err(status) => panic!("{status}"),
            }
        }
    })
    .await
}

fn is_passing(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded)
}
