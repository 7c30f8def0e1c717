//! The first minute: a server with a population's year in it, then a short tour through its own gRPC.

pub mod population;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::cli::{CliError, print_customer, print_summary, print_timeline, print_totals};
use crate::client::Connection;
use crate::config::{Config, ServeArgs};
use crate::import::{self, Summary};
use crate::wire::v1::customer_ref::By;
use crate::wire::v1::{CustomerRef, GetCustomerRequest, ListTimelineRequest, TotalsRequest};
use population::Population;

const TOUCHPOINTS_SHOWN: u32 = 12;
/// Taken if it is free, so that commands need no `--server`.
const USUAL_ADDRESS: &str = "127.0.0.1:7700";

/// Serves until Ctrl-C, or with `exit` until the tour is over.
pub async fn run(population: Population, exit: bool) -> Result<(), CliError> {
    let folder = tempfile::Builder::new().prefix("rapport-demo-").tempdir().map_err(file_error(Path::new("")))?;
    let listener = listener().await.map_err(file_error(folder.path()))?;
    let address = listener.local_addr().map_err(file_error(folder.path()))?;
    let config = Config::try_from(ServeArgs {
        data: folder.path().to_owned(),
        listen: address.to_string(),
        ..ServeArgs::default()
    })
    .map_err(crate::serve::ServeError::from)?;
    let stop = CancellationToken::new();
    let server = tokio::spawn(crate::serve::serve(config, listener, stop.clone().cancelled_owned()));
    let toured = tokio::select! {
        toured = tour(address, population) => toured,
        _ = tokio::signal::ctrl_c() => Err(CliError::Interrupted),
    };
    if toured.is_ok() && !exit {
        println!("\nThe server stays at http://{address} until you press Ctrl-C.");
        // Without a way to be told to stop, it stops.
        let _ = tokio::signal::ctrl_c().await;
    }
    stop.cancel();
    let served = server.await.map_err(|_| CliError::Failed("the server broke off".to_owned()))?;
    toured?;
    Ok(served?)
}

async fn listener() -> io::Result<TcpListener> {
    match TcpListener::bind(USUAL_ADDRESS).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind("127.0.0.1:0").await,
    }
}

async fn tour(address: SocketAddr, population: Population) -> Result<(), CliError> {
    let server = format!("http://{address}");
    println!("Rapport serves at {server}, with an empty log in a temporary folder.\n");
    heading(&format!(
        "1. A year of {} customers of a tea shop comes in, as it would arrive: late, twice, and out of order",
        population.customers()
    ));
    // Planning lives takes the processor, not the network.
    let (events, story) = tokio::task::spawn_blocking(move || (population.events(), population.story()))
        .await
        .map_err(|_| CliError::Failed("the population could not be made".to_owned()))?;
    let mut summary = Summary::default();
    import::run_made(events, "population", &server, &mut summary).await?;
    print_summary(&summary)?;

    let connection = Connection::open(&server).await?;
    let mut customers = connection.customers();
    let failed = |status| connection.failed(status);
    let name = story.name;
    let customer = Some(CustomerRef { by: Some(By::Identifier(name.clone())) });

    heading(&format!("2. Who is {name}? The profile is folded from that customer's touchpoints"));
    let request = GetCustomerRequest { customer: customer.clone(), ..GetCustomerRequest::default() };
    let found = customers.get(request).await.map_err(failed)?.into_inner();
    print_customer(&found)?;
    let request = ListTimelineRequest { customer, page_size: TOUCHPOINTS_SHOWN, ..ListTimelineRequest::default() };
    print_timeline(&customers.list_timeline(request).await.map_err(failed)?.into_inner().entries)?;

    heading("3. All customers together, exact to the cent");
    print_totals(&customers.totals(TotalsRequest::default()).await.map_err(failed)?.into_inner())?;

    heading("What to try next, in another terminal");
    let also = if address.to_string() == USUAL_ADDRESS { String::new() } else { format!(" --server {server}") };
    for command in [
        format!("rapport customer {name} --timeline 50"),
        "rapport totals --json".to_owned(),
        format!("rapport replay --customer {name} --out life.ndjson"),
        "rapport rebuild".to_owned(),
        "rapport status".to_owned(),
    ] {
        println!("  {command}{also}");
    }
    Ok(())
}

fn heading(text: &str) {
    println!("\n── {text}\n");
}

fn file_error(file: &Path) -> impl FnOnce(io::Error) -> CliError {
    let file: PathBuf = file.to_owned();
    |source| CliError::File { file, source }
}
