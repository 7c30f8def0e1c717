//! What a touchpoint told of who it was, as it is put aside until all have been heard.

use rapport_touchpoint::{OrderKey, Timestamp};

use super::interned::Number;

/// Position, moment of receipt, label (8 + 8 + 4 bytes), then the number of identifiers (2), these (4 each) and the key.
const FIXED: usize = 22;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told<'a> {
    pub position: u64,
    pub recorded_at: Timestamp,
    /// Its type and channel.
    pub label: u32,
    pub named: Named<'a>,
    pub key: &'a [u8],
}

/// An event's identifiers, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Named<'a>(&'a [u8]);

impl Named<'_> {
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Number> + Clone {
        self.0.chunks_exact(4).map(|number| Number::from_be_bytes(number.try_into().expect("a chunk of 4 bytes")))
    }
}

impl<'a> Told<'a> {
    pub fn write(
        into: &mut Vec<u8>,
        (position, recorded_at): (u64, Timestamp),
        label: u32,
        named: &[Number],
        key: &OrderKey,
    ) {
        into.clear();
        into.extend_from_slice(&position.to_be_bytes());
        into.extend_from_slice(&recorded_at.nanos().to_be_bytes());
        into.extend_from_slice(&label.to_be_bytes());
        let count = u16::try_from(named.len()).expect("an event has a limit");
        into.extend_from_slice(&count.to_be_bytes());
        for number in named {
            into.extend_from_slice(&number.to_be_bytes());
        }
        into.extend_from_slice(key.as_bytes());
    }

    /// What [`Told::write`] wrote; `None` if it is not.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (fixed, rest) = bytes.split_first_chunk::<FIXED>()?;
        let (position, fixed) = fixed.split_first_chunk()?;
        let (recorded_at, fixed) = fixed.split_first_chunk()?;
        let (label, count) = fixed.split_first_chunk()?;
        let count = usize::from(u16::from_be_bytes(count.try_into().ok()?));
        let (named, key) = rest.split_at_checked(4 * count)?;
        Some(Self {
            position: u64::from_be_bytes(*position),
            recorded_at: Timestamp::from_nanos(i64::from_be_bytes(*recorded_at))?,
            label: u32::from_be_bytes(*label),
            named: Named(named),
            key,
        })
    }

    pub fn order_key(&self) -> OrderKey {
        OrderKey::from_bytes(self.key.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_aside_is_what_was_told() {
        for named in [&[][..], &[7], &[3, 1, 70_000]] {
            let key = OrderKey::from_bytes(b"a key".to_vec());
            let recorded_at = Timestamp::from_nanos(77).unwrap();
            let mut bytes = b"of before".to_vec();
            Told::write(&mut bytes, (1 << 40, recorded_at), 9, named, &key);
            let told = Told::read(&bytes).unwrap();
            assert_eq!((told.position, told.recorded_at, told.label), (1 << 40, recorded_at, 9));
            assert_eq!(told.named.iter().collect::<Vec<_>>(), named);
            assert_eq!(told.order_key(), key);
        }
        assert_eq!(Told::read(b"too short"), None);
    }
}
