//! The trace that an event's way is part of, carried beside the event: no part of it, and never a reason for anything.

use std::fmt;

/// A `traceparent` as W3C Trace Context has it: whose trace, below which span, and whether it is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceParent {
    pub trace_id: u128,
    pub span_id: u64,
    pub flags: u8,
}

impl TraceParent {
    /// `None` for what is none, so that a broken one costs the trace and not the event.
    pub fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split('-');
        let mut digits = |length: usize| {
            let is_hex = |text: &&str| text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
            fields.next().filter(|text| text.len() == length).filter(is_hex)
        };
        let (version, trace_id, span_id, flags) = (digits(2)?, digits(32)?, digits(16)?, digits(2)?);
        // A later version may have more fields; this one has none.
        if version == "ff" || (version == "00" && fields.next().is_some()) {
            return None;
        }
        let trace_id = u128::from_str_radix(trace_id, 16).ok().filter(|id| *id != 0)?;
        let span_id = u64::from_str_radix(span_id, 16).ok().filter(|id| *id != 0)?;
        Some(Self { trace_id, span_id, flags: u8::from_str_radix(flags, 16).ok()? })
    }

    /// Does anybody record it?
    pub fn is_sampled(self) -> bool {
        self.flags & 1 == 1
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, self.flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn it_is_read_as_it_is_written() {
        let trace = TraceParent::parse(GOOD).unwrap();
        assert_eq!((trace.to_string().as_str(), trace.is_sampled()), (GOOD, true));
        assert_eq!((trace.trace_id, trace.span_id), (0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736, 0x00f0_67aa_0ba9_02b7));
        assert!(!TraceParent::parse(&GOOD.replace("-01", "-00")).unwrap().is_sampled());
        assert!(TraceParent::parse(&GOOD.replace("00-4", "01-4").replace("-01", "-01-more")).is_some());
    }

    #[test]
    fn what_is_none_is_none() {
        let without_ids = ["00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-1-2-01", "", "00"];
        let changed = [
            GOOD.to_uppercase(),
            format!("{GOOD}-more"),
            GOOD.replace("00-4", "ff-4"),
            GOOD.replace("00f067aa0ba902b7", "0000000000000000"),
            GOOD.replace('f', "+"),
            format!(" {GOOD}"),
        ];
        for none in without_ids.into_iter().map(str::to_owned).chain(changed) {
            assert_eq!(TraceParent::parse(&none), None, "{none}");
        }
    }
}
