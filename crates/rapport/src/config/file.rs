//! `rapport.toml`: tenants, limits, and how the log is replicated. Unknown keys are errors.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rapport_customer::Definitions;
use rapport_log::Tenant;
use rapport_touchpoint::{Catalogue, Country, SchemaFile};
use serde::Deserialize;

use super::{ConfigError, CustomTypes, DEFAULT_TENANT, Limits, TenantConfig};

/// JetStream replicates a stream at most this often; even numbers survive no more failures than the odd one below.
const REPLICAS: [i64; 3] = [1, 3, 5];
/// One request has up to 16 MiB, and has to fit.
const IN_FLIGHT_BYTES: std::ops::RangeInclusive<i64> = 16 * 1024 * 1024..=4 * 1024 * 1024 * 1024;
/// Each pair of type and channel is a subject on the server and a number in memory.
const EVENT_TYPES: std::ops::RangeInclusive<i64> = 1..=4096;
const CHANNELS: std::ops::RangeInclusive<i64> = 1..=1024;

/// What the file says, checked; the defaults where there is none.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) tenants: BTreeMap<Tenant, TenantConfig>,
    pub(super) limits: Limits,
    pub(super) replicas: usize,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FileText {
    tenants: BTreeMap<String, TenantText>,
    limits: LimitsText,
    jetstream: JetStreamText,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TenantText {
    country: Option<String>,
    schemas: Option<PathBuf>,
    definitions: Option<PathBuf>,
    custom_types: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LimitsText {
    in_flight_bytes: Option<i64>,
    event_types: Option<i64>,
    channels: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct JetStreamText {
    replicas: Option<i64>,
}

pub(super) fn read(path: Option<&Path>) -> Result<Checked, ConfigError> {
    let (text, path) = match path {
        None => (String::new(), Path::new("")),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
            (text, path)
        }
    };
    let parsed: FileText =
        toml::from_str(&text).map_err(|source| ConfigError::Toml { file: path.to_owned(), source })?;
    let file = File { path };
    Ok(Checked {
        limits: file.limits(&parsed.limits)?,
        replicas: file.replicas(parsed.jetstream.replicas)?,
        tenants: file.tenants(parsed.tenants)?,
    })
}

/// The file that the values come from, for the errors.
struct File<'a> {
    path: &'a Path,
}

impl File<'_> {
    fn tenants(&self, mut texts: BTreeMap<String, TenantText>) -> Result<BTreeMap<Tenant, TenantConfig>, ConfigError> {
        if texts.is_empty() {
            texts.insert(DEFAULT_TENANT.to_owned(), TenantText::default());
        }
        texts
            .into_iter()
            .map(|(name, text)| {
                let tenant = Tenant::parse(&name).map_err(|right| self.wrong("the key under tenants", &name, right))?;
                let config = self.tenant(&tenant, &text)?;
                Ok((tenant, config))
            })
            .collect()
    }

    fn tenant(&self, tenant: &Tenant, text: &TenantText) -> Result<TenantConfig, ConfigError> {
        let key = |name: &str| format!("tenants.{tenant}.{name}");
        let country = text.country.as_deref().map(|code| {
            let right = "it must be a country code such as \"CN\" (ISO 3166-1 alpha-2)";
            Country::parse(code).map_err(|_| self.wrong(&key("country"), code, right.to_owned()))
        });
        let custom_types = match text.custom_types.as_deref() {
            None | Some("accept") => CustomTypes::Accept,
            Some("refuse") => CustomTypes::Refuse,
            Some(other) => {
                let right = "it must be \"accept\" or \"refuse\"".to_owned();
                return Err(self.wrong(&key("custom_types"), other, right));
            }
        };
        let catalogue = match &text.schemas {
            None => Catalogue::built_in(),
            Some(folder) => self.catalogue(&key("schemas"), folder)?,
        };
        let definitions = match &text.definitions {
            None => Definitions::standard(&catalogue),
            Some(path) => self.definitions(&key("definitions"), path, &catalogue)?,
        };
        let rules = definitions.rules.clone().with_country(country.transpose()?);
        Ok(TenantConfig {
            rules,
            catalogue: Arc::new(catalogue),
            definitions: Arc::new(definitions),
            definitions_file: text.definitions.as_deref().map(|path| self.beside_this(path)),
            custom_types,
        })
    }

    /// A relative folder is meant from where the file lies, so that a configuration can be moved as a whole.
    fn catalogue(&self, key: &str, folder: &Path) -> Result<Catalogue, ConfigError> {
        let (file, value) = (self.path.to_owned(), folder.to_owned());
        match schema_files(&self.beside_this(folder)) {
            Err(source) => Err(ConfigError::Schemas { file, key: key.to_owned(), value, source }),
            Ok(files) => Catalogue::with_custom(&files).map_err(|source| ConfigError::Schema {
                file,
                key: key.to_owned(),
                value,
                source: Box::new(source),
            }),
        }
    }

    /// Relative as a folder of schemas is. Errors name it as it is named in `rapport.toml`.
    fn definitions(&self, key: &str, path: &Path, catalogue: &Catalogue) -> Result<Definitions, ConfigError> {
        let (file, key) = (self.path.to_owned(), key.to_owned());
        match std::fs::read_to_string(self.beside_this(path)) {
            Err(source) => Err(ConfigError::Unread { file, key, value: path.to_owned(), source }),
            Ok(text) => Definitions::parse(&path.display().to_string(), &text, catalogue)
                .map_err(|source| ConfigError::Definitions { file, key, source: Box::new(source) }),
        }
    }

    fn beside_this(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }

    fn limits(&self, text: &LimitsText) -> Result<Limits, ConfigError> {
        let Limits { in_flight_bytes, event_types, channels } = Limits::default();
        Ok(Limits {
            in_flight_bytes: self.within("in_flight_bytes", text.in_flight_bytes, IN_FLIGHT_BYTES, in_flight_bytes)?,
            event_types: self.within("event_types", text.event_types, EVENT_TYPES, event_types)?,
            channels: self.within("channels", text.channels, CHANNELS, channels)?,
        })
    }

    fn within(
        &self,
        name: &str,
        value: Option<i64>,
        right: std::ops::RangeInclusive<i64>,
        default: usize,
    ) -> Result<usize, ConfigError> {
        let Some(value) = value else { return Ok(default) };
        usize::try_from(value).ok().filter(|_| right.contains(&value)).ok_or_else(|| ConfigError::Value {
            file: self.path.to_owned(),
            key: format!("limits.{name}"),
            value: value.to_string(),
            right: format!("it must be from {} to {}", right.start(), right.end()),
        })
    }

    fn replicas(&self, value: Option<i64>) -> Result<usize, ConfigError> {
        let value = value.unwrap_or(1);
        usize::try_from(value).ok().filter(|_| REPLICAS.contains(&value)).ok_or_else(|| ConfigError::Value {
            file: self.path.to_owned(),
            key: "jetstream.replicas".to_owned(),
            value: value.to_string(),
            right: "it must be 1, 3 or 5, and the cluster must have as many servers".to_owned(),
        })
    }

    fn wrong(&self, key: &str, value: &str, right: String) -> ConfigError {
        ConfigError::Value { file: self.path.to_owned(), key: key.to_owned(), value: format!("{value:?}"), right }
    }
}

/// Every `<type>/<version>.json` under the folder, in the order of their names. Other files are errors of the
/// catalogue, hidden ones are left alone.
fn schema_files(folder: &Path) -> std::io::Result<Vec<SchemaFile>> {
    let mut files = Vec::new();
    for event_type in entries(folder)? {
        if !folder.join(&event_type).is_dir() {
            let text = std::fs::read_to_string(folder.join(&event_type))?;
            files.push(SchemaFile { path: event_type, text });
            continue;
        }
        for version in entries(&folder.join(&event_type))? {
            let text = std::fs::read_to_string(folder.join(&event_type).join(&version))?;
            files.push(SchemaFile { path: format!("{event_type}/{version}"), text });
        }
    }
    Ok(files)
}

fn entries(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
