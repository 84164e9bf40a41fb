//! The push certificates the portal has issued.

use serde::{Deserialize, Serialize};
use shared::time::Timestamp;
use shared::{Error, Result};

use super::files::Files;

const FILE: &str = "certificates.json";

/// One push certificate: its latest issue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The Subject UID, which is the topic; a renewal keeps it.
    pub uid: String,
    /// The serial number in hex; a renewal changes it.
    pub serial: String,
    /// Who signed the latest request.
    pub vendor: String,
    /// The end of validity.
    pub expires_at: Timestamp,
    /// Whether it was revoked; it can then not be renewed.
    pub revoked: bool,
    /// The certificate.
    pub pem: String,
}

/// All rows, oldest first.
pub(super) fn read(files: &Files) -> Result<Vec<Row>> {
    let content = files.read(FILE).map_err(Error::internal)?;
    content.map_or(Ok(Vec::new()), |content| serde_json::from_slice(&content).map_err(Error::internal))
}

/// Puts `row` in the place of the row with the same UID, or at the end.
pub(super) fn put(files: &Files, row: Row) -> Result<()> {
    let mut rows = read(files)?;
    match rows.iter_mut().find(|known| known.uid == row.uid) {
        Some(known) => *known = row,
        None => rows.push(row),
    }
    let content = serde_json::to_vec_pretty(&rows).map_err(Error::internal)?;
    files.write(FILE, content).map_err(Error::internal)
}
