//! The read models of all tenants that this process serves, and how a query gets at them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rapport_log::Tenant;
use rapport_readmodel::{Answer, CustomerAnswer, CustomerName, Definitions, Origin, ReadModelError, Reader, Standing};
use rapport_touchpoint::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::threads::{self, Threads};
use super::{QueryError, convert, past};
use crate::clock::Clock;
use crate::config::Config;
use crate::projector::{Live, Projection, ProjectorError, Setup, Source};
use crate::tenants::{ServedTenant, Tenants};
use crate::wire::v1::Freshness;

/// How long a query waits for `min_position`, at most; a deadline of the call may end it earlier.
const PATIENCE: Duration = Duration::from_secs(10);
/// Open watches; each holds a few customers in memory while its client is slow.
const MOST_WATCHERS: usize = 4_096;

/// Clones share the projectors.
#[derive(Clone)]
pub struct Projections {
    tenants: Tenants,
    clock: Clock,
    threads: Threads,
    watchers: Arc<Semaphore>,
    of_tenant: Arc<BTreeMap<Tenant, Projection>>,
}

impl Projections {
    /// Starts a projector for every tenant.
    pub async fn start(
        config: &Config,
        tenants: &Tenants,
        stopping: &CancellationToken,
    ) -> Result<Self, ProjectorError> {
        let mut of_tenant = BTreeMap::new();
        for tenant in tenants.iter() {
            let epoch = tenant.log.epoch();
            let definitions = Definitions {
                rules: tenant.rules.clone(),
                zone: tenant.definitions.zone.clone(),
                journeys: tenant.definitions.journeys.clone(),
                catalogue: tenant.catalogue.clone(),
                models: config.hosting.folded(),
            };
            let setup = Setup {
                log: tenant.log.clone(),
                origin: Origin { tenant: tenant.name.as_str().to_owned(), epoch: epoch.id.to_string(), key: epoch.key },
                definitions: Arc::new(definitions),
                clock: config.clock.clone(),
                changes: Arc::default(),
                source: Arc::new(Source::new(
                    &tenant.definitions.text,
                    tenant.rules.country.as_ref(),
                    &tenant.catalogue,
                )),
                definitions_file: tenant.definitions_file.clone(),
                folder: config.data.join(tenant.name.as_str()).join(config.hosting.readmodel_folder()),
                metrics: tenants.metrics.fold(&tenant.name),
                traces: tenants.traces.fold(&tenant.name),
            };
            of_tenant.insert(tenant.name.clone(), Projection::start(setup, stopping.clone()).await?);
        }
        Ok(Self {
            tenants: tenants.clone(),
            clock: config.clock.clone(),
            threads: Threads::start().map_err(|source| ProjectorError::Threads { source })?,
            watchers: Arc::new(Semaphore::new(MOST_WATCHERS)),
            of_tenant: Arc::new(of_tenant),
        })
    }

    pub fn find(&self, tenant: &str) -> Result<(&Arc<ServedTenant>, &Projection), QueryError> {
        let served = self.tenants.find(tenant)?;
        let projection = self.of_tenant.get(&served.name).expect("every served tenant has a projector");
        Ok((served, projection))
    }

    /// Returns when no read model is written any more, after they were told to stop.
    pub async fn closed(&self) {
        futures::future::join_all(self.of_tenant.values().map(Projection::closed)).await;
    }

    /// By tenant.
    pub fn iter(&self) -> impl Iterator<Item = (&Tenant, &Projection)> {
        self.of_tenant.iter()
    }

    /// Asks the serving generation, once it holds everything up to `min_position`.
    pub async fn ask<T: Send + 'static>(
        &self,
        tenant: &str,
        min_position: u64,
        question: impl FnOnce(&Reader) -> Result<Answer<T>, ReadModelError> + Send + 'static,
    ) -> Result<(T, Freshness), QueryError> {
        let (_, content, freshness) = self.ask_serving(tenant, min_position, question).await?;
        Ok((content, freshness))
    }

    /// The same, and which generation answered: another one may serve by now.
    pub async fn ask_serving<T: Send + 'static>(
        &self,
        tenant: &str,
        min_position: u64,
        question: impl FnOnce(&Reader) -> Result<Answer<T>, ReadModelError> + Send + 'static,
    ) -> Result<(u32, T, Freshness), QueryError> {
        let live = self.serving(tenant, min_position).await?;
        let (content, freshness) = self.ask_of(&live, question).await?;
        Ok((live.generation, content, freshness))
    }

    /// The serving generation, once it holds everything up to `min_position`. What it was folded under is for whoever reads
    /// its answers: the definitions in force may be others by then.
    pub async fn serving(&self, tenant: &str, min_position: u64) -> Result<Live, QueryError> {
        let (_, projection) = self.find(tenant)?;
        Ok(projection.at_least(min_position, PATIENCE).await?)
    }

    /// Asks one generation.
    pub async fn ask_of<T: Send + 'static>(
        &self,
        live: &Live,
        question: impl FnOnce(&Reader) -> Result<Answer<T>, ReadModelError> + Send + 'static,
    ) -> Result<(T, Freshness), QueryError> {
        let reader = live.reader.clone();
        let answer = self.threads.ask(move || question(&reader)).await??;
        let freshness = self.fresh(answer.standing(), live.head);
        Ok((answer.content, freshness))
    }

    /// What one generation knows of one customer: a `rapport.v1.Customer`, encoded.
    pub fn customer(&self, live: &Live, name: &CustomerName) -> Result<(Bytes, Freshness), QueryError> {
        let (customer, standing) = match live.recall(name) {
            Some(remembered) => remembered,
            None => {
                let (answer, tenure) = threads::in_place(|| live.reader.customer_and_tenure(name))??;
                let standing = answer.standing();
                let found = answer.content.ok_or_else(|| no_customer(name))?;
                let key = found.key;
                let customer = convert::encoded_customer(found, &live.reader.definitions().journeys);
                live.remember((name, tenure), key, standing, customer.clone());
                (customer, standing)
            }
        };
        Ok((customer, self.fresh(standing, live.head)))
    }

    /// The same, to be looked into.
    pub fn customer_found(&self, live: &Live, name: &CustomerName) -> Result<(CustomerAnswer, Freshness), QueryError> {
        let answer = threads::in_place(|| live.reader.customer(name))??;
        let freshness = self.fresh(answer.standing(), live.head);
        Ok((answer.content.ok_or_else(|| no_customer(name))?, freshness))
    }

    fn fresh(&self, standing: Standing, head: u64) -> Freshness {
        let Standing { position, clock, due } = standing;
        let head = head.max(position);
        Freshness { position, head, lag: head - position, clock: Some(convert::timestamp(self.clock(due, clock))) }
    }

    /// Those that ask the read models.
    pub(super) fn threads(&self) -> &Threads {
        &self.threads
    }

    /// To be held for as long as somebody watches.
    pub fn place_to_watch(&self) -> Result<OwnedSemaphorePermit, QueryError> {
        self.watchers.clone().try_acquire_owned().map_err(|_| QueryError::TooManyWatchers { limit: MOST_WATCHERS })
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Up to when silence has fallen: until now, if none is due.
    pub fn clock(&self, due: Option<Timestamp>, passed: Timestamp) -> Timestamp {
        if self.is_silent(due) { passed.max(self.now()) } else { passed }
    }

    /// Has all silence fallen that is due?
    pub fn is_silent(&self, due: Option<Timestamp>) -> bool {
        due.is_none_or(|due| due > self.now())
    }
}

/// As it was asked for, for the error that nobody has that name.
pub(crate) fn no_customer(name: &CustomerName) -> QueryError {
    past::nobody(name, None)
}
