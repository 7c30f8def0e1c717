//! `rapport watch`: customers as they change.

use clap::Args;

use super::columns::{self, plain};
use super::filter::FilterArgs;
use super::find::stage;
use super::target::{Target, customer_ref};
use super::{CliError, json, moment};
use crate::client::Connection;
use crate::wire::v1::watch_request::Who;
use crate::wire::v1::watch_response::What;
use crate::wire::v1::{CaughtUp, Customer, CustomerRef, Missed, WatchRequest, WatchResponse};

/// Follow customers as they change, one line for each change, until Ctrl-C
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport watch user_id:42\n  \
    rapport watch --stage at_risk\n  \
    rapport watch --from-position 0 --json\n\n\
    A line says who changed, and how they are now. At the end, whatever the reason, standard error says from which \
    position to go on; then whoever changed in between is told once.")]
pub struct WatchArgs {
    /// Only this customer: cus_… or namespace:value; all customers, or those who match, without it
    #[arg(
        value_name = "NAME",
        value_parser = customer_ref,
        conflicts_with_all = ["stage", "journey", "channel", "seen_from", "seen_until", "traits"]
    )]
    name: Option<CustomerRef>,
    #[command(flatten)]
    filter: FilterArgs,
    /// Begin with whoever changed at or after this position; from now on without it
    #[arg(long, value_name = "POSITION")]
    from_position: Option<u64>,
    #[command(flatten)]
    target: Target,
    /// Print each answer as proto3 JSON, one per line
    #[arg(long)]
    json: bool,
}

/// Ends in good order by itself when it is interrupted.
pub async fn run(args: WatchArgs) -> Result<(), CliError> {
    let who = match args.name.clone() {
        Some(name) => Who::Customer(name),
        None => Who::Filter(args.filter.check()?),
    };
    let connection = args.target.connect().await?;
    let mut told = None;
    let ended = tokio::select! {
        ended = follow(&args, who, &connection, &mut told) => ended,
        _ = tokio::signal::ctrl_c() => Err(CliError::Interrupted),
    };
    if let (Err(error), Some(position)) = (&ended, told)
        && !error.is_silent()
    {
        eprintln!("rapport: all up to position {position} is told; go on with --from-position {position}");
    }
    ended
}

async fn follow(args: &WatchArgs, who: Who, connection: &Connection, told: &mut Option<u64>) -> Result<(), CliError> {
    let failed = |status| connection.failed(status);
    let request =
        WatchRequest { tenant: args.target.tenant.clone(), who: Some(who), from_position: args.from_position };
    let mut answers = connection.customers().watch(request).await.map_err(failed)?.into_inner();
    while let Some(answer) = answers.message().await.map_err(failed)? {
        if args.json {
            json::print_line(&json::proto_json("WatchResponse", &answer)?)?;
        } else {
            tell(&answer, args.filter.journey())?;
        }
        *told = Some(answer.position);
    }
    Err(CliError::Incomplete)
}

/// Changes go to standard output, what concerns the watch itself to standard error.
fn tell(answer: &WatchResponse, journey: &str) -> Result<(), CliError> {
    match &answer.what {
        Some(What::Changed(customer)) => columns::print(&line(answer.position, customer, journey))?,
        Some(What::CaughtUp(CaughtUp {})) => eprintln!("up to date at position {}; waiting", answer.position),
        Some(What::Missed(Missed { since })) => {
            eprintln!("too much at once after position {since}; whoever changed since is told once");
        }
        None => eprintln!("the server says something new at position {}; --json shows it", answer.position),
    }
    Ok(())
}

fn line(position: u64, customer: &Customer, journey: &str) -> String {
    let mut parts = vec![position.to_string(), customer.id.clone()];
    parts.extend((!customer.display_name.is_empty()).then(|| customer.display_name.clone()));
    let stage = stage(customer, journey);
    parts.extend((!stage.is_empty()).then(|| stage.to_owned()));
    parts.push(format!("{} touchpoints", customer.touchpoints));
    parts.push(format!("last {} on {}", moment::show(customer.last_seen.as_ref()), customer.last_channel));
    plain(&parts.join("  "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::v1::JourneyProgress;

    #[test]
    fn a_change_is_one_line() {
        let mut customer = Customer {
            id: "cus_1".to_owned(),
            touchpoints: 12,
            last_seen: Some(prost_types::Timestamp { seconds: 1_767_312_000, nanos: 0 }),
            last_channel: "web".to_owned(),
            ..Customer::default()
        };
        assert_eq!(line(7, &customer, ""), "7  cus_1  12 touchpoints  last 2026-01-02T00:00:00Z on web");
        customer.display_name = "Ann\n".to_owned();
        customer.journeys = vec![JourneyProgress { stage: "loyal".to_owned(), ..JourneyProgress::default() }];
        let right = "7  cus_1  Ann\\n  loyal  12 touchpoints  last 2026-01-02T00:00:00Z on web";
        assert_eq!(line(7, &customer, ""), right);
    }
}
