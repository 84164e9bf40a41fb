//! The keys of what concerns many devices: groups, and commands by a job.

use super::{Key, command_batch};
use crate::domain::command_job::CommandJob;
use crate::id::{CommandUuid, EnrollmentId, GroupId, TenantId};

/// The partition of the index by tenant that lists the jobs of all tenants that are not over.
pub(crate) const UNFINISHED_JOBS: &str = "*jobs";

pub(crate) fn group_partition(tenant: &TenantId) -> String {
    format!("TENANT#{tenant}#GROUPS")
}

pub(crate) fn group(tenant: &TenantId, group: &GroupId) -> Key {
    Key { pk: group_partition(tenant), sk: group.to_string() }
}

/// The members of one group: one item each.
pub(crate) fn member_partition(tenant: &TenantId, group: &GroupId) -> String {
    format!("TENANT#{tenant}#GROUP#{group}")
}

pub(crate) fn member(tenant: &TenantId, group: &GroupId, id: &EnrollmentId) -> Key {
    Key { pk: member_partition(tenant, group), sk: id.to_string() }
}

/// How far a job has come, beside its command.
pub(crate) fn command_job(tenant: &TenantId, uuid: &CommandUuid) -> Key {
    Key { sk: "JOB".into(), ..command_batch(tenant, uuid) }
}

pub(crate) fn job_list_partition(tenant: &TenantId) -> String {
    format!("TENANT#{tenant}#JOBS")
}

/// A job's place in the list of its tenant's jobs, by time.
pub(crate) fn listed_job(tenant: &TenantId, job: &CommandJob) -> Key {
    Key {
        pk: job_list_partition(tenant),
        sk: format!("{:014}#{}", job.created_at.as_millisecond(), job.uuid),
    }
}

/// The sort key of [`BY_TENANT_INDEX`] for a job that is not over.
pub(crate) fn unfinished_job(tenant: &TenantId, uuid: &CommandUuid) -> String {
    format!("{tenant}#{uuid}")
}

/// The partition of [`BY_TENANT_INDEX`] that lists a tenant's commands that wait for a second administrator.
pub(crate) fn approvals(tenant: &TenantId) -> String {
    format!("*approvals#{tenant}")
}

/// The sort key of [`BY_TENANT_INDEX`] for a command that waits for a second administrator.
pub(crate) fn approval(tenant: &TenantId, uuid: &CommandUuid) -> String {
    format!("{tenant}#{uuid}")
}

/// The devices of one serial number, written in capitals; none for what is no serial number.
pub(crate) fn serial_partition(tenant: &TenantId, serial: &str) -> Option<String> {
    let serial = serial.trim();
    let fits = (1..=64).contains(&serial.len()) && serial.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| format!("TENANT#{tenant}#SERIAL#{}", serial.to_ascii_uppercase()))
}

/// A device of this serial number.
pub(crate) fn device_of_serial(tenant: &TenantId, serial: &str, id: &EnrollmentId) -> Option<Key> {
    serial_partition(tenant, serial).map(|pk| Key { pk, sk: id.to_string() })
}

/// What devices are asked again.
pub(crate) fn refresh_rule(tenant: &TenantId) -> Key {
    Key { pk: format!("TENANT#{tenant}"), sk: "REFRESH".into() }
}
