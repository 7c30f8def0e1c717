//! The names on the server: a tenant's stream and the subjects of its events.

use rapport_touchpoint::{Channel, EventType, Place};

use crate::batch::Appending;
use crate::{Filter, Tenant, TypeFilter};

const DECISIONS: &str = "control.";

pub(super) fn stream_name(tenant: &Tenant) -> String {
    format!("touchpoints_{tenant}")
}

/// What the stream takes in.
pub(super) fn all(tenant: &Tenant) -> Vec<String> {
    vec![touchpoints(tenant), decisions(tenant)]
}

/// Touchpoints without decisions.
pub(super) fn touchpoints(tenant: &Tenant) -> String {
    format!("touchpoint.{tenant}.>")
}

fn decisions(tenant: &Tenant) -> String {
    format!("{DECISIONS}{tenant}.>")
}

/// `touchpoint.<tenant>.<channel>.<type>`, and `control.<tenant>.<type>` for a decision.
pub(super) fn of(tenant: &Tenant, event: &Appending) -> String {
    named(tenant, event.channel.as_ref(), &event.event_type)
}

/// Without a channel, a decision's.
pub(super) fn named(tenant: &Tenant, channel: Option<&Channel>, event_type: &EventType) -> String {
    match channel {
        None => format!("{DECISIONS}{tenant}.{event_type}"),
        Some(channel) => format!("touchpoint.{tenant}.{channel}.{event_type}"),
    }
}

/// The type of a decision's subject; `None` if it breaks the rules of such words.
fn decision(tenant: &Tenant, subject: &str) -> Option<EventType> {
    let rest = subject.strip_prefix(DECISIONS)?.strip_prefix(tenant.as_str())?.strip_prefix('.')?;
    EventType::parse(rest).ok()
}

/// Where a message stands.
pub(super) fn place(subject: &str) -> Place {
    if subject.starts_with(DECISIONS) { Place::Decisions } else { Place::Touchpoints }
}

/// What a consumer asks for; none is the whole stream.
pub(super) fn passing(tenant: &Tenant, filter: &Filter) -> Vec<String> {
    if filter.is_all() {
        return Vec::new();
    }
    if filter.decisions_only {
        return vec![decisions(tenant)];
    }
    let types: Vec<String> = match filter.distinct_types() {
        types if types.is_empty() => vec![">".to_owned()],
        types => types.into_iter().map(TypeFilter::to_string).collect(),
    };
    let mut channels: Vec<&str> = filter.channels.iter().map(Channel::as_str).collect();
    channels.sort_unstable();
    channels.dedup();
    if channels.is_empty() {
        channels.push("*");
    }
    let mut subjects = Vec::with_capacity(channels.len() * types.len());
    for channel in channels {
        subjects.extend(types.iter().map(|event_type| format!("touchpoint.{tenant}.{channel}.{event_type}")));
    }
    subjects
}

/// The channel and type of a touchpoint's subject; `None` if it breaks the rules of such words.
pub(super) fn kind(tenant: &Tenant, subject: &str) -> Option<(Channel, EventType)> {
    let rest = subject.strip_prefix("touchpoint.")?.strip_prefix(tenant.as_str())?.strip_prefix('.')?;
    let (channel, event_type) = rest.split_once('.')?;
    Some((Channel::parse(channel).ok()?, EventType::parse(event_type).ok()?))
}

/// The words of a subject where a decision, or a touchpoint, stands.
pub(super) fn kind_at(tenant: &Tenant, place: Place, subject: &str) -> Option<(Channel, EventType)> {
    match place {
        Place::Touchpoints => kind(tenant, subject),
        Place::Decisions => Some((Channel::parse("control").ok()?, decision(tenant, subject)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passing_subjects(types: &[&str], channels: &[&str]) -> String {
        let filter = Filter {
            types: types.iter().map(|text| TypeFilter::parse(text).unwrap()).collect(),
            channels: channels.iter().map(|text| Channel::parse(text).unwrap()).collect(),
            ..Filter::default()
        };
        passing(&Tenant::parse("acme").unwrap(), &filter).join(" ")
    }

    #[test]
    fn a_filter_becomes_subjects_that_do_not_overlap() {
        assert_eq!(passing_subjects(&[], &[]), "");
        assert_eq!(passing_subjects(&["order.>", "order.placed"], &[]), "touchpoint.acme.*.order.>");
        assert_eq!(passing_subjects(&[], &["web", "web"]), "touchpoint.acme.web.>");
        assert_eq!(
            passing_subjects(&["order.placed"], &["web", "app"]),
            "touchpoint.acme.app.order.placed touchpoint.acme.web.order.placed"
        );
    }

    #[test]
    fn a_subject_says_its_kind() {
        let acme = Tenant::parse("acme").unwrap();
        let (channel, event_type) = kind(&acme, "touchpoint.acme.web.order.placed").unwrap();
        assert_eq!((channel.as_str(), event_type.as_str()), ("web", "order.placed"));
        assert_eq!(kind(&acme, "touchpoint.acme2.web.order.placed"), None);
        assert_eq!(kind(&acme, "touchpoint.acme.web"), None);
        assert_eq!(kind(&acme, "touchpoint.acme.Web.order"), None);
    }
}
