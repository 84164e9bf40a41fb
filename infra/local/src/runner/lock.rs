//! One process a data directory: two would each believe the store is theirs.

use std::fs::{DirBuilder, File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use shared::error::{Error, Result};

const FILE: &str = "lock";

/// The right to use a data directory. It ends with the process, however that ends.
#[derive(Debug)]
pub(super) struct DataLock(File);

impl DataLock {
    /// Takes the directory, which is made if need be.
    ///
    /// # Errors
    /// Conflict when another process has it (`data-in-use`) or it cannot be written (`data-directory`).
    pub(super) fn take(directory: &Path) -> Result<Self> {
        let mut file = open(directory).map_err(|error| not_writable(directory, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Whoever holds it may not have said yet where it listens.
                file.read_to_string(&mut holder).unwrap_or_default();
                Err(in_use(directory, &holder))
            }
            Err(TryLockError::Error(error)) => Err(not_writable(directory, &error)),
        }
    }

    /// Notes who has the directory, for the next one to come.
    pub(super) fn sign(&mut self, address: SocketAddr) -> Result<()> {
        let Self(file) = self;
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| write!(file, "http://{address} (process {})", std::process::id()))
            .map_err(Error::internal)
    }
}

/// What lies in there is for its owner only: the store of secrets is one of the files.
fn open(directory: &Path) -> io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    File::options().read(true).write(true).create(true).truncate(false).open(directory.join(FILE))
}

fn in_use(directory: &Path, holder: &str) -> Error {
    let holder = if holder.is_empty() { "another process" } else { holder };
    Error::conflict(
        "data-in-use",
        format!("Pomarium is running already with the data in {}: {holder}.", directory.display()),
    )
    .next("Use that one, stop it, or start with other data: POMARIUM_DATA=<directory>")
}

fn not_writable(directory: &Path, error: &io::Error) -> Error {
    Error::conflict(
        "data-directory",
        format!("The data directory {} cannot be used: {error}.", directory.display()),
    )
    .next("Make it writable, or choose another: POMARIUM_DATA=<directory>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_has_the_directory() {
        let directory = tempfile::tempdir().unwrap();
        let mut first = DataLock::take(directory.path()).unwrap();
        assert!(DataLock::take(directory.path()).unwrap_err().to_string().contains("another process"));
        first.sign("127.0.0.1:8080".parse().unwrap()).unwrap();
        let refused = DataLock::take(directory.path()).unwrap_err();
        assert_eq!(refused.code(), "data-in-use");
        assert!(refused.to_string().contains("http://127.0.0.1:8080 (process "), "{refused}");
        drop(first);
        assert!(DataLock::take(directory.path()).is_ok());
    }

    #[test]
    fn a_new_directory_is_its_owners_only() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let made = directory.path().join("pomarium");
        let _lock = DataLock::take(&made).unwrap();
        assert_eq!(made.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let refused = DataLock::take(&file.path().join("data")).unwrap_err();
        assert_eq!(refused.code(), "data-directory");
        assert!(refused.to_string().contains(&*file.path().to_string_lossy()));
    }
}
