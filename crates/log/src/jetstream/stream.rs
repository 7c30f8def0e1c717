//! The tenant's stream: made at first use, and refused when its settings would forget or hide history.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::context::{CreateStreamErrorKind, GetStreamErrorKind};
use async_nats::jetstream::stream::{Config, DiscardPolicy, Info, PersistenceMode, RetentionPolicy, StorageType};
use async_nats::jetstream::{Context, ErrorCode};
use rapport_touchpoint::limits::MAX_EVENT_BYTES;
use uuid::Uuid;

use super::subject;
use crate::{Epoch, OpenError, Position, ReadError, Tenant};

/// What a message carries besides the event: subject, message id and batch headers, generously.
pub(super) const OVERHEAD_BYTES: usize = 1024;

const DUPLICATE_WINDOW: Duration = Duration::from_secs(120);

/// Where the stream's metadata says what an embedded log says in its file.
pub(super) const EPOCH: &str = "rapport.epoch";
const KEY: &str = "rapport.key";
const TENANT: &str = "rapport.tenant";
/// The log that a stream is a copy of, until the copy is whole.
pub(super) const COPY_OF: &str = "rapport.copy_of";

/// A stream that was found or made, and checked.
pub(super) struct Checked {
    pub(super) epoch: Epoch,
    pub(super) takes_atomic_batches: bool,
}

pub(super) async fn open(context: &Context, tenant: &Tenant, replicas: usize) -> Result<Checked, OpenError> {
    let found = match find(context, tenant).await? {
        Some(config) => config,
        None => make(context, tenant, replicas).await?,
    };
    checked(&found, tenant)
}

/// What an opened log needs to know of its stream, if the stream can be one.
pub(super) fn checked(found: &Config, tenant: &Tenant) -> Result<Checked, OpenError> {
    check(found, tenant)?;
    Ok(Checked { epoch: epoch(found, tenant)?, takes_atomic_batches: found.allow_atomic_publish })
}

/// Where the log ends, if it is still this one.
pub(super) fn head(info: &Info, epoch: Uuid) -> Result<Position, ReadError> {
    let found = info.config.metadata.get(EPOCH).cloned().unwrap_or_default();
    if found != epoch.to_string() {
        return Err(ReadError::Replaced { epoch, found });
    }
    let head = Position(info.state.last_sequence);
    if info.state.messages == 0 && head > Position::START {
        return Err(ReadError::Purged { head });
    }
    Ok(head)
}

pub(super) async fn find(context: &Context, tenant: &Tenant) -> Result<Option<Config>, OpenError> {
    match context.get_stream(subject::stream_name(tenant)).await {
        Ok(stream) => Ok(Some(stream.cached_info().config.clone())),
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(told) if told.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(None),
            _ => Err(OpenError::Server { action: "tell about the stream", source: Arc::new(error) }),
        },
    }
}

/// Of two who make it at once, one wins and both use the winner's.
async fn make(context: &Context, tenant: &Tenant, replicas: usize) -> Result<Config, OpenError> {
    match context.create_stream(config(tenant, replicas, &Epoch::new())).await {
        Ok(stream) => Ok(stream.cached_info().config.clone()),
        Err(error) => {
            let lost = matches!(error.kind(), CreateStreamErrorKind::JetStream(told)
                if told.error_code() == ErrorCode::STREAM_NAME_EXIST);
            let winner = if lost { find(context, tenant).await? } else { None };
            winner.ok_or_else(|| OpenError::Server { action: "make the stream", source: Arc::new(error) })
        }
    }
}

/// One that nobody else makes.
pub(super) async fn create(context: &Context, config: Config) -> Result<Config, OpenError> {
    let created = context.create_stream(config).await;
    let stream = created.map_err(|error| OpenError::Server { action: "make the stream", source: Arc::new(error) })?;
    Ok(stream.cached_info().config.clone())
}

pub(super) fn config(tenant: &Tenant, replicas: usize, epoch: &Epoch) -> Config {
    Config {
        name: subject::stream_name(tenant),
        description: Some(format!("Rapport: the log of tenant {tenant}; never limit it")),
        subjects: subject::all(tenant),
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        discard: DiscardPolicy::New,
        max_bytes: -1,
        max_messages: -1,
        max_messages_per_subject: -1,
        max_message_size: -1,
        max_consumers: -1,
        num_replicas: replicas,
        duplicate_window: DUPLICATE_WINDOW,
        allow_direct: true,
        // A server before 2.12 does not know it; then events go one by one.
        allow_atomic_publish: true,
        metadata: HashMap::from([
            (EPOCH.to_owned(), epoch.id.to_string()),
            (KEY.to_owned(), hex(&epoch.key)),
            (TENANT.to_owned(), tenant.to_string()),
        ]),
        ..Config::default()
    }
}

/// Refuses a stream that could lose what it acknowledged, or not take what it is given.
fn check(config: &Config, tenant: &Tenant) -> Result<(), OpenError> {
    let needed_bytes = MAX_EVENT_BYTES + OVERHEAD_BYTES;
    let too_small = config.max_message_size > 0 && (config.max_message_size as usize) < needed_bytes;
    let missing = subject::all(tenant).into_iter().find(|subject| !config.subjects.contains(subject));
    let unlimited = "a log forgets nothing: set it to -1";
    let rules = [
        (
            config.max_age > Duration::ZERO,
            "max_age",
            format!("{:?}", config.max_age),
            "a log forgets nothing: set it to 0",
        ),
        (config.max_bytes > 0, "max_bytes", config.max_bytes.to_string(), unlimited),
        (config.max_messages > 0, "max_msgs", config.max_messages.to_string(), unlimited),
        (
            config.max_messages_per_subject > 0,
            "max_msgs_per_subject",
            config.max_messages_per_subject.to_string(),
            unlimited,
        ),
        (
            too_small,
            "max_msg_size",
            config.max_message_size.to_string(),
            "an event with its headers has up to 263168 bytes: set it to -1",
        ),
        (
            config.retention != RetentionPolicy::Limits,
            "retention",
            format!("{:?}", config.retention),
            "a log keeps what was read: make the stream anew with limits",
        ),
        (
            config.storage != StorageType::File,
            "storage",
            format!("{:?}", config.storage),
            "a log outlives its server: make the stream anew with file",
        ),
        (config.no_ack, "no_ack", "true".to_owned(), "nothing is accepted without the server's word: set it to false"),
        (config.sealed, "sealed", "true".to_owned(), "nothing can be appended: make the stream anew"),
        (
            config.allow_rollup,
            "allow_rollup_hdrs",
            "true".to_owned(),
            "one message could wipe the log: set it to false",
        ),
        (config.allow_message_ttl, "allow_msg_ttl", "true".to_owned(), "a log forgets nothing: make the stream anew"),
        (
            config.persist_mode == Some(PersistenceMode::Async),
            "persist_mode",
            "async".to_owned(),
            "the server would accept before it wrote: make the stream anew with default",
        ),
        (
            config.mirror.is_some(),
            "mirror",
            "another stream".to_owned(),
            "nothing can be appended: use the stream itself",
        ),
        (
            config.subject_transform.is_some(),
            "subject_transform",
            "a transform".to_owned(),
            "subjects say channel and type: remove it",
        ),
        (
            config.metadata.contains_key(COPY_OF),
            COPY_OF,
            config.metadata.get(COPY_OF).cloned().unwrap_or_default(),
            "a copy into it was not finished: run rapport migrate or rapport restore again, or remove the stream",
        ),
        (
            missing.is_some(),
            "subjects",
            config.subjects.join(" "),
            "it must take touchpoint.<tenant>.> and control.<tenant>.>",
        ),
    ];
    match rules.into_iter().find(|(broken, ..)| *broken) {
        Some((_, setting, found, right)) => {
            Err(OpenError::Setting { stream: config.name.clone(), setting, found, right })
        }
        None => Ok(()),
    }
}

fn epoch(config: &Config, tenant: &Tenant) -> Result<Epoch, OpenError> {
    let absent = |missing| OpenError::NoMetadata { stream: config.name.clone(), missing };
    let id = config.metadata.get(EPOCH).and_then(|text| Uuid::parse_str(text).ok()).ok_or_else(|| absent(EPOCH))?;
    let key = config.metadata.get(KEY).and_then(|text| from_hex(text)).ok_or_else(|| absent(KEY))?;
    let of = config.metadata.get(TENANT).ok_or_else(|| absent(TENANT))?;
    if of != tenant.as_str() {
        return Err(OpenError::Setting {
            stream: config.name.clone(),
            setting: TENANT,
            found: of.clone(),
            right: "a stream belongs to the tenant in its name: it was copied from another's",
        });
    }
    Ok(Epoch { id, key })
}

pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
    if digits.len() == 64 { bytes.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back() {
        let key = std::array::from_fn(|i| (i * 9) as u8);
        assert_eq!(from_hex(&hex(&key)), Some(key));
        assert_eq!(from_hex("00"), None);
        assert_eq!(from_hex(&"zz".repeat(32)), None);
    }

    #[test]
    fn the_advice_on_message_size_is_true() {
        assert_eq!(MAX_EVENT_BYTES + OVERHEAD_BYTES, 263_168);
    }
}
