//! Feedback on the wire.

use rapport_customer::{About, Day, Given, Measure, Response, ScoreRow};
use rapport_readmodel::FactEntry;

use super::timestamp;
use crate::wire::v1;

pub(crate) fn feedback_given(measure: Measure, given: &Given) -> v1::FeedbackGiven {
    v1::FeedbackGiven {
        measure: measure.name().to_owned(),
        responses: given.responses,
        last_score: given.last_score,
        last_time: given.last_score.map(|_| timestamp(given.last_time)),
        asked: given.asked,
        answered: given.answered,
    }
}

pub(crate) fn score_row(measure: Measure, row: (Option<Day>, Option<String>, ScoreRow)) -> v1::ScoreRow {
    let (period, slice, ScoreRow { histogram, asked, answered }) = row;
    let score = histogram.score(measure);
    v1::ScoreRow {
        measure: measure.name().to_owned(),
        period: period.map(|day| day.to_string()).unwrap_or_default(),
        slice: slice.unwrap_or_default(),
        responses: histogram.responses(),
        score: score.map(|score| score.value),
        mean: score.map(|score| score.mean),
        margin: score.and_then(|score| score.margin),
        histogram: histogram.iter().collect(),
        high: score.map(|score| score.high).unwrap_or_default(),
        low: score.map(|score| score.low).unwrap_or_default(),
        asked,
        answered,
        response_rate: (asked > 0).then(|| answered as f64 / asked as f64),
    }
}

pub(crate) fn response(entry: FactEntry<Response>) -> v1::SurveyResponse {
    let Response { about, score, comment } = entry.fact;
    let About { measure, survey, instance, channel, touchpoint, agent, team, stage } = about;
    let (source, id) = entry.event.unwrap_or_default();
    v1::SurveyResponse {
        customer_id: entry.customer.to_string(),
        time: Some(timestamp(entry.time)),
        measure: measure.name().to_owned(),
        score,
        survey,
        instance: instance.unwrap_or_default(),
        channel,
        touchpoint: touchpoint.unwrap_or_default(),
        agent: agent.unwrap_or_default(),
        team: team.unwrap_or_default(),
        stage: stage.unwrap_or_default(),
        comment: comment.unwrap_or_default(),
        source,
        id,
    }
}
