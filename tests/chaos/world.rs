//! The processes: NATS servers, and Rapport's in the layout that is put to the proof.

use std::path::Path;
use std::sync::{Arc, RwLock};
use std::thread::sleep;
use std::time::{Duration, Instant};

use async_nats::jetstream::stream::Info;
use tempfile::TempDir;
use tokio::task::block_in_place;

use crate::support::nats::NatsServer;
use crate::support::program::Served;
use crate::support::soon::{HANGS, soon};

/// The name that the one tenant's stream has.
pub const STREAM: &str = "touchpoints_default";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One process with the log in a file.
    Embedded,
    /// Two gateways and two projectors on one NATS server.
    Single,
    /// The same on three that are a cluster, and each event on all of them.
    Cluster,
}

/// A Rapport process: started again only if it was killed.
pub struct Member {
    pub name: String,
    arguments: Vec<String>,
    served: Option<Served>,
    /// What it said in the lives that were ended.
    said: String,
}

pub struct World {
    pub nats: Vec<NatsServer>,
    /// All that take events in; with the embedded log the one process, which folds as well.
    pub gateways: Vec<Member>,
    pub projectors: Vec<Member>,
    /// Where the gateways are now.
    pub addresses: Addresses,
    folder: TempDir,
}

/// Of the gateways; a process that is started again listens elsewhere.
#[derive(Clone, Default)]
pub struct Addresses(Arc<RwLock<Vec<String>>>);

impl Layout {
    pub const ALL: [Self; 3] = [Self::Embedded, Self::Single, Self::Cluster];

    pub fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Single => "single",
            Self::Cluster => "cluster",
        }
    }

    pub fn gateways(self) -> usize {
        if self == Self::Embedded { 1 } else { 2 }
    }

    pub fn projectors(self) -> usize {
        if self == Self::Embedded { 0 } else { 2 }
    }

    pub fn nats(self) -> usize {
        match self {
            Self::Embedded => 0,
            Self::Single => 1,
            Self::Cluster => 3,
        }
    }
}

impl Addresses {
    pub fn get(&self, gateway: usize) -> String {
        let all = self.0.read().unwrap();
        all[gateway % all.len()].clone()
    }

    fn set(&self, gateway: usize, url: &str) {
        url.clone_into(&mut self.0.write().unwrap()[gateway]);
    }
}

impl World {
    /// All processes, ready. The servers promise what the shipped configuration does.
    pub async fn start(layout: Layout) -> Self {
        let nats = match layout {
            Layout::Embedded => Vec::new(),
            Layout::Single => vec![NatsServer::start()],
            Layout::Cluster => NatsServer::cluster().await,
        };
        for server in &nats {
            let told = server.told("/varz").await;
            assert_eq!(told["jetstream"]["config"]["sync_always"], true, "synced before it is acknowledged");
        }
        let folder = tempfile::tempdir().unwrap();
        let (mut gateways, mut projectors) = (Vec::new(), Vec::new());
        if layout == Layout::Embedded {
            gateways.push(Member::new("rapport", &[]));
        } else {
            let log = nats.iter().map(NatsServer::url).collect::<Vec<_>>().join(",");
            let config = folder.path().join("rapport.toml");
            std::fs::write(&config, format!("[jetstream]\nreplicas = {}\n", nats.len())).unwrap();
            let shared = ["--log", &log, "--config", config.to_str().unwrap(), "--roles"];
            for name in ["gateway-1", "gateway-2"] {
                gateways.push(Member::new(name, &[&shared[..], &["gateway"]].concat()));
            }
            for model in ["profile", "feedback"] {
                let arguments = [&shared[..], &["projector", "--models", model]].concat();
                projectors.push(Member::new(&format!("projector of {model}"), &arguments));
            }
        }
        let addresses = Addresses(Arc::new(RwLock::new(vec![String::new(); gateways.len()])));
        let mut world = Self { nats, gateways, projectors, addresses, folder };
        block_in_place(|| {
            (0..world.gateways.len()).for_each(|number| world.start_gateway(number));
            (0..world.projectors.len()).for_each(|number| world.start_projector(number));
        });
        if layout != Layout::Embedded {
            let stream = world.stream().await;
            assert_eq!(stream.config.num_replicas, world.nats.len(), "each event on every server");
        }
        world
    }

    /// Blocks until it is ready.
    pub fn start_gateway(&mut self, number: usize) {
        self.gateways[number].start(self.folder.path());
        self.addresses.set(number, self.gateways[number].url());
    }

    /// Blocks until it is ready.
    pub fn start_projector(&mut self, number: usize) {
        self.projectors[number].start(self.folder.path());
    }

    /// Those that fold and answer.
    pub fn folding(&self) -> &[Member] {
        if self.projectors.is_empty() { &self.gateways } else { &self.projectors }
    }

    /// No process ended by itself.
    pub fn assert_all_run(&mut self) {
        self.gateways.iter_mut().chain(&mut self.projectors).for_each(Member::assert_runs);
    }

    /// What each process said on standard error, the newest lines of it.
    pub fn said(&self, lines: usize) -> String {
        let of_one = |member: &Member| {
            let said = member.said();
            let newest = said.lines().rev().take(lines).collect::<Vec<_>>().into_iter().rev();
            format!("── {}\n{}\n", member.name, newest.collect::<Vec<_>>().join("\n"))
        };
        self.gateways.iter().chain(&self.projectors).map(of_one).collect()
    }

    pub async fn nats_client(&self) -> async_nats::Client {
        let servers: Vec<String> = self.nats.iter().map(NatsServer::url).collect();
        async_nats::connect(servers).await.unwrap()
    }

    /// As its leader tells of it, once there is one.
    async fn stream(&self) -> Info {
        let context = async_nats::jetstream::new(self.nats_client().await);
        soon(async {
            loop {
                if let Ok(stream) = context.get_stream(STREAM).await {
                    return stream.cached_info().clone();
                }
            }
        })
        .await
    }
}

impl Member {
    fn new(name: &str, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().copied().chain(["--listen", "127.0.0.1:0"]).map(str::to_owned).collect();
        Self { name: name.to_owned(), arguments, served: None, said: String::new() }
    }

    /// It ends if it finds no NATS server, or none that leads; then it is started again, as an init system does.
    fn start(&mut self, data: &Path) {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let began = Instant::now();
        let served = loop {
            match Served::try_start_with(data, &arguments) {
                Ok(served) => break served,
                Err(said) => assert!(began.elapsed() < HANGS, "{} does not start: {said}", self.name),
            }
            sleep(Duration::from_millis(100));
        };
        self.served = Some(served);
    }

    pub fn url(&self) -> &str {
        &self.running().url
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.assert_runs();
        self.said = self.said();
        self.served.take().expect("it was started").kill();
    }

    pub fn freeze(&mut self) {
        self.assert_runs();
        self.running().freeze();
    }

    pub fn thaw(&self) {
        self.running().thaw();
    }

    fn running(&self) -> &Served {
        self.served.as_ref().expect("it was started")
    }

    fn assert_runs(&mut self) {
        let runs = self.served.as_mut().is_none_or(Served::is_running);
        assert!(runs, "{} ended by itself: {}", self.name, self.said());
    }

    fn said(&self) -> String {
        let now = self.served.as_ref().map(Served::said).unwrap_or_default();
        format!("{}{now}", self.said)
    }
}
