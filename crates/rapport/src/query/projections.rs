//! The read models of all tenants that this process serves, and how a query gets at them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rapport_log::Tenant;
use rapport_readmodel::{Answer, CustomerName, Definitions, Origin, ReadModelError, Reader};
use rapport_touchpoint::Identifier;
use tokio_util::sync::CancellationToken;

use super::QueryError;
use crate::config::Config;
use crate::projector::{Live, Projection, ProjectorError, Setup};
use crate::tenants::{ServedTenant, Tenants};
use crate::wire::v1::{CustomerRef, Freshness, customer_ref};

/// How long a query waits for `min_position`, at most; a deadline of the call may end it earlier.
const PATIENCE: Duration = Duration::from_secs(10);
/// Characters of a customer's name that an error repeats.
const MOST_NAME_CHARS: usize = 80;

/// Clones share the projectors.
#[derive(Clone)]
pub struct Projections {
    tenants: Tenants,
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
                catalogue: tenant.catalogue.clone(),
                models: config.hosting.folded(),
            };
            let setup = Setup {
                log: tenant.log.clone(),
                origin: Origin { tenant: tenant.name.as_str().to_owned(), epoch: epoch.id.to_string(), key: epoch.key },
                definitions: Arc::new(definitions),
                folder: config.data.join(tenant.name.as_str()).join(config.hosting.readmodel_folder()),
                metrics: tenants.metrics.fold(&tenant.name),
                traces: tenants.traces.fold(&tenant.name),
            };
            of_tenant.insert(tenant.name.clone(), Projection::start(setup, stopping.clone()).await?);
        }
        Ok(Self { tenants: tenants.clone(), of_tenant: Arc::new(of_tenant) })
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
        let (_, projection) = self.find(tenant)?;
        let live = projection.at_least(min_position, PATIENCE).await?;
        let Live { reader, head, .. } = live;
        let answer =
            tokio::task::spawn_blocking(move || question(&reader)).await.map_err(|_| QueryError::BrokenOff)??;
        let head = head.max(answer.position);
        Ok((answer.content, Freshness { position: answer.position, head, lag: head - answer.position }))
    }
}

/// Reads whom a request means.
pub(crate) fn customer_name(customer: Option<&CustomerRef>) -> Result<CustomerName, QueryError> {
    let wrong = |rule: String| QueryError::Argument { field: "customer", rule };
    match customer.and_then(|customer| customer.by.as_ref()) {
        None => Err(wrong("is missing; name one by id or by identifier".to_owned())),
        Some(customer_ref::By::Id(text)) => rapport_customer::identity::CustomerId::parse(text)
            .map(CustomerName::Id)
            .ok_or_else(|| wrong(format!("{:?} is no customer id; one is cus_ and 32 hex digits", cut(text)))),
        Some(customer_ref::By::Identifier(text)) => Identifier::parse(text)
            .map(CustomerName::Identifier)
            .map_err(|rule| wrong(format!("{:?} {rule}", cut(text)))),
    }
}

/// As it was asked for, for the error that nobody has that name.
pub(crate) fn no_customer(name: &CustomerName) -> QueryError {
    let name = match name {
        CustomerName::Id(id) => id.to_string(),
        CustomerName::Identifier(identifier) => cut(&identifier.to_string()),
    };
    QueryError::NoCustomer { name }
}

fn cut(text: &str) -> String {
    text.chars().take(MOST_NAME_CHARS).collect()
}
