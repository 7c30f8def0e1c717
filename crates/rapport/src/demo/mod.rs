//! The first minute: a server with a population's year in it, then a short tour through its own gRPC.

pub mod population;
mod tour;

use std::io;
use std::path::{Path, PathBuf};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::cli::CliError;
use crate::config::{Config, ServeArgs};
use population::Population;

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
        toured = tour::tour(address, population) => toured,
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

fn file_error(file: &Path) -> impl FnOnce(io::Error) -> CliError {
    let file: PathBuf = file.to_owned();
    |source| CliError::File { file, source }
}
