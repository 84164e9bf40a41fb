//! What an overview of many devices needs to know of each.

use serde::{Deserialize, Serialize};

use crate::domain::enrollment::EnrollmentState;
use crate::id::EnrollmentId;
use crate::time::Timestamp;

/// A part of an [`Enrollment`](crate::domain::enrollment::Enrollment), whose attributes it shares: a page about a thousand
/// devices reads no certificates and tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Glimpse {
    /// Which channel of which device.
    pub id: EnrollmentId,
    /// Where it stands.
    pub state: EnrollmentState,
    /// Commands without a final answer.
    pub waiting: u64,
    /// Idle polls in a row to which it was handed the same command.
    #[serde(default)]
    pub unanswered: u64,
    /// When it last said anything.
    pub last_seen: Timestamp,
    /// When the present enrollment began.
    pub enrolled_at: Option<Timestamp>,
    /// Since when the tenant's services refuse it.
    pub locked_at: Option<Timestamp>,
    /// What the device said of itself.
    #[serde(default)]
    facts: Named,
}

/// The one of the facts that an overview shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Named {
    device_name: Option<String>,
}

impl Glimpse {
    /// The name its user gave it.
    pub fn name(&self) -> Option<&str> {
        self.facts.device_name.as_deref()
    }

    /// Whether commands may be queued for it.
    pub fn is_managed(&self) -> bool {
        self.state.is_managed()
    }
}
