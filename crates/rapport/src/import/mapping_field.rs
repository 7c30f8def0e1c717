//! From TOML to a [`Field`]: text is a template, a table with `column` is a column, other tables and lists are nested.

use serde_json::Value;
use toml::Value as Toml;

use super::field::{Column, Content, Field, Kind, Names};
use super::moment::Moment;
use super::template::Template;

/// A key of the mapping file and what is wrong with it.
#[derive(Debug)]
pub struct Wrong {
    pub key: String,
    pub problem: String,
}

impl Wrong {
    pub fn at_top(key: &str, problem: impl Into<String>) -> Self {
        Self { key: key.to_owned(), problem: problem.into() }
    }

    /// `path` is below `[touchpoint]`: `data/items/0`.
    pub fn new(path: &str, problem: impl Into<String>) -> Self {
        Self { key: format!("touchpoint.{}", path.replace('/', ".")), problem: problem.into() }
    }
}

/// Text of an attribute. What is not `optional` every event must have.
pub fn text(path: &str, toml: Toml, optional: bool) -> Result<Field, Wrong> {
    let content = match toml {
        Toml::String(text) => template(path, &text)?,
        Toml::Table(table) => {
            let column = column(path, table)?;
            if column.kind != Kind::String {
                return Err(Wrong::new(&format!("{path}/as"), "has no place here; this is text"));
            }
            if column.optional && !optional {
                return Err(Wrong::new(&format!("{path}/optional"), "has no place here; every event needs this"));
            }
            Content::Column(column)
        }
        other => return Err(Wrong::new(path, format!("is {}; must be text or {{ column = \"…\" }}", kind_of(&other)))),
    };
    Ok(Field { path: path.to_owned(), content })
}

/// Anything in `data`.
pub fn field(path: &str, toml: Toml) -> Result<Field, Wrong> {
    let content = match toml {
        Toml::String(text) => template(path, &text)?,
        Toml::Integer(number) => Content::Fixed(Value::from(number)),
        Toml::Boolean(flag) => Content::Fixed(Value::from(flag)),
        Toml::Float(_) | Toml::Datetime(_) => {
            return Err(Wrong::new(path, format!("is {}; write it as text, in quotes", kind_of(&toml))));
        }
        Toml::Table(table) if table.contains_key("column") => Content::Column(column(path, table)?),
        Toml::Table(table) => {
            let fields =
                table.into_iter().map(|(name, toml)| Ok((name.clone(), field(&format!("{path}/{name}"), toml)?)));
            Content::Table(fields.collect::<Result<_, _>>()?)
        }
        Toml::Array(list) => {
            let fields = list.into_iter().enumerate().map(|(at, toml)| field(&format!("{path}/{at}"), toml));
            Content::List(fields.collect::<Result<_, _>>()?)
        }
    };
    Ok(Field { path: path.to_owned(), content })
}

/// `{ column = "date", format = "…", offset = "…" }`
pub fn moment(path: &str, toml: Toml) -> Result<(String, Moment), Wrong> {
    let Toml::Table(table) = toml else {
        let right = "must be { column = \"…\", format = \"rfc3339\" }";
        return Err(Wrong::new(path, format!("is {}; {right}", kind_of(&toml))));
    };
    let mut keys = Keys { path, table };
    let name = keys.required("column")?;
    let format = keys.required("format")?;
    let offset = keys.text("offset")?;
    keys.nothing_else("a time; it has column, format and offset")?;
    let moment = Moment::parse(&format, offset.as_deref())
        .map_err(|(key, problem)| Wrong::new(&format!("{path}/{key}"), problem))?;
    Ok((name, moment))
}

fn template(path: &str, text: &str) -> Result<Content, Wrong> {
    Template::parse(text).map(Content::Template).map_err(|problem| Wrong::new(path, problem))
}

fn column(path: &str, table: toml::Table) -> Result<Column, Wrong> {
    let mut keys = Keys { path, table };
    let name = keys.required("column")?;
    let kind = match keys.text("as")?.as_deref() {
        None | Some("string") => Kind::String,
        Some("integer") => Kind::Integer,
        Some("decimal") => Kind::Decimal,
        Some("boolean") => Kind::Boolean,
        Some("json") => Kind::Json,
        Some(other) => {
            let right = "must be \"string\", \"integer\", \"decimal\", \"boolean\" or \"json\"";
            return Err(keys.wrong("as", format!("is {other:?}; {right}")));
        }
    };
    let optional = match keys.table.remove("optional") {
        None => false,
        Some(Toml::Boolean(optional)) => optional,
        Some(other) => return Err(keys.wrong("optional", format!("is {}; must be true or false", kind_of(&other)))),
    };
    let names = names(&mut keys)?;
    if names.is_some() && kind != Kind::String {
        return Err(keys.wrong("as", "does not go with map; what a map gives is text"));
    }
    keys.nothing_else("a column; it has column, as, optional, map and otherwise")?;
    Ok(Column { name, kind, optional, names })
}

fn names(keys: &mut Keys<'_>) -> Result<Option<Names>, Wrong> {
    let map = match keys.table.remove("map") {
        None => None,
        Some(Toml::Table(map)) => Some(map),
        Some(other) => return Err(keys.wrong("map", format!("is {}; must be {{ value = \"name\" }}", kind_of(&other)))),
    };
    let otherwise = keys.text("otherwise")?.map(|text| match text.split_once("{value}") {
        Some((before, after)) => (before.to_owned(), Some(after.to_owned())),
        None => (text, None),
    });
    if map.is_none() && otherwise.is_none() {
        return Ok(None);
    }
    let mut by_value = Vec::new();
    for (value, name) in map.unwrap_or_default() {
        match name {
            Toml::String(name) => by_value.push((value, name)),
            other => {
                return Err(keys.wrong(&format!("map/{value}"), format!("is {}; must be text", kind_of(&other))));
            }
        }
    }
    Ok(Some(Names { by_value, otherwise }))
}

/// The keys of one table, taken out one by one; none may be left over.
struct Keys<'a> {
    path: &'a str,
    table: toml::Table,
}

impl Keys<'_> {
    fn wrong(&self, key: &str, problem: impl Into<String>) -> Wrong {
        Wrong::new(&format!("{}/{key}", self.path), problem)
    }

    fn text(&mut self, key: &str) -> Result<Option<String>, Wrong> {
        match self.table.remove(key) {
            None => Ok(None),
            Some(Toml::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(key, format!("is {}; must be text, in quotes", kind_of(&other)))),
        }
    }

    fn required(&mut self, key: &str) -> Result<String, Wrong> {
        self.text(key)?.ok_or_else(|| self.wrong(key, "is missing"))
    }

    fn nothing_else(&self, what: &str) -> Result<(), Wrong> {
        match self.table.keys().next() {
            None => Ok(()),
            Some(key) => Err(self.wrong(key, format!("is no key of {what}"))),
        }
    }
}

fn kind_of(toml: &Toml) -> &'static str {
    match toml {
        Toml::String(_) => "text",
        Toml::Integer(_) => "an integer",
        Toml::Float(_) => "a float",
        Toml::Boolean(_) => "a boolean",
        Toml::Datetime(_) => "a date",
        Toml::Array(_) => "a list",
        Toml::Table(_) => "a table",
    }
}
