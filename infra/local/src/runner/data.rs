//! The data of a directory without the server.

use std::path::Path;

use shared::config::Config;
use shared::error::Result;
use shared::time::Clock;

use super::lock::DataLock;
use super::settings;
use crate::aws::{LocalAws, Storage};

/// The store of a data directory, for tools that work on it while no server does.
#[derive(Debug)]
pub struct Data {
    /// AWS's services over it.
    pub aws: LocalAws,
    /// Freed last.
    _lock: Option<DataLock>,
}

impl Data {
    /// Opens a directory, which is made if need be.
    ///
    /// # Errors
    /// Conflict when a server runs with it or it may not be used; Internal when the data is damaged.
    pub async fn open(directory: &Path, clock: Clock) -> Result<Self> {
        let lock = DataLock::take(directory)?;
        let aws = LocalAws::start(Storage::Directory(directory.to_owned()), clock).await?;
        settings::prepare(&aws).await?;
        Ok(Self { aws, _lock: Some(lock) })
    }

    /// Data that ends with the process.
    ///
    /// # Errors
    /// Internal when no port is free.
    pub async fn in_memory(clock: Clock) -> Result<Self> {
        let aws = LocalAws::start(Storage::Memory, clock).await?;
        settings::prepare(&aws).await?;
        Ok(Self { aws, _lock: None })
    }

    /// The settings of a process that works on this data, and is otherwise as another one.
    pub fn settings(&self, like: &Config) -> Config {
        settings::with_queues(&self.aws, like.clone())
    }

    /// Lets the services end.
    pub async fn close(self) {
        self.aws.stop().await;
    }
}
