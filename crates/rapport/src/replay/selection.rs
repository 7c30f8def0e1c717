//! The conditions of a replay, checked.

use std::borrow::Cow;

use rapport_log::{Filter, Position, TypeFilter};
use rapport_touchpoint::limits::MAX_NAME_BYTES;
use rapport_touchpoint::{Channel, Timestamp};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::ReplayError;
use crate::event_proto::timestamp;
use crate::wire::v1::{ReplayOrder, ReplayRequest};

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
    recorded: TimeRange,
    /// Empty for all.
    sources: Vec<String>,
}

/// From the first moment, up to but not including the second.
#[derive(Debug, Clone, Copy)]
struct TimeRange {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

impl TimeRange {
    fn new(
        (from_field, from): (&'static str, Option<prost_types::Timestamp>),
        (to_field, to): (&'static str, Option<prost_types::Timestamp>),
    ) -> Result<Self, ReplayError> {
        let range = Self { from: moment(from_field, from)?, to: moment(to_field, to)? };
        if let Self { from: Some(from), to: Some(to) } = range
            && to < from
        {
            let rule = format!("is {to}, which lies before {from_field}, {from}");
            return Err(ReplayError::Argument { field: to_field, rule });
        }
        Ok(range)
    }

    fn is_all(self) -> bool {
        matches!(self, Self { from: None, to: None })
    }

    fn has(self, moment: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= moment) && self.to.is_none_or(|to| moment < to)
    }
}

impl Selection {
    pub(super) fn new(request: &ReplayRequest) -> Result<Self, ReplayError> {
        let after = Position(request.after_position);
        let until = (request.until_position > 0).then_some(Position(request.until_position));
        if let Some(until) = until.filter(|until| *until < after) {
            let rule = format!("is {until}, which lies before after_position {after}");
            return Err(ReplayError::Argument { field: "until_position", rule });
        }
        let time = TimeRange::new(("from", request.from), ("to", request.to))?;
        let recorded = TimeRange::new(("recorded_from", request.recorded_from), ("recorded_to", request.recorded_to))?;
        let of_customers = request.customer.is_some() || request.order() == ReplayOrder::Customer;
        if of_customers && !recorded.is_all() {
            let rule =
                "is a moment of the log; customers are told from the read model, which has from and to".to_owned();
            let field = if recorded.from.is_some() { "recorded_from" } else { "recorded_to" };
            return Err(ReplayError::Argument { field, rule });
        }
        let types = names("types", &request.types, TypeFilter::parse)?;
        let channels = names("channels", &request.channels, Channel::parse)?;
        let sources = names("sources", &request.sources, source)?;
        let filter = Filter { types, channels, ..Filter::default() };
        Ok(Self { after, until, filter, time, recorded, sources })
    }

    /// Does it meet the condition on the moment of receipt?
    pub(super) fn has_recorded(&self, recorded_at: Timestamp) -> bool {
        self.recorded.has(recorded_at)
    }

    /// The record's text, if it is an event and meets the conditions that the log itself does not know.
    pub(super) fn take(&self, json: Vec<u8>) -> Option<String> {
        let text = String::from_utf8(json).ok()?;
        let meets = match self.time.is_all() && self.sources.is_empty() {
            true => is_object(&text),
            false => said(&text).is_some_and(|said| self.meets(&said)),
        };
        meets.then_some(text)
    }

    fn meets(&self, said: &Said<'_>) -> bool {
        let Said { time, source } = said;
        let is_in_time =
            || time.as_deref().is_some_and(|time| Timestamp::parse(time).is_ok_and(|time| self.time.has(time)));
        let is_of_source = || source.as_deref().is_some_and(|source| self.sources.iter().any(|one| one == source));
        (self.time.is_all() || is_in_time()) && (self.sources.is_empty() || is_of_source())
    }
}

/// What conditions look at. What is no text is not there.
#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    time: Option<Cow<'a, str>>,
    #[serde(borrow)]
    source: Option<Cow<'a, str>>,
}

/// A struct would be read from an array, too.
fn begins_as_object(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

fn is_object(text: &str) -> bool {
    begins_as_object(text) && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// `None` if the text is no JSON object.
fn said(text: &str) -> Option<Said<'_>> {
    if !begins_as_object(text) {
        return None;
    }
    if let Ok(said) = serde_json::from_str(text) {
        return Some(said);
    }
    // An object all the same, perhaps: with a time that is no text, or with two.
    let Ok(Value::Object(mut attributes)) = serde_json::from_str(text) else { return None };
    let mut text_of = |name: &str| match attributes.remove(name) {
        Some(Value::String(text)) => Some(text.into()),
        _ => None,
    };
    Some(Said { time: text_of("time"), source: text_of("source") })
}

fn source(text: &str) -> Result<String, String> {
    let fits = (1..=MAX_NAME_BYTES).contains(&text.len()) && !text.chars().any(char::is_control);
    let right = || format!("a source is 1 to {MAX_NAME_BYTES} bytes without control characters, such as shop/web");
    if fits { Ok(text.to_owned()) } else { Err(right()) }
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
