//! Questions about feedback: scores from their cells, responses one by one.

use rapport_customer::identity::CustomerId;
use rapport_customer::{Fact, FactKind, Measure, Response, Scores, ScoresQuestion, Slice};
use rapport_touchpoint::{OrderKey, Timestamp};

use super::journey::{FactPlace, earlier};
use super::{Answer, CustomerName, Reader};
use crate::error::{ReadModelError, Result};
use crate::facts::{self, Place};
use crate::totals;

/// Rows that one page looks at; a page of a rare kind may be short, and be followed by others.
const MOST_LOOKED_AT: usize = 50_000;

/// Which responses are meant: those for which all of it holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResponsesQuestion {
    /// Of everybody, without.
    pub customer: Option<CustomerName>,
    pub measure: Option<Measure>,
    /// Included.
    pub from_time: Option<Timestamp>,
    /// Excluded.
    pub until_time: Option<Timestamp>,
    pub lowest: Option<u32>,
    pub highest: Option<u32>,
    pub only: Vec<(Slice, String)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ResponsesPage {
    /// Newest first; those that count.
    pub entries: Vec<ResponseEntry>,
    /// Where the next page starts after; `None` on the last one.
    pub next: Option<FactPlace>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ResponseEntry {
    pub customer: CustomerId,
    pub time: Timestamp,
    pub response: Response,
    /// Source and id of the event.
    pub event: Option<(String, String)>,
}

impl ResponsesQuestion {
    fn means(&self, response: &Response) -> bool {
        self.measure.is_none_or(|measure| measure == response.about.measure)
            && self.lowest.is_none_or(|lowest| response.score >= lowest)
            && self.highest.is_none_or(|highest| response.score <= highest)
            && self.only.iter().all(|(slice, value)| slice.of(&response.about) == value)
    }
}

impl Reader {
    /// Scores by period and slice, for each question. Reads cells, not customers.
    pub fn scores(&self, questions: &[ScoresQuestion]) -> Result<Answer<Vec<Scores>>> {
        self.ask(|connection| {
            let mut answers = Vec::with_capacity(questions.len());
            for question in questions {
                let mut scores = Scores::default();
                for range in [question.scores(), question.askings()] {
                    totals::cells(connection, &range.from, &range.until, |coordinates, count| {
                        scores
                            .add(question, &coordinates, count)
                            .ok_or_else(|| ReadModelError::corrupt(format!("the feedback cell {coordinates:?}")))
                    })?;
                }
                answers.push(scores);
            }
            Ok(answers)
        })
    }

    /// The responses behind the scores, the newest first. `None` if there is no such customer.
    pub fn responses(
        &self,
        question: &ResponsesQuestion,
        after: Option<&FactPlace>,
        page_size: usize,
    ) -> Result<Answer<Option<ResponsesPage>>> {
        self.ask(|connection| {
            let customer = match &question.customer {
                None => None,
                Some(name) => match self.resolve(connection, name)? {
                    None => return Ok(None),
                    known => known,
                },
            };
            let from = question.from_time.map_or(OrderKey::MIN, OrderKey::at);
            let until = question.until_time.map(|time| Place::before(OrderKey::at(time)));
            let before = earlier(after.map(|place| &place.0), until.as_ref());
            let mut found = Vec::new();
            let mut next = None;
            let (mut last, mut looked_at) = (None, 0);
            facts::newest(connection, FactKind::Response, customer, &from, before, |of, stored| {
                if found.len() == page_size || looked_at == MOST_LOOKED_AT {
                    next = last.take().map(FactPlace);
                    return false;
                }
                looked_at += 1;
                last = Some(Place { event: stored.key.event.clone(), customer: of, slot: stored.key.slot });
                if let Fact::Response(response) = stored.fact
                    && stored.closed_by.is_none()
                    && question.means(&response)
                {
                    found.push((of, stored.key.event, response));
                }
                true
            })?;
            let mut entries = Vec::with_capacity(found.len());
            for (of, key, response) in found {
                let customer = self.id_of(connection, of)?;
                entries.push(ResponseEntry { customer, time: key.time(), response, event: key.source_and_id() });
            }
            Ok(Some(ResponsesPage { entries, next }))
        })
    }
}
