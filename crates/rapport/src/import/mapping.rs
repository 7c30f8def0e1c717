//! The mapping file: how the rows of somebody's export become touchpoints. Checked as a whole before the first row.

use std::fmt;
use std::path::Path;

use rapport_touchpoint::{Channel, EventType, Identifier, Violation};
use serde::Deserialize;
use serde_json::{Map, Value};
use toml::Value as Toml;

use super::field::{Content, Field, table};
use super::mapping_field::{Wrong, field, moment, text};
use super::moment::Moment;
use super::rows::{Cell, Delimiter, Row, RowFormat};

/// A checked mapping.
#[derive(Debug, Clone)]
pub struct Mapping {
    pub rows: RowFormat,
    /// `source`, `id`, `type`, `channel` and so on, in the order of the file's documentation.
    attributes: Vec<(String, Field)>,
    time: (String, Moment),
    data: Vec<(String, Field)>,
}

/// What is wrong with a mapping file, and what would be right.
#[derive(Debug, thiserror::Error)]
pub struct MappingError {
    pub file: String,
    pub key: Option<String>,
    pub problem: String,
}

impl fmt::Display for MappingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(f, "{}: {key} {}", self.file, self.problem),
            None => write!(f, "{}: {}", self.file, self.problem),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MappingFile {
    format: String,
    delimiter: Option<String>,
    header: Option<bool>,
    columns: Option<Vec<String>>,
    touchpoint: TouchpointKeys,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TouchpointKeys {
    source: Toml,
    id: Toml,
    r#type: Toml,
    channel: Toml,
    subject: Option<Toml>,
    time: Toml,
    sequence: Option<Toml>,
    #[serde(default)]
    identifiers: toml::Table,
    #[serde(default)]
    data: toml::Table,
}

impl Mapping {
    pub fn load(path: &Path) -> Result<Self, MappingError> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| MappingError {
            file: file.clone(),
            key: None,
            problem: format!("cannot be read: {error}"),
        })?;
        Self::parse(&file, &text)
    }

    /// `file` is for messages.
    pub fn parse(file: &str, text: &str) -> Result<Self, MappingError> {
        let wrong = |key, problem| MappingError { file: file.to_owned(), key, problem };
        let keys: MappingFile =
            toml::from_str(text).map_err(|error| wrong(None, error.to_string().trim_end().to_owned()))?;
        Self::check(keys).map_err(|Wrong { key, problem }| wrong(Some(key), problem))
    }

    fn check(keys: MappingFile) -> Result<Self, Wrong> {
        let rows = row_format(&keys)?;
        let keys = keys.touchpoint;
        let mut attributes = vec![
            ("source".to_owned(), text("source", keys.source, false)?),
            ("id".to_owned(), text("id", keys.id, false)?),
            ("type".to_owned(), text("type", keys.r#type, false)?),
            ("channel".to_owned(), text("channel", keys.channel, false)?),
        ];
        for (name, key) in [("subject", keys.subject), ("sequence", keys.sequence)] {
            if let Some(key) = key {
                attributes.push((name.to_owned(), text(name, key, true)?));
            }
        }
        for (name, field) in &attributes {
            check_words(name, field)?;
        }
        let time = moment("time", keys.time)?;
        let mut data = Vec::new();
        if !keys.identifiers.is_empty() {
            data.push(("identifiers".to_owned(), identifiers(keys.identifiers)?));
        }
        for (name, key) in keys.data {
            if name == "identifiers" {
                let problem = "stands in a table of its own: [touchpoint.identifiers]";
                return Err(Wrong::new("data.identifiers", problem));
            }
            let field = field(&format!("data/{name}"), key)?;
            data.push((name, field));
        }
        Ok(Self { rows, attributes, time, data })
    }

    /// The columns that it reads, each once.
    pub fn columns(&self) -> Vec<String> {
        let mut found = vec![self.time.0.clone()];
        for (_, field) in self.attributes.iter().chain(&self.data) {
            field.columns(&mut found);
        }
        found.sort();
        found.dedup();
        found
    }

    /// Would the rows of two files get the same ids?
    pub fn is_blind_to_files(&self, names_differ: bool) -> bool {
        let blind = |name: &str| {
            self.attributes.iter().filter(|(attribute, _)| attribute == name).all(|(_, field)| match &field.content {
                Content::Template(template) => template.is_blind_to_files(names_differ),
                Content::Column(_) | Content::Fixed(_) | Content::Table(_) | Content::List(_) => false,
            })
        };
        blind("id") && blind("source")
    }

    /// The row as a CloudEvents JSON object.
    pub fn event(&self, row: &Row) -> Result<Value, Violation> {
        let mut event = table(&self.attributes, row)?;
        event.insert("specversion".to_owned(), "1.0".into());
        event.insert("time".to_owned(), self.moment(row).map_err(|rule| Violation::new("time", rule))?);
        let data: Map<String, Value> = table(&self.data, row)?;
        event.insert("data".to_owned(), Value::Object(data));
        Ok(Value::Object(event))
    }

    fn moment(&self, row: &Row) -> Result<Value, String> {
        let (column, moment) = &self.time;
        match row.cell(column) {
            Cell::Text(text) => {
                let moment = moment.read(&text).map_err(|rule| format!("column {column} {rule}"))?;
                Ok(Value::String(moment.to_string()))
            }
            Cell::Absent | Cell::Json => row.text(column).map(|text| Value::String(text.into_owned())),
        }
    }
}

fn row_format(keys: &MappingFile) -> Result<RowFormat, Wrong> {
    match keys.format.as_str() {
        "ndjson" => {
            let given = [
                ("delimiter", keys.delimiter.is_some()),
                ("header", keys.header.is_some()),
                ("columns", keys.columns.is_some()),
            ];
            match given.into_iter().find(|(_, given)| *given) {
                Some((key, _)) => {
                    Err(Wrong::at_top(key, "goes with format = \"delimited\"; NDJSON names its fields itself"))
                }
                None => Ok(RowFormat::Ndjson),
            }
        }
        "delimited" => {
            let header = keys.header.unwrap_or(keys.columns.is_none());
            match &keys.columns {
                None if !header => {
                    return Err(Wrong::at_top(
                        "columns",
                        "is missing; without a header line, name the columns: [\"a\", \"b\"]",
                    ));
                }
                Some(columns) if columns.is_empty() => {
                    return Err(Wrong::at_top(
                        "columns",
                        "is empty; name each column, or leave it out and use the header",
                    ));
                }
                Some(_) | None => {}
            }
            let delimiter = delimiter(keys.delimiter.as_deref().unwrap_or("comma"))?;
            Ok(RowFormat::Delimited { delimiter, header, columns: keys.columns.clone() })
        }
        other => Err(Wrong::at_top("format", format!("is {other:?}; must be \"delimited\" or \"ndjson\""))),
    }
}

fn delimiter(text: &str) -> Result<Delimiter, Wrong> {
    match (text, text.as_bytes()) {
        ("comma", _) => Ok(Delimiter::Character(b',')),
        ("tab", _) => Ok(Delimiter::Character(b'\t')),
        ("whitespace", _) => Ok(Delimiter::WhiteSpace),
        (_, &[character]) if !matches!(character, b'"' | b'\n' | b'\r') => Ok(Delimiter::Character(character)),
        _ => {
            let right = "must be \"comma\", \"tab\", \"whitespace\" or one ASCII character such as \";\"";
            Err(Wrong::at_top("delimiter", format!("is {text:?}; {right}")))
        }
    }
}

fn identifiers(keys: toml::Table) -> Result<Field, Wrong> {
    let mut fields = Vec::new();
    for (namespace, key) in keys {
        Identifier::new(&namespace, "").map_err(|rule| Wrong::new("identifiers", rule))?;
        let field = text(&format!("identifiers.{namespace}"), key, true)?;
        fields.push((namespace.clone(), Field { path: format!("data/identifiers/{namespace}"), ..field }));
    }
    Ok(Field { path: "data/identifiers".to_owned(), content: Content::Table(fields) })
}

/// A type, channel or namespace that the mapping writes out is right or wrong for every row; better known at once.
fn check_words(name: &str, field: &Field) -> Result<(), Wrong> {
    let check = |word: &str| match name {
        "type" => EventType::parse(word).map(drop),
        "channel" => Channel::parse(word).map(drop),
        _ => Ok(()),
    };
    let wrong = |word: &str, rule: String| Wrong::new(name, format!("is {word:?}; {rule}"));
    match &field.content {
        Content::Template(template) => {
            if let Some(word) = template.literal() {
                check(word).map_err(|rule| wrong(word, rule))?;
            }
            if name == "subject" {
                let prefix = template.prefix();
                let written_out = template.literal().is_some() || prefix.contains(':');
                if written_out {
                    Identifier::parse(prefix).map_err(|rule| wrong(prefix, rule))?;
                } else if template.columns().count() < 2 && !prefix.is_empty() {
                    return Err(wrong(
                        &template.to_string(),
                        "must be namespace:value, such as user_id:{id}".to_owned(),
                    ));
                }
            }
        }
        Content::Column(column) => {
            for (_, word) in column.names.iter().flat_map(|names| &names.by_value) {
                check(word).map_err(|rule| wrong(word, rule))?;
            }
        }
        Content::Fixed(_) | Content::Table(_) | Content::List(_) => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ORDERS: &str = r#"
        format = "delimited"
        delimiter = "whitespace"
        [touchpoint]
        source = "cdnow"
        id = "{line}"
        type = "order.placed"
        channel = "web"
        subject = "user_id:{customer_id}"
        time = { column = "date", format = "[year][month][day]" }
        sequence = "{line:08}"
        [touchpoint.identifiers]
        email = { column = "email", optional = true }
        [touchpoint.data]
        order_id = "{line}"
        amount = { column = "dollars", as = "decimal" }
        gift = false
        items = [{ sku = "cd", quantity = { column = "cds", as = "integer" } }]
    "#;

    fn row(cds: &str, email: &str) -> Row {
        let cells =
            [("customer_id", "00042"), ("date", "19970101"), ("cds", cds), ("dollars", "12.00"), ("email", email)];
        Row::cells("cdnow.txt", 7, &cells)
    }

    #[test]
    fn a_row_becomes_an_event() {
        let mapping = Mapping::parse("m.toml", ORDERS).unwrap();
        let mut event = json!({
            "specversion": "1.0", "source": "cdnow", "id": "7", "type": "order.placed", "channel": "web",
            "subject": "user_id:00042", "time": "1997-01-01T00:00:00Z", "sequence": "00000007",
            "data": {
                "identifiers": {"email": "a@x.org"}, "order_id": "7", "amount": "12.00", "gift": false,
                "items": [{"sku": "cd", "quantity": 2}],
            },
        });
        assert_eq!(mapping.event(&row("2", "a@x.org")).unwrap(), event);
        event["data"]["identifiers"] = json!({});
        assert_eq!(mapping.event(&row("2", "")).unwrap(), event);
        assert_eq!(mapping.columns(), ["cds", "customer_id", "date", "dollars", "email"]);
        assert!(mapping.is_blind_to_files(true));
    }

    #[test]
    fn a_bad_row_names_field_and_column() {
        let violation = Mapping::parse("m.toml", ORDERS).unwrap().event(&row("two", "")).unwrap_err();
        let right = "data/items/0/quantity: column cds is \"two\"; must be a whole number of at most 64 bits";
        assert_eq!(violation.to_string(), right);
    }

    #[test]
    fn a_wrong_mapping_names_file_and_key_and_what_is_right() {
        for (was, now, right) in [
            ("\"delimited\"", "\"csv\"", "m.toml: format is \"csv\"; must be \"delimited\" or \"ndjson\""),
            ("\"whitespace\"", "\"--\"", "m.toml: delimiter is \"--\"; must be"),
            ("delimiter = \"whitespace\"", "header = false", "m.toml: columns is missing"),
            ("delimiter =", "delimeter =", "unknown field `delimeter`"),
            ("source = \"cdnow\"", "", "missing field `source`"),
            ("\"order.placed\"", "\"Order Placed\"", "m.toml: touchpoint.type is \"Order Placed\"; must be 1 to 5"),
            ("\"web\"", "\"the web\"", "m.toml: touchpoint.channel is \"the web\"; must be one lower-case word"),
            ("user_id:{", "User:{", "m.toml: touchpoint.subject is \"User:\"; has the namespace"),
            ("\"{line:08}\"", "\"{line:8}\"", "m.toml: touchpoint.sequence {line:8} is no place"),
            ("[year][month][day]", "[year]", "m.toml: touchpoint.time.format is \"[year]\", which gives no full date"),
            ("as = \"decimal\"", "as = \"money\"", "m.toml: touchpoint.data.amount.as is \"money\"; must be"),
            ("as = \"integer\"", "an = 1", "m.toml: touchpoint.data.items.0.quantity.an is no key of a column"),
            ("gift = false", "gift = 0.5", "m.toml: touchpoint.data.gift is a float; write it as text"),
            ("gift = false", "identifiers = {}", "m.toml: touchpoint.data.identifiers stands in a table of its own"),
            ("email =", "Email =", "m.toml: touchpoint.identifiers has the namespace"),
        ] {
            let error = Mapping::parse("m.toml", &ORDERS.replacen(was, now, 1)).unwrap_err().to_string();
            assert!(error.contains(right), "{now}: {error}");
        }
    }
}
