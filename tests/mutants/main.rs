//! Are the tests worth anything? Each patch beside this file breaks one thing in a copy of the tree; tests must turn red.
//!
//! `cargo run -p rapport-tests --bin mutants` runs them all, with arguments those whose names contain one of them. A patch
//! that does not apply or does not compile is an error and no catch, and so are tests that are red without it.

mod patch;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use patch::Patch;

/// What does not end by then has been noticed.
const LONGEST: Duration = Duration::from_secs(600);

fn main() -> ExitCode {
    match run() {
        Ok(survived) if survived.is_empty() => ExitCode::SUCCESS,
        Ok(survived) => {
            eprintln!("\nnot noticed: {}; write the test that is missing", survived.join(", "));
            ExitCode::FAILURE
        }
        Err(wrong) => {
            eprintln!("\n{wrong}");
            ExitCode::FAILURE
        }
    }
}

/// Gives the names of those that no test noticed.
fn run() -> Result<Vec<String>, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the tests lie in no repository")?;
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let mut patches = Patch::all(&root.join("tests/mutants"))?;
    patches.retain(|patch| wanted.is_empty() || wanted.iter().any(|part| patch.name.contains(part)));
    if patches.is_empty() {
        return Err("no patch in tests/mutants has such a name".to_owned());
    }
    let copy = Scratch::of(root)?;
    let runs: BTreeSet<&String> = patches.iter().flat_map(|patch| &patch.noticed_by).collect();
    for run in runs {
        println!("without a patch: cargo test {run}");
        if copy.test(run)? != Colour::Green {
            return Err(format!("cargo test {run} is red without a patch"));
        }
    }
    let mut survived = Vec::new();
    for patch in &patches {
        let began = Instant::now();
        let colours = copy.with(patch)?;
        let noticed = colours.iter().all(|colour| *colour == Colour::Red);
        println!(
            "{}  {:24} {:4} s  {}",
            if noticed { "red  " } else { "GREEN" },
            patch.name,
            began.elapsed().as_secs(),
            patch.breaks
        );
        if !noticed {
            survived.push(patch.name.clone());
        }
    }
    println!("{} of {} noticed", patches.len() - survived.len(), patches.len());
    Ok(survived)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Colour {
    Red,
    Green,
}

/// A copy of the tree that builds into the same target folder, so that dependencies are there already. Its crates have a
/// version of their own: under the same names cargo would take broken ones for those of the tree itself.
struct Scratch {
    tree: PathBuf,
    target: PathBuf,
}

impl Scratch {
    fn of(root: &Path) -> Result<Self, String> {
        let target = root.join("target");
        let tree = target.join("mutants");
        if tree.exists() {
            fs::remove_dir_all(&tree).map_err(|error| format!("{}: {error}", tree.display()))?;
        }
        copy_folder(root, &tree, &["target", ".git"]).map_err(|error| format!("{}: {error}", tree.display()))?;
        let manifest = tree.join("Cargo.toml");
        let versioned = fs::read_to_string(&manifest)
            .and_then(|text| fs::write(&manifest, text.replacen("\nversion = \"", "\nversion = \"0.0.0-mutant.", 1)));
        versioned.map_err(|error| format!("{}: {error}", manifest.display()))?;
        Ok(Self { tree, target })
    }

    fn with(&self, patch: &Patch) -> Result<Vec<Colour>, String> {
        let changed = patch.apply(&self.tree).map_err(|wrong| format!("{}.patch: {wrong}", patch.name))?;
        let write = |path: &str, text: &str| {
            fs::write(self.tree.join(path), text).map_err(|error| format!("{}: {path}: {error}", patch.name))
        };
        for (path, _, after) in &changed {
            write(path, after)?;
        }
        let colours = patch.noticed_by.iter().map(|run| self.test(run)).collect::<Result<Vec<_>, _>>();
        for (path, before, _) in &changed {
            write(path, before)?;
        }
        colours.map_err(|wrong| format!("{}.patch: {wrong}", patch.name))
    }

    fn test(&self, run: &str) -> Result<Colour, String> {
        let (package, filter) = run.split_once(" -- ").unwrap_or((run, ""));
        let built = self.cargo(&format!("test {package} --no-run")).output();
        let built = built.map_err(|error| format!("cargo: {error}"))?;
        if !built.status.success() {
            return Err(format!("does not compile:\n{}", String::from_utf8_lossy(&built.stderr)));
        }
        let mut tests = self.cargo(&format!("test {package} -- {filter}"));
        let tests = tests.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut tests = tests.map_err(|error| format!("cargo: {error}"))?;
        let until = Instant::now() + LONGEST;
        loop {
            match tests.try_wait().map_err(|error| format!("cargo: {error}"))? {
                Some(status) => return Ok(if status.success() { Colour::Green } else { Colour::Red }),
                None if Instant::now() < until => std::thread::sleep(Duration::from_millis(50)),
                None => {
                    tests.kill().and_then(|()| tests.wait()).map_err(|error| format!("cargo: {error}"))?;
                    return Ok(Colour::Red);
                }
            }
        }
    }

    fn cargo(&self, arguments: &str) -> Command {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(arguments.split_whitespace()).current_dir(&self.tree).env("CARGO_TARGET_DIR", &self.target);
        cargo.env("CARGO_NET_OFFLINE", "true");
        // That it fails is enough; in which smallest case is not asked.
        cargo.env("PROPTEST_MAX_SHRINK_ITERS", "0").env_remove("PROPTEST_CASES");
        cargo
    }
}

fn copy_folder(from: &Path, to: &Path, without: &[&str]) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if without.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target, &[])?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
