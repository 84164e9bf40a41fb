//! What the sweep is asked to look at. A message may be lost, repeated or late: what is done follows from the store.

use serde::{Deserialize, Serialize};

use crate::id::{EnrollmentId, TenantId};
use crate::time::Timestamp;

/// A message on the sweep queue: one page of work, after which the next page's message is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sweep {
    /// Ask for a look at each of the tenants after this one.
    Tenants {
        /// The last tenant of the page before; none for the first page.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<TenantId>,
    },
    /// Look at a page of one tenant's devices.
    Devices(DevicePage),
    /// Ask one device to renew its identity, without waiting for the next look.
    Renewal(DeviceRenewal),
    /// Write down as dropped what waited for a device that enrolled anew or left.
    Dropped(DroppedCommands),
}

/// A device that may have dropped commands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DroppedCommands {
    /// Whose it is.
    pub tenant: TenantId,
    /// Which.
    pub device: EnrollmentId,
}

/// A device that an administrator wants to renew its identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRenewal {
    /// Whose it is.
    pub tenant: TenantId,
    /// Which.
    pub enrollment: EnrollmentId,
}

/// A page of one tenant's enrollments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevicePage {
    /// Whose they are.
    pub tenant: TenantId,
    /// The mark of the page before; none for the first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// How many hints this tenant has had since the last rest.
    #[serde(default)]
    pub hinted: u32,
    /// What the pages before this one showed.
    #[serde(default)]
    pub tally: Tally,
    /// Whether silent devices become inactive now. The first walk only looks, because it takes all of a tenant's devices to
    /// tell silence from an outage.
    #[serde(default)]
    pub closes: bool,
}

/// What a walk through a tenant's devices has shown so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Enrolled devices.
    pub devices: u64,
    /// Those of them that were silent for as long as the rule allows.
    pub silent: u64,
    /// When the last of them was heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard_at: Option<Timestamp>,
}

impl DevicePage {
    /// A tenant's first page.
    pub fn first(tenant: TenantId) -> Self {
        Self { tenant, after: None, hinted: 0, tally: Tally::default(), closes: false }
    }
}
