//! The one place with `unsafe`: an SQLite VFS is a table of C functions. This one does what the system's does, and tells
//! the [`disk`](super::disk) of each operation, which may refuse it.

#![allow(unsafe_code, reason = "SQLite asks for its files through a table of C functions")]

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::ptr::null;
use std::slice;
use std::sync::{LazyLock, Mutex, Once};

use rusqlite::ffi;

use super::disk::{self, Opened};

/// A file that lies on a watched disk, by the address of SQLite's handle.
static OPEN: LazyLock<Mutex<HashMap<usize, Watched>>> = LazyLock::new(Mutex::default);
/// The system's functions for a kind of file, by their address: what they are with ours in their place.
static METHODS: LazyLock<Mutex<HashMap<usize, usize>>> = LazyLock::new(Mutex::default);

#[derive(Clone)]
struct Watched {
    file: Opened,
    system: &'static ffi::sqlite3_io_methods,
}

/// From now on, whatever this process opens goes through here. To be called before anything is opened.
pub fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the system's VFS lives as long as the process. The copy is never freed, and differs in three fields.
        let registered = unsafe {
            let mut vfs = *system();
            vfs.zName = c"power".as_ptr();
            vfs.xOpen = Some(open);
            vfs.xDelete = Some(delete);
            ffi::sqlite3_vfs_register(Box::into_raw(Box::new(vfs)), 1)
        };
        assert_eq!(registered, ffi::SQLITE_OK);
    });
}

fn system() -> *mut ffi::sqlite3_vfs {
    // SAFETY: a name that ends with a zero; SQLite initialises itself.
    let found = unsafe { ffi::sqlite3_vfs_find(c"unix".as_ptr()) };
    assert!(!found.is_null(), "these tests need a system with the unix VFS");
    found
}

/// # Safety
/// A path as SQLite gives it: null, or ends with a zero.
unsafe fn path(name: *const c_char) -> Option<PathBuf> {
    // SAFETY: as the caller says.
    let name = (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) })?;
    Some(Path::new(name.to_str().ok()?).to_owned())
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    handle: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite's own arguments, given on. A handle that was opened has the system's methods, which are static.
    unsafe {
        let before = path(name).map(|path| (path.exists(), path));
        let code = (*system()).xOpen.expect("a VFS opens files")(system(), name, handle, flags, out_flags);
        if code != ffi::SQLITE_OK || (*handle).pMethods.is_null() {
            return code;
        }
        let Some((existed, path)) = before else { return code };
        let journal = ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_SUPER_JOURNAL | ffi::SQLITE_OPEN_WAL;
        let syncs_folder = flags & ffi::SQLITE_OPEN_CREATE != 0 && flags & journal != 0;
        if let Some(file) = disk::opened(&path, existed, syncs_folder) {
            let system = &*(*handle).pMethods;
            (*handle).pMethods = watching(system);
            OPEN.lock().unwrap().insert(handle.addr(), Watched { file, system });
        }
        code
    }
}

/// The system's methods with ours in the place of those that change what is on the disk.
fn watching(system: &'static ffi::sqlite3_io_methods) -> *const ffi::sqlite3_io_methods {
    let mut known = METHODS.lock().unwrap();
    let ours = known.entry((&raw const *system).addr()).or_insert_with(|| {
        let mut methods = *system;
        methods.xWrite = Some(write);
        methods.xTruncate = Some(truncate);
        methods.xSync = Some(sync);
        methods.xClose = Some(close);
        Box::into_raw(Box::new(methods)).expose_provenance()
    });
    std::ptr::with_exposed_provenance(*ours)
}

fn watched(handle: *mut ffi::sqlite3_file) -> Watched {
    OPEN.lock().unwrap().get(&handle.addr()).expect("the handle was opened here").clone()
}

unsafe extern "C" fn write(handle: *mut ffi::sqlite3_file, data: *const c_void, length: c_int, offset: i64) -> c_int {
    let Watched { file, system } = watched(handle);
    // SAFETY: SQLite gives `length` bytes at `data`, and an open handle.
    unsafe {
        let bytes = slice::from_raw_parts(data.cast::<u8>(), usize::try_from(length).expect("a length"));
        let write = || system.xWrite.expect("files are written")(handle, data, length, offset);
        file.write(offset.unsigned_abs(), bytes, write)
    }
}

unsafe extern "C" fn truncate(handle: *mut ffi::sqlite3_file, size: i64) -> c_int {
    let Watched { file, system } = watched(handle);
    // SAFETY: SQLite's own arguments, given on.
    file.truncate(size.unsigned_abs(), || unsafe { system.xTruncate.expect("files are cut")(handle, size) })
}

unsafe extern "C" fn sync(handle: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    let Watched { file, system } = watched(handle);
    // SAFETY: SQLite's own arguments, given on.
    file.sync(|| unsafe { system.xSync.expect("files are synced")(handle, flags) })
}

unsafe extern "C" fn close(handle: *mut ffi::sqlite3_file) -> c_int {
    let watched = OPEN.lock().unwrap().remove(&handle.addr()).expect("the handle was opened here");
    // SAFETY: the handle is closed by those who opened it.
    unsafe { watched.system.xClose.expect("files are closed")(handle) }
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    // SAFETY: SQLite's own arguments, given on.
    let (path, delete) = unsafe {
        let delete = (*system()).xDelete.expect("files are deleted");
        (path(if name.is_null() { null() } else { name }), move || delete(system(), name, sync_folder))
    };
    match path {
        Some(path) => disk::deleted(&path, sync_folder != 0, delete),
        None => delete(),
    }
}
