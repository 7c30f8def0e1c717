//! The conditions of a replay, checked.

use std::borrow::Cow;

use rapport_log::{Filter, Position, TypeFilter};
use rapport_touchpoint::{Channel, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::ReplayError;
use crate::event_proto::timestamp;
use crate::wire::v1::ReplayRequest;

/// Types, and channels, that one replay may name.
const MAX_NAMES: usize = 100;

/// All of these hold.
#[derive(Debug)]
pub(super) struct Selection {
    pub(super) after: Position,
    /// `None` for the end of the log.
    pub(super) until: Option<Position>,
    pub(super) filter: Filter,
    time: TimeRange,
}

/// From the first moment, up to but not including the second.
#[derive(Debug, Clone, Copy)]
struct TimeRange {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

impl Selection {
    pub(super) fn new(request: &ReplayRequest) -> Result<Self, ReplayError> {
        let after = Position(request.after_position);
        let until = (request.until_position > 0).then_some(Position(request.until_position));
        if let Some(until) = until.filter(|until| *until < after) {
            let rule = format!("is {until}, which lies before after_position {after}");
            return Err(ReplayError::Argument { field: "until_position", rule });
        }
        let time = TimeRange { from: moment("from", request.from)?, to: moment("to", request.to)? };
        if let TimeRange { from: Some(from), to: Some(to) } = time
            && to < from
        {
            return Err(ReplayError::Argument {
                field: "to",
                rule: format!("is {to}, which lies before from, {from}"),
            });
        }
        let types = names("types", &request.types, TypeFilter::parse)?;
        let channels = names("channels", &request.channels, Channel::parse)?;
        Ok(Self { after, until, filter: Filter { types, channels, ..Filter::default() }, time })
    }

    /// The record's text, if it is an event and meets the conditions that the log itself does not know.
    pub(super) fn take<'a>(&self, json: &'a [u8]) -> Option<&'a str> {
        let text = std::str::from_utf8(json).ok()?;
        let time = time_of(text)?;
        let in_range = match self.time {
            TimeRange { from: None, to: None } => true,
            TimeRange { from, to } => Timestamp::parse(&time)
                .is_ok_and(|time| from.is_none_or(|from| from <= time) && to.is_none_or(|to| time < to)),
        };
        in_range.then_some(text)
    }
}

/// The `time` of a JSON object, empty if it has none; `None` if the text is no JSON object.
fn time_of(text: &str) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Timed<'a> {
        #[serde(borrow)]
        time: Option<Cow<'a, str>>,
    }
    // A struct would be read from an array, too.
    if !text.trim_start().starts_with('{') {
        return None;
    }
    if let Ok(Timed { time }) = serde_json::from_str(text) {
        return Some(time.unwrap_or_default());
    }
    // An object all the same, perhaps: with a time that is no text, or with two.
    let Ok(Value::Object(attributes)) = serde_json::from_str(text) else { return None };
    Some(attributes.get("time").and_then(Value::as_str).map(str::to_owned).unwrap_or_default().into())
}

fn moment(field: &'static str, moment: Option<prost_types::Timestamp>) -> Result<Option<Timestamp>, ReplayError> {
    let Some(moment) = moment else { return Ok(None) };
    let checked = timestamp(&moment);
    let rule = || {
        let prost_types::Timestamp { seconds, nanos } = moment;
        format!("is {seconds} s and {nanos} ns; must lie from 1970-01-01 to 2262-04-11, with 0 to 999999999 ns")
    };
    checked.map(Some).ok_or_else(|| ReplayError::Argument { field, rule: rule() })
}

fn names<T>(
    field: &'static str,
    texts: &[String],
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, ReplayError> {
    let wrong = |rule: String| ReplayError::Argument { field, rule };
    if texts.len() > MAX_NAMES {
        return Err(wrong(format!("names {} of them; at most {MAX_NAMES}", texts.len())));
    }
    texts
        .iter()
        .map(|text| {
            let shown: String = text.chars().take(64).collect();
            parse(text).map_err(|right| wrong(format!("has {shown:?}; {right}")))
        })
        .collect()
}
