//! Which log it is: an id and the tenant's key, written once when the log is created.

use std::fmt;

use uuid::Uuid;

/// Tells one log from another that was created in its place. The key makes customer ids; it is a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Epoch {
    pub id: Uuid,
    pub key: [u8; 32],
}

impl Epoch {
    pub(crate) fn new() -> Self {
        let mut key = blake3::Hasher::new();
        // A v4 id carries 122 random bits; four of them are more than the key can hold.
        for _ in 0..4 {
            key.update(Uuid::new_v4().as_bytes());
        }
        Self { id: Uuid::new_v4(), key: *key.finalize().as_bytes() }
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Epoch").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_not_shown() {
        let epoch = Epoch { id: Uuid::nil(), key: [171; 32] };
        let shown = format!("{epoch:?}");
        assert!(!shown.contains("171") && !shown.contains("key"), "{shown}");
    }
}
