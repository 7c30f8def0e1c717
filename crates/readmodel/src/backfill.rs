//! What is committed lies in the write-ahead log until it is moved into the file: done beside the writer, so that no commit
//! waits until hundreds of megabytes are on the disk.
//!
//! SQLite lets one connection move pages while another goes on to commit. It begins the write-ahead log anew only when
//! nothing of it is left to be moved; so the little that was committed meanwhile is moved by the writer itself.

use std::path::{Path, PathBuf};
use std::thread::{Builder, JoinHandle};

use rusqlite::{Connection, Row};

use crate::schema;

/// When pages are moved, and by whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pages {
    /// So many make it worth while: a page that is written again before then is moved once.
    pub enough: u32,
    /// So few do already while commits are small, since whoever syncs a file meanwhile waits behind them.
    pub portion: u32,
    /// So few are moved by the writer in passing.
    pub few: u32,
    /// So many are moved by the writer, which waits for it: the disk is slower than the fold.
    pub most: u32,
}

impl Default for Pages {
    fn default() -> Self {
        Self { enough: 64_000, portion: 4_000, few: 4_000, most: 512_000 }
    }
}

pub(crate) struct Backfill {
    path: PathBuf,
    pages: Pages,
    /// In the write-ahead log after the last commit.
    in_all: u32,
    at_work: Option<JoinHandle<()>>,
}

/// A portion is so many times what a commit brings.
const COMMITS: u32 = 16;

impl Backfill {
    pub fn of(path: &Path, pages: Pages) -> Self {
        Self { path: path.to_owned(), pages, in_all: 0, at_work: None }
    }

    /// To be told of every commit. It stands whatever becomes of this: what fails is tried again after a later one.
    pub fn committed(&mut self, writer: &Connection) {
        // A file without a write-ahead log has -1 pages.
        let pages = |row: &Row<'_>| Ok((row.get::<_, u32>(1)?, row.get::<_, u32>(2)?));
        let Ok((in_all, moved)) = writer.query_row("PRAGMA wal_checkpoint(NOOP)", [], pages) else { return };
        let left = in_all.saturating_sub(moved);
        let brought = in_all.checked_sub(std::mem::replace(&mut self.in_all, in_all)).unwrap_or(in_all);
        let Pages { enough, portion, .. } = self.pages;
        let portion = brought.saturating_mul(COMMITS).clamp(portion, enough);
        if left == 0 || in_all < enough && left < portion {
            return;
        }
        if in_all >= self.pages.most {
            self.wait();
        }
        if self.at_work.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        if in_all >= enough && left <= self.pages.few || in_all >= self.pages.most {
            let _ = move_all(writer);
        } else {
            self.start();
        }
    }

    fn start(&mut self) {
        let path = self.path.clone();
        let moving = move || {
            if let Ok(connection) = schema::open_mover(&path) {
                let _ = move_all(&connection);
            }
        };
        self.at_work = Builder::new().name("backfill".to_owned()).spawn(moving).ok();
    }

    fn wait(&mut self) {
        let _ = self.at_work.take().map(JoinHandle::join);
    }
}

impl Drop for Backfill {
    /// Nothing may be at work on the file when it goes.
    fn drop(&mut self) {
        self.wait();
    }
}

fn move_all(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rusqlite::{OpenFlags, params};

    use super::*;

    const FEW: Pages = Pages { enough: 40, portion: 16, few: 8, most: 400 };

    /// Commits rows that are a page each, some of them again and again; how large the write-ahead log grew, in pages.
    fn commit(pages: Pages, commits: u32, rows: u32) -> (u64, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.db");
        let mut writer = schema::open_writer(&path).unwrap();
        writer.execute_batch("CREATE TABLE pages (page INTEGER PRIMARY KEY, content BLOB)").unwrap();
        let mut backfill = Backfill::of(&path, pages);
        for commit in 0..commits {
            let tx = writer.transaction().unwrap();
            for row in 0..rows {
                let content = vec![commit as u8; 3_500];
                tx.execute("REPLACE INTO pages VALUES (?1, ?2)", params![(commit * 7 + row) % 500, content]).unwrap();
            }
            tx.commit().unwrap();
            backfill.committed(&writer);
        }
        drop(backfill);
        let log = fs::metadata(path.with_extension("db-wal")).map_or(0, |log| log.len());
        (log / 4_096, folder)
    }

    #[test]
    fn the_write_ahead_log_begins_anew_beside_a_writer_that_does_not_wait() {
        let (log, _folder) = commit(FEW, 2_000, 3);
        assert!((40..1_000).contains(&log), "of some 8,000 pages that were committed {log} lie in the log");
    }

    #[test]
    fn a_writer_that_is_faster_than_the_disk_waits_for_it() {
        let (log, _folder) = commit(Pages { enough: 10, portion: 10, few: 0, most: 10 }, 200, 30);
        assert!(log < 200, "{log} pages");
    }

    #[test]
    fn all_that_was_committed_is_in_the_file() {
        let (_, folder) = commit(FEW, 500, 3);
        let path = folder.path().join("model.db");
        let file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let sound: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        let rows: u32 = file.query_row("SELECT count(*) FROM pages", [], |row| row.get(0)).unwrap();
        assert_eq!((sound.as_str(), rows), ("ok", 500));
        let last: Vec<u8> =
            file.query_row("SELECT content FROM pages WHERE page = ?1", [(499 * 7) % 500], |row| row.get(0)).unwrap();
        assert_eq!(last[0], 499_u32 as u8);
    }
}
