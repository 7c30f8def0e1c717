//! The identity rules of a tenant: which namespaces tell persons or devices apart, how strongly, and the limits.

use std::collections::BTreeSet;

use rapport_touchpoint::{Country, Normalisation};
use serde::Serialize;

use super::blocked::lower;
use super::{Blocked, Visit, defaults};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Names a person; two of them in one event are a link.
    Person,
    /// Names a thing that a person uses, and may pass on.
    Device,
}

/// One namespace that the rules know.
#[derive(Debug, Clone, Serialize)]
pub struct Kind {
    pub namespace: String,
    pub role: Role,
    pub normalisation: Normalisation,
    /// How many of them one customer may have. Devices are not limited.
    pub most: u32,
    /// Different partners of one kind beyond which one of these is void; `None` where the rules for all hold.
    pub most_partners: Option<u32>,
    /// Values that name nobody, beside those that never do.
    pub blocked: Blocked,
    /// Values that name somebody, whatever blocks them; lower-cased.
    pub allowed: BTreeSet<String>,
    /// What is blocked, as it is compared: it depends on the tenant's country.
    comparable: BTreeSet<String>,
}

impl Kind {
    /// Without limits or blocked values of its own.
    pub fn new(namespace: &str, role: Role, normalisation: Normalisation, most: u32) -> Self {
        Self {
            namespace: namespace.to_owned(),
            role,
            normalisation,
            most,
            most_partners: None,
            blocked: Blocked::default(),
            allowed: BTreeSet::new(),
            comparable: BTreeSet::new(),
        }
    }

    pub fn blocking(self, blocked: Blocked) -> Self {
        Self { blocked, ..self }
    }

    /// May a customer have several of this kind? Only then can one of them be void.
    pub fn is_plural(&self) -> bool {
        self.role == Role::Device || self.most > 1
    }
}

/// A kind's place among the rules' kinds; the smaller, the stronger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindIndex(pub u8);

#[derive(Debug, Clone)]
pub struct Rules {
    /// Strongest first, persons before devices.
    kinds: Vec<Kind>,
    /// Different partners of one kind beyond which an identifier is void, where its kind does not say.
    pub most_partners: u32,
    /// Person identifiers that one customer may have in all.
    pub most_persons: u32,
    /// What happened on a device in the visit before somebody claims it, is theirs.
    pub visit: Visit,
    /// Values that name nobody, of whatever kind.
    pub blocked: Blocked,
    /// Whose telephone numbers are meant where a number names no country.
    pub country: Option<Country>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            kinds: Vec::new(),
            most_partners: defaults::MOST_PARTNERS,
            most_persons: defaults::MOST_PERSONS,
            visit: defaults::VISIT,
            blocked: defaults::blocked(),
            country: None,
        }
        .with_kinds(defaults::kinds())
    }
}

impl Rules {
    /// Strongest first, persons before devices; at most 256.
    pub fn with_kinds(self, kinds: Vec<Kind>) -> Self {
        let country = self.country;
        Self { kinds, ..self }.with_country(country)
    }

    pub fn with_country(mut self, country: Option<Country>) -> Self {
        for kind in &mut self.kinds {
            let compared = |value| kind.normalisation.apply(value, country);
            kind.comparable = kind.blocked.values().filter_map(compared).collect();
        }
        Self { country, ..self }
    }

    pub fn find(&self, namespace: &str) -> Option<(KindIndex, &Kind)> {
        let place = self.kinds.iter().position(|kind| kind.namespace == namespace)?;
        Some((KindIndex(u8::try_from(place).ok()?), &self.kinds[place]))
    }

    /// The kind at a place that [`Rules::find`] gave.
    pub fn kind(&self, index: KindIndex) -> &Kind {
        &self.kinds[usize::from(index.0)]
    }

    pub fn kinds(&self) -> impl Iterator<Item = (KindIndex, &Kind)> {
        (0..).map(KindIndex).zip(&self.kinds)
    }

    /// Different partners of one kind beyond which an identifier of this kind is void.
    pub fn most_partners(&self, of: KindIndex) -> u32 {
        self.kind(of).most_partners.unwrap_or(self.most_partners)
    }

    /// The comparable value, or `None` if this one says nothing about anybody. What is blocked is so as it was said and as
    /// it is compared.
    pub fn comparable(&self, kind: &Kind, raw: &str) -> Option<String> {
        let value = kind.normalisation.apply(raw, self.country)?;
        let (said, compared) = (lower(raw), lower(&value));
        if kind.allowed.contains(&*said) || kind.allowed.contains(&*compared) {
            return Some(value);
        }
        let has = |lowered: &str| self.blocked.has(lowered) || kind.blocked.has(lowered);
        let blocked = kind.comparable.contains(&value) || has(&said) || (compared != said && has(&compared));
        (!blocked).then_some(value)
    }

    /// What the rules say, as bytes that change whenever they do.
    pub fn canonical(&self) -> Vec<u8> {
        let country = self.country.as_ref().map(Country::code);
        serde_json::to_vec(&(&self.kinds, self.most_partners, self.most_persons, self.visit, &self.blocked, country))
            .expect("rules are plain data")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn value(namespace: &str, raw: &str) -> Option<String> {
        let rules = Rules::default().with_country(Country::parse("CN").ok());
        rules.comparable(rules.find(namespace).unwrap().1, raw)
    }

    #[test]
    fn placeholders_are_nobody() {
        for blocked in [
            "",
            "  ",
            "0",
            "0000-0000",
            "---",
            "-1",
            "NULL",
            " Undefined ",
            "N/A",
            "[object Object]",
            "TEST",
            "True",
            "(not set)",
            "Guest",
            "00000000-0000-0000-0000-000000000000",
        ] {
            assert_eq!(value("user_id", blocked), None, "{blocked:?}");
        }
        assert_eq!(value("user_id", " 00001 ").unwrap(), "00001");
        assert_eq!(value("user_id", "tester").unwrap(), "tester");
    }

    #[test]
    fn fillers_and_mailboxes_that_nobody_reads_are_nobody() {
        for blocked in [
            "Test@Example.com",
            "noreply@shop.com",
            "no-reply@shop.com",
            "donotreply@shop.com",
            "do-not-reply@shop.com",
            "no_reply+42@shop.com",
            "u-77@guests.invalid",
            "77@invalid",
            "asdf@asdf.com",
        ] {
            assert_eq!(value("email", blocked), None, "{blocked:?}");
        }
        for somebody in
            ["ann@example.com", "noreplyann@shop.com", "ann.noreply@shop.com", "tester@example.com", "a@invalid.com"]
        {
            assert_eq!(value("email", somebody).as_deref(), Some(somebody));
        }
    }

    #[test]
    fn numbers_of_forms_and_films_are_nobody() {
        for blocked in ["138 0013 8000", "+86 138-0013-8000", "+1 212 555 0123"] {
            assert_eq!(value("phone", blocked), None, "{blocked:?}");
        }
        assert_eq!(value("phone", "139 1234 5678").unwrap(), "+8613912345678");
        assert_eq!(value("phone", "+1 212 555 2368").unwrap(), "+12125552368");
    }

    #[test]
    fn what_every_telephone_says_is_no_device() {
        for blocked in ["9774D56D682E549C", "02:00:00:00:00:00", "000000000000000"] {
            assert_eq!(value("device_id", blocked), None, "{blocked:?}");
        }
    }

    #[test]
    fn every_rule_is_in_the_canonical_bytes() {
        let known = Rules::default();
        let mut seen = BTreeSet::from([known.canonical()]);
        let mut changed = |change: &dyn Fn(&mut Rules)| {
            let mut rules = known.clone();
            change(&mut rules);
            assert!(seen.insert(rules.canonical()), "a change went unnoticed");
        };
        let some = || Blocked::new(["x"], []).unwrap();
        changed(&|rules| rules.most_partners = 9);
        changed(&|rules| rules.most_persons = 9);
        changed(&|rules| rules.visit.nanos = 9);
        changed(&|rules| rules.blocked = some());
        changed(&|rules| rules.country = Country::parse("CN").ok());
        changed(&|rules| rules.kinds.swap(0, 1));
        changed(&|rules| rules.kinds[4].namespace.push('2'));
        changed(&|rules| rules.kinds[4].role = Role::Device);
        changed(&|rules| rules.kinds[4].normalisation = Normalisation::EmailGmail);
        changed(&|rules| rules.kinds[4].most = 4);
        changed(&|rules| rules.kinds[4].most_partners = Some(4));
        changed(&|rules| rules.kinds[4].blocked = some());
        changed(&|rules| rules.kinds[4].blocked = Blocked::new([], ["x"]).unwrap());
        changed(&|rules| rules.kinds[4].allowed.insert("x".to_owned()).then_some(()).unwrap());
    }
}
