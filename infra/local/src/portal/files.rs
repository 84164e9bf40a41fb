//! Where the portal keeps its certificates and keys.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// A directory on disk, or memory for as long as the process lives.
pub(super) enum Files {
    /// One file per name.
    Directory(PathBuf),
    /// Gone with the process.
    Memory(Mutex<BTreeMap<String, Vec<u8>>>),
}

impl Files {
    /// The directory, created if need be; memory without one.
    pub(super) fn open(directory: Option<PathBuf>) -> io::Result<Self> {
        match directory {
            None => Ok(Self::Memory(Mutex::default())),
            Some(directory) => {
                fs::create_dir_all(&directory)?;
                Ok(Self::Directory(directory))
            }
        }
    }

    /// What is kept under `name`, if anything.
    pub(super) fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match self {
            Self::Memory(files) => {
                Ok(files.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned())
            }
            Self::Directory(directory) => match fs::read(directory.join(name)) {
                Ok(content) => Ok(Some(content)),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    /// Keeps `content` under `name`, readable by its owner only: old or new after a crash, never half of it.
    pub(super) fn write(&self, name: &str, content: Vec<u8>) -> io::Result<()> {
        match self {
            Self::Memory(files) => {
                files.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), content);
                Ok(())
            }
            Self::Directory(directory) => {
                let half = directory.join(format!("{name}.new"));
                let mut file =
                    fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&half)?;
                file.write_all(&content)?;
                file.sync_all()?;
                fs::rename(half, directory.join(name))
            }
        }
    }
}
