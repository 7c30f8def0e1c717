//! Who is who, on the wire.

use rapport_customer::identity::{Limit, Rules};
use rapport_readmodel::{
    DecisionEntry, Evidence, Explanation, Hand, Outcome, Refusal, RefusalsPage, Step, VoidIdentifier,
};
use rapport_touchpoint::{Choice, EventName, Identifier, OrderKey};

use super::timestamp;
use crate::wire::v1;
use crate::wire::v1::explain_response::step::By;
use crate::wire::v1::{decision, explain_response, list_refusals_response};

/// For a rule that is of no namespace.
const LARGEST_CUSTOMER: &str = "largest_customer";
const SPLIT_BY_HAND: &str = "split_by_hand";

fn rule(limit: Limit, rules: &Rules) -> v1::Rule {
    let (name, most) = match limit {
        Limit::OfKind(kind) => (rules.kind(kind).namespace.as_str(), rules.kind(kind).most),
        Limit::InAll => (LARGEST_CUSTOMER, rules.most_persons),
        Limit::Apart => (SPLIT_BY_HAND, 0),
    };
    v1::Rule { name: name.to_owned(), most }
}

pub(crate) fn explanation(found: &Explanation, rules: &Rules) -> v1::ExplainResponse {
    let way: Vec<_> = found.way.iter().map(step).collect();
    let customers_without = found.without.iter().flatten().map(|identifiers| explain_response::Identifiers {
        identifiers: identifiers.iter().map(Identifier::to_string).collect(),
    });
    v1::ExplainResponse {
        identifier: found.identifier.to_string(),
        first_event: found.first.as_ref().map(event),
        void: found.void.as_ref().map(|found| void(found, rules)),
        customer_id: found.customer.map(|id| id.to_string()).unwrap_or_default(),
        since: found.since.and_then(|at| way.get(at).cloned()),
        way,
        hands: found.hands.iter().map(hand).collect(),
        refusals: found.refused.iter().map(|found| refusal(found, rules)).collect(),
        decisions: found.decisions.iter().map(|found| decision(found, rules)).collect(),
        customers_without: customers_without.collect(),
        freshness: None,
    }
}

pub(crate) fn decision(entry: &DecisionEntry, rules: &Rules) -> v1::Decision {
    let texts = |identifiers: &[Identifier]| identifiers.iter().map(Identifier::to_string).collect();
    let (what, reason, by) = match &entry.choice {
        Choice::Merged(merged) => {
            let (left, right) = (texts(&merged.left), texts(&merged.right));
            let merge = decision::Merge { left, right, forced: merged.forced };
            (Some(decision::What::Merge(merge)), &merged.reason, &merged.by)
        }
        Choice::Split(split) => {
            let cancels = split.cancels.iter().map(name).collect();
            let parted = decision::Split { left: texts(&split.left), right: texts(&split.right), cancels };
            (Some(decision::What::Split(parted)), &split.reason, &split.by)
        }
        Choice::Discarded(discarded) => (None, &discarded.reason, &discarded.by),
    };
    let outcome = match &entry.outcome {
        Outcome::Holds => decision::Outcome::Holds(true),
        Outcome::Cancelled(by) => decision::Outcome::CancelledBy(name(by)),
        Outcome::Refused(limit) => decision::Outcome::RefusedBy(rule(*limit, rules)),
    };
    v1::Decision {
        name: Some(v1::EventName { time: Some(timestamp(entry.time)), ..name(&entry.name) }),
        position: entry.position,
        what,
        reason: reason.clone(),
        by: by.clone(),
        outcome: Some(outcome),
    }
}

pub(crate) fn refusal(found: &Refusal, rules: &Rules) -> v1::Refusal {
    v1::Refusal {
        stronger: found.stronger.to_string(),
        weaker: found.weaker.to_string(),
        rule: Some(rule(found.limit, rules)),
        event: Some(event(&found.event)),
        stronger_customer_id: found.customers.0.to_string(),
        weaker_customer_id: found.customers.1.to_string(),
    }
}

pub(crate) fn refusals_by_rule(page: &RefusalsPage, rules: &Rules) -> Vec<list_refusals_response::Counted> {
    let counted = |(limit, refusals): (&Limit, &u64)| list_refusals_response::Counted {
        rule: Some(rule(*limit, rules)),
        refusals: *refusals,
    };
    page.by_limit.iter().map(counted).collect()
}

pub(crate) fn void(found: &VoidIdentifier, rules: &Rules) -> v1::VoidIdentifier {
    let kind = rules.find(&found.identifier.namespace).map(|(kind, _)| kind);
    let most = kind.map_or(rules.most_partners, |kind| rules.most_partners(kind));
    v1::VoidIdentifier {
        identifier: found.identifier.to_string(),
        met_namespace: found.met.0.clone(),
        met: found.met.1,
        most,
        since: Some(event(&found.since)),
    }
}

fn step(step: &Step) -> explain_response::Step {
    let by = match &step.by {
        Evidence::Link(first) => By::Link(event(first)),
        Evidence::Claim(last) => By::Claim(event(last)),
        Evidence::Decision(decided) => By::Decision(event(decided)),
    };
    explain_response::Step { from: step.from.to_string(), to: step.to.to_string(), by: Some(by) }
}

fn hand(hand: &Hand) -> explain_response::Hand {
    explain_response::Hand {
        from: hand.claim.as_ref().map(event),
        identifier: hand.of.to_string(),
        customer_id: hand.customer.map(|id| id.to_string()).unwrap_or_default(),
        since: hand.since.as_ref().map(|since| timestamp(since.time())),
    }
}

fn event(key: &OrderKey) -> v1::EventName {
    let (source, id) = key.source_and_id().unwrap_or_default();
    v1::EventName { source, id, time: Some(timestamp(key.time())) }
}

fn name(name: &EventName) -> v1::EventName {
    v1::EventName { source: name.source.clone(), id: name.id.clone(), time: None }
}
