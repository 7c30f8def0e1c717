//! Pages of facts, with tokens that lead from one to the next.

use std::fmt::Debug;

use rapport_readmodel::{Answer, CustomerName, FactEntry, FactPlace, FactsPage, ReadModelError, Reader};

use super::projections::{Projections, no_customer};
use super::{QueryError, page_token};
use crate::projector::Live;
use crate::wire::v1::Freshness;

/// Which page is asked for.
pub(super) struct Page<'a> {
    pub live: &'a Live,
    /// Of whom, if of one.
    pub customer: Option<&'a CustomerName>,
    pub token: &'a str,
}

/// Entries, the token of the next page, and what they are true at.
pub(super) struct Listing<T> {
    pub entries: Vec<FactEntry<T>>,
    pub next_page_token: String,
    pub freshness: Freshness,
}

impl Page<'_> {
    /// Asks for the page of a question, which binds its tokens.
    pub async fn list<Q, T>(
        self,
        projections: &Projections,
        question: Q,
        list: impl FnOnce(&Reader, &Q, Option<&FactPlace>) -> Result<Answer<Option<FactsPage<T>>>, ReadModelError>
        + Send
        + 'static,
    ) -> Result<Listing<T>, QueryError>
    where
        Q: Debug + Send + 'static,
        T: Send + 'static,
    {
        // Places mean something in one file only.
        let binding = format!("{} {question:?}", self.live.generation);
        let after = page_token::read(&binding, self.token, |bytes| FactPlace::from_bytes(&bytes))?;
        let (page, freshness) =
            projections.ask_of(self.live, move |reader| list(reader, &question, after.as_ref())).await?;
        let page = match (page, self.customer) {
            (Some(page), _) => page,
            (None, Some(name)) => return Err(no_customer(name)),
            (None, None) => return Err(QueryError::BrokenOff),
        };
        let next = page.next.map(|next| page_token::write(&binding, &next.to_bytes()));
        Ok(Listing { entries: page.entries, next_page_token: next.unwrap_or_default(), freshness })
    }
}
