//! Many commits wait for the disk together.
//!
//! SQLite appends each commit to its log, and nothing is safe from a power cut before the log is on the disk. To wait for
//! that takes longer than to commit, so it is done once for all that came in the meantime.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use shared::{Error, Result};

/// The disk below a log. Clones share it.
#[derive(Clone)]
pub(super) struct Disk(Option<Arc<Log>>);

struct Log {
    /// Waits until everything that was appended is on the disk.
    sync: Box<dyn Fn() -> io::Result<()> + Send + Sync>,
    /// How many commits there were. It is held during an operation, so that whatever one sees is counted.
    commits: Mutex<u64>,
    /// So many of them are on the disk.
    kept: AtomicU64,
    /// Whoever holds it waits for the disk, the others for them. After a failure nobody knows what the disk holds
    /// (the kernel tells it once), so the message stays.
    failure: tokio::sync::Mutex<Option<String>>,
}

impl Disk {
    /// No disk: the log ends with the process.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// The disk below the log of the database in `file`.
    ///
    /// # Errors
    /// Internal when there is no log.
    pub(super) fn below(file: &Path) -> Result<Self> {
        let mut log = file.as_os_str().to_owned();
        log.push("-wal");
        // It stays the same file for as long as the database is open: SQLite begins it anew in place.
        let log = File::options().write(true).open(log).map_err(Error::internal)?;
        Ok(Self::synced_by(move || log.sync_data()))
    }

    fn synced_by(sync: impl Fn() -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(Log {
            sync: Box::new(sync),
            commits: Mutex::default(),
            kept: AtomicU64::default(),
            failure: tokio::sync::Mutex::default(),
        })))
    }

    /// Does what changes nothing; answers the number of the last commit before it, too.
    pub(super) fn after<T>(&self, read: impl FnOnce() -> T) -> (T, u64) {
        let Some(log) = &self.0 else { return (read(), 0) };
        let commits = log.commits.lock().unwrap_or_else(PoisonError::into_inner);
        (read(), *commits)
    }

    /// Does what commits once; answers its number, or the one of the last commit before it if it failed, too.
    pub(super) fn commit<T, E>(&self, write: impl FnOnce() -> Result<T, E>) -> (Result<T, E>, u64) {
        let Some(log) = &self.0 else { return (write(), 0) };
        let mut commits = log.commits.lock().unwrap_or_else(PoisonError::into_inner);
        let done = write();
        *commits += u64::from(done.is_ok());
        (done, *commits)
    }

    /// Waits until so many commits are on the disk.
    ///
    /// # Errors
    /// When the disk failed, now or ever before.
    pub(super) async fn holds(&self, number: u64) -> io::Result<()> {
        let Some(log) = &self.0 else { return Ok(()) };
        if log.kept.load(Ordering::Acquire) >= number {
            return Ok(());
        }
        let mut failure = log.failure.lock().await;
        if let Some(failure) = failure.as_ref() {
            return Err(io::Error::other(failure.clone()));
        }
        if log.kept.load(Ordering::Acquire) >= number {
            return Ok(());
        }
        let commits = *log.commits.lock().unwrap_or_else(PoisonError::into_inner);
        let syncing = Arc::clone(log);
        let synced = tokio::task::spawn_blocking(move || (syncing.sync)()).await.map_err(io::Error::other)?;
        if let Err(error) = synced {
            tracing::error!(%error, "the disk does not keep what is written; nothing is answered until a restart");
            *failure = Some(error.to_string());
            return Err(error);
        }
        log.kept.store(commits, Ordering::Release);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc;
    use std::time::Duration;

    use futures_util::future::join_all;

    use super::*;

    fn committed(disk: &Disk) -> u64 {
        disk.commit(|| Ok::<_, ()>(())).1
    }

    #[tokio::test]
    async fn commits_that_come_while_the_disk_is_busy_wait_for_it_together() {
        let (started, starts) = mpsc::channel();
        let (go, wait) = mpsc::channel();
        let wait = Mutex::new(wait);
        let disk = Disk::synced_by(move || {
            started.send(()).unwrap();
            wait.lock().unwrap().recv().map_err(io::Error::other)
        });
        let first = committed(&disk);
        let waiting = tokio::spawn({
            let disk = disk.clone();
            async move { disk.holds(first).await }
        });
        let starts = tokio::task::spawn_blocking(move || (starts.recv(), starts).1).await.unwrap();

        let numbers: Vec<u64> = (0..10).map(|_| committed(&disk)).collect();
        let reader = disk.after(|| ()).1;
        assert_eq!(reader, 11, "it may have seen all of them");
        let mut others =
            Box::pin(join_all(numbers.into_iter().chain([reader]).map(|number| disk.holds(number))));
        let early = tokio::time::timeout(Duration::from_millis(1), &mut others).await;
        assert!(early.is_err(), "the disk began before they came");
        go.send(()).unwrap();
        waiting.await.unwrap().unwrap();
        go.send(()).unwrap();
        assert!(others.await.iter().all(Result::is_ok));
        assert_eq!(starts.try_iter().count(), 1, "one more wait for all of them");
    }

    #[tokio::test]
    async fn what_reads_when_all_is_kept_does_not_wait_and_a_failed_write_counts_nothing() {
        let syncs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&syncs);
        let disk = Disk::synced_by(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok(())
        });
        disk.holds(committed(&disk)).await.unwrap();
        disk.holds(disk.after(|| ()).1).await.unwrap();
        disk.holds(disk.commit(|| Err::<(), _>(())).1).await.unwrap();
        assert_eq!(syncs.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_disk_that_failed_once_is_not_believed_again() {
        let failed = AtomicUsize::new(0);
        let disk = Disk::synced_by(move || match failed.fetch_add(1, Ordering::Relaxed) {
            0 => Err(io::Error::other("bad sector")),
            _ => Ok(()),
        });
        let number = committed(&disk);
        assert_eq!(disk.holds(number).await.unwrap_err().to_string(), "bad sector");
        assert_eq!(disk.holds(number).await.unwrap_err().to_string(), "bad sector");
    }
}
