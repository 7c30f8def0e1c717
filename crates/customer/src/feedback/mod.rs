//! Feedback: what customers answered when they were asked, and how many did.
//!
//! The last answer of a customer to a survey instance counts; without an instance, each does. Scores are told from counts
//! by day, channel and so on ([`Score`]), never from the customers.

mod about;
mod score;
mod scores;

use std::collections::{BTreeMap, VecDeque};

use rapport_touchpoint::{Content, Event, Metric, OrderKey, Timestamp};
use serde::{Deserialize, Serialize};

use crate::fact::{Fact, FactChange, FactKey, FactKind};

pub use about::{About, Asking, Response, Slice};
pub use score::{Histogram, Score};
pub use scores::{ScoreRow, Scores, ScoresQuestion};

/// Survey instances of one customer whose answer may still be replaced; an older one counts as it stands.
const MOST_INSTANCES: usize = 1_000;
/// Askings of one customer that wait for an answer; an older one stays unanswered.
const MOST_ASKED: usize = 200;

/// What is measured, each on its own scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    Nps,
    Csat,
    Ces,
    /// The stars of reviews.
    Stars,
}

/// State of one customer, bounded whatever the events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    pub by_measure: BTreeMap<Measure, Given>,
    /// The answer that stands for each instance; the oldest first.
    standing: VecDeque<Named>,
    /// Asked and not yet answered; the oldest first.
    asked: VecDeque<Named>,
}

/// What one customer gave on one measure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// Answers that count.
    pub responses: u64,
    pub asked: u64,
    /// Askings that got an answer.
    pub answered: u64,
    pub last_score: Option<u32>,
    pub last_time: Timestamp,
}

/// A fact that a later answer may close, by a hash of the measure, survey and instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Named {
    name: [u8; 16],
    fact: FactKey,
}

impl Measure {
    pub const ALL: [Self; 4] = [Self::Nps, Self::Csat, Self::Ces, Self::Stars];

    pub fn name(self) -> &'static str {
        match self {
            Self::Nps => "nps",
            Self::Csat => "csat",
            Self::Ces => "ces",
            Self::Stars => "stars",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|measure| measure.name() == name)
    }
}

impl From<Metric> for Measure {
    fn from(metric: Metric) -> Self {
        match metric {
            Metric::Nps => Self::Nps,
            Metric::Csat => Self::Csat,
            Metric::Ces => Self::Ces,
        }
    }
}

impl Feedback {
    /// Takes in the customer's next event; `stage` is where the customer was before it.
    pub(crate) fn fold(&mut self, event: &Event, key: &OrderKey, stage: Option<&str>, facts: &mut Vec<FactChange>) {
        match &event.content {
            Content::SurveySent(sent) => self.ask(About::sent(sent, event, stage), key, facts),
            Content::SurveyAnswered(answered) => {
                let about = About::answered(answered, event, stage);
                self.respond(Response { about, score: answered.score, comment: answered.comment.clone() }, key, facts);
            }
            Content::ReviewPosted(review) => {
                let about = About::reviewed(review, event, stage);
                let comment = review.text.clone().or_else(|| review.title.clone());
                self.respond(Response { about, score: review.score, comment }, key, facts);
            }
            Content::CustomerIdentified(_)
            | Content::ConsentChanged(_)
            | Content::OrderPlaced(_)
            | Content::OrderRefunded(_)
            | Content::ProductViewed(_)
            | Content::Other => {}
        }
    }

    /// Asking again for an instance that is not answered yet is a reminder, and no other asking.
    fn ask(&mut self, about: About, key: &OrderKey, facts: &mut Vec<FactChange>) {
        let (name, fact) = (about.name(), FactKey { event: key.clone(), slot: 0 });
        if about.instance.is_some() && self.asked.iter().any(|known| known.name == name) {
            return;
        }
        self.by_measure.entry(about.measure).or_default().asked += 1;
        keep(&mut self.asked, Named { name, fact: fact.clone() }, MOST_ASKED);
        facts.push(FactChange::Put(fact, Fact::Asking(Asking { about })));
    }

    fn respond(&mut self, response: Response, key: &OrderKey, facts: &mut Vec<FactChange>) {
        let (about, fact) = (&response.about, FactKey { event: key.clone(), slot: 0 });
        let name = about.name();
        let given = self.by_measure.entry(about.measure).or_default();
        given.last_score = Some(response.score);
        given.last_time = key.time();
        let replaced = about.instance.as_ref().and_then(|_| take(&mut self.standing, name));
        match replaced {
            Some(before) => {
                facts.push(FactChange::Close { kind: FactKind::Response, key: before, by: key.clone() });
            }
            None => given.responses += 1,
        }
        if let Some(asked) = take(&mut self.asked, name) {
            given.answered += 1;
            facts.push(FactChange::Close { kind: FactKind::Asking, key: asked, by: key.clone() });
        }
        if about.instance.is_some() {
            keep(&mut self.standing, Named { name, fact: fact.clone() }, MOST_INSTANCES);
        }
        facts.push(FactChange::Put(fact, Fact::Response(response)));
    }
}

fn keep(named: &mut VecDeque<Named>, new: Named, most: usize) {
    if named.len() == most {
        named.pop_front();
    }
    named.push_back(new);
}

/// The oldest of that name.
fn take(named: &mut VecDeque<Named>, name: [u8; 16]) -> Option<FactKey> {
    let at = named.iter().position(|known| known.name == name)?;
    named.remove(at).map(|known| known.fact)
}
