//! The rules of identity: what the file says, over the defaults, field by field.

use std::collections::BTreeSet;
use std::ops::Range;

use rapport_touchpoint::limits::{MAX_IDENTIFIER_BYTES, MAX_NAMESPACE_BYTES};
use rapport_touchpoint::{Identifier, Normalisation};
use toml::Spanned;

use super::duration::Duration;
use super::file::{File, IdentityText, NamespaceText};
use super::known::nearest;
use super::strength::{self, Wish};
use super::{DefinitionError, IdentityProblem, Problem};
use crate::identity::{Blocked, Kind, MOST_OF_A_KIND, Role, Rules, Visit};

/// Namespaces that the file names. A place among all kinds is a byte.
const MOST_NAMESPACES: usize = 64;
/// Values, and patterns, of one list.
const MOST_VALUES: usize = 1_000;
const MOST_PATTERNS: usize = 20;
const MOST_PATTERN_CHARS: usize = 200;
/// Beyond these a customer is a crowd, and each batch that touches it is slow.
const MOST_OF_KIND: i64 = 100;
const MOST_PERSONS: i64 = 1_000;
const MOST_PARTNERS: i64 = 1_000;

/// A visit of more than a day is several.
const VISIT: Duration = Duration { key: "visit", least: "0s", most: "1d", example: "30m" };

/// Lower-cased values that have nothing in common: what is found in all of them is found in everything.
const UNLIKE: [&str; 5] = ["", "-", "7", "x@y", "\u{738b}"];

/// What is said of one namespace, or of all where there is none.
struct Scope<'a> {
    file: &'a File<'a>,
    place: String,
}

pub(super) fn rules(text: &IdentityText, file: &File<'_>) -> Result<Rules, DefinitionError> {
    let of_all = Scope { file, place: "identity".to_owned() };
    let mut rules = Rules::default();
    if let Some(most) = of_all.number("most_persons", text.most_persons.as_ref(), 1..=MOST_PERSONS)? {
        rules.most_persons = most;
    }
    if let Some(most) = of_all.number("most_partners", text.most_partners.as_ref(), 1..=MOST_PARTNERS)? {
        rules.most_partners = most;
    }
    if let Some(visit) = &text.visit {
        let nanos = VISIT.nanos(visit.as_ref()).map_err(|problem| file.error(visit.span(), "identity", problem))?;
        rules.visit = Visit { nanos };
    }
    rules.blocked = of_all.blocked(&rules.blocked, &text.blocked, &text.blocked_patterns)?;
    let kinds = kinds(&rules, &text.namespace, file)?;
    Ok(rules.with_kinds(kinds))
}

fn kinds(rules: &Rules, texts: &[Spanned<NamespaceText>], file: &File<'_>) -> Result<Vec<Kind>, DefinitionError> {
    let mut kinds: Vec<Kind> = rules.kinds().map(|(_, kind)| kind.clone()).collect();
    let mut wishes = Vec::new();
    for (place, text) in texts.iter().enumerate() {
        let name = &text.as_ref().name;
        let scope = Scope { file, place: format!("identity, namespace {}", name.as_ref()) };
        if place == MOST_NAMESPACES {
            let problem = Problem::TooMany { what: "namespaces", most: MOST_NAMESPACES, of: "a tenant" };
            return Err(file.error(text.span(), "identity", problem));
        }
        if Identifier::new(name.as_ref(), "").is_err() {
            let problem = IdentityProblem::Name { found: name.as_ref().clone(), most: MAX_NAMESPACE_BYTES };
            return Err(file.error(name.span(), "identity", Problem::Identity(problem)));
        }
        if let Some(twin) = texts[..place].iter().find(|twin| twin.as_ref().name.as_ref() == name.as_ref()) {
            let line = file.line(twin.as_ref().name.span());
            return Err(scope.error(name.span(), IdentityProblem::Duplicate { name: name.as_ref().clone(), line }));
        }
        let built_in = rules.find(name.as_ref()).map(|(_, kind)| kind);
        if text.as_ref().used.as_ref().is_some_and(|used| !used.as_ref()) {
            scope.unused(text.as_ref(), built_in.is_some())?;
            kinds.retain(|kind| kind.namespace != *name.as_ref());
            continue;
        }
        let kind = scope.kind(text.as_ref(), built_in)?;
        match kinds.iter().position(|known| known.namespace == kind.namespace && known.role == kind.role) {
            Some(known) => kinds[known] = kind,
            None => {
                kinds.retain(|known| known.namespace != kind.namespace);
                kinds.push(kind);
            }
        }
        if let Some(than) = &text.as_ref().stronger_than {
            wishes.push(Wish { namespace: name.as_ref(), than: than.as_ref(), at: than.span() });
        }
    }
    if kinds.is_empty() {
        let at = texts.last().map(Spanned::span).unwrap_or_default();
        return Err(file.error(at, "identity", Problem::Identity(IdentityProblem::NothingUsed)));
    }
    strength::order(kinds, &wishes).map_err(|(at, namespace, problem)| {
        file.error(at, &format!("identity, namespace {namespace}"), Problem::Identity(problem))
    })
}

impl Scope<'_> {
    fn error(&self, at: Range<usize>, problem: IdentityProblem) -> DefinitionError {
        self.file.error(at, &self.place, Problem::Identity(problem))
    }

    /// A namespace that is taken out, and of which nothing else is said.
    fn unused(&self, text: &NamespaceText, is_built_in: bool) -> Result<(), DefinitionError> {
        let NamespaceText { name, used, role, stronger_than, normalisation, most, most_partners, .. } = text;
        let at = used.as_ref().map_or(name.span(), Spanned::span);
        if !is_built_in {
            return Err(self.error(at, IdentityProblem::OwnUnused));
        }
        let said = [
            ("role", role.is_some()),
            ("stronger_than", stronger_than.is_some()),
            ("normalisation", normalisation.is_some()),
            ("most", most.is_some()),
            ("most_partners", most_partners.is_some()),
            ("blocked", !text.blocked.is_empty()),
            ("blocked_patterns", !text.blocked_patterns.is_empty()),
            ("allowed", !text.allowed.is_empty()),
        ];
        match said.into_iter().find(|(_, is_said)| *is_said) {
            Some((key, _)) => Err(self.error(at, IdentityProblem::SaysNothing { key })),
            None => Ok(()),
        }
    }

    /// A built-in namespace, changed field by field, or one of the tenant's own.
    fn kind(&self, text: &NamespaceText, built_in: Option<&Kind>) -> Result<Kind, DefinitionError> {
        let name = text.name.as_ref();
        let role = match (self.role(text.role.as_ref())?, built_in) {
            (Some(role), _) => role,
            (None, Some(built_in)) => built_in.role,
            (None, None) => {
                let rules = Rules::default();
                let nearest = nearest(name, rules.kinds().map(|(_, kind)| kind.namespace.as_str()));
                return Err(self.error(text.name.span(), IdentityProblem::NoRole { nearest }));
            }
        };
        let normalisation = match self.normalisation(text.normalisation.as_ref())? {
            Some(normalisation) => normalisation,
            None => built_in.map_or(Normalisation::Trim, |kind| kind.normalisation),
        };
        let most = match (self.number("most", text.most.as_ref(), 1..=MOST_OF_KIND)?, role) {
            (Some(_), Role::Device) => {
                let at = text.most.as_ref().map_or(text.name.span(), Spanned::span);
                return Err(self.error(at, IdentityProblem::MostOfDevice));
            }
            (None, Role::Device) => u32::MAX,
            (Some(most), Role::Person) => most,
            (None, Role::Person) => built_in.filter(|kind| kind.role == role).map_or(MOST_OF_A_KIND, |kind| kind.most),
        };
        let mut kind = Kind::new(name, role, normalisation, most);
        kind.most_partners = self.number("most_partners", text.most_partners.as_ref(), 1..=MOST_PARTNERS)?;
        if let Some(partners) = text.most_partners.as_ref().filter(|_| !kind.is_plural()) {
            return Err(self.error(partners.span(), IdentityProblem::PartnersOfSingle));
        }
        kind.allowed =
            self.values("allowed", &text.allowed)?.into_iter().map(|value| value.trim().to_lowercase()).collect();
        self.check_contradiction(text, &kind.allowed)?;
        let none = Blocked::default();
        let blocked = built_in.map_or(&none, |kind| &kind.blocked);
        let blocked = self.blocked(blocked, &text.blocked, &text.blocked_patterns)?;
        Ok(kind.blocking(blocked))
    }

    fn check_contradiction(&self, text: &NamespaceText, allowed: &BTreeSet<String>) -> Result<(), DefinitionError> {
        match text.blocked.iter().find(|value| allowed.contains(&value.as_ref().trim().to_lowercase())) {
            Some(twice) => {
                let found = twice.as_ref().clone();
                Err(self.error(twice.span(), IdentityProblem::BlockedAndAllowed { found }))
            }
            None => Ok(()),
        }
    }

    fn role(&self, text: Option<&Spanned<String>>) -> Result<Option<Role>, DefinitionError> {
        let Some(text) = text else { return Ok(None) };
        match text.as_ref().as_str() {
            "person" => Ok(Some(Role::Person)),
            "device" => Ok(Some(Role::Device)),
            _ => Err(self.word("role", text, "\"person\" or \"device\"".to_owned())),
        }
    }

    fn normalisation(&self, text: Option<&Spanned<String>>) -> Result<Option<Normalisation>, DefinitionError> {
        let Some(text) = text else { return Ok(None) };
        match Normalisation::ALL.into_iter().find(|known| known.name() == text.as_ref()) {
            Some(known) => Ok(Some(known)),
            None => {
                let names = Normalisation::ALL.map(|known| format!("{:?}", known.name()));
                Err(self.word("normalisation", text, format!("one of {}", names.join(", "))))
            }
        }
    }

    fn word(&self, key: &'static str, text: &Spanned<String>, right: String) -> DefinitionError {
        self.error(text.span(), IdentityProblem::Word { key, found: text.as_ref().clone(), right })
    }

    fn number(
        &self,
        key: &'static str,
        text: Option<&Spanned<i64>>,
        right: std::ops::RangeInclusive<i64>,
    ) -> Result<Option<u32>, DefinitionError> {
        let Some(text) = text else { return Ok(None) };
        let found = *text.as_ref();
        match u32::try_from(found).ok().filter(|_| right.contains(&found)) {
            Some(number) => Ok(Some(number)),
            None => {
                let problem = IdentityProblem::Range { key, found, least: *right.start(), most: *right.end() };
                Err(self.error(text.span(), problem))
            }
        }
    }

    /// What is blocked already, and what the file adds.
    fn blocked(
        &self,
        already: &Blocked,
        values: &[Spanned<String>],
        patterns: &[Spanned<String>],
    ) -> Result<Blocked, DefinitionError> {
        let values = self.values("blocked", values)?;
        for (place, pattern) in patterns.iter().enumerate() {
            if place == MOST_PATTERNS {
                let problem = Problem::TooMany { what: "patterns", most: MOST_PATTERNS, of: "blocked_patterns" };
                return Err(self.file.error(pattern.span(), &self.place, problem));
            }
            self.check_pattern(pattern.as_ref()).map_err(|problem| self.error(pattern.span(), problem))?;
        }
        let added = Blocked::new(values, patterns.iter().map(|pattern| pattern.as_ref().as_str()));
        added.and_then(|added| added.and(already)).map_err(|why| {
            let at = patterns.first().map(Spanned::span).unwrap_or_default();
            self.error(at, IdentityProblem::Patterns { why })
        })
    }

    fn check_pattern(&self, pattern: &str) -> Result<(), IdentityProblem> {
        let chars = pattern.chars().count();
        if chars > MOST_PATTERN_CHARS {
            return Err(IdentityProblem::LongPattern { chars, most: MOST_PATTERN_CHARS });
        }
        let found = || pattern.to_owned();
        let alone = Blocked::new([], [pattern]).map_err(|why| IdentityProblem::Pattern { found: found(), why })?;
        if UNLIKE.iter().all(|value| alone.has(value)) {
            return Err(IdentityProblem::PatternOfAll { found: found() });
        }
        Ok(())
    }

    fn values<'t>(&self, list: &'static str, values: &'t [Spanned<String>]) -> Result<Vec<&'t str>, DefinitionError> {
        let mut found = Vec::with_capacity(values.len());
        for value in values {
            let (bytes, most) = (value.as_ref().len(), MAX_IDENTIFIER_BYTES);
            if found.len() == MOST_VALUES {
                let problem = Problem::TooMany { what: "values", most: MOST_VALUES, of: list };
                return Err(self.file.error(value.span(), &self.place, problem));
            }
            if value.as_ref().trim().is_empty() {
                return Err(self.error(value.span(), IdentityProblem::EmptyValue { list }));
            }
            if bytes > most {
                return Err(self.error(value.span(), IdentityProblem::LongValue { list, bytes, most }));
            }
            found.push(value.as_ref().as_str());
        }
        Ok(found)
    }
}
