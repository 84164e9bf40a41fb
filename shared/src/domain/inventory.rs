//! What devices told of themselves, each part with its time.

use serde::{Deserialize, Serialize};

use crate::domain::command::StoredResult;
use crate::id::CommandUuid;
use crate::protocol::inventory::Section;
use crate::time::Timestamp;

/// A part of a device's inventory as it was last told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InventoryPart {
    /// Which part.
    pub section: Section,
    /// When it was told.
    pub told_at: Timestamp,
    /// In answer to which command.
    pub uuid: CommandUuid,
    /// The whole answer.
    pub result: StoredResult,
}
