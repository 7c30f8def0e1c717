//! What an answer or an asking is about: the slices that feedback is told by.

use rapport_touchpoint::{Event, ReviewPosted, SurveyAnswered, SurveySent};
use serde::{Deserialize, Serialize};

use super::Measure;
use crate::fact::FactKey;
use crate::{Day, Totals, Zone};

/// What feedback is sliced by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    pub measure: Measure,
    pub survey: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub instance: Option<String>,
    pub channel: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub touchpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub team: Option<String>,
    /// Of the main journey, as it stood before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stage: Option<String>,
}

/// An answer or a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    #[serde(flatten)]
    pub about: About,
    pub score: u32,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub comment: Option<String>,
}

/// A survey that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asking {
    #[serde(flatten)]
    pub about: About,
}

impl About {
    pub(super) fn sent(sent: &SurveySent, event: &Event, stage: Option<&str>) -> Self {
        let SurveySent { survey, instance, metric, touchpoint, agent, team } = sent.clone();
        Self { instance, touchpoint, agent, team, ..Self::new(metric.into(), survey, event, stage) }
    }

    pub(super) fn answered(answered: &SurveyAnswered, event: &Event, stage: Option<&str>) -> Self {
        let SurveyAnswered { survey, instance, metric, touchpoint, agent, team, .. } = answered.clone();
        Self { instance, touchpoint, agent, team, ..Self::new(metric.into(), survey, event, stage) }
    }

    /// The platform stands for the survey, the store or else the product for the touchpoint.
    pub(super) fn reviewed(review: &ReviewPosted, event: &Event, stage: Option<&str>) -> Self {
        let ReviewPosted { review_id, sku, location, platform, .. } = review.clone();
        let survey = platform.unwrap_or_else(|| "review".to_owned());
        let touchpoint = location.or(sku);
        Self { instance: review_id, touchpoint, ..Self::new(Measure::Stars, survey, event, stage) }
    }

    fn new(measure: Measure, survey: String, event: &Event, stage: Option<&str>) -> Self {
        let (channel, stage) = (event.touchpoint.channel.to_string(), stage.map(str::to_owned));
        Self { measure, survey, instance: None, channel, touchpoint: None, agent: None, team: None, stage }
    }

    /// What makes two of them the same question to the same customer.
    pub(super) fn name(&self) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.measure.name().as_bytes()).update(&[0]);
        hasher.update(&(self.survey.len() as u64).to_be_bytes()).update(self.survey.as_bytes());
        if let Some(instance) = &self.instance {
            hasher.update(&[1]).update(instance.as_bytes());
        }
        let mut name = [0; 16];
        name.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        name
    }

    /// One cell: the counter, the measure, the day, then the slices in the order of [`Slice::ALL`], then the value.
    fn count(&self, counter: &str, key: &FactKey, zone: &Zone, value: &str, totals: &mut Totals) {
        let day = zone.day_of(key.event.time()).to_string();
        let [channel, survey, touchpoint, agent, team, stage] = Slice::ALL.map(|slice| slice.of(self));
        let name = self.measure.name();
        totals.add_cell(&[counter, name, &day, channel, survey, touchpoint, agent, team, stage, value], 1);
    }
}

/// A cell as [`About::count`] wrote it.
pub(super) struct Cell<'a>(pub &'a [&'a str]);

impl Cell<'_> {
    pub fn day(&self) -> Option<Day> {
        self.0.get(2).and_then(|text| Day::parse(text))
    }

    pub fn slice(&self, slice: Slice) -> &str {
        let place = Slice::ALL.iter().position(|known| *known == slice).unwrap_or_default();
        self.0.get(3 + place).copied().unwrap_or_default()
    }

    /// The score, or whether an asking was answered.
    pub fn value(&self) -> &str {
        self.0.last().copied().unwrap_or_default()
    }
}

/// A way to slice feedback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slice {
    Channel,
    Survey,
    Touchpoint,
    Agent,
    Team,
    Stage,
}

impl Slice {
    pub const ALL: [Self; 6] = [Self::Channel, Self::Survey, Self::Touchpoint, Self::Agent, Self::Team, Self::Stage];

    pub fn name(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::Survey => "survey",
            Self::Touchpoint => "touchpoint",
            Self::Agent => "agent",
            Self::Team => "team",
            Self::Stage => "stage",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|slice| slice.name() == name)
    }

    /// Its value; empty where nothing is said.
    pub fn of(self, about: &About) -> &str {
        match self {
            Self::Channel => &about.channel,
            Self::Survey => &about.survey,
            Self::Touchpoint => about.touchpoint.as_deref().unwrap_or_default(),
            Self::Agent => about.agent.as_deref().unwrap_or_default(),
            Self::Team => about.team.as_deref().unwrap_or_default(),
            Self::Stage => about.stage.as_deref().unwrap_or_default(),
        }
    }
}

impl Response {
    /// One that was replaced counts no more.
    pub(crate) fn contribute(&self, key: &FactKey, closed: bool, zone: &Zone, totals: &mut Totals) {
        if !closed {
            self.about.count("score", key, zone, &self.score.to_string(), totals);
        }
    }
}

impl Asking {
    pub(crate) fn contribute(&self, key: &FactKey, closed: bool, zone: &Zone, totals: &mut Totals) {
        self.about.count("asked", key, zone, if closed { "answered" } else { "open" }, totals);
    }
}
