//! Pages of facts, with tokens that lead from one to the next.

use std::fmt::Debug;

use rapport_readmodel::{Answer, FactEntry, FactPlace, FactsPage, ReadModelError, Reader};

use super::past::Asked;
use super::{QueryError, page_token};
use crate::wire::v1::Freshness;

/// Which page is asked for.
pub(super) struct Page<'a> {
    pub asked: Asked<'a>,
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
        question: Q,
        list: impl FnOnce(&Reader, &Q, Option<&FactPlace>) -> Result<Answer<Option<FactsPage<T>>>, ReadModelError>
        + Send
        + 'static,
    ) -> Result<Listing<T>, QueryError>
    where
        Q: Debug + Send + 'static,
        T: Send + 'static,
    {
        let Self { asked, token } = self;
        let binding = format!("{} {question:?}", asked.binding()?);
        let after = page_token::read(&binding, token, |bytes| FactPlace::from_bytes(&bytes))?;
        let (page, freshness) = asked.ask_of_one(move |reader| list(reader, &question, after.as_ref())).await?;
        let next = page.next.map(|next| page_token::write(&binding, &next.to_bytes()));
        Ok(Listing { entries: page.entries, next_page_token: next.unwrap_or_default(), freshness })
    }
}
