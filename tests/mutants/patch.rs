//! A patch that breaks one thing: its text, and how it is put into a file.

use std::fs;
use std::path::Path;

/// `<name>.patch`: a line that says what it breaks, lines that say which tests notice it, then a unified diff.
#[derive(Debug)]
pub struct Patch {
    pub name: String,
    pub breaks: String,
    /// Arguments of `cargo test`; each of these runs must turn red.
    pub noticed_by: Vec<String>,
    changes: Vec<Change>,
}

/// A stretch of lines and what stands there instead. Where it stands is found by its text, so that code above may grow.
#[derive(Debug)]
struct Change {
    file: String,
    before: String,
    after: String,
}

impl Patch {
    pub fn all(folder: &Path) -> Result<Vec<Self>, String> {
        let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        files.retain(|path| path.extension() == Some("patch".as_ref()));
        files.sort();
        files.iter().map(|path| Self::read(path)).collect()
    }

    fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Self::parse(name, &text).map_err(|wrong| format!("{}: {wrong}", path.display()))
    }

    fn parse(name: String, text: &str) -> Result<Self, String> {
        let said = |what: &str| {
            text.lines()
                .filter_map(|line| line.strip_prefix(what))
                .map(|rest| rest.trim().to_owned())
                .collect::<Vec<_>>()
        };
        let [breaks] = &said("Breaks:")[..] else { return Err("must say in one line \"Breaks: …\"".to_owned()) };
        let noticed_by = said("Noticed by:");
        if noticed_by.is_empty() {
            return Err("must say \"Noticed by: <arguments of cargo test>\"".to_owned());
        }
        let mut file = None;
        let mut changes: Vec<Change> = Vec::new();
        for line in text.lines() {
            if line.starts_with("--- ") {
                continue;
            }
            if let Some(path) = line.strip_prefix("+++ b/") {
                file = Some(path.to_owned());
            } else if line.starts_with("@@") {
                let file = file.clone().ok_or("has lines before it names a file: +++ b/<path>")?;
                changes.push(Change { file, before: String::new(), after: String::new() });
            } else if let Some(change) = changes.last_mut() {
                let (mark, rest) = line.split_at(line.len().min(1));
                if mark != "+" {
                    change.before += &format!("{rest}\n");
                }
                if mark != "-" {
                    change.after += &format!("{rest}\n");
                }
            }
        }
        if changes.is_empty() {
            return Err("changes nothing".to_owned());
        }
        Ok(Self { name, breaks: breaks.clone(), noticed_by, changes })
    }

    /// The changed files of the tree: path, text before, text after. An error if a stretch is not there exactly once.
    pub fn apply(&self, tree: &Path) -> Result<Vec<(String, String, String)>, String> {
        let mut changed: Vec<(String, String, String)> = Vec::new();
        for Change { file, before, after } in &self.changes {
            if !changed.iter().any(|(known, ..)| known == file) {
                let text = fs::read_to_string(tree.join(file)).map_err(|error| format!("{file}: {error}"))?;
                changed.push((file.clone(), text.clone(), text));
            }
            let Some((.., text)) = changed.iter_mut().find(|(known, ..)| known == file) else { continue };
            match text.matches(before.as_str()).count() {
                1 => *text = text.replacen(before.as_str(), after, 1),
                0 => return Err(format!("{file} has no such lines (any more):\n{before}")),
                times => {
                    return Err(format!(
                        "{file} has these lines {times} times; give more of what is around:\n{before}"
                    ));
                }
            }
        }
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_patch_applies_to_the_tree_as_it_is() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the repository");
        let patches = Patch::all(&root.join("tests/mutants")).unwrap_or_else(|wrong| panic!("{wrong}"));
        assert!(patches.len() >= 10, "{} patches", patches.len());
        for patch in patches {
            let changed = patch.apply(root).unwrap_or_else(|wrong| panic!("{}.patch: {wrong}", patch.name));
            assert!(changed.iter().all(|(_, before, after)| before != after), "{} changes nothing", patch.name);
        }
    }

    #[test]
    fn a_patch_says_what_it_breaks_and_who_notices() {
        let diff = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";
        let parse = |head: &str| Patch::parse("p".to_owned(), &format!("{head}{diff}"));
        assert!(parse("Breaks: x\nNoticed by: -p y\n").is_ok());
        assert!(parse("Breaks: x\n").is_err_and(|wrong| wrong.contains("Noticed by")));
        assert!(parse("Noticed by: -p y\n").is_err_and(|wrong| wrong.contains("Breaks")));
    }
}
