//! What became of devices: the surveillance log, beside the audit log of what people change.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::log::place;
use crate::id::{AuditId, EnrollmentId};
use crate::scope::Scope;
use crate::time::Timestamp;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
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
    /// A device tried to enroll with a certificate of the tenant's own authority that no profile asked for.
    ExternalIdentityRefused,
    /// A device spoke with its renewed identity for the first time; the former one is refused from then on.
    IdentityRenewed,
    /// A device has not renewed its identity, whose end is near. It stays managed, and is asked again.
    IdentityOverdue,
    /// Somebody spoke for a device with an identity of it that was revoked.
    RevokedIdentityUsed,
    /// A second device spoke under an enrolled device's name, and was refused.
    DuplicateRefused,
    /// A device was silent for too long: it became inactive, and access was locked.
    DeviceInactive,
    /// An inactive device answered: it is enrolled again.
    DeviceReturned,
    /// So many devices fell silent at once that none became inactive.
    InactivityHeld,
    /// A webhook was switched off, because nothing could be delivered to it for a day, or its server said that it is gone.
    WebhookDisabled,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::EnrollmentRestarted,
        Self::DeviceEnrolled,
        Self::CheckedOut,
        Self::DeviceUnenrolled,
        Self::CommandCompleted,
        Self::PushAddressRefused,
        Self::IdentityRefused,
        Self::ExternalIdentityRefused,
        Self::IdentityRenewed,
        Self::IdentityOverdue,
        Self::RevokedIdentityUsed,
        Self::DuplicateRefused,
        Self::DeviceInactive,
        Self::DeviceReturned,
        Self::InactivityHeld,
        Self::WebhookDisabled,
    ];

    /// The kind as the log writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::EnrollmentRestarted => "enrollment-restarted",
            Self::DeviceEnrolled => "device-enrolled",
            Self::CheckedOut => "checked-out",
            Self::DeviceUnenrolled => "device-unenrolled",
            Self::CommandCompleted => "command-completed",
            Self::PushAddressRefused => "push-address-refused",
            Self::IdentityRefused => "identity-refused",
            Self::ExternalIdentityRefused => "external-identity-refused",
            Self::IdentityRenewed => "identity-renewed",
            Self::IdentityOverdue => "identity-overdue",
            Self::RevokedIdentityUsed => "revoked-identity-used",
            Self::DuplicateRefused => "duplicate-refused",
            Self::DeviceInactive => "device-inactive",
            Self::DeviceReturned => "device-returned",
            Self::InactivityHeld => "inactivity-held",
            Self::WebhookDisabled => "webhook-disabled",
        }
    }
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
    /// To which device, or channel of it; none where it is about all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrollment: Option<EnrollmentId>,
    /// More about it: identifiers, fingerprints; never a secret.
    #[serde(default)]
    pub facts: BTreeMap<String, String>,
}

impl Event {
    /// An event that `scope`'s actor causes now.
    pub fn new(id: AuditId, at: Timestamp, scope: &Scope, kind: EventKind) -> Self {
        let actor = scope.actor().to_string();
        Self { id, at, actor, kind, enrollment: None, facts: BTreeMap::new() }
    }

    /// Says which device, or channel of it, the event is about.
    #[must_use]
    pub fn of(self, enrollment: &EnrollmentId) -> Self {
        Self { enrollment: Some(enrollment.clone()), ..self }
    }

    /// Where it stands in the log: places are in the order of time.
    pub fn place(&self) -> String {
        place(self.at, &self.id)
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.facts.insert(name.to_owned(), value.to_string());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_kinds_are_listed() {
        let described = serde_json::to_value(<EventKind as utoipa::PartialSchema>::schema()).unwrap();
        let names: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(described["enum"], serde_json::json!(names));
    }
}
