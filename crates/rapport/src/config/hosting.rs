//! `--roles` and `--models`: names with commas between them.

use rapport_customer::Model;

use super::ConfigError;
use crate::hosting::{Hosting, Role};

/// What is not given means all of it.
pub(super) fn hosting(roles: Option<&str>, models: Option<&str>) -> Result<Hosting, ConfigError> {
    let asked = match roles {
        None => Role::ALL.to_vec(),
        Some(text) => named("--roles", text, &Role::ALL, Role::name)?,
    };
    let found = match models {
        None => Model::ALL.to_vec(),
        Some(text) => named("--models", text, &Model::ALL, Model::name)?,
    };
    if !asked.contains(&Role::Projector) {
        return match (models, roles) {
            (Some(models), Some(roles)) => {
                let right =
                    format!("a process with --roles {roles} folds no models: leave it out, or add the role projector");
                Err(ConfigError::Argument { argument: "--models", value: models.to_owned(), right })
            }
            _ => Ok(Hosting::new(true, &[])),
        };
    }
    Ok(Hosting::new(asked.contains(&Role::Gateway), &found))
}

fn named<T: Copy>(
    argument: &'static str,
    text: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<Vec<T>, ConfigError> {
    let known: Vec<&str> = all.iter().map(|one| name(*one)).collect();
    let wrong = |what: String| ConfigError::Argument {
        argument,
        value: text.to_owned(),
        right: format!("{what}it must be one or more of {}, with commas between them", known.join(", ")),
    };
    let words: Vec<&str> = text.split(',').map(str::trim).collect();
    let mut found = Vec::new();
    for (place, word) in words.iter().enumerate() {
        if words[..place].contains(word) {
            return Err(wrong(format!("{word} is there twice; ")));
        }
        match all.iter().find(|one| name(**one) == *word) {
            Some(one) => found.push(*one),
            None if word.is_empty() => return Err(wrong("a name is missing; ".to_owned())),
            None => return Err(wrong(format!("there is no {word}; "))),
        }
    }
    Ok(found)
}
