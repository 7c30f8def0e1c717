//! `AdminService`: merges and splits by hand, checked before they are decided, and told with what came of them.

use rapport_customer::identity::{Limit, Rules};
use rapport_readmodel::{CustomerName, DecisionEntry, MergeForeseen, Outcome, SplitForeseen, Unfit};
use rapport_touchpoint::{Choice, EventName, Identifier, Merged, Split, Timestamp};

use super::arguments::{customer_name, cut};
use super::identity::identifier;
use super::projections::{Projections, no_customer};
use super::{QueryError, convert};
use crate::deciding::{self, decide_after};
use crate::projector::Live;
use crate::wire::v1::decision_response::ResultingCustomer;
use crate::wire::v1::{CustomerRef, DecisionResponse, MergeRequest, SplitRequest};

/// Of each customer in an answer.
const MOST_SHOWN: usize = 100;

pub(super) async fn merge(projections: &Projections, request: MergeRequest) -> Result<DecisionResponse, QueryError> {
    let MergeRequest { tenant, left, right, forced, reason, by, min_position } = request;
    let names = (named("left", left.as_ref())?, named("right", right.as_ref())?);
    let live = projections.serving(&tenant, min_position).await?;
    let (foreseen, _) = projections.ask_of(&live, move |reader| reader.foresee_merge(&names.0, &names.1)).await?;
    let MergeForeseen { left, right, limit, kept_apart_by } = foreseen.map_err(unfit)?;
    if let Some(split) = kept_apart_by {
        let id = split.id;
        return Err(QueryError::Undecidable(format!(
            "a split by hand keeps the two apart; undo it first with `rapport split --undo {id}`"
        )));
    }
    if let Some(limit) = limit.filter(|_| !forced) {
        let rule = told(limit, &live.reader.definitions().rules);
        return Err(QueryError::Undecidable(format!(
            "{rule}, and together the two would have more; if it is one customer all the same, force the merge"
        )));
    }
    let named: Vec<Identifier> = left.iter().chain(&right).cloned().collect();
    let merged = Merged { left, right, forced, reason, by };
    decided(projections, &tenant, (Choice::Merged(merged), Timestamp::default()), named).await
}

/// Where it stands, and whether it was there before. The log's own words stay in `deciding`.
pub(super) async fn copy(projections: &Projections, tenant: &str, json: &str) -> Result<(u64, bool), QueryError> {
    deciding::copy(projections, tenant, json).await
}

pub(super) async fn split(projections: &Projections, request: SplitRequest) -> Result<DecisionResponse, QueryError> {
    let wrong = |field, rule: &str| QueryError::Argument { field, rule: rule.to_owned() };
    match (&request.customer, request.undo.as_str()) {
        (Some(_), "") => part(projections, request).await,
        (None, "") => Err(wrong("customer", "is missing; name whom to part, or in undo the decision to undo")),
        (Some(_), _) => Err(wrong("undo", "and customer are both given; give one of them")),
        (None, _) if !request.identifiers.is_empty() => {
            Err(wrong("identifiers", "are given without the customer whose they are"))
        }
        (None, _) => undo(projections, request).await,
    }
}

/// Parts identifiers from their customer.
async fn part(projections: &Projections, request: SplitRequest) -> Result<DecisionResponse, QueryError> {
    let SplitRequest { tenant, customer, identifiers, undo: _, reason, by, min_position } = request;
    let of = customer_name(customer.as_ref())?;
    let parted = identifiers.iter().map(|text| identifier("identifiers", text)).collect::<Result<Vec<_>, _>>()?;
    if parted.is_empty() {
        let rule = "are missing; name those that are to be another customer, as namespace:value".to_owned();
        return Err(QueryError::Argument { field: "identifiers", rule });
    }
    let (foreseen, _) =
        projections.ask(&tenant, min_position, move |reader| reader.foresee_split(&of, &parted)).await?;
    let SplitForeseen { left, right, cancels } = foreseen.map_err(unfit)?;
    let mut after = Timestamp::default();
    for name in &cancels {
        after = after.max(find(projections, &tenant, 0, name).await?.time);
    }
    let named: Vec<Identifier> = left.iter().chain(&right).cloned().collect();
    let split = Split { left, right, cancels, reason, by };
    decided(projections, &tenant, (Choice::Split(split), after), named).await
}

/// Cancels a decision.
async fn undo(projections: &Projections, request: SplitRequest) -> Result<DecisionResponse, QueryError> {
    let SplitRequest { tenant, undo, reason, by, min_position, .. } = request;
    let name = deciding::name(&undo);
    let DecisionEntry { choice, outcome, time, .. } = find(projections, &tenant, min_position, &name).await?;
    if let Outcome::Cancelled(by) = outcome {
        let EventName { id, .. } = by;
        return Err(QueryError::Undecidable(format!("undo: {undo} is undone already, by {id}")));
    }
    let named = named_by(projections, &tenant, choice).await?;
    let split = Split { left: Vec::new(), right: Vec::new(), cancels: vec![name], reason, by };
    decided(projections, &tenant, (Choice::Split(split), time), named).await
}

/// Whom a decision names, and whom those name that it cancels.
async fn named_by(projections: &Projections, tenant: &str, choice: Choice) -> Result<Vec<Identifier>, QueryError> {
    let (mut named, mut open) = (Vec::new(), vec![choice]);
    while let Some(choice) = open.pop() {
        let (left, right, cancels) = match choice {
            Choice::Merged(Merged { left, right, .. }) => (left, right, Vec::new()),
            Choice::Split(Split { left, right, cancels, .. }) => (left, right, cancels),
            Choice::Discarded(_) => continue,
        };
        named.extend(left.into_iter().chain(right));
        for name in cancels.iter().filter(|_| named.len() < MOST_SHOWN) {
            open.push(find(projections, tenant, 0, name).await?.choice);
        }
    }
    Ok(named)
}

async fn find(
    projections: &Projections,
    tenant: &str,
    min_position: u64,
    name: &EventName,
) -> Result<DecisionEntry, QueryError> {
    find_in(projections, &projections.serving(tenant, min_position).await?, name).await
}

async fn find_in(projections: &Projections, live: &Live, name: &EventName) -> Result<DecisionEntry, QueryError> {
    let asked = name.clone();
    let (found, _) = projections.ask_of(live, move |reader| reader.decision(&asked)).await?;
    found.ok_or_else(|| QueryError::NoDecision { field: "undo", id: cut(&name.id) })
}

/// Decides, and tells what came of it: the decision as it stands, and the customers that those are now who are named.
async fn decided(
    projections: &Projections,
    tenant: &str,
    (choice, after): (Choice, Timestamp),
    named: Vec<Identifier>,
) -> Result<DecisionResponse, QueryError> {
    let (name, position) = decide_after(projections, tenant, choice, after).await?;
    let live = projections.serving(tenant, position).await?;
    let entry = find_in(projections, &live, &name).await?;
    let (customers, freshness) = projections.ask_of(&live, move |reader| reader.customers_of(&named)).await?;
    let customers = customers.iter().map(|found| ResultingCustomer {
        id: found.id.to_string(),
        identifiers: {
            let identity = &found.states.identity;
            let named = identity.persons.iter().chain(&identity.devices).take(MOST_SHOWN);
            named.map(Identifier::to_string).collect()
        },
        touchpoints: found.events,
    });
    Ok(DecisionResponse {
        decision: Some(convert::decision(&entry, &live.reader.definitions().rules)),
        customers: customers.collect(),
        freshness: Some(freshness),
    })
}

fn named(field: &'static str, customer: Option<&CustomerRef>) -> Result<CustomerName, QueryError> {
    customer_name(customer).map_err(|error| match error {
        QueryError::Argument { rule, .. } => QueryError::Argument { field, rule },
        other => other,
    })
}

fn unfit(unfit: Unfit) -> QueryError {
    match unfit {
        Unfit::Nobody(name) => no_customer(&name),
        Unfit::Void(identifier) => QueryError::Undecidable(format!(
            "{identifier} is nobody's: too many share it, and by hand it is nobody's either; name another identifier"
        )),
        Unfit::One(id) => QueryError::Undecidable(format!("the two are one customer already, {id}")),
        Unfit::Devices => QueryError::Undecidable(
            "both are devices that nobody claimed; a device can be merged with somebody who is known by more"
                .to_owned(),
        ),
        Unfit::NotHis(identifier) => QueryError::Undecidable(format!("{identifier} is not this customer's")),
        Unfit::NothingLeft => QueryError::Undecidable(
            "identifiers: these are all that the customer is known by; leave at least one that names a person"
                .to_owned(),
        ),
    }
}

fn told(limit: Limit, rules: &Rules) -> String {
    match limit {
        Limit::OfKind(kind) => {
            format!("a customer has at most {} {}", rules.kind(kind).most, rules.kind(kind).namespace)
        }
        Limit::InAll => format!("a customer has at most {} identifiers", rules.most_persons),
        Limit::Apart => "a split by hand keeps the two apart".to_owned(),
    }
}
