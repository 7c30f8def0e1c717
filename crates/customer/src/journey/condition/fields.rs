//! What a condition may ask for: the fields of `event` and of `customer`.

use std::collections::{BTreeMap, BTreeSet};

/// The two variables of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variable {
    Event,
    Customer,
}

/// The fields of `event`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum EventField {
    Type,
    Channel,
    /// RFC 3339 text in UTC. Compared with a beginning such as `"2026-11"`, it sorts like the moments.
    Time,
    Source,
    Id,
    /// Absent where the event has none.
    Subject,
    /// In the newest version of the event's schema.
    Data,
}

/// The fields of `customer`: the profile with the event in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum CustomerField {
    Touchpoints,
    FirstChannel,
    LastChannel,
    /// Channel to touchpoints.
    Channels,
    /// Event type to touchpoints.
    Types,
    FirstSeen,
    LastSeen,
    /// Whole days from the first touchpoint to this one.
    DaysKnown,
    /// In all currencies, as are refunds and units.
    Orders,
    Refunds,
    Units,
    /// Currency to a double: CEL has no decimals. The sum itself is exact; the double is the nearest to it.
    Revenue,
    Traits,
    /// Purpose to true or false.
    Consents,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Event(EventField),
    Customer(CustomerField),
}

/// How much of a field is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    /// Of a map, the values of these keys.
    Keys(BTreeSet<String>),
}

/// What a condition asks for, so that no more is made for each event.
#[derive(Debug, Default)]
pub(super) struct Needs {
    pub(super) event: BTreeMap<EventField, Part>,
    pub(super) customer: BTreeMap<CustomerField, Part>,
}

impl Variable {
    pub(super) fn parse(name: &str) -> Option<Self> {
        [Self::Event, Self::Customer].into_iter().find(|variable| variable.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Customer => "customer",
        }
    }

    pub(super) fn field(self, name: &str) -> Option<Field> {
        match self {
            Self::Event => EventField::ALL.into_iter().find(|field| field.name() == name).map(Field::Event),
            Self::Customer => CustomerField::ALL.into_iter().find(|field| field.name() == name).map(Field::Customer),
        }
    }

    pub(super) fn field_names(self) -> Vec<&'static str> {
        match self {
            Self::Event => EventField::ALL.map(EventField::name).to_vec(),
            Self::Customer => CustomerField::ALL.map(CustomerField::name).to_vec(),
        }
    }
}

impl EventField {
    const ALL: [Self; 7] = [Self::Type, Self::Channel, Self::Time, Self::Source, Self::Id, Self::Subject, Self::Data];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Channel => "channel",
            Self::Time => "time",
            Self::Source => "source",
            Self::Id => "id",
            Self::Subject => "subject",
            Self::Data => "data",
        }
    }
}

impl CustomerField {
    const ALL: [Self; 14] = [
        Self::Touchpoints,
        Self::FirstChannel,
        Self::LastChannel,
        Self::Channels,
        Self::Types,
        Self::FirstSeen,
        Self::LastSeen,
        Self::DaysKnown,
        Self::Orders,
        Self::Refunds,
        Self::Units,
        Self::Revenue,
        Self::Traits,
        Self::Consents,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Touchpoints => "touchpoints",
            Self::FirstChannel => "first_channel",
            Self::LastChannel => "last_channel",
            Self::Channels => "channels",
            Self::Types => "types",
            Self::FirstSeen => "first_seen",
            Self::LastSeen => "last_seen",
            Self::DaysKnown => "days_known",
            Self::Orders => "orders",
            Self::Refunds => "refunds",
            Self::Units => "units",
            Self::Revenue => "revenue",
            Self::Traits => "traits",
            Self::Consents => "consents",
        }
    }
}

impl Field {
    pub(super) fn is_map(self) -> bool {
        match self {
            Self::Event(field) => field == EventField::Data,
            Self::Customer(field) => match field {
                CustomerField::Channels
                | CustomerField::Types
                | CustomerField::Revenue
                | CustomerField::Traits
                | CustomerField::Consents => true,
                CustomerField::Touchpoints
                | CustomerField::FirstChannel
                | CustomerField::LastChannel
                | CustomerField::FirstSeen
                | CustomerField::LastSeen
                | CustomerField::DaysKnown
                | CustomerField::Orders
                | CustomerField::Refunds
                | CustomerField::Units => false,
            },
        }
    }
}

impl Part {
    pub(super) fn wants(&self, key: &str) -> bool {
        match self {
            Self::Whole => true,
            Self::Keys(keys) => keys.contains(key),
        }
    }

    /// Empty where the whole is asked for.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let keys = match self {
            Self::Whole => None,
            Self::Keys(keys) => Some(keys),
        };
        keys.into_iter().flatten().map(String::as_str)
    }

    fn add(&mut self, key: Option<&str>) {
        match (&mut *self, key) {
            (Self::Keys(keys), Some(key)) => {
                keys.insert(key.to_owned());
            }
            (Self::Keys(_), None) => *self = Self::Whole,
            (Self::Whole, _) => {}
        }
    }
}

impl Needs {
    /// One value of a map, or the whole of a field.
    pub(super) fn add(&mut self, field: Field, key: Option<&str>) {
        let none = || Part::Keys(BTreeSet::new());
        match field {
            Field::Event(field) => self.event.entry(field).or_insert_with(none).add(key),
            Field::Customer(field) => self.customer.entry(field).or_insert_with(none).add(key),
        }
    }
}
