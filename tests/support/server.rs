//! A whole server in this process, on port 0, with a folder of its own and whichever log.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rapport::config::{Config, ServeArgs};
use rapport::serve::{ServeError, serve};
use rapport_log::LogConfig;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::client::Client;
use super::collector::Collector;
use super::http::get;
use super::nats::NatsServer;
use super::soon::soon;

/// What outlives a server: its data folder, and the NATS server if that keeps the log.
pub struct Kept {
    folder: PathBuf,
    /// Removed with this, if it is its own.
    _own: Option<TempDir>,
    pub nats: Option<NatsServer>,
    /// Where its traces go.
    collector: Option<String>,
}

/// One of several processes that share a data folder and a NATS server: its folder and log are its neighbours'.
pub struct Part {
    client: Client,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), ServeError>>,
}

/// A running server, and a client of it.
pub struct Server {
    client: Client,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), ServeError>>,
    kept: Kept,
}

impl Kept {
    pub fn embedded() -> Self {
        let own = tempfile::tempdir().unwrap();
        let kept = Self::embedded_in(own.path());
        Self { _own: Some(own), ..kept }
    }

    /// In a folder that somebody else has.
    pub fn embedded_in(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), _own: None, nats: None, collector: None }
    }

    pub fn jetstream() -> Self {
        Self { nats: Some(NatsServer::start()), ..Self::embedded() }
    }

    /// With a collector of its servers' traces.
    pub fn traced(self, collector: &Collector) -> Self {
        Self { collector: Some(collector.url.clone()), ..self }
    }

    /// With its log on this NATS server.
    pub fn on(self, nats: NatsServer) -> Self {
        Self { nats: Some(nats), ..self }
    }

    /// With its log in its folder again; the NATS server.
    pub fn off(mut self) -> (Self, Option<NatsServer>) {
        let nats = self.nats.take();
        (self, nats)
    }

    /// Its log, for whoever has it when no server runs.
    pub fn log_config(&self) -> LogConfig {
        self.config().log
    }

    /// The folder of the one tenant.
    pub fn tenant(&self) -> PathBuf {
        self.folder.join("default")
    }

    pub async fn serve(self) -> Server {
        self.serve_with(|_| ()).await
    }

    /// With another configuration than the usual one.
    pub async fn serve_with(self, change: impl FnOnce(&mut Config)) -> Server {
        let mut config = self.config();
        change(&mut config);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            let _ = stopped.await;
        };
        let served = tokio::spawn(serve(config, listener, shutdown));
        let client = Client::connect(&url).await;
        // A connection is taken before the log is open; from its first answer on the server is ready.
        client.status().await;
        Server { client, stop, served, kept: self }
    }

    /// Why a server does not start on this.
    pub async fn refused(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let served = soon(serve(self.config(), listener, std::future::pending())).await;
        served.expect_err("the server ends by itself").to_string()
    }

    /// A server with a part of the work, ready.
    pub async fn part(&self, roles: &str, models: Option<&str>) -> Part {
        let (roles, models) = (Some(roles.to_owned()), models.map(str::to_owned));
        let config = Config::try_from(ServeArgs { roles, models, ..self.arguments() }).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(serve(config, listener, async {
            let _ = stopped.await;
        }));
        while get(&url, "/readyz").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Part { client: Client::connect(&url).await, stop, served }
    }

    fn config(&self) -> Config {
        Config::try_from(self.arguments()).unwrap()
    }

    fn arguments(&self) -> ServeArgs {
        let log = self.nats.as_ref().map_or("embedded".to_owned(), NatsServer::url);
        let (data, listen) = (self.folder.clone(), "127.0.0.1:0".to_owned());
        ServeArgs { data, log, listen, otlp_endpoint: self.collector.clone(), ..ServeArgs::default() }
    }
}

impl Server {
    pub async fn embedded() -> Self {
        Kept::embedded().serve().await
    }

    pub async fn jetstream() -> Self {
        Kept::jetstream().serve().await
    }

    /// `embedded` or `jetstream`.
    pub fn log(&self) -> &'static str {
        if self.kept.nats.is_some() { "jetstream" } else { "embedded" }
    }

    pub fn nats(&self) -> &NatsServer {
        self.kept.nats.as_ref().expect("the log is on a NATS server")
    }

    /// The folder of the one tenant.
    pub fn tenant(&self) -> PathBuf {
        self.kept.tenant()
    }

    /// To be killed and restarted under it.
    pub fn nats_mut(&mut self) -> &mut NatsServer {
        self.kept.nats.as_mut().expect("the log is on a NATS server")
    }

    pub fn url(&self) -> &str {
        self.client.connection.url()
    }

    /// Stops it in good order; what it leaves.
    pub async fn stop(self) -> Kept {
        let Self { client, stop, served, kept } = self;
        drop(client);
        stop.send(()).unwrap();
        soon(served).await.unwrap().unwrap();
        kept
    }
}

impl Part {
    pub fn url(&self) -> &str {
        self.client.connection.url()
    }

    pub async fn stop(self) {
        let Self { client, stop, served } = self;
        drop(client);
        stop.send(()).unwrap();
        soon(served).await.unwrap().unwrap();
    }
}

impl Deref for Part {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// A server is asked as its client asks.
impl Deref for Server {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}
