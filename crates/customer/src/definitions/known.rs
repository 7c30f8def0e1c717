//! The event types that a definition may name: those with a schema, and those that the file lists.

use std::collections::BTreeMap;

use rapport_touchpoint::{Catalogue, Event, EventType, Timestamp, read, receive};
use serde_json::{Value, json};
use toml::Spanned;

use super::file::File;
use super::{DefinitionError, Problem};
use crate::journey::Types;

/// What the company does by itself, or what happens by itself: it is no sign of life. `email.opened` is among them since
/// mail programs load pixels unasked, `customer.*` since a profile is also kept up by the company: what the customer did
/// at that moment is an event of its own.
pub(super) const PASSIVE: [&str; 8] = [
    "customer.identified",
    "customer.linked",
    "email.opened",
    "email.sent",
    "lead.assigned",
    "quote.sent",
    "survey.sent",
    "ticket.resolved",
];

/// Changes of a letter up to which a name is taken for a slip of the pen.
const MOST_SLIPS: usize = 4;

pub(super) struct KnownTypes {
    /// With the examples of the newest version of the schema; without a schema, with one that has no data.
    types: BTreeMap<EventType, Vec<Event>>,
    /// For a schema without examples.
    stand_in: Vec<Event>,
}

impl KnownTypes {
    pub(super) fn new(
        catalogue: &Catalogue,
        custom: &[Spanned<String>],
        file: &File<'_>,
    ) -> Result<Self, DefinitionError> {
        let mut types = BTreeMap::new();
        for (event_type, version, examples) in catalogue.examples() {
            if catalogue.newest(event_type) == Some(version) {
                let events = examples.iter().filter_map(|data| example(event_type.as_str(), data, catalogue));
                types.insert(event_type.clone(), events.collect());
            }
        }
        for name in custom {
            let wrong =
                |right| file.error(name.span(), "", Problem::CustomType { found: name.as_ref().clone(), right });
            let event_type = EventType::parse(name.as_ref()).map_err(wrong)?;
            if event_type.is_decision() {
                return Err(wrong("must not be a decision, which is nothing that happened".to_owned()));
            }
            let without_data = || example(name.as_ref(), &json!({}), catalogue).into_iter().collect();
            types.entry(event_type).or_insert_with(without_data);
        }
        let stand_in = example("event", &json!({}), catalogue).into_iter().collect();
        Ok(Self { types, stand_in })
    }

    /// A type by its whole name.
    pub(super) fn exact(&self, name: &str) -> Result<&EventType, Problem> {
        self.types.keys().find(|known| known.as_str() == name).ok_or_else(|| Problem::UnknownType {
            found: name.to_owned(),
            nearest: nearest(name, self.types.keys().map(EventType::as_str)),
        })
    }

    /// `order.placed` or, for all that begin so, `order.*`; as [`Types`] keeps them.
    pub(super) fn named(&self, pattern: &str) -> Result<String, Problem> {
        let Some(prefix) = pattern.strip_suffix('*').filter(|prefix| prefix.ends_with('.')) else {
            return self.exact(pattern).map(EventType::to_string);
        };
        if self.types.keys().any(|known| known.as_str().starts_with(prefix)) {
            return Ok(prefix.to_owned());
        }
        let first_words = self.types.keys().filter_map(|known| known.as_str().split_once('.').map(|(word, _)| word));
        let nearest = nearest(prefix.trim_end_matches('.'), first_words).map(|word| format!("{word}.*"));
        Err(Problem::UnknownPrefix { found: prefix.to_owned(), nearest })
    }

    /// Events of the types that are meant, to try a condition on.
    pub(super) fn examples(&self, meant: &Types, passive: &[EventType]) -> Vec<Event> {
        let meant = self.types.iter().filter(|(event_type, _)| meant.mean(event_type, passive.contains(event_type)));
        let mut examples: Vec<Event> = meant.flat_map(|(_, examples)| examples).cloned().collect();
        if examples.is_empty() {
            examples.extend(self.stand_in.iter().cloned());
        }
        examples
    }

    /// The types that are passive where a journey does not say.
    pub(super) fn default_passive(&self) -> Vec<EventType> {
        self.types.keys().filter(|known| PASSIVE.contains(&known.as_str())).cloned().collect()
    }
}

/// `None` where a tenant's schema has an example that is no good.
fn example(event_type: &str, data: &Value, catalogue: &Catalogue) -> Option<Event> {
    let time = Timestamp::parse("2026-01-01T00:00:00Z").ok()?;
    let event = json!({
        "specversion": "1.0", "id": "example", "source": "example", "type": event_type, "channel": "web",
        "time": time.to_string(), "subject": "user_id:1", "data": data,
    });
    let touchpoint = receive(event, time, catalogue).ok()?;
    read(touchpoint.into_json(), time, catalogue).ok()
}

pub(super) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<String> {
    let by_distance = known.map(|known| (strsim::osa_distance(name, known), known));
    let near = by_distance.filter(|(distance, known)| *distance <= MOST_SLIPS.min(known.len() / 2)).min();
    near.map(|(_, known)| known.to_owned())
}
