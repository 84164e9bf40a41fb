//! What became of devices: the surveillance log, beside the audit log of what people change.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::{AuditId, EnrollmentId};
use crate::scope::Scope;
use crate::time::Timestamp;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// A device that was known before begins to enroll again.
    EnrollmentRestarted,
    /// A device enrolled.
    DeviceEnrolled,
    /// A device, or one user's channel on it, removed its enrollment.
    CheckedOut,
    /// A device that an administrator unenrolled came back and was told so.
    DeviceUnenrolled,
    /// A device gave a command's final answer.
    CommandCompleted,
    /// APNs called a device's push address no good.
    PushAddressRefused,
    /// A device tried to enroll with the identity of another one.
    IdentityRefused,
    /// A device spoke with its renewed identity for the first time; the former one is refused from then on.
    IdentityRenewed,
    /// A device has not renewed its identity, whose end is near. It stays managed, and is asked again.
    IdentityOverdue,
    /// Somebody spoke for a device with an identity of it that was revoked.
    RevokedIdentityUsed,
}

/// One entry of a tenant's surveillance log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Tells apart what happened in the same moment.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Who caused it: `device:<fingerprint>`, `system:<why>`, `token:<id>`.
    pub actor: String,
    /// What.
    #[serde(rename = "action")]
    pub kind: EventKind,
    /// To which device, or channel of it.
    pub enrollment: EnrollmentId,
    /// More about it: identifiers, fingerprints; never a secret.
    #[serde(default)]
    pub facts: BTreeMap<String, String>,
}

impl Event {
    /// An event that `scope`'s actor causes now.
    pub fn new(
        id: AuditId,
        at: Timestamp,
        scope: &Scope,
        kind: EventKind,
        enrollment: &EnrollmentId,
    ) -> Self {
        let actor = scope.actor().to_string();
        Self { id, at, actor, kind, enrollment: enrollment.clone(), facts: BTreeMap::new() }
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.facts.insert(name.to_owned(), value.to_string());
        self
    }
}
