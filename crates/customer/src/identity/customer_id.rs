//! Customer ids: a keyed hash of an identifier, so that every identifier has one and none gives its value away.

use std::fmt;

use rapport_touchpoint::Identifier;

const PREFIX: &str = "cus_";

/// 128 bits of keyed BLAKE3 over `namespace:value`, with the tenant's key. As text `cus_` and 32 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CustomerId(pub [u8; 16]);

impl CustomerId {
    pub fn of(identifier: &Identifier, key: &[u8; 32]) -> Self {
        let hash = blake3::keyed_hash(key, identifier.to_string().as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&hash.as_bytes()[..16]);
        Self(id)
    }

    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX).filter(|digits| digits.len() == 32)?;
        let hex = digits.bytes().all(|d| matches!(d, b'0'..=b'9' | b'a'..=b'f'));
        hex.then(|| u128::from_str_radix(digits, 16).ok()).flatten().map(|bits| Self(bits.to_be_bytes()))
    }
}

impl fmt::Display for CustomerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{:032x}", u128::from_be_bytes(self.0))
    }
}
