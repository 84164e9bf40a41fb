//! Who changed what, when and from where: written in the same transaction as the change.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::token::Owner;
use crate::id::AuditId;
use crate::scope::{Actor, OperatorScope, Scope};
use crate::time::Timestamp;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AuditAction {
    /// The tenant was created.
    TenantCreated,
    /// Name, contacts or opt-in changed.
    TenantChanged,
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
    /// The tenant's own identity authority was made.
    IdentityAuthorityCreated,
    /// Another server's identity authority was trusted.
    IdentityAuthorityTrusted,
    /// The organization's own profile signing certificate was installed.
    ProfileSignerInstalled,
    /// The organization's own profile signing certificate was given up.
    ProfileSignerRemoved,
    /// An enrollment link was made.
    EnrollmentLinkCreated,
    /// A command was sent.
    CommandSent,
    /// The mails about a credential were put off.
    ExpirySnoozed,
    /// A new address of the expiry calendar was made.
    CalendarAddressCreated,
    /// A contact was asked to confirm its address.
    ContactAsked,
    /// A contact confirmed its address.
    ContactConfirmed,
    /// The operator installed a vendor certificate, or changed its digest.
    VendorCertificateInstalled,
    /// An installed vendor certificate signs from now on.
    VendorCertificateActivated,
    /// A vendor certificate and its key were deleted.
    VendorCertificateDeleted,
    /// An operator's token was created.
    OperatorTokenCreated,
}

/// Who changes something, and so in whose log it is written down.
#[derive(Clone, Copy, Debug)]
pub enum Author<'a> {
    /// Somebody within a tenant.
    Tenant(&'a Scope),
    /// Whoever runs the server.
    Operator(&'a OperatorScope),
}

impl<'a> From<&'a Scope> for Author<'a> {
    fn from(scope: &'a Scope) -> Self {
        Self::Tenant(scope)
    }
}

impl<'a> From<&'a OperatorScope> for Author<'a> {
    fn from(scope: &'a OperatorScope) -> Self {
        Self::Operator(scope)
    }
}

impl Author<'_> {
    /// Whose log it is.
    pub fn owner(&self) -> Owner {
        match self {
            Self::Tenant(scope) => Owner::Tenant(scope.tenant().clone()),
            Self::Operator(_) => Owner::Operator,
        }
    }

    /// Who acts.
    pub fn actor(&self) -> &Actor {
        match self {
            Self::Tenant(scope) => scope.actor(),
            Self::Operator(scope) => scope.actor(),
        }
    }

    fn origin(&self) -> Option<IpAddr> {
        match self {
            Self::Tenant(scope) => scope.origin(),
            Self::Operator(scope) => scope.origin(),
        }
    }
}

/// One entry of an audit log: a tenant's, or the operator's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Tells apart what happened in the same moment.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Who: `token:<id>`, `device:<fingerprint>`, `system:<why>`.
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
    /// An entry about what `author` does now.
    pub fn new(id: AuditId, at: Timestamp, author: Author<'_>, action: AuditAction) -> Self {
        Self {
            id,
            at,
            actor: author.actor().to_string(),
            origin: author.origin(),
            action,
            facts: BTreeMap::new(),
        }
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.facts.insert(name.to_owned(), value.to_string());
        self
    }
}
