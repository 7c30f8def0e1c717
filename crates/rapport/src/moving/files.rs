//! The files of a backup beside its logs, copied, hashed and synced.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Component, Path, PathBuf};

use super::MoveError;
use super::manifest::{Elsewhere, KeptFile, hex};

/// Where a configuration lies in a backup, and in what is restored of it.
pub(super) const CONFIG: &str = "config";
/// Far more files than a configuration has; a folder of schemas that is the root of a disk is a mistake.
const MAX_FILES: usize = 10_000;

/// `rapport.toml` with all that it names: where each file lies now, relative to `folder`.
pub(super) fn copy_config(toml: &Path, folder: &Path) -> Result<Vec<Elsewhere>, MoveError> {
    let text = fs::read_to_string(toml).map_err(MoveError::at(toml))?;
    let config = folder.join(CONFIG);
    fs::create_dir_all(&config).map_err(MoveError::at(&config))?;
    let kept = config.join("rapport.toml");
    write_synced(&kept, text.as_bytes()).map_err(MoveError::at(kept))?;
    let beside = toml.parent().unwrap_or(Path::new(""));
    let mut elsewhere = Vec::new();
    for (key, path) in named(&text) {
        let lies_with_it = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        let kept_as = match lies_with_it {
            true => Path::new(CONFIG).join(&path),
            false => {
                let kept_as = format!("{CONFIG}/elsewhere/{key}");
                elsewhere.push(Elsewhere { key, path: path.clone(), kept_as: kept_as.clone() });
                kept_as.into()
            }
        };
        let mut files = 0;
        copy_all(&beside.join(&path), &folder.join(kept_as), &mut files).map_err(MoveError::at(beside.join(&path)))?;
    }
    Ok(elsewhere)
}

/// The keys that name a file or a folder. That the file is right was seen before.
fn named(text: &str) -> Vec<(String, PathBuf)> {
    let table: toml::Table = toml::from_str(text).unwrap_or_default();
    let tenants = table.get("tenants").and_then(toml::Value::as_table).cloned().unwrap_or_default();
    let mut named = Vec::new();
    for (tenant, of_tenant) in tenants {
        for key in ["schemas", "definitions"] {
            if let Some(path) = of_tenant.get(key).and_then(toml::Value::as_str) {
                named.push((format!("tenants.{tenant}.{key}"), PathBuf::from(path)));
            }
        }
    }
    named
}

pub(super) fn copy_all(from: &Path, to: &Path, files: &mut usize) -> io::Result<()> {
    if from.is_dir() {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            copy_all(&entry.path(), &to.join(entry.file_name()), files)?;
        }
        return File::open(to)?.sync_all();
    }
    *files += 1;
    if *files > MAX_FILES {
        return Err(io::Error::other(format!("more than {MAX_FILES} files lie there")));
    }
    if let Some(above) = to.parent() {
        fs::create_dir_all(above)?;
    }
    let mut out = BufWriter::new(File::create(to)?);
    io::copy(&mut File::open(from)?, &mut out)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

pub(super) fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// All files under a folder, in the order of their paths.
pub(super) fn list(folder: &Path) -> Result<Vec<KeptFile>, MoveError> {
    let mut paths = Vec::new();
    walk(folder, Path::new(""), &mut paths).map_err(MoveError::at(folder))?;
    paths.sort();
    paths.iter().map(|path| describe(folder, path)).collect()
}

fn walk(folder: &Path, below: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder.join(below))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            walk(folder, &path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

/// Size and hash of a file, as they are now.
pub(super) fn describe(folder: &Path, path: &Path) -> Result<KeptFile, MoveError> {
    let place = folder.join(path);
    let (bytes, blake3) = hash(&place).map_err(MoveError::at(&place))?;
    let names: Vec<String> = path.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    Ok(KeptFile { path: names.join("/"), bytes, blake3 })
}

fn hash(path: &Path) -> io::Result<(u64, String)> {
    let mut hasher = blake3::Hasher::new();
    let mut file = BufReader::new(File::open(path)?);
    let (mut buffer, mut bytes) = (vec![0; 256 * 1024], 0);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((bytes, hex(hasher.finalize().as_bytes())));
        }
        hasher.update(&buffer[..read]);
        bytes += read as u64;
    }
}
