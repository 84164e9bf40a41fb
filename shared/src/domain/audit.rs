//! Who changed what, when and from where: written in the same transaction as the change.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::log::place;
use crate::id::AuditId;
use crate::scope::Realm;
use crate::time::Timestamp;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AuditAction {
    /// The tenant was created.
    TenantCreated,
    /// Name, contacts or opt-in changed.
    TenantChanged,
    /// All that is the tenant's, its keys among it, was written into a sealed file.
    TenantExported,
    /// The tenant came from such a file.
    TenantImported,
    /// Somebody may sign in to the console from now on, or in another role.
    MemberSet,
    /// Somebody may not sign in any more.
    MemberRemoved,
    /// A member signed in and came to the tenant's pages.
    MemberEntered,
    /// It was changed by which provider members sign in.
    OpenidProviderChanged,
    /// Members sign in by mailed codes alone again.
    OpenidProviderRemoved,
    /// The tenant allowed the operator's support to look in.
    SupportAllowed,
    /// The tenant ended that.
    SupportEnded,
    /// An operator asked to be let in.
    SupportAsked,
    /// An operator came to the tenant's pages, as support.
    SupportEntered,
    /// An API token was created.
    TokenCreated,
    /// An API token was deleted.
    TokenDeleted,
    /// A push certificate request was made.
    PushRequestMade,
    /// A push certificate request was given up.
    PushRequestCancelled,
    /// A push certificate was uploaded for review.
    PushCertificateStaged,
    /// An uploaded push certificate was discarded.
    PushCertificateDiscarded,
    /// A push certificate became the active one.
    PushCertificateActivated,
    /// A former push certificate became the active one again.
    PushCertificateRolledBack,
    /// Somebody entered a password for the export of a push certificate.
    PushCertificateExportTried,
    /// The password was right: certificate and key were handed out.
    PushCertificateExported,
    /// The deletion of all push certificates was confirmed; their keys are destroyed from then on.
    PushCertificatesDeletionBegun,
    /// All push certificates and their keys are gone.
    PushCertificatesDeleted,
    /// It was recorded, or confirmed, who can renew the push certificate.
    PushCertificateOwnershipConfirmed,
    /// An identity authority of the tenant's own was made, which issues from then on.
    IdentityAuthorityCreated,
    /// Another server's identity authority was trusted.
    IdentityAuthorityTrusted,
    /// An identity authority was retired: its identities are refused.
    IdentityAuthorityRetired,
    /// A device was to renew its identity at once.
    IdentityRenewalAsked,
    /// A device's identity was revoked.
    IdentityRevoked,
    /// The organization's own profile signing certificate was installed.
    ProfileSignerInstalled,
    /// The organization's own profile signing certificate was given up.
    ProfileSignerRemoved,
    /// An enrollment link was made.
    EnrollmentLinkCreated,
    /// It was changed what enrollment profiles ask of devices.
    EnrollmentSettingsChanged,
    /// An enrollment link was revoked.
    EnrollmentLinkRevoked,
    /// A group was made, also by a link that names it.
    GroupCreated,
    /// Enrollments joined or left a group.
    GroupMembersChanged,
    /// A group was deleted.
    GroupDeleted,
    /// A command was sent.
    CommandSent,
    /// A command that erases devices was asked for; somebody else must approve it.
    CommandApprovalAsked,
    /// Somebody else approved it, and it was sent.
    CommandApproved,
    /// A command was taken back, on all targets or on one.
    CommandCancelled,
    /// All that waited on a device was taken back.
    CommandQueueCleared,
    /// A command that was set aside was tried again.
    CommandRetried,
    /// The PIN that a device was locked or erased with was read.
    CommandPinRevealed,
    /// The rule about silent devices changed.
    InactivityRuleChanged,
    /// It was confirmed that many devices are silent and no outage is.
    InactivityConfirmed,
    /// An administrator took a device out of the lists.
    DeviceRetired,
    /// An administrator unenrolled a device, which is told so as soon as it is heard.
    DeviceDismissed,
    /// It was changed what devices are asked again by themselves.
    RefreshChanged,
    /// Devices that are not enrolled were let in, or not any more.
    AccessSettingsChanged,
    /// An administrator let a device back to the tenant's services.
    AccessUnlocked,
    /// The mails about a credential were put off.
    ExpirySnoozed,
    /// A new address of the expiry calendar was made.
    CalendarAddressCreated,
    /// A contact was asked to confirm its address.
    ContactAsked,
    /// A contact confirmed its address.
    ContactConfirmed,
    /// Mails to a contact stopped, because one bounced or was called spam.
    ContactDisabled,
    /// An MDM vendor certificate was installed.
    VendorCertificateInstalled,
    /// Another MDM vendor certificate signs from now on.
    VendorCertificateActivated,
    /// An MDM vendor certificate and its key were deleted.
    VendorCertificateDeleted,
    /// Messages that had been set aside were sent back, to be tried anew.
    DeadLettersSentBack,
    /// Messages that had been set aside were deleted.
    DeadLettersDiscarded,
    /// An operator's token was created.
    OperatorTokenCreated,
    /// It was changed for how long logs are kept.
    RetentionChanged,
    /// A webhook was made.
    WebhookCreated,
    /// A webhook's address, filter or switch changed.
    WebhookChanged,
    /// A webhook was deleted.
    WebhookDeleted,
    /// A webhook got a new secret.
    WebhookSecretRotated,
    /// A test was sent to a webhook.
    WebhookTested,
    /// A webhook's deliveries begin again from an earlier moment.
    WebhookReplayed,
    /// An event that had been given up was sent once more.
    WebhookRedelivered,
}

/// One entry of a tenant's audit log, or of the operator's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Tells apart what happened in the same moment.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Who: `token:<id>`, `member:<address>`, `support:<address>`, `device:<fingerprint>`, `system:<why>`.
    pub actor: String,
    /// From which address, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<IpAddr>,
    /// What.
    pub action: AuditAction,
    /// To what: identifiers, topics, fingerprints; never a secret.
    #[serde(default)]
    pub facts: BTreeMap<String, String>,
}

impl AuditEntry {
    /// An entry about what the realm's actor does now.
    pub fn new<'a>(id: AuditId, at: Timestamp, realm: impl Into<Realm<'a>>, action: AuditAction) -> Self {
        let realm = realm.into();
        Self {
            id,
            at,
            actor: realm.actor().to_string(),
            origin: realm.origin(),
            action,
            facts: BTreeMap::new(),
        }
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
