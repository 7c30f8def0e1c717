//! Text with places to fill in: `user_id:{customer_id}`, `{line:08}`.

use std::fmt;

use super::rows::Row;

/// Parts in a row; `{{` and `}}` stand for the braces themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Literal(String),
    /// Filled up with zeros on the left to this many characters.
    Place {
        name: Name,
        width: usize,
    },
}

#[derive(Debug, Clone, PartialEq)]
enum Name {
    Line,
    File,
    Column(String),
}

const MAX_WIDTH: usize = 64;

impl Template {
    /// The error says what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '{' | '}' if chars.peek() == Some(&c) => {
                    chars.next();
                    literal.push(c);
                }
                '{' => {
                    let mut place = String::new();
                    loop {
                        match chars.next() {
                            Some('}') => break,
                            Some(c) if c != '{' => place.push(c),
                            _ => return Err(format!("{text:?} opens a {{ and does not close it; a {{ itself is {{{{")),
                        }
                    }
                    if !literal.is_empty() {
                        parts.push(Part::Literal(std::mem::take(&mut literal)));
                    }
                    parts.push(parse_place(&place)?);
                }
                '}' => return Err(format!("{text:?} closes a }} that it did not open; a }} itself is }}}}")),
                c => literal.push(c),
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self(parts))
    }

    /// The text, or what the row lacks.
    pub fn fill(&self, row: &Row) -> Result<String, String> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Place { name, width } => {
                    let value = match name {
                        Name::Line => row.line.to_string().into(),
                        Name::File => (&*row.file).into(),
                        Name::Column(column) => row.text(column)?,
                    };
                    let missing = width.saturating_sub(value.chars().count());
                    text.extend(std::iter::repeat_n('0', missing));
                    text.push_str(&value);
                }
            }
        }
        Ok(text)
    }

    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Place { name: Name::Column(column), .. } => Some(column.as_str()),
            Part::Literal(_) | Part::Place { .. } => None,
        })
    }

    /// Would two files give the same texts, whatever is in them? `{file}` helps if their names differ.
    pub fn is_blind_to_files(&self, names_differ: bool) -> bool {
        let knows = |part: &Part| match part {
            Part::Place { name: Name::Column(_), .. } => true,
            Part::Place { name: Name::File, .. } => names_differ,
            Part::Place { name: Name::Line, .. } | Part::Literal(_) => false,
        };
        !self.0.iter().any(knows)
    }

    /// The text, if nothing in it depends on the row.
    pub fn literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Part::Literal(literal)] => Some(literal),
            _ => None,
        }
    }

    /// What each text begins with.
    pub fn prefix(&self) -> &str {
        match self.0.first() {
            Some(Part::Literal(literal)) => literal,
            Some(Part::Place { .. }) | None => "",
        }
    }
}

fn parse_place(place: &str) -> Result<Part, String> {
    let right = "a place is {column}, {line}, {file}, or with zeros on the left {line:08}";
    let (name, width) = match place.split_once(':') {
        None => (place, 0),
        Some((name, width)) => {
            let digits = width.strip_prefix('0').and_then(|digits| digits.parse().ok());
            let width = digits.filter(|width| (1..=MAX_WIDTH).contains(width));
            (name, width.ok_or_else(|| format!("{{{place}}} is no place; {right}, {MAX_WIDTH} at most"))?)
        }
    };
    let name = match name.trim() {
        "" => return Err(format!("{{{place}}} names nothing; {right}")),
        "line" => Name::Line,
        "file" => Name::File,
        column => Name::Column(column.to_owned()),
    };
    Ok(Part::Place { name, width })
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.0 {
            match part {
                Part::Literal(literal) => f.write_str(literal)?,
                Part::Place { name: Name::Line, .. } => f.write_str("{line}")?,
                Part::Place { name: Name::File, .. } => f.write_str("{file}")?,
                Part::Place { name: Name::Column(column), .. } => write!(f, "{{{column}}}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(template: &str, text: Result<&str, &str>) {
        let row = Row::cells("orders.csv", 7, &[("customer_id", "00042"), ("empty", "")]);
        let filled = Template::parse(template).and_then(|template| template.fill(&row));
        match (&filled, text) {
            (Ok(filled), Ok(text)) => assert_eq!(filled, text),
            (Err(rule), Err(text)) => assert!(rule.contains(text), "{rule}"),
            _ => panic!("{template}: {filled:?}"),
        }
    }

    #[test]
    fn places_are_filled() {
        check("user_id:{customer_id}", Ok("user_id:00042"));
        check("{file}:{line}", Ok("orders.csv:7"));
        check("{line:08}", Ok("00000007"));
        check("{customer_id:03}", Ok("00042"));
        check("{empty}", Ok(""));
        check("plain", Ok("plain"));
        check("{{{line}}}", Ok("{7}"));
    }

    #[test]
    fn what_is_no_template_says_so() {
        check("{line", Err("does not close it"));
        check("line}", Err("did not open"));
        check("{}", Err("names nothing"));
        check("{line:8}", Err("zeros on the left {line:08}"));
        check("{line:0999}", Err("64 at most"));
        check("{other}", Err("column other"));
    }

    #[test]
    fn it_knows_what_it_rests_on() {
        let template = Template::parse("{a}-{b}-{line}").unwrap();
        assert_eq!(template.columns().collect::<Vec<_>>(), ["a", "b"]);
        assert!(!template.is_blind_to_files(false));
        assert!(Template::parse("row-{line}").unwrap().is_blind_to_files(true));
        assert!(Template::parse("{file}-{line}").unwrap().is_blind_to_files(false));
        assert_eq!(Template::parse("web").unwrap().literal(), Some("web"));
    }
}
