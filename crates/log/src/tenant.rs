//! Whose log it is: a name that is safe in a subject, a stream and a folder.

use std::fmt;

use serde::{Deserialize, Serialize};

const MAX_BYTES: usize = 32;

/// A lower-case letter, then letters, digits and `_`; at most 32 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tenant(String);

impl Tenant {
    pub fn parse(text: &str) -> Result<Self, String> {
        let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase());
        let goes_on_well = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !starts_well || !goes_on_well || text.len() > MAX_BYTES {
            return Err(format!(
                "a tenant is a lower-case letter, then letters, digits and _; {MAX_BYTES} bytes at most, such as acme"
            ));
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Tenant {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Tenant> for String {
    fn from(tenant: Tenant) -> Self {
        tenant.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_is_safe_in_subjects_and_paths() {
        for good in ["a", "acme", "shop_2"] {
            assert!(Tenant::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "Acme", "2shop", "_a", "a.b", "a/b", "..", "a*", "é", &"a".repeat(33)] {
            assert!(Tenant::parse(bad).is_err(), "{bad}");
        }
    }
}
