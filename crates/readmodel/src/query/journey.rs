//! Questions about journeys: the funnel from its cells, transitions one by one.

use rapport_customer::journey::{Funnel, FunnelQuestion, Transition};
use rapport_customer::{Fact, FactKind};
use rusqlite::Connection;

use super::listing::{FactPlace, FactsPage, Listed};
use super::{Answer, Reader};
use crate::error::Result;
use crate::totals;

/// Which transitions are meant: those for which all of it holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransitionsQuestion {
    pub listed: Listed,
    pub journey: Option<String>,
    /// Into this stage.
    pub to: Option<String>,
}

impl TransitionsQuestion {
    fn means(&self, transition: &Transition) -> bool {
        self.journey.as_ref().is_none_or(|journey| *journey == transition.journey)
            && self.to.as_ref().is_none_or(|to| *to == transition.to)
    }
}

pub(crate) fn funnel(connection: &Connection, question: &FunnelQuestion<'_>) -> Result<Funnel> {
    let mut funnel = Funnel::default();
    for range in [question.depths(), question.paces()] {
        totals::cells(connection, &range, |coordinates, count| funnel.add(question, coordinates, count))?;
    }
    Ok(funnel)
}

impl Reader {
    /// How far customers came, and how fast. Reads cells, not customers.
    pub fn funnel(&self, question: &FunnelQuestion<'_>) -> Result<Answer<Funnel>> {
        self.ask(|connection| funnel(connection, question))
    }

    /// Changes of stage, the newest first. `None` if there is no such customer.
    pub fn transitions(
        &self,
        question: &TransitionsQuestion,
        after: Option<&FactPlace>,
        page_size: usize,
    ) -> Result<Answer<Option<FactsPage<Transition>>>> {
        self.list(FactKind::Transition, &question.listed, after, page_size, |fact, _closed| match fact {
            Fact::Transition(transition) => question.means(&transition).then_some(transition),
            Fact::Response(_) | Fact::Asking(_) => None,
        })
    }
}
