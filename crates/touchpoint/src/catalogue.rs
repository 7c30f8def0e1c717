//! The compiled schemas: which types are known, in which versions, and whether data fits them.
//!
//! A schema file is `schemas/<type>/<version>.json`, JSON Schema 2020-12, with examples. The built-in ones are compiled
//! into the program; a tenant's own are added at start.

use std::collections::BTreeMap;

use include_dir::{Dir, include_dir};
use jsonschema::Validator;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::violation::quote;
use crate::{Content, EventType, SchemaVersion, Violation, upcast};

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../schemas");

/// A longer explanation of a broken rule is cut here.
const MAX_RULE_CHARS: usize = 200;

/// One schema file, read but not yet compiled.
#[derive(Debug, Clone)]
pub struct SchemaFile {
    /// `<type>/<version>.json`.
    pub path: String,
    pub text: String,
}

#[derive(Debug, Error)]
pub enum CatalogueError {
    #[error("schema file {path}: {rule}; a schema file is called <type>/<version>.json")]
    Name { path: String, rule: String },
    #[error("schema file {path} is not JSON: {source}")]
    Json { path: String, source: serde_json::Error },
    #[error("schema file {path} is not a JSON Schema 2020-12: {rule}")]
    Schema { path: String, rule: String },
    #[error("schema file {path} describes a type that Rapport brings along; give yours a name of its own")]
    BuiltIn { path: String },
    #[error(
        "schema file {path} has a newer version, but nothing says how its data becomes that one; keep one version of a custom type"
    )]
    NoUpcast { path: String },
}

/// All schemas of one tenant.
#[derive(Debug)]
pub struct Catalogue {
    types: BTreeMap<EventType, BTreeMap<SchemaVersion, Schema>>,
    fingerprint: [u8; 16],
}

#[derive(Debug)]
struct Schema {
    validator: Validator,
    examples: Vec<Value>,
}

impl Catalogue {
    /// The types that Rapport brings along.
    pub fn built_in() -> Self {
        Self::with_custom(&[]).expect("the built-in schemas are tested")
    }

    /// The built-in types and a tenant's own.
    pub fn with_custom(custom: &[SchemaFile]) -> Result<Self, CatalogueError> {
        let built_in = built_in_files();
        let mut catalogue = Self { types: BTreeMap::new(), fingerprint: fingerprint(built_in.iter().chain(custom)) };
        for file in &built_in {
            catalogue.add(file)?;
        }
        let own: Vec<EventType> = catalogue.types.keys().cloned().collect();
        for file in custom {
            let (event_type, _) = name_of(file)?;
            if own.contains(&event_type) || event_type.is_decision() {
                return Err(CatalogueError::BuiltIn { path: file.path.clone() });
            }
            catalogue.add(file)?;
        }
        catalogue.check_upcasts()?;
        Ok(catalogue)
    }

    /// Changes whenever a schema does.
    pub fn fingerprint(&self) -> [u8; 16] {
        self.fingerprint
    }

    pub fn newest(&self, event_type: &EventType) -> Option<SchemaVersion> {
        self.types.get(event_type)?.last_key_value().map(|(version, _)| *version)
    }

    /// Every known type and version, with the examples of its schema file.
    pub fn examples(&self) -> impl Iterator<Item = (&EventType, SchemaVersion, &[Value])> {
        self.types.iter().flat_map(|(event_type, versions)| {
            versions.iter().map(move |(version, schema)| (event_type, *version, schema.examples.as_slice()))
        })
    }

    pub(crate) fn known(&self, event_type: &EventType, version: SchemaVersion) -> Result<(), String> {
        let Some(versions) = self.types.get(event_type) else {
            return Err(format!("names a schema, but {event_type} has none here; leave it out"));
        };
        if versions.contains_key(&version) {
            return Ok(());
        }
        let known: Vec<_> = versions.keys().map(|version| version.dataschema(event_type)).collect();
        Err(format!("is {}, which is not known; known is {}", version.dataschema(event_type), known.join(", ")))
    }

    /// Holds data against its schema, brings it to the newest version, and reads it.
    pub(crate) fn read(
        &self,
        event_type: &EventType,
        version: SchemaVersion,
        data: &Map<String, Value>,
    ) -> Result<Content, Vec<Violation>> {
        let versions = self.types.get(event_type);
        if let Some(schema) = versions.and_then(|versions| versions.get(&version)) {
            let data = Value::Object(data.clone());
            let violations: Vec<_> = schema
                .validator
                .iter_errors(&data)
                .map(|error| {
                    Violation::new(format!("data{}", error.instance_path().as_str()), cut(&error.masked().to_string()))
                })
                .collect();
            if !violations.is_empty() {
                return Err(violations);
            }
        }
        let newest = self.newest(event_type).unwrap_or(version);
        let data = upcast::upcast(event_type, version, newest, data);
        Content::of(event_type, &data).map_err(|error| vec![Violation::new("data", cut(&error.to_string()))])
    }

    fn add(&mut self, file: &SchemaFile) -> Result<(), CatalogueError> {
        let (event_type, version) = name_of(file)?;
        let path = || file.path.clone();
        let schema: Value =
            serde_json::from_str(&file.text).map_err(|source| CatalogueError::Json { path: path(), source })?;
        let validator = jsonschema::draft202012::new(&schema)
            .map_err(|error| CatalogueError::Schema { path: path(), rule: cut(&error.to_string()) })?;
        let examples = schema.get("examples").and_then(Value::as_array).cloned().unwrap_or_default();
        self.types.entry(event_type).or_default().insert(version, Schema { validator, examples });
        Ok(())
    }

    fn check_upcasts(&self) -> Result<(), CatalogueError> {
        for (event_type, versions) in &self.types {
            let newest = versions.last_key_value().map(|(version, _)| *version);
            for version in versions.keys() {
                if newest.is_some_and(|newest| !upcast::reaches(event_type, *version, newest)) {
                    return Err(CatalogueError::NoUpcast { path: format!("{}.json", version.dataschema(event_type)) });
                }
            }
        }
        Ok(())
    }
}

fn built_in_files() -> Vec<SchemaFile> {
    BUILT_IN
        .dirs()
        .flat_map(Dir::files)
        .filter_map(|file| {
            let path = file.path().to_str()?.to_owned();
            let text = file.contents_utf8()?.to_owned();
            Some(SchemaFile { path, text })
        })
        .collect()
}

fn name_of(file: &SchemaFile) -> Result<(EventType, SchemaVersion), CatalogueError> {
    let error = |rule: String| CatalogueError::Name { path: file.path.clone(), rule };
    let dataschema = file.path.strip_suffix(".json").ok_or_else(|| error("does not end in .json".to_owned()))?;
    let (of_type, _) = dataschema.split_once('/').ok_or_else(|| error("lies in no folder".to_owned()))?;
    let event_type = EventType::parse(of_type).map_err(|rule| error(format!("the type {} {rule}", quote(of_type))))?;
    let version = SchemaVersion::parse(dataschema, &event_type).map_err(error)?;
    Ok((event_type, version))
}

fn fingerprint<'a>(files: impl Iterator<Item = &'a SchemaFile>) -> [u8; 16] {
    let by_path: BTreeMap<&str, &str> = files.map(|file| (file.path.as_str(), file.text.as_str())).collect();
    let mut hasher = blake3::Hasher::new();
    for (path, text) in by_path {
        hasher.update(blake3::hash(path.as_bytes()).as_bytes()).update(blake3::hash(text.as_bytes()).as_bytes());
    }
    let mut hash = [0; 16];
    hash.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    hash
}

fn cut(rule: &str) -> String {
    if rule.chars().count() <= MAX_RULE_CHARS {
        return rule.to_owned();
    }
    rule.chars().take(MAX_RULE_CHARS).chain(['…']).collect()
}
