//! The definitions of a read model as they were written. They are kept in its file, so that it can be read, and folded on,
//! when others are in force.

use std::sync::Arc;

use rapport_customer::Model;
use rapport_readmodel::{Definitions, Imprint};
use rapport_touchpoint::{Catalogue, Country, SchemaFile};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The text of the definitions file.
    pub definitions: String,
    country: Option<String>,
    /// The tenant's own, by path.
    schemas: Vec<(String, String)>,
}

impl Source {
    pub fn new(definitions: &str, country: Option<&Country>, catalogue: &Catalogue) -> Self {
        let schema = |file: &SchemaFile| (file.path.clone(), file.text.clone());
        Self {
            definitions: definitions.to_owned(),
            country: country.map(|country| country.code().to_owned()),
            schemas: catalogue.custom().iter().map(schema).collect(),
        }
    }

    /// The same country and schemas with other definitions.
    pub fn with(&self, definitions: &str) -> Self {
        Self { definitions: definitions.to_owned(), ..self.clone() }
    }

    /// The definitions under which a file was folded, if this code makes of its source what it was then.
    pub fn of(imprint: &Imprint, models: &[Model]) -> Option<(Self, Definitions)> {
        if !imprint.has_this_format() {
            return None;
        }
        let source: Self = serde_json::from_str(imprint.source.as_deref()?).ok()?;
        let definitions = source.read(models)?;
        (shown(definitions.fingerprint()) == imprint.fingerprint).then_some((source, definitions))
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts are JSON")
    }

    fn read(&self, models: &[Model]) -> Option<Definitions> {
        let schema = |(path, text): &(String, String)| SchemaFile { path: path.clone(), text: text.clone() };
        let schemas: Vec<SchemaFile> = self.schemas.iter().map(schema).collect();
        let catalogue = Catalogue::with_custom(&schemas).ok()?;
        let country = match &self.country {
            Some(code) => Some(Country::parse(code).ok()?),
            None => None,
        };
        let of_tenant = rapport_customer::Definitions::parse("definitions", &self.definitions, &catalogue).ok()?;
        Some(Definitions {
            rules: of_tenant.rules.with_country(country),
            zone: of_tenant.zone,
            journeys: of_tenant.journeys,
            catalogue: Arc::new(catalogue),
            models: models.to_vec(),
        })
    }
}

/// A fingerprint as files and answers have it.
pub(crate) fn shown(fingerprint: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(fingerprint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rapport_readmodel::{Origin, ReadModel};

    const HALF: &str = "[[journey]]\nname = \"sales\"\n[[journey.stage]]\nname = \"aware\"\nenter = [{ on = [\"*\"] }]";

    fn origin() -> Origin {
        Origin { tenant: "acme".to_owned(), epoch: "e".to_owned(), key: [0; 32] }
    }

    fn source(text: &str) -> Source {
        let schema = SchemaFile { path: "shop.visited/1.json".to_owned(), text: r#"{"title": "a visit"}"#.to_owned() };
        let catalogue = Catalogue::with_custom(&[schema]).unwrap();
        Source::new(text, Country::parse("CN").ok().as_ref(), &catalogue)
    }

    #[test]
    fn what_a_file_was_folded_under_is_read_from_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1.db");
        assert_eq!(Imprint::of(&path).unwrap(), None);
        let source = source(HALF);
        let definitions = source.read(&Model::ALL).unwrap();
        let model = ReadModel::open(&path, origin(), Arc::new(definitions.clone())).unwrap();
        assert!(Source::of(&Imprint::of(&path).unwrap().unwrap(), &Model::ALL).is_none(), "nothing is kept yet");
        model.keep_source(&source.to_json()).unwrap();
        let imprint = Imprint::of(&path).unwrap().unwrap();
        let (kept, read) = Source::of(&imprint, &Model::ALL).unwrap();
        assert_eq!((kept, read.fingerprint()), (source.clone(), definitions.fingerprint()));
        assert!(Source::of(&imprint, &[Model::Identity]).is_none(), "other models are other answers");
        model.keep_source(&source.with("time_zone = \"Asia/Tokyo\"").to_json()).unwrap();
        assert!(Source::of(&Imprint::of(&path).unwrap().unwrap(), &Model::ALL).is_none(), "it is not what was folded");
        model.keep_source("no source").unwrap();
        assert!(Source::of(&Imprint::of(&path).unwrap().unwrap(), &Model::ALL).is_none());
    }
}
