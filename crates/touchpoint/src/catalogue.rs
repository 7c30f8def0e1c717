//! The compiled schemas: which types are known, in which versions, and whether data fits them.
//!
//! A schema file is `schemas/<type>/<version>.json`, JSON Schema 2020-12, with examples. The built-in ones are compiled
//! into the program; a tenant's own are added at start. A `format` such as `date-time` is a rule here, not a remark.

use std::collections::BTreeMap;

use include_dir::{Dir, include_dir};
use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, ValidationError, Validator};
use serde_json::Value;
use thiserror::Error;

use crate::json::Instance;
use crate::limits::MAX_RULE_CHARS;
use crate::violation::{cut, pointer_token, quote};
use crate::{EventType, Json, Object, SchemaVersion, Violation, upcast};

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../schemas");

/// One schema file, read but not yet compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    custom: Vec<SchemaFile>,
    fingerprint: [u8; 16],
}

#[derive(Debug)]
pub(crate) struct Schema {
    json: Value,
    validator: Validator<Instance>,
}

impl Catalogue {
    /// The types that Rapport brings along.
    pub fn built_in() -> Self {
        Self::with_custom(&[]).expect("the built-in schemas are tested")
    }

    /// The built-in types and a tenant's own.
    pub fn with_custom(custom: &[SchemaFile]) -> Result<Self, CatalogueError> {
        let built_in = built_in_files();
        let fingerprint = fingerprint(built_in.iter().chain(custom));
        let mut catalogue = Self { types: BTreeMap::new(), custom: custom.to_vec(), fingerprint };
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

    /// The tenant's own, as they were given.
    pub fn custom(&self) -> &[SchemaFile] {
        &self.custom
    }

    pub fn newest(&self, event_type: &EventType) -> Option<SchemaVersion> {
        self.types.get(event_type)?.last_key_value().map(|(version, _)| *version)
    }

    /// Every known type and version, with the examples of its schema file.
    pub fn examples(&self) -> impl Iterator<Item = (&EventType, SchemaVersion, &[Value])> {
        self.types.iter().flat_map(|(event_type, versions)| {
            versions.iter().map(move |(version, schema)| (event_type, *version, schema.examples()))
        })
    }

    /// The `dataschema` of a type's newest version.
    pub(crate) fn dataschema(&self, event_type: &str) -> Option<String> {
        let (event_type, versions) = self.types.get_key_value(event_type)?;
        versions.last_key_value().map(|(version, _)| version.dataschema(event_type))
    }

    /// The schema of a version, or of the newest; `None` for a type that has none. The error is for `dataschema`.
    pub(crate) fn find(
        &self,
        event_type: &EventType,
        version: Option<SchemaVersion>,
    ) -> Result<Option<(SchemaVersion, &Schema)>, String> {
        match (self.types.get(event_type), version) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(format!("names a schema, but {event_type} has none here; leave it out")),
            (Some(versions), None) => Ok(versions.last_key_value().map(|(version, schema)| (*version, schema))),
            (Some(versions), Some(version)) => match versions.get(&version) {
                Some(schema) => Ok(Some((version, schema))),
                None => {
                    let known: Vec<_> = versions.keys().map(|version| version.dataschema(event_type)).collect();
                    let found = version.dataschema(event_type);
                    Err(format!("is {found}, which is not known; known is {}", known.join(", ")))
                }
            },
        }
    }

    fn add(&mut self, file: &SchemaFile) -> Result<(), CatalogueError> {
        let (event_type, version) = name_of(file)?;
        let path = || file.path.clone();
        let json: Value =
            serde_json::from_str(&file.text).map_err(|source| CatalogueError::Json { path: path(), source })?;
        let validator = jsonschema::options_for::<Instance>()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .build(&json)
            .map_err(|error| CatalogueError::Schema { path: path(), rule: no_schema(&error) })?;
        self.types.entry(event_type).or_default().insert(version, Schema { json, validator });
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

impl Schema {
    /// Holds data against the schema, and gives it back.
    pub(crate) fn validate<'a>(&self, data: Object<'a>) -> Result<Object<'a>, Vec<Violation>> {
        let data = Json::Object(data);
        if !self.validator.is_valid(&data) {
            return Err(self.validator.iter_errors(&data).map(|error| self.explain(&error)).collect());
        }
        let Json::Object(data) = data else { unreachable!("an object was put in") };
        Ok(data)
    }

    fn examples(&self) -> &[Value] {
        self.json.get("examples").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Says what the schema holds against the data, in the words of the schema's own `description` where it has one.
    fn explain(&self, error: &ValidationError<'_>) -> Violation {
        let mut field = format!("data{}", error.instance_path().as_str());
        let keyword = error.schema_path().as_str();
        let (found, ruled) = match error.kind() {
            ValidationErrorKind::Required { property: Value::String(property) } => {
                let property = pointer_token(property);
                field = format!("{field}/{property}");
                let object = keyword.strip_suffix("/required");
                ("is missing".to_owned(), object.map(|object| format!("{object}/properties/{property}")))
            }
            ValidationErrorKind::PropertyNames { error } => {
                (error.masked_with("a name in it").to_string(), parent(keyword))
            }
            _ => (error.masked().to_string(), parent(keyword)),
        };
        let rule = match ruled.and_then(|ruled| self.description(&ruled)) {
            Some(description) => format!("{found}; {description}"),
            None => found,
        };
        Violation::new(field, cut(&rule, MAX_RULE_CHARS))
    }

    /// What the schema says about one field; what it says about the whole event explains no broken rule.
    fn description(&self, field: &str) -> Option<&str> {
        if field.is_empty() {
            return None;
        }
        self.json.pointer(field)?.get("description")?.as_str()
    }
}

fn parent(pointer: &str) -> Option<String> {
    pointer.rsplit_once('/').map(|(parent, _)| parent.to_owned())
}

fn no_schema(error: &ValidationError<'_>) -> String {
    if let ValidationErrorKind::Referencing(_) = error.kind() {
        return "a $ref leads nowhere inside the file; other files and addresses are not fetched".to_owned();
    }
    let rule = cut(&error.to_string(), MAX_RULE_CHARS);
    match error.instance_path().as_str() {
        "" => rule,
        place => format!("at {place}: {rule}"),
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
    let (of_type, version) = dataschema.split_once('/').ok_or_else(|| error("lies in no folder".to_owned()))?;
    let event_type = EventType::parse(of_type).map_err(|rule| error(format!("the type {} {rule}", quote(of_type))))?;
    let version = SchemaVersion::parse(dataschema, &event_type)
        .map_err(|_| error(format!("the version {} is no number from 1", quote(version))))?;
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
