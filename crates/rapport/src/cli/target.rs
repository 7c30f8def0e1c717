//! Which server and which tenant a command speaks to, and whom it asks about.

use clap::Args;
use rapport_touchpoint::Identifier;

use crate::client::{ClientError, Connection};
use crate::wire::v1::CustomerRef;
use crate::wire::v1::customer_ref::By;

#[derive(Debug, Clone, Args)]
pub struct Target {
    /// The server to speak to
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7700")]
    pub server: String,
    /// The tenant meant; tenants share nothing
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub tenant: String,
}

impl Target {
    pub async fn connect(&self) -> Result<Connection, ClientError> {
        Connection::open(&self.server).await
    }
}

/// `cus_` and 32 hex digits, or `namespace:value`.
pub fn customer_ref(name: &str) -> Result<CustomerRef, String> {
    let by = match name.strip_prefix("cus_") {
        Some(digits) if !name.contains(':') => {
            if digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err("a customer id is cus_ and 32 hex digits".to_owned());
            }
            By::Id(name.to_owned())
        }
        _ => {
            Identifier::parse(name)?;
            By::Identifier(name.to_owned())
        }
    };
    Ok(CustomerRef { by: Some(by) })
}
