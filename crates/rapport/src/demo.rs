//! The first minute: a server with real purchases in it, then a short tour through its own gRPC.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::cli::{CliError, print_customer, print_summary, print_timeline, print_totals};
use crate::client::Connection;
use crate::config::{Config, ServeArgs};
use crate::import::{self, Job, Mapping, Summary};
use crate::wire::v1::customer_ref::By;
use crate::wire::v1::{CustomerRef, GetCustomerRequest, ListTimelineRequest, TotalsRequest};

/// Purchases of 2,357 customers of a CD shop, 1997 and 1998; `tests/data/README.md` says where they come from.
const PURCHASES: &[u8] = include_bytes!("../../../tests/data/cdnow_sample.txt.gz");
const MAPPING: &str = include_str!("../../../examples/cdnow-sample.toml");
/// The most faithful customer of the data set.
const CUSTOMER: &str = "user_id:19339";
const TOUCHPOINTS_SHOWN: u32 = 8;
/// Taken if it is free, so that commands need no `--server`.
const USUAL_ADDRESS: &str = "127.0.0.1:7700";

/// Serves until Ctrl-C, or with `exit` until the tour is over.
pub async fn run(exit: bool) -> Result<(), CliError> {
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
        toured = tour(address, folder.path()) => toured,
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

async fn tour(address: SocketAddr, folder: &Path) -> Result<(), CliError> {
    let server = format!("http://{address}");
    println!("Rapport serves at {server}, with an empty log in a temporary folder.\n");
    heading("1. Purchases come in: each line of a shop's file is a touchpoint, published over gRPC");
    let file = folder.join("cdnow_sample.txt.gz");
    tokio::fs::write(&file, PURCHASES).await.map_err(file_error(&file))?;
    let mapping = Mapping::parse("examples/cdnow-sample.toml", MAPPING)?;
    let job = Job {
        files: vec![file],
        mapping: Some(mapping),
        strict: true,
        server: server.clone(),
        tenant: String::new(),
        wait: true,
    };
    let mut summary = Summary::default();
    import::run(&job, &mut summary).await?;
    print_summary(&summary)?;

    let connection = Connection::open(&server).await?;
    let mut customers = connection.customers();
    let failed = |status| connection.failed(status);
    let customer = Some(CustomerRef { by: Some(By::Identifier(CUSTOMER.to_owned())) });

    heading(&format!("2. Who is {CUSTOMER}? The profile is folded from that customer's touchpoints"));
    let request = GetCustomerRequest { customer: customer.clone(), ..GetCustomerRequest::default() };
    let found = customers.get(request).await.map_err(failed)?.into_inner();
    print_customer(&found.customer.unwrap_or_default())?;
    let request = ListTimelineRequest { customer, page_size: TOUCHPOINTS_SHOWN, ..ListTimelineRequest::default() };
    print_timeline(&customers.list_timeline(request).await.map_err(failed)?.into_inner().entries)?;

    heading("3. All customers together, exact to the cent");
    print_totals(&customers.totals(TotalsRequest::default()).await.map_err(failed)?.into_inner())?;

    heading("What to try next, in another terminal");
    let also = if address.to_string() == USUAL_ADDRESS { String::new() } else { format!(" --server {server}") };
    for command in [
        format!("rapport customer {CUSTOMER} --timeline 50"),
        "rapport totals --json".to_owned(),
        "rapport replay --from 1997-03-01 --to 1997-04-01 --out march.ndjson".to_owned(),
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
