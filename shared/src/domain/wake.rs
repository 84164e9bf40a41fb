//! The hint that a device should be woken. It may be lost, repeated or late: the push function looks into the store.

use serde::{Deserialize, Serialize};

use crate::id::{EnrollmentId, TenantId};

/// A message on the wake queue.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Wake {
    /// Whose device it is.
    pub tenant: TenantId,
    /// Which channel may have something waiting.
    pub enrollment: EnrollmentId,
}
