//! The tenants that this process serves, each with its log, its schemas and its rules.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use rapport_customer::Definitions;
use rapport_customer::identity::Rules;
use rapport_log::{Log, OpenError, ReadError, Tenant};
use rapport_touchpoint::Catalogue;
use thiserror::Error;

use crate::config::{Config, CustomTypes, DEFAULT_TENANT};
use crate::gateway::Kinds;
use crate::metrics::Metrics;
use crate::traces::Traces;

/// By name; shared by all services.
#[derive(Clone)]
pub struct Tenants {
    by_name: Arc<BTreeMap<Tenant, Arc<ServedTenant>>>,
    /// Of the server that serves them.
    pub(crate) metrics: Metrics,
    pub(crate) traces: Traces,
}

pub struct ServedTenant {
    pub name: Tenant,
    pub log: Log,
    pub catalogue: Arc<Catalogue>,
    pub rules: Rules,
    pub definitions: Arc<Definitions>,
    /// Where they are from, if the tenant has its own.
    pub definitions_file: Option<PathBuf>,
    pub custom_types: CustomTypes,
    pub kinds: Kinds,
}

#[derive(Debug, Error)]
pub enum TenantError {
    #[error("tenant {tenant}: {source}")]
    Open { tenant: Tenant, source: OpenError },
    #[error("tenant {tenant}: the types on its log cannot be read: {source}")]
    Kinds { tenant: Tenant, source: ReadError },
}

/// Which other tenants there are is nobody's business.
#[derive(Debug, Clone, Error)]
#[error("tenant: {name} is not served here")]
pub struct UnknownTenant {
    name: String,
}

impl Tenants {
    pub async fn open(config: &Config, metrics: &Metrics, traces: &Traces) -> Result<Self, TenantError> {
        let mut tenants = BTreeMap::new();
        for (tenant, of_tenant) in &config.tenants {
            let log = Log::open(&config.log, tenant)
                .await
                .map_err(|source| TenantError::Open { tenant: tenant.clone(), source })?;
            let on_log = log.kinds().await.map_err(|source| TenantError::Kinds { tenant: tenant.clone(), source })?;
            let served = ServedTenant {
                name: tenant.clone(),
                log,
                catalogue: of_tenant.catalogue.clone(),
                rules: of_tenant.rules.clone(),
                definitions: of_tenant.definitions.clone(),
                definitions_file: of_tenant.definitions_file.clone(),
                custom_types: of_tenant.custom_types,
                kinds: Kinds::new(on_log, &config.limits),
            };
            tenants.insert(tenant.clone(), Arc::new(served));
        }
        Ok(Self { by_name: Arc::new(tenants), metrics: metrics.clone(), traces: traces.clone() })
    }

    /// The empty name means the tenant `default`.
    pub fn find(&self, name: &str) -> Result<&Arc<ServedTenant>, UnknownTenant> {
        let name = if name.is_empty() { DEFAULT_TENANT } else { name };
        let unknown = || UnknownTenant { name: format!("{:?}", name.chars().take(64).collect::<String>()) };
        Tenant::parse(name).ok().and_then(|tenant| self.by_name.get(&tenant)).ok_or_else(unknown)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<ServedTenant>> {
        self.by_name.values()
    }

    /// Returns when all that waited is on the logs; nothing more is taken.
    pub async fn close(&self) {
        futures::future::join_all(self.iter().map(|tenant| tenant.log.clone().close())).await;
    }
}
