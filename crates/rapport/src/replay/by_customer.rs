//! All customers' touchpoints from the read model: customer by customer, each in the order of events.

use rapport_log::Position;
use rapport_readmodel::{Answer, CustomerName, CustomerPlace, CustomerStretch, Reader, Stretch};
use tokio::sync::mpsc;
use tonic::Status;

use super::of_customer::taken;
use super::selection::Selection;
use crate::query::{QueryError, no_customer};
use crate::wire::v1::ReplayResponse;

/// Touchpoints read, and looked at for one response.
const STRETCH: usize = 1_000;

pub(super) struct ByCustomer {
    pub reader: Reader,
    pub selection: Selection,
    pub until: Position,
}

impl ByCustomer {
    /// Where it begins: with the first customer, or behind the one that is named.
    pub async fn start(&self, after: Option<CustomerName>) -> Result<CustomerPlace, QueryError> {
        let Some(name) = after else { return Ok(CustomerPlace::default()) };
        let reader = self.reader.clone();
        let named = name.clone();
        let place = tokio::task::spawn_blocking(move || reader.place_after(&named));
        place.await.map_err(|_| QueryError::BrokenOff)??.content.ok_or_else(|| no_customer(&name))
    }

    /// Sends stretch after stretch, until the client is gone or there are no more.
    pub async fn run(self, first: CustomerPlace, responses: mpsc::Sender<Result<ReplayResponse, Status>>) {
        let (mut place, mut last_whole) = (Some(first), String::new());
        while let Some(from) = place {
            let stretch = match self.stretch(from).await {
                Ok(answer) => answer.content,
                Err(error) => {
                    let _ = responses.send(Err(error.into())).await;
                    return;
                }
            };
            let mut touchpoints = Vec::new();
            for CustomerStretch { id, entries, is_whole } in stretch.customers {
                let id = id.to_string();
                for entry in entries {
                    touchpoints.extend(taken(&self.selection, self.until, entry, &id));
                }
                if is_whole {
                    last_whole = id;
                }
            }
            place = stretch.next;
            let position = if place.is_none() { self.until.0 } else { 0 };
            let response = ReplayResponse { touchpoints, position, until: self.until.0, customer: last_whole.clone() };
            if responses.send(Ok(response)).await.is_err() {
                return;
            }
        }
    }

    async fn stretch(&self, from: CustomerPlace) -> Result<Answer<Stretch>, QueryError> {
        let reader = self.reader.clone();
        let stretch = tokio::task::spawn_blocking(move || reader.stretch(&from, STRETCH));
        Ok(stretch.await.map_err(|_| QueryError::BrokenOff)??)
    }
}
