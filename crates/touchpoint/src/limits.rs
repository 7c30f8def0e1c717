//! Limits on everything that a stranger can send. Each is stated in the error that it causes.

/// Bytes of one touchpoint as JSON on the log. Far below JetStream's default `max_payload` of 1 MiB.
pub const MAX_EVENT_BYTES: usize = 256 * 1024;
/// Objects and lists within each other, the event itself included. Far below the 128 that a JSON parser follows.
pub const MAX_DEPTH: usize = 64;
/// Bytes of `id` and of `source`.
pub const MAX_NAME_BYTES: usize = 256;
/// Bytes of `sequence`.
pub const MAX_SEQUENCE_BYTES: usize = 64;
/// Bytes of `type`.
pub const MAX_TYPE_BYTES: usize = 64;
/// Dot-separated words of `type`; each is one token of a NATS subject.
pub const MAX_TYPE_WORDS: usize = 5;
/// Bytes of `channel`.
pub const MAX_CHANNEL_BYTES: usize = 32;
/// Bytes of an identifier's namespace.
pub const MAX_NAMESPACE_BYTES: usize = 32;
/// Bytes of an identifier's value.
pub const MAX_IDENTIFIER_BYTES: usize = 256;
/// Identifiers of one event, subject and lists included.
pub const MAX_IDENTIFIERS: usize = 50;
/// CloudEvents extension attributes that Rapport gives no meaning to, per event.
pub const MAX_EXTENSIONS: usize = 20;
/// Bytes of one such attribute's text.
pub const MAX_EXTENSION_BYTES: usize = 1024;
/// Characters of a stranger's text that an error message repeats.
pub const MAX_QUOTED_CHARS: usize = 48;
/// Characters of the field that a violation names; a stranger's keys may be of any length.
pub const MAX_FIELD_CHARS: usize = 200;
/// Characters of the rule that data breaks, as its schema explains it.
pub const MAX_RULE_CHARS: usize = 200;
/// Violations reported for one event; the rest are counted.
pub const MAX_VIOLATIONS: usize = 10;
/// Identifiers on one side of a decision.
pub const MAX_DECIDED_IDENTIFIERS: usize = 50;
/// Decisions that one decision cancels.
pub const MAX_CANCELLED: usize = 50;
/// Bytes of the reason for a decision.
pub const MAX_REASON_BYTES: usize = 1024;
/// Bytes of who decided.
pub const MAX_BY_BYTES: usize = 128;
