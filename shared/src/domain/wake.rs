//! The hint that a device should be woken. It may be lost, repeated or late: the push function looks into the store.

use serde::{Deserialize, Serialize};

use crate::id::{EnrollmentId, TenantId};
use crate::time::Timestamp;

/// A message on the wake queue.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Wake {
    /// Whose device it is.
    pub tenant: TenantId,
    /// Which channel may have something waiting.
    pub enrollment: EnrollmentId,
    /// Set where the device is asked whether it is still there: it is woken even with nothing waiting, unless it was seen
    /// after this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unless_seen_after: Option<Timestamp>,
}
