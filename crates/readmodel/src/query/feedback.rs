//! Questions about feedback: scores from their cells, responses one by one.

use rapport_customer::{Fact, FactKind, Measure, Response, Scores, ScoresQuestion, Slice};
use rusqlite::Connection;

use super::listing::{FactPlace, FactsPage, Listed};
use super::{Answer, Reader};
use crate::error::Result;
use crate::totals;

/// Which responses are meant: those for which all of it holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResponsesQuestion {
    pub listed: Listed,
    pub measure: Option<Measure>,
    pub lowest: Option<u32>,
    pub highest: Option<u32>,
    pub only: Vec<(Slice, String)>,
}

impl ResponsesQuestion {
    fn means(&self, response: &Response) -> bool {
        self.measure.is_none_or(|measure| measure == response.about.measure)
            && self.lowest.is_none_or(|lowest| response.score >= lowest)
            && self.highest.is_none_or(|highest| response.score <= highest)
            && self.only.iter().all(|(slice, value)| slice.of(&response.about) == value)
    }
}

pub(crate) fn scores(connection: &Connection, question: &ScoresQuestion) -> Result<Scores> {
    let mut scores = Scores::default();
    for range in [question.scores(), question.askings()] {
        totals::cells(connection, &range, |coordinates, count| scores.add(question, coordinates, count))?;
    }
    Ok(scores)
}

impl Reader {
    /// Scores by period and slice, for each question. Reads cells, not customers.
    pub fn scores(&self, questions: &[ScoresQuestion]) -> Result<Answer<Vec<Scores>>> {
        self.ask(|connection| questions.iter().map(|question| scores(connection, question)).collect())
    }

    /// The responses behind the scores, the newest first: those that count. `None` if there is no such customer.
    pub fn responses(
        &self,
        question: &ResponsesQuestion,
        after: Option<&FactPlace>,
        page_size: usize,
    ) -> Result<Answer<Option<FactsPage<Response>>>> {
        self.list(FactKind::Response, &question.listed, after, page_size, |fact, replaced| match fact {
            Fact::Response(response) => (!replaced && question.means(&response)).then_some(response),
            Fact::Transition(_) | Fact::Asking(_) => None,
        })
    }
}
