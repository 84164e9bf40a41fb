//! The keys of queued commands, and their places in the index that orders them.

use super::{Key, channel, device_partition};
use crate::domain::command::QueuedCommand;
use crate::id::{CommandUuid, EnrollmentId, TenantId};

pub(crate) fn queued_command(tenant: &TenantId, id: &EnrollmentId, uuid: &CommandUuid) -> Key {
    Key { pk: device_partition(tenant, id), sk: format!("COMMAND#{}#{uuid}", channel(id)) }
}

/// The sort key of [`super::QUEUE_INDEX`]: by channel and generation, then the higher priority, then the older.
pub(crate) fn queue_position(command: &QueuedCommand) -> String {
    let millis = command.created_at.as_millisecond();
    let prefix = queue_prefix(&command.enrollment, command.generation);
    format!("{prefix}{}#{millis:014}#{}", 9 - command.priority.min(9), command.uuid)
}

/// Where [`super::QUEUE_INDEX`] keeps a command that was set aside: apart from those that wait, the older first.
pub(crate) fn stuck_position(command: &QueuedCommand) -> String {
    let millis = command.created_at.as_millisecond();
    let prefix = stuck_prefix(&command.enrollment, command.generation);
    format!("{prefix}{millis:014}#{}", command.uuid)
}

pub(crate) fn stuck_prefix(id: &EnrollmentId, generation: u64) -> String {
    format!("{}#stuck#{generation:010}#", channel(id))
}

/// The partition of the index by tenant that lists the devices of all tenants that may have dropped commands.
pub(crate) const DROPPED: &str = "*dropped";

/// That commands of a device's earlier generations may be left.
pub(crate) fn dropped(tenant: &TenantId, id: &EnrollmentId) -> Key {
    Key { pk: device_partition(tenant, id), sk: "DROPPED".into() }
}

/// The sort key of [`super::BY_TENANT_INDEX`] for a device that may have dropped commands.
pub(crate) fn listed_dropped(tenant: &TenantId, id: &EnrollmentId) -> String {
    format!("{tenant}#{}", id.device_id())
}

/// From where to where [`super::QUEUE_INDEX`] holds what waits for earlier generations of a channel.
pub(crate) fn earlier_queue(id: &EnrollmentId, generation: u64) -> (String, String) {
    (format!("{}#0", channel(id)), queue_prefix(id, generation))
}

pub(crate) fn queue_prefix(id: &EnrollmentId, generation: u64) -> String {
    format!("{}#{generation:010}#", channel(id))
}
