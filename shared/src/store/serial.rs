//! Devices by their serial number: an item each, written when a device begins an enrollment. It is only a way to the device:
//! what is true stands there.

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};

use super::{Store, keys, put_part, read};
use crate::domain::enrollment::Enrollment;
use crate::error::Result;
use crate::id::EnrollmentId;
use crate::scope::Scope;

/// A way to a device.
#[derive(Serialize, Deserialize)]
struct Way {
    enrollment: EnrollmentId,
}

impl Store {
    /// The devices that said this serial number when they last enrolled, in no particular order. Capitals do not matter.
    pub async fn devices_with_serial(&self, scope: &Scope, serial: &str) -> Result<Vec<Enrollment>> {
        let Some(partition) = keys::serial_partition(scope.tenant(), serial) else { return Ok(Vec::new()) };
        let ways = self.partition(&self.tables.core, &partition, "").await?;
        let ids: Vec<EnrollmentId> =
            ways.into_iter().map(|way| read::<Way>(way).map(|way| way.enrollment)).collect::<Result<_>>()?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut devices = self.enrollments(scope, &ids).await?;
        let says = |device: &Enrollment| {
            let said = device.facts.serial_number.as_deref().unwrap_or_default();
            said.trim().eq_ignore_ascii_case(serial.trim())
        };
        devices.retain(says);
        Ok(devices)
    }

    /// The part of a transaction that makes the way to a device; none for one that says no serial number.
    pub(super) fn way_part(&self, scope: &Scope, device: &Enrollment) -> Result<Option<TransactWriteItem>> {
        let serial = device.facts.serial_number.as_deref().unwrap_or_default();
        let way = Way { enrollment: device.id.clone() };
        let key = keys::device_of_serial(scope.tenant(), serial, &device.id);
        key.map(|key| put_part(&self.tables.core, &key, &way, None)).transpose()
    }
}
