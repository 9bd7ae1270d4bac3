//! The store: what must outlive the process, in one file of the data directory.
//!
//! ```text
//!   loop ─ Keeper::keep ─► what waits, the latest of each key ─► the store's thread ─► state.redb, one transaction for all
//! ```
//! The loop never waits for the disk. What could not be written waits on, and is tried again every second.
//!
//! Knows: records, files, the wall clock. Never: what the records mean.
use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, StorageError, TableDefinition};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use switchyard_engine::keep::{Kept, Key, Record, Restored};

const FILE: &str = "state.redb";
const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");
/// Between two tries to write.
const PAUSE: Duration = Duration::from_secs(1);

/// The file and the thread that writes it; or nothing, and all is forgotten with the process.
pub struct Store {
    desk: Option<Arc<Desk>>,
    writer: Option<JoinHandle<()>>,
}

/// Where the loop leaves what is to be kept.
#[derive(Clone)]
pub struct Keeper(Option<Arc<Desk>>);

/// A record in the file.
#[derive(Serialize, Deserialize)]
struct Page {
    /// Seconds of the Unix epoch.
    written: u64,
    record: Record,
}

#[derive(Default)]
struct Desk {
    waiting: Mutex<Waiting>,
    bell: Condvar,
}

#[derive(Default)]
struct Waiting {
    records: BTreeMap<Key, Option<Record>>,
    closing: bool,
}

impl Store {
    /// Without a file.
    pub const fn in_memory() -> Self {
        Self { desk: None, writer: None }
    }

    /// Opens the directory's file, or begins one; what is in it. `failed` is called for each transaction that fails.
    ///
    /// # Errors
    /// Another process has it, or the directory cannot be written. A broken file is put aside, and said to be.
    pub fn open(directory: &Path, failed: impl Fn() + Send + 'static) -> Result<(Self, Vec<Restored>), String> {
        let path = directory.join(FILE);
        let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        std::fs::create_dir_all(directory).map_err(|error| wrong(&error))?;
        let database = match Database::create(&path) {
            Err(error) if is_broken(&error) => {
                let aside = put_aside(&path).map_err(|error| wrong(&error))?;
                tracing::error!(%error, "{} is broken: it is now {}", path.display(), aside.display());
                Database::create(&path)
            }
            opened => opened,
        };
        let database = database.map_err(|error| wrong(&error))?;
        let restored = read(&database).map_err(|error| wrong(&error))?;
        let desk = Arc::new(Desk::default());
        let work = Arc::clone(&desk);
        let writer = thread::Builder::new().name("store".into()).spawn(move || work.write_all(&database, failed));
        let writer = writer.map_err(|error| format!("the store's thread: {error}"))?;
        Ok((Self { desk: Some(desk), writer: Some(writer) }, restored))
    }

    /// For the loop.
    pub fn keeper(&self) -> Keeper {
        Keeper(self.desk.clone())
    }

    /// Writes what still waits, and ends. Whether its thread was well.
    pub fn close(self) -> bool {
        if let Some(desk) = &self.desk {
            desk.waiting().closing = true;
            desk.bell.notify_one();
        }
        self.writer.is_none_or(|writer| writer.join().is_ok())
    }
}

impl Keeper {
    /// Keeps it from now on.
    pub fn keep(&self, Kept { key, record }: Kept) {
        if let Some(desk) = &self.0 {
            desk.waiting().records.insert(key, record);
            desk.bell.notify_one();
        }
    }
}

impl Desk {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes whatever comes, until it is told that no more will.
    fn write_all(&self, database: &Database, failed: impl Fn()) {
        loop {
            let waiting =
                self.bell.wait_while(self.waiting(), |waiting| waiting.records.is_empty() && !waiting.closing);
            let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
            let closing = waiting.closing;
            let records = std::mem::take(&mut waiting.records);
            drop(waiting);
            if let Err(error) = write(database, &records) {
                tracing::error!(%error, records = records.len(), "what must last could not be written");
                failed();
                let mut waiting = self.waiting();
                for (key, record) in records {
                    waiting.records.entry(key).or_insert(record);
                }
                if !closing {
                    drop(self.bell.wait_timeout_while(waiting, PAUSE, |waiting| !waiting.closing));
                    continue;
                }
            }
            if closing {
                return;
            }
        }
    }
}

fn write(database: &Database, records: &BTreeMap<Key, Option<Record>>) -> Result<(), redb::Error> {
    let written = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let transaction = database.begin_write()?;
    {
        let mut table = transaction.open_table(RECORDS)?;
        for (key, record) in records {
            let key = name(key);
            match record {
                Some(record) => {
                    let page = serde_json::to_vec(&Page { written, record: record.clone() });
                    let page = page.map_err(std::io::Error::from)?;
                    table.insert(key.as_str(), page.as_slice())?;
                }
                None => drop(table.remove(key.as_str())?),
            }
        }
    }
    transaction.commit()?;
    Ok(())
}

fn read(database: &Database) -> Result<Vec<Restored>, redb::Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let transaction = database.begin_read()?;
    let table = match transaction.open_table(RECORDS) {
        Ok(table) => table,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut restored = Vec::new();
    for entry in table.iter()? {
        let (key, page) = entry?;
        match serde_json::from_slice::<Page>(page.value()) {
            // A clock that was set back makes nothing younger than it was.
            Ok(Page { written, record }) => {
                restored.push(Restored { record, age: Duration::from_secs(now.saturating_sub(written)) });
            }
            Err(error) => tracing::error!(%error, key = key.value(), "a record that cannot be read is left as it is"),
        }
    }
    Ok(restored)
}

fn name(key: &Key) -> String {
    match key {
        Key::Line(number) => format!("line/{number}"),
        Key::Completion(id) => format!("callback/{id:032x}"),
    }
}

/// Whether there is no sense in the file.
fn is_broken(error: &DatabaseError) -> bool {
    if let DatabaseError::Storage(StorageError::Io(error)) = error {
        return matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof);
    }
    matches!(error, DatabaseError::Storage(StorageError::Corrupted(_)) | DatabaseError::RepairAborted)
}

/// Gives the file a name that nothing has yet.
fn put_aside(path: &Path) -> std::io::Result<PathBuf> {
    let free = (1..).map(|n| path.with_extension(format!("redb.broken-{n}"))).find(|aside| !aside.exists());
    let aside = free.unwrap_or_else(|| path.with_extension("redb.broken"));
    std::fs::rename(path, &aside)?;
    Ok(aside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use switchyard_engine::keep::LineRecord;

    /// A directory of a test's own, gone when the test is.
    struct Directory(PathBuf);

    impl Directory {
        fn new() -> Self {
            static NEXT: AtomicUsize = AtomicUsize::new(0);
            let unique = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            Self(std::env::temp_dir().join(format!("switchyard-store-{}-{}", unique.0, unique.1)))
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn record(number: &str, to: &str) -> Record {
        let forward_all = Some(to.to_owned());
        Record::Line(LineRecord { number: number.into(), forward_all, ..LineRecord::default() })
    }

    fn kept(number: &str, to: &str) -> Kept {
        Kept { key: Key::Line(number.into()), record: Some(record(number, to)) }
    }

    fn open(directory: &Directory) -> (Store, Vec<Record>) {
        let (store, restored) = Store::open(&directory.0, || panic!("not written")).unwrap();
        (store, restored.into_iter().map(|restored| restored.record).collect())
    }

    #[test]
    fn the_last_word_of_each_key_is_there_at_the_next_start() {
        let directory = Directory::new();
        let (store, restored) = open(&directory);
        assert_eq!(restored, []);
        for (number, to) in [("1001", "1002"), ("1002", "1003"), ("1001", "1004")] {
            store.keeper().keep(kept(number, to));
        }
        assert!(store.close());
        let (store, restored) = open(&directory);
        assert_eq!(restored, [record("1001", "1004"), record("1002", "1003")]);
        store.keeper().keep(Kept { key: Key::Line("1001".into()), record: None });
        assert!(store.close());
        assert_eq!(open(&directory).1, [record("1002", "1003")]);
    }

    #[test]
    fn one_file_has_one_process() {
        let directory = Directory::new();
        let _first = open(&directory);
        let refused = Store::open(&directory.0, || {}).map(|_| ()).unwrap_err();
        assert!(refused.contains(FILE), "{refused}");
    }

    #[test]
    fn a_broken_file_is_put_aside() {
        let directory = Directory::new();
        std::fs::create_dir_all(&directory.0).unwrap();
        std::fs::write(directory.0.join(FILE), [7; 9000]).unwrap();
        let (store, restored) = open(&directory);
        assert_eq!(restored, []);
        store.keeper().keep(kept("1001", "1002"));
        assert!(store.close());
        assert_eq!(open(&directory).1.len(), 1);
        assert_eq!(std::fs::read(directory.0.join("state.redb.broken-1")).unwrap().len(), 9000);
    }

    #[test]
    fn what_is_kept_in_memory_is_forgotten() {
        let store = Store::in_memory();
        store.keeper().keep(kept("1001", "1002"));
        assert!(store.close());
    }
}
