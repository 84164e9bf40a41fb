//! DynamoDB, by an emulator over SQLite in this process.
//!
//! It differs from AWS in this: nothing is throttled, every read is consistent, transactions never conflict, and expired
//! items stay (readers compare `expires_at` themselves, so the difference does not show).

use std::path::Path;

use dynoxide::Database;
use dynoxide::server::serve_with_shutdown;
use shared::{Error, Result};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::server::listen;

/// Serves the database in `file`, or one in memory, until `closing`; answers its address.
pub(super) fn start(
    file: Option<&Path>,
    mut closing: watch::Receiver<bool>,
) -> Result<(String, JoinHandle<()>)> {
    let database = match file {
        Some(file) => Database::new(&file.to_string_lossy()),
        None => Database::memory(),
    }
    .map_err(Error::internal)?;
    let listener = listen().map_err(Error::internal)?;
    let endpoint = format!("http://{}", listener.local_addr().map_err(Error::internal)?);
    let closed = async move {
        // An error means that the owner is gone, which also closes.
        let _ = closing.wait_for(|closing| *closing).await;
    };
    let task = tokio::spawn(async move {
        if let Err(error) = serve_with_shutdown(listener, database, closed).await {
            tracing::error!(error, "the local DynamoDB stopped");
        }
    });
    Ok((endpoint, task))
}
