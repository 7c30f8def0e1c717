//! What a mapping puts into one place of an event: text from a template, one column, or a table of these.

use rapport_touchpoint::Violation;
use serde_json::{Map, Value};

use super::quote;
use super::rows::{Cell, Row};
use super::template::Template;

/// Where it goes, for messages, and what goes there.
#[derive(Debug, Clone)]
pub struct Field {
    /// `data/items/0/quantity`
    pub path: String,
    pub content: Content,
}

#[derive(Debug, Clone)]
pub enum Content {
    Template(Template),
    Column(Column),
    /// What the mapping writes as it is: a number, a boolean.
    Fixed(Value),
    Table(Vec<(String, Field)>),
    List(Vec<Field>),
}

/// One column's value, as it is or by a table of names.
#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
    /// An empty or absent value leaves the field out.
    pub optional: bool,
    pub names: Option<Names>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    String,
    Integer,
    /// A number that keeps its text: `12.00`.
    Decimal,
    Boolean,
    /// Any JSON: of an NDJSON row the value as it stands.
    Json,
}

/// `map` and `otherwise`.
#[derive(Debug, Clone)]
pub struct Names {
    pub by_value: Vec<(String, String)>,
    /// What comes before and after `{value}`.
    pub otherwise: Option<(String, Option<String>)>,
}

impl Field {
    /// The value; `None` if it is optional and the row has none.
    pub fn fill(&self, row: &Row) -> Result<Option<Value>, Violation> {
        match &self.content {
            Content::Template(_) | Content::Column(_) => {
                self.leaf(row).map_err(|rule| Violation::new(self.path.clone(), rule))
            }
            Content::Fixed(value) => Ok(Some(value.clone())),
            Content::Table(fields) => table(fields, row).map(|table| Some(Value::Object(table))),
            Content::List(fields) => {
                let filled = fields.iter().filter_map(|field| field.fill(row).transpose());
                Ok(Some(Value::Array(filled.collect::<Result<_, _>>()?)))
            }
        }
    }

    fn leaf(&self, row: &Row) -> Result<Option<Value>, String> {
        match &self.content {
            Content::Template(template) => template.fill(row).map(|text| Some(Value::String(text))),
            Content::Column(column) => column.fill(row),
            Content::Fixed(_) | Content::Table(_) | Content::List(_) => Ok(None),
        }
    }

    /// The columns that it names, at any depth.
    pub fn columns(&self, found: &mut Vec<String>) {
        match &self.content {
            Content::Template(template) => found.extend(template.columns().map(str::to_owned)),
            Content::Column(column) => found.push(column.name.clone()),
            Content::Fixed(_) => {}
            Content::Table(fields) => fields.iter().for_each(|(_, field)| field.columns(found)),
            Content::List(fields) => fields.iter().for_each(|field| field.columns(found)),
        }
    }
}

/// The fields of an object; optional ones without a value are left out.
pub fn table(fields: &[(String, Field)], row: &Row) -> Result<Map<String, Value>, Violation> {
    let filled = fields.iter().filter_map(|(name, field)| {
        let value = field.fill(row).transpose()?;
        Some(value.map(|value| (name.clone(), value)))
    });
    filled.collect()
}

impl Column {
    fn fill(&self, row: &Row) -> Result<Option<Value>, String> {
        let cell = row.cell(&self.name);
        let empty = match &cell {
            Cell::Absent => true,
            Cell::Text(text) => text.trim().is_empty(),
            Cell::Json => false,
        };
        if empty && self.optional {
            return Ok(None);
        }
        let text = match (cell, self.kind) {
            (Cell::Absent, _) => return Err(format!("needs column {}, which the row has not", self.name)),
            (_, Kind::Json) => return row.json(&self.name).map(Some),
            (Cell::Json, _) => {
                return Err(format!("column {} holds a list or an object; take it with as = \"json\"", self.name));
            }
            (Cell::Text(text), _) => text,
        };
        let is = |right: &str| format!("column {} is {}; must be {right}", self.name, quote(&text));
        let value = match self.kind {
            Kind::String => Value::String(match &self.names {
                None => text.into_owned(),
                Some(names) => names.of(&text).ok_or_else(|| {
                    is("a value that the map names; add it there, or say what it is with otherwise = \"…{value}\"")
                })?,
            }),
            Kind::Integer => {
                text.trim().parse::<i64>().map(Value::from).map_err(|_| is("a whole number of at most 64 bits"))?
            }
            Kind::Decimal if is_decimal(text.trim()) => Value::String(text.trim().to_owned()),
            Kind::Decimal => return Err(is("a decimal number such as 129.90")),
            Kind::Boolean => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" => Value::Bool(true),
                "false" | "no" | "0" => Value::Bool(false),
                _ => return Err(is("true or false, yes or no, 1 or 0")),
            },
            Kind::Json => return row.json(&self.name).map(Some),
        };
        Ok(Some(value))
    }
}

impl Names {
    fn of(&self, value: &str) -> Option<String> {
        if let Some((_, name)) = self.by_value.iter().find(|(known, _)| known == value) {
            return Some(name.clone());
        }
        self.otherwise.as_ref().map(|(before, after)| match after {
            None => before.clone(),
            Some(after) => format!("{before}{value}{after}"),
        })
    }
}

/// Digits, with one point among them or none, with a sign or none.
fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    [whole, part].iter().all(|run| !run.is_empty() && run.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn column(kind: Kind) -> Column {
        Column { name: "n".to_owned(), kind, optional: false, names: None }
    }

    #[track_caller]
    fn check(column: Column, text: &str, right: Result<Value, &str>) {
        let filled = column.fill(&Row::cells("f", 1, &[("n", text)]));
        match (&filled, right) {
            (Ok(value), Ok(right)) => assert_eq!(value.as_ref(), Some(&right)),
            (Err(rule), Err(right)) => assert!(rule.contains(right), "{rule}"),
            _ => panic!("{text}: {filled:?}"),
        }
    }

    #[test]
    fn each_kind_reads_its_own() {
        check(column(Kind::String), " 007 ", Ok(json!(" 007 ")));
        check(column(Kind::Integer), " 007 ", Ok(json!(7)));
        check(column(Kind::Integer), "1.0", Err("column n is \"1.0\"; must be a whole number"));
        check(column(Kind::Decimal), "12.00", Ok(json!("12.00")));
        check(column(Kind::Decimal), "-0.5", Ok(json!("-0.5")));
        for bad in ["1,5", "1e3", ".5", "5.", "", "NaN"] {
            check(column(Kind::Decimal), bad, Err("decimal number"));
        }
        check(column(Kind::Boolean), "Yes", Ok(json!(true)));
        check(column(Kind::Boolean), "2", Err("true or false"));
        check(column(Kind::Json), "[1, \"a\"]", Ok(json!([1, "a"])));
        check(column(Kind::Json), "[1,", Err("is no JSON"));
    }

    #[test]
    fn names_by_value() {
        let names = |otherwise| Names { by_value: vec![("cart".to_owned(), "shop.cart_viewed".to_owned())], otherwise };
        let with = |otherwise| Column { names: Some(names(otherwise)), ..column(Kind::String) };
        check(with(None), "cart", Ok(json!("shop.cart_viewed")));
        check(with(None), "home", Err("must be a value that the map names"));
        let prefixed = Some(("shop.".to_owned(), Some(String::new())));
        check(with(prefixed), "home", Ok(json!("shop.home")));
        check(with(Some(("other".to_owned(), None))), "home", Ok(json!("other")));
    }

    #[test]
    fn optional_leaves_out_what_is_empty() {
        let optional = Column { optional: true, ..column(Kind::Integer) };
        assert_eq!(optional.fill(&Row::cells("f", 1, &[("n", " ")])), Ok(None));
        assert_eq!(optional.fill(&Row::object(r#"{"n": null}"#)), Ok(None));
        assert!(column(Kind::Integer).fill(&Row::object("{}")).unwrap_err().contains("needs column n"));
    }

    #[test]
    fn json_rows_keep_what_is_structured() {
        let row = Row::object(r#"{"n": [{"sku": "a"}]}"#);
        assert_eq!(column(Kind::Json).fill(&row), Ok(Some(json!([{"sku": "a"}]))));
        assert!(column(Kind::String).fill(&row).unwrap_err().contains("as = \"json\""));
        assert_eq!(column(Kind::Json).fill(&Row::object(r#"{"n": "text"}"#)), Ok(Some(json!("text"))));
        assert_eq!(column(Kind::Json).fill(&Row::object(r#"{"n": "5"}"#)), Ok(Some(json!("5"))));
        assert_eq!(column(Kind::Decimal).fill(&Row::object(r#"{"n": 12.00}"#)), Ok(Some(json!("12.00"))));
    }
}
