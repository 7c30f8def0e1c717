//! A short tour: what happened becomes a customer, a funnel, scores, and a list of whom to look after.

use std::net::SocketAddr;

use super::USUAL_ADDRESS;
use super::population::Population;
use crate::cli::{
    CliError, find, funnel, print_changes, print_currencies, print_customer_briefly, print_found, print_funnel,
    print_scores, print_timeline, scores, transitions,
};
use crate::client::Connection;
use crate::import::{self, Summary};
use crate::wire::v1::customer_ref::By;
use crate::wire::v1::{
    Bucket, Customer, CustomerFilter, CustomerRef, FindRequest, FunnelRequest, FunnelResponse, FunnelStage,
    GetCustomerRequest, ListTimelineRequest, ScoresRequest, TotalsRequest, TransitionsRequest,
};

const TOUCHPOINTS_SHOWN: u32 = 6;
const CHANGES_SHOWN: u32 = 6;
const CUSTOMERS_SHOWN: usize = 6;
/// Among these the best are looked for.
const CUSTOMERS_LOOKED_AT: u32 = 2_000;

/// Publishes the population's year to the server at this address, and asks about it.
pub(super) async fn tour(address: SocketAddr, population: Population) -> Result<(), CliError> {
    let server = format!("http://{address}");
    println!("Rapport serves at {server}, with an empty log in a temporary folder.");
    let name = year(&server, population).await?;
    let connection = Connection::open(&server).await?;
    all(&connection).await?;
    one(&connection, &name).await?;
    let drawn = way(&connection).await?;
    mood(&connection).await?;
    at_risk(&connection, &drawn).await?;
    let also = if address.to_string() == USUAL_ADDRESS { String::new() } else { format!(" --server {server}") };
    next(&name, silent_stage(&drawn), &also);
    Ok(())
}

fn heading(text: &str) {
    println!("\n── {text}\n");
}

/// The name of the customer of whom there is most to tell.
async fn year(server: &str, population: Population) -> Result<String, CliError> {
    let customers = population.customers();
    heading(&format!(
        "1. A year of {customers} customers of a tea shop comes in, as in life: late, twice, out of order"
    ));
    // Planning lives takes the processor, not the network.
    let (events, story) = tokio::task::spawn_blocking(move || (population.events(), population.story()))
        .await
        .map_err(|_| CliError::Failed("the population could not be made".to_owned()))?;
    let mut summary = Summary::default();
    import::run_made(events, "population", server, &mut summary).await?;
    let Summary { read, accepted, duplicates, .. } = summary;
    println!("  {read} touchpoints sent, {accepted} accepted, {duplicates} duplicates that count once");
    if let Some(elapsed) = summary.until_in_read_model {
        let rate = summary.rate(elapsed);
        println!("  checked, on the log and in the read model after {:.1} s, {rate:.0}/s", elapsed.as_secs_f64());
    }
    Ok(story.name)
}

async fn all(connection: &Connection) -> Result<(), CliError> {
    let answer = connection.customers().totals(TotalsRequest::default()).await;
    let totals = answer.map_err(|status| connection.failed(status))?.into_inner();
    println!(
        "  {} customers, {} known by more than a device, {} buyers; exact to the cent:",
        totals.customers, totals.identified, totals.buyers
    );
    print_currencies(&totals)
}

async fn one(connection: &Connection, name: &str) -> Result<(), CliError> {
    heading(&format!("2. Who is {name}? Folded from that customer's touchpoints, on whatever device"));
    let failed = |status| connection.failed(status);
    let mut customers = connection.customers();
    let customer = Some(CustomerRef { by: Some(By::Identifier(name.to_owned())) });
    let request = GetCustomerRequest { customer: customer.clone(), ..GetCustomerRequest::default() };
    print_customer_briefly(&customers.get(request).await.map_err(failed)?.into_inner())?;
    let request = TransitionsRequest { customer: customer.clone(), ..TransitionsRequest::default() };
    print_changes(&transitions(connection, &request, CHANGES_SHOWN).await?.entries)?;
    let request = ListTimelineRequest { customer, page_size: TOUCHPOINTS_SHOWN, ..ListTimelineRequest::default() };
    print_timeline(&customers.list_timeline(request).await.map_err(failed)?.into_inner().entries)
}

async fn way(connection: &Connection) -> Result<FunnelResponse, CliError> {
    heading("3. How far do customers come, and how fast?");
    let drawn = funnel(connection, FunnelRequest::default()).await?;
    print_funnel(&drawn)?;
    Ok(drawn)
}

async fn mood(connection: &Connection) -> Result<(), CliError> {
    heading("4. How do they feel about it?");
    let by_channel =
        ScoresRequest { measure: "nps".to_owned(), slice_by: "channel".to_owned(), ..ScoresRequest::default() };
    print_scores(&scores(connection, by_channel).await?)?;
    println!();
    let by_month =
        ScoresRequest { measure: "csat".to_owned(), bucket: Bucket::Month.into(), ..ScoresRequest::default() };
    print_scores(&scores(connection, by_month).await?)
}

async fn at_risk(connection: &Connection, drawn: &FunnelResponse) -> Result<(), CliError> {
    let Some(stage) = silent_stage(drawn) else { return Ok(()) };
    let filter = CustomerFilter { stage: stage.stage.clone(), ..CustomerFilter::default() };
    let request = FindRequest { filter: Some(filter), ..FindRequest::default() };
    let mut found = find(connection, &request, CUSTOMERS_LOOKED_AT).await?.entries;
    let orders = |customer: &Customer| customer.orders.iter().map(|orders| orders.orders).sum::<u64>();
    found.sort_by_key(|customer| std::cmp::Reverse(orders(customer)));
    found.truncate(CUSTOMERS_SHOWN);
    heading(&format!("5. Who is {} now? {} customers; of them these bought most often", stage.stage, stage.now_in));
    print_found(&found)
}

/// The first into which customers fall by silence.
fn silent_stage(drawn: &FunnelResponse) -> Option<&FunnelStage> {
    drawn.rows.first()?.stages.iter().find(|stage| stage.quiet)
}

fn next(name: &str, silent: Option<&FunnelStage>, also: &str) {
    heading("6. What to ask next, in another terminal");
    let to = silent.map(|stage| format!("rapport journey transitions --to {} --limit 10", stage.stage));
    let commands = [
        format!("rapport customer {name} --timeline 50"),
        format!("rapport journey {name}"),
        "rapport journey funnel --by month".to_owned(),
    ];
    let more = [
        "rapport feedback responses --measure nps --highest 6",
        "rapport feedback --measure csat --slice team",
        "rapport find --trait city=Shanghai --channel store",
        "rapport watch --from-position 0 --json | head -3",
        "rapport rebuild",
    ];
    for command in commands.into_iter().chain(to).chain(more.map(str::to_owned)) {
        println!("  {command}{also}");
    }
}
