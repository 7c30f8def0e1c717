//! One customer's touchpoints, from the read model, in the order of events.

use rapport_log::Position;
use rapport_readmodel::{CustomerName, Reader, TimelineEntry};
use rapport_touchpoint::OrderKey;
use tokio::sync::mpsc;
use tonic::Status;

use super::selection::Selection;
use crate::query::QueryError;
use crate::wire::v1::{ReplayResponse, ReplayedTouchpoint};

/// Touchpoints read, and looked at for one response.
const PAGE: usize = 500;

pub(super) struct OfCustomer {
    pub reader: Reader,
    pub name: CustomerName,
    pub selection: Selection,
    pub until: Position,
}

impl OfCustomer {
    /// The first page; an error if there is no such customer.
    pub async fn start(&self) -> Result<Vec<TimelineEntry>, QueryError> {
        self.page(None).await?.ok_or_else(|| crate::query::no_customer(&self.name))
    }

    /// Sends page after page, until the client is gone or there are no more.
    pub async fn run(self, mut page: Vec<TimelineEntry>, responses: mpsc::Sender<Result<ReplayResponse, Status>>) {
        loop {
            let is_last = page.len() < PAGE;
            let after = page.last().map(|entry| entry.key.clone());
            let position = if is_last { self.until.0 } else { 0 };
            let touchpoints =
                page.into_iter().filter_map(|entry| taken(&self.selection, self.until, entry, "")).collect();
            let response = ReplayResponse { touchpoints, position, until: self.until.0, customer: String::new() };
            if responses.send(Ok(response)).await.is_err() || is_last {
                return;
            }
            page = match self.page(after).await {
                Ok(page) => page.unwrap_or_default(),
                Err(error) => {
                    let _ = responses.send(Err(error.into())).await;
                    return;
                }
            };
        }
    }

    async fn page(&self, after: Option<OrderKey>) -> Result<Option<Vec<TimelineEntry>>, QueryError> {
        let (reader, name) = (self.reader.clone(), self.name.clone());
        let page = tokio::task::spawn_blocking(move || reader.history(&name, after.as_ref(), PAGE));
        Ok(page.await.map_err(|_| QueryError::BrokenOff)??.content)
    }
}

/// A touchpoint of a customer, if it is given.
pub(super) fn taken(
    selection: &Selection,
    until: Position,
    entry: TimelineEntry,
    customer: &str,
) -> Option<ReplayedTouchpoint> {
    let TimelineEntry { position, touchpoint, .. } = entry;
    let in_range = Position(position) > selection.after && Position(position) <= until;
    if !in_range || !selection.filter.matches(&touchpoint.channel, &touchpoint.event_type) {
        return None;
    }
    let event_json = selection.take(touchpoint.into_json())?;
    Some(ReplayedTouchpoint { position, recorded_at: None, event_json, customer: customer.to_owned() })
}
