//! What requests ask with, checked: the errors name the field, and what would be right.

use std::collections::HashMap;

use rapport_customer::identity::CustomerId;
use rapport_customer::journey::JourneyMap;
use rapport_customer::{Bucket, Day, Days, JourneyMaps, MOST_TRAIT_CHARS, Measure, Model, Slice, label};
use rapport_readmodel::{CustomerName, Filter};
use rapport_touchpoint::{Identifier, Timestamp};

use super::QueryError;
use crate::event_proto;
use crate::wire::v1::{self, CustomerFilter, CustomerRef, customer_ref};

const DEFAULT_PAGE: u32 = 50;
const LARGEST_PAGE: u32 = 500;
const DEFAULT_EXAMPLES: usize = 10;
const MOST_EXAMPLES: u32 = 100;
/// Characters of a name that an error repeats.
const MOST_NAME_CHARS: usize = 80;
/// Traits that one filter names.
const MOST_TRAITS: usize = 10;

/// Reads whom a request means.
pub(crate) fn customer_name(customer: Option<&CustomerRef>) -> Result<CustomerName, QueryError> {
    let wrong = |rule: String| QueryError::Argument { field: "customer", rule };
    match customer.and_then(|customer| customer.by.as_ref()) {
        None => Err(wrong("is missing; name one by id or by identifier".to_owned())),
        Some(customer_ref::By::Id(text)) => CustomerId::parse(text)
            .map(CustomerName::Id)
            .ok_or_else(|| wrong(format!("{:?} is no customer id; one is cus_ and 32 hex digits", cut(text)))),
        Some(customer_ref::By::Identifier(text)) => Identifier::parse(text)
            .map(CustomerName::Identifier)
            .map_err(|rule| wrong(format!("{:?} {rule}", cut(text)))),
    }
}

/// So much of a stranger's text as an error repeats.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(MOST_NAME_CHARS).collect()
}

pub(super) fn page_size(asked: u32) -> Result<usize, QueryError> {
    match asked {
        0 => Ok(DEFAULT_PAGE as usize),
        1..=LARGEST_PAGE => Ok(asked as usize),
        _ => Err(QueryError::Argument { field: "page_size", rule: format!("is {asked}; at most {LARGEST_PAGE}") }),
    }
}

/// Examples of a preview.
pub(super) fn examples(asked: u32) -> Result<usize, QueryError> {
    match asked {
        0 => Ok(DEFAULT_EXAMPLES),
        1..=MOST_EXAMPLES => Ok(asked as usize),
        _ => Err(QueryError::Argument { field: "examples", rule: format!("is {asked}; at most {MOST_EXAMPLES}") }),
    }
}

/// The journey of that name; the first one without.
pub(super) fn journey<'m>(maps: &'m JourneyMaps, name: &str) -> Result<&'m JourneyMap, QueryError> {
    let found = if name.is_empty() { maps.iter().next() } else { maps.find(name).map(|(_, map)| map) };
    found.ok_or_else(|| {
        let known = maps.iter().map(|map| map.name.as_str()).collect::<Vec<_>>().join(", ");
        QueryError::NoJourney { name: cut(name), known }
    })
}

/// A stage of a journey, by its name.
pub(super) fn stage<'m>(map: &'m JourneyMap, field: &'static str, name: &str) -> Result<&'m str, QueryError> {
    let found = map.stages.iter().find(|stage| stage.name == name).map(|stage| stage.name.as_str());
    found.ok_or_else(|| {
        let known = map.stages.iter().map(|stage| stage.name.as_str()).collect::<Vec<_>>().join(", ");
        QueryError::Argument {
            field,
            rule: format!("{:?} is no stage of {}; its stages are {known}", cut(name), map.name),
        }
    })
}

/// Days from the first to before the last.
pub(super) fn days(from: &str, until: &str) -> Result<Days, QueryError> {
    let day = |field: &'static str, text: &str| match text {
        "" => Ok(None),
        // A moment would be read as its day, whatever its offset says.
        text => Day::parse(text).map(Some).ok_or_else(|| QueryError::Argument {
            field,
            rule: format!("{:?} is no day such as 2026-03-01", cut(text)),
        }),
    };
    let (from, until) = (day("from_day", from)?, day("until_day", until)?);
    if let (Some(from), Some(until)) = (from, until)
        && from >= until
    {
        return Err(QueryError::Argument {
            field: "until_day",
            rule: format!("is {until}; it must come after from_day, {from}"),
        });
    }
    Ok(Days { from, until })
}

/// Moments from the first to before the last.
pub(super) fn moments(
    from: (&'static str, Option<&prost_types::Timestamp>),
    until: (&'static str, Option<&prost_types::Timestamp>),
) -> Result<(Option<Timestamp>, Option<Timestamp>), QueryError> {
    let moment = |(field, moment): (&'static str, Option<&prost_types::Timestamp>)| {
        let rule = || "lies outside 1970-01-01 to 2262-04-11".to_owned();
        moment
            .map(|moment| event_proto::timestamp(moment).ok_or_else(|| QueryError::Argument { field, rule: rule() }))
            .transpose()
    };
    let (first, last) = (moment(from)?, moment(until)?);
    if let (Some(first), Some(last)) = (first, last)
        && first >= last
    {
        let rule = format!("is {last}; it must come after {}, {first}", from.0);
        return Err(QueryError::Argument { field: until.0, rule });
    }
    Ok((first, last))
}

pub(super) fn bucket(asked: i32) -> Result<Bucket, QueryError> {
    match v1::Bucket::try_from(asked) {
        Ok(v1::Bucket::Unspecified) => Ok(Bucket::Whole),
        Ok(v1::Bucket::Day) => Ok(Bucket::Day),
        Ok(v1::Bucket::Week) => Ok(Bucket::Week),
        Ok(v1::Bucket::Month) => Ok(Bucket::Month),
        Ok(v1::Bucket::Quarter) => Ok(Bucket::Quarter),
        Err(_) => Err(QueryError::Argument {
            field: "bucket",
            rule: format!("{asked} is none of BUCKET_DAY, BUCKET_WEEK, BUCKET_MONTH, BUCKET_QUARTER"),
        }),
    }
}

/// `None` means all of them.
pub(super) fn measure(name: &str) -> Result<Option<Measure>, QueryError> {
    match name {
        "" => Ok(None),
        name => Measure::parse(name).map(Some).ok_or_else(|| QueryError::Argument {
            field: "measure",
            rule: format!("{:?} is none of nps, csat, ces, stars", cut(name)),
        }),
    }
}

pub(super) fn slice(field: &'static str, name: &str) -> Result<Slice, QueryError> {
    Slice::parse(name).ok_or_else(|| {
        let known = Slice::ALL.map(Slice::name).join(", ");
        QueryError::Argument { field, rule: format!("{:?} is none of {known}", cut(name)) }
    })
}

/// In one order, so that equal questions are equal.
pub(super) fn only(asked: &HashMap<String, String>) -> Result<Vec<(Slice, String)>, QueryError> {
    let mut only = Vec::with_capacity(asked.len());
    for (name, value) in asked {
        only.push((slice("only", name)?, value.clone()));
    }
    only.sort();
    Ok(only)
}

/// Whom a filter means, as far as these models can tell.
pub(super) fn customer_filter(
    asked: Option<&CustomerFilter>,
    maps: &JourneyMaps,
    models: &[Model],
) -> Result<Filter, QueryError> {
    let Some(asked) = asked else { return Ok(Filter::default()) };
    let mut labels = Vec::new();
    if !asked.stage.is_empty() {
        if !models.contains(&Model::Journey) {
            return Err(QueryError::NotFolded { field: "filter.stage", model: Model::Journey });
        }
        let map = journey(maps, &asked.journey)?;
        labels.push(label::stage(&map.name, stage(map, "filter.stage", &asked.stage)?));
    } else if !asked.journey.is_empty() {
        let rule = "names a journey, but filter.stage no stage of it".to_owned();
        return Err(QueryError::Argument { field: "filter.journey", rule });
    }
    if asked.traits.len() > MOST_TRAITS {
        let rule = format!("names {} traits; at most {MOST_TRAITS}", asked.traits.len());
        return Err(QueryError::Argument { field: "filter.traits", rule });
    }
    let mut traits: Vec<_> = asked.traits.iter().collect();
    traits.sort();
    for (name, value) in traits {
        if value.chars().count() > MOST_TRAIT_CHARS {
            let rule = format!("the value of {:?} has more than {MOST_TRAIT_CHARS} characters", cut(name));
            return Err(QueryError::Argument { field: "filter.traits", rule });
        }
        labels.push(label::of_trait(name, value));
    }
    if !asked.channel.is_empty() {
        labels.push(label::channel(&asked.channel));
    }
    let (seen_from, seen_until) =
        moments(("filter.seen_from", asked.seen_from.as_ref()), ("filter.seen_until", asked.seen_until.as_ref()))?;
    Ok(Filter { labels, seen_from, seen_until })
}
