//! What others do with the same records: redb, fjall, SQLite, each with one durable commit per group. They are built
//! only with the feature `peers`, since SQLite is a long build; without it, each says so.
use std::path::Path;

/// Commits a group durably. Many may call it at once; who has one writer only, lets them wait.
pub(crate) type Peer = Box<dyn Fn(&[Vec<u8>]) + Send + Sync>;

/// Every peer, or why there is none.
pub(crate) fn all(dir: &Path) -> Vec<(&'static str, Result<Peer, String>)> {
    ["redb", "fjall", "SQLite"].into_iter().map(|name| (name, open(name, dir))).collect()
}

#[cfg(not(feature = "peers"))]
fn open(_: &str, _: &Path) -> Result<Peer, String> {
    Err("built without the feature `peers` (`--peers`)".to_owned())
}

#[cfg(feature = "peers")]
fn open(name: &str, dir: &Path) -> Result<Peer, String> {
    let opened = match name {
        "redb" => built::redb(dir),
        "fjall" => built::fjall(dir),
        _ => built::sqlite(dir),
    };
    opened.map_err(|error| error.to_string())
}

#[cfg(feature = "peers")]
mod built {
    use super::Peer;
    use std::{
        error::Error,
        path::Path,
        sync::{
            Mutex,
            atomic::{AtomicU64, Ordering},
        },
    };

    /// Whatever a peer says.
    type Opened = Result<Peer, Box<dyn Error>>;

    pub(super) fn redb(dir: &Path) -> Opened {
        const TABLE: redb::TableDefinition<u64, &[u8]> = redb::TableDefinition::new("records");
        let database = redb::Database::create(dir.join("redb"))?;
        let next = AtomicU64::new(0);
        let commit = move |group: &[Vec<u8>]| -> Result<(), redb::Error> {
            let write = database.begin_write()?;
            {
                let mut table = write.open_table(TABLE)?;
                for record in group {
                    table.insert(next.fetch_add(1, Ordering::Relaxed), record.as_slice())?;
                }
            }
            Ok(write.commit()?)
        };
        Ok(Box::new(move |group| commit(group).expect("the bench's disk has room")))
    }

    pub(super) fn fjall(dir: &Path) -> Opened {
        let database = fjall::Database::builder(dir.join("fjall")).open()?;
        let records = database.keyspace("records", fjall::KeyspaceCreateOptions::default)?;
        let next = AtomicU64::new(0);
        let commit = move |group: &[Vec<u8>]| -> fjall::Result<()> {
            let mut batch = database.batch().durability(Some(fjall::PersistMode::SyncData));
            for record in group {
                let key = next.fetch_add(1, Ordering::Relaxed);
                batch.insert(&records, key.to_be_bytes(), record.as_slice());
            }
            batch.commit()
        };
        Ok(Box::new(move |group| commit(group).expect("the bench's disk has room")))
    }

    pub(super) fn sqlite(dir: &Path) -> Opened {
        let database = rusqlite::Connection::open(dir.join("sqlite"))?;
        database.pragma_update(None, "journal_mode", "WAL")?;
        database.pragma_update(None, "synchronous", "FULL")?;
        database.execute("CREATE TABLE records (id INTEGER PRIMARY KEY, body BLOB NOT NULL)", ())?;
        let database = Mutex::new(database);
        let commit = move |group: &[Vec<u8>]| -> rusqlite::Result<()> {
            let mut database = database.lock().expect("a commit of the bench does not panic");
            let write = database.transaction()?;
            {
                let mut insert = write.prepare_cached("INSERT INTO records (body) VALUES (?1)")?;
                for record in group {
                    insert.execute((record,))?;
                }
            }
            write.commit()
        };
        Ok(Box::new(move |group| commit(group).expect("the bench's disk has room")))
    }
}
