//! Which records a reader wants: types, by name or by prefix, and channels.

use std::collections::BTreeSet;
use std::fmt;

use rapport_touchpoint::{Channel, EventType};

/// What is left empty lets everything through. Decisions pass only a filter that is empty altogether, or theirs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    pub types: Vec<TypeFilter>,
    pub channels: Vec<Channel>,
    /// Decisions and nothing else, whatever the types and channels are.
    pub decisions_only: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TypeFilter {
    /// `order.placed`
    Exact(EventType),
    /// `order.>`: every type of more words that begins with these.
    Under(EventType),
}

impl Filter {
    /// Lets everything through.
    pub fn all() -> Self {
        Self::default()
    }

    /// Lets decisions through and nothing else.
    pub fn decisions() -> Self {
        Self { decisions_only: true, ..Self::default() }
    }

    pub fn is_all(&self) -> bool {
        self.types.is_empty() && self.channels.is_empty() && !self.decisions_only
    }

    pub fn matches(&self, channel: &Channel, event_type: &EventType) -> bool {
        if event_type.is_decision() || self.decisions_only {
            return event_type.is_decision() && (self.is_all() || self.decisions_only);
        }
        (self.types.is_empty() || self.types.iter().any(|filter| filter.matches(event_type)))
            && (self.channels.is_empty() || self.channels.contains(channel))
    }

    /// The types without those that another covers: NATS refuses filters that overlap.
    pub(crate) fn distinct_types(&self) -> BTreeSet<&TypeFilter> {
        let covered = |one: &TypeFilter| self.types.iter().any(|other| other != one && other.covers(one));
        self.types.iter().filter(|one| !covered(one)).collect()
    }
}

impl TypeFilter {
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.strip_suffix(".>") {
            Some(words) => EventType::parse(words).map(Self::Under),
            None => EventType::parse(text).map(Self::Exact),
        }
        .map_err(|right| format!("{right}; order.> stands for every type that begins with order"))
    }

    pub fn matches(&self, event_type: &EventType) -> bool {
        match self {
            Self::Exact(exact) => exact == event_type,
            Self::Under(words) => is_under(event_type, words),
        }
    }

    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exact(one), Self::Exact(other)) => one == other,
            (Self::Exact(_), Self::Under(_)) => false,
            (Self::Under(words), Self::Exact(other)) => is_under(other, words),
            (Self::Under(words), Self::Under(other)) => words == other || is_under(other, words),
        }
    }
}

fn is_under(event_type: &EventType, words: &EventType) -> bool {
    event_type.as_str().strip_prefix(words.as_str()).is_some_and(|rest| rest.starts_with('.'))
}

impl fmt::Display for TypeFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(exact) => exact.fmt(f),
            Self::Under(words) => write!(f, "{words}.>"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(types: &[&str]) -> Filter {
        Filter { types: types.iter().map(|text| TypeFilter::parse(text).unwrap()).collect(), ..Filter::default() }
    }

    #[test]
    fn a_prefix_is_whole_words() {
        let web = Channel::parse("web").unwrap();
        let passes = |text: &str| filter(&["order.>"]).matches(&web, &EventType::parse(text).unwrap());
        assert!(passes("order.placed") && passes("order.line.added"));
        assert!(!passes("order") && !passes("orders.placed"));
    }

    #[test]
    fn decisions_pass_only_the_empty_filter() {
        let (web, merged) = (Channel::parse("web").unwrap(), EventType::parse("customer.merged").unwrap());
        assert!(Filter::all().matches(&web, &merged));
        assert!(!filter(&["customer.>"]).matches(&web, &merged));
        assert!(Filter::decisions().matches(&web, &merged));
        assert!(!Filter::decisions().matches(&web, &EventType::parse("page.viewed").unwrap()));
    }

    #[test]
    fn what_another_covers_is_left_out() {
        let shown = |types: &[&str]| {
            filter(types).distinct_types().into_iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            shown(&["order.placed", "order.>", "order.line.>", "cart.updated", "cart.updated"]),
            "cart.updated order.>"
        );
    }

    #[test]
    fn what_is_no_type_is_refused() {
        for bad in ["", ">", ".>", "order.*", "order>", "Order.>"] {
            assert!(TypeFilter::parse(bad).is_err(), "{bad}");
        }
    }
}
