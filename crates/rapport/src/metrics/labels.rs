//! What tells the series of one metric apart.

use prometheus_client::encoding::EncodeLabelSet;
use rapport_log::Tenant;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Of {
    pub tenant: String,
}

impl Of {
    pub fn tenant(tenant: &Tenant) -> Self {
        Self { tenant: tenant.as_str().to_owned() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Verdict {
    pub tenant: String,
    pub verdict: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Method {
    pub service: String,
    pub method: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Answered {
    pub service: String,
    pub method: String,
    pub code: &'static str,
}
