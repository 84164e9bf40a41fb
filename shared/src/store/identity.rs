//! Identity authorities and the certificates devices sign with.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use super::expiry::indexed;
use super::keys::{self, Key};
use super::link::link_was_used;
use super::{
    Cancelled, Item, NEW, Store, item, number, put_item_part, put_part, read, text, update_part, value,
};
use crate::domain::audit::AuditEntry;
use crate::domain::credential::CredentialKind;
use crate::domain::enrollment::Enrollment;
use crate::domain::identity::{IdentityAuthority, IssuedIdentity};
use crate::domain::identity_promise::Claim;
use crate::domain::link::{EnrollmentLink, IssuedByLink, LinkUse};
use crate::domain::link_terms::compared;
use crate::error::{Error, Result};
use crate::id::{EnrollmentId, Fingerprint};
use crate::scope::Scope;
use crate::time::Timestamp;

/// The condition of an authority that is not trusted, or not any more.
const UNLESS_TRUSTED: &str = "attribute_not_exists(pk) OR attribute_exists(retired_at)";

/// An authority that certifies more than a tenant's devices, and whether the tenant trusts it already.
#[derive(Clone, Debug)]
pub struct TrustedExternal {
    /// The authority.
    pub authority: IdentityAuthority,
    /// Whether all its identities counted until now.
    pub known: bool,
}

impl Store {
    /// Adds the authority that issues from now on. The one that issued until then, `former`, is trusted further. `Ok(false)`
    /// when another one issues.
    pub async fn create_issuing_authority(
        &self,
        scope: &Scope,
        authority: &IdentityAuthority,
        former: Option<&IdentityAuthority>,
        audit: &AuditEntry,
    ) -> Result<bool> {
        let item = authority_item(scope, &keys::issuing_authority(scope.tenant()), authority)?;
        let mut parts = Vec::new();
        match former {
            None => parts.push(put_item_part(&self.tables.pki, item, Some(NEW), HashMap::new())?),
            Some(former) => {
                let values = HashMap::from([(":former".to_owned(), text(&former.id))]);
                parts.push(put_item_part(&self.tables.pki, item, Some("id = :former"), values)?);
                let replaced =
                    IdentityAuthority { issuing: false, replaced_at: Some(audit.at), ..former.clone() };
                let key = keys::replaced_authority(scope.tenant(), &replaced.fingerprint());
                let item = authority_item(scope, &key, &replaced)?;
                parts.push(put_item_part(&self.tables.pki, item, Some(NEW), HashMap::new())?);
            }
        }
        parts.push(self.audit_part(scope, audit)?);
        self.write_if(parts).await
    }

    /// Adds an authority that the tenant only trusts, or trusts a retired one again. Repeating it changes nothing.
    pub async fn trust_authority(
        &self,
        scope: &Scope,
        authority: &IdentityAuthority,
        audit: &AuditEntry,
    ) -> Result<()> {
        let key = keys::trusted_authority(scope.tenant(), &authority.fingerprint());
        let item = authority_item(scope, &key, authority)?;
        let put = put_item_part(&self.tables.pki, item, Some(UNLESS_TRUSTED), HashMap::new())?;
        self.write_if(vec![put, self.audit_part(scope, audit)?]).await.map(drop)
    }

    /// The part of a transaction that trusts an authority for what profiles ask for, and for nothing else.
    pub(super) fn trust_external_part(
        &self,
        scope: &Scope,
        trusted: &TrustedExternal,
    ) -> Result<TransactWriteItem> {
        let key = keys::trusted_authority(scope.tenant(), &trusted.authority.fingerprint());
        if trusted.known {
            let values = HashMap::from([(":true".to_owned(), AttributeValue::Bool(true))]);
            let condition = "attribute_exists(pk) AND attribute_not_exists(retired_at)";
            return update_part(&self.tables.pki, &key, "SET #external = :true", Some(condition), values);
        }
        let item = authority_item(scope, &key, &trusted.authority)?;
        put_item_part(&self.tables.pki, item, Some(UNLESS_TRUSTED), HashMap::new())
    }

    /// Refuses the identities of an authority that does not issue from now on. `Ok(false)` when it was retired before.
    pub async fn retire_authority(
        &self,
        scope: &Scope,
        authority: &IdentityAuthority,
        audit: &AuditEntry,
    ) -> Result<bool> {
        let key = authority_key(scope, authority);
        // Nobody needs to hear any more when it ends.
        let expression = "SET retired_at = :now REMOVE expiry_month, expiry";
        let condition = "attribute_exists(pk) AND attribute_not_exists(retired_at)";
        let values = HashMap::from([(":now".to_owned(), value(audit.at)?)]);
        let update = update_part(&self.tables.pki, &key, expression, Some(condition), values)?;
        self.write_if(vec![update, self.audit_part(scope, audit)?]).await
    }

    /// Notes that the gateway for mutual TLS knows an authority. `Ok(false)` when that was noted before, or when the authority has
    /// another place by now: whoever looks again notes it there.
    pub async fn note_gateway_knows(
        &self,
        scope: &Scope,
        authority: &IdentityAuthority,
        now: Timestamp,
    ) -> Result<bool> {
        let values =
            HashMap::from([(":now".to_owned(), value(now)?), (":id".to_owned(), text(&authority.id))]);
        let key = authority_key(scope, authority);
        let condition = "id = :id AND attribute_not_exists(tls_since)";
        let update = update_part(&self.tables.pki, &key, "SET tls_since = :now", Some(condition), values)?;
        self.write_if(vec![update]).await
    }

    /// Every authority that the tenant has or trusts, retired ones too, the issuing one first.
    pub async fn authorities(&self, scope: &Scope) -> Result<Vec<IdentityAuthority>> {
        let partition = keys::authority_partition(scope.tenant());
        self.partition(&self.tables.pki, &partition, "").await?.into_iter().map(read).collect()
    }

    /// Those of the identities that are recorded, in no particular order.
    pub async fn identities(
        &self,
        scope: &Scope,
        fingerprints: impl Iterator<Item = Fingerprint>,
    ) -> Result<Vec<IssuedIdentity>> {
        let wanted: Vec<Key> =
            fingerprints.map(|fingerprint| keys::identity(scope.tenant(), &fingerprint)).collect();
        self.get_many(&self.tables.pki, &wanted).await
    }

    /// One identity's record.
    pub async fn identity(&self, scope: &Scope, fingerprint: &Fingerprint) -> Result<Option<IssuedIdentity>> {
        self.get(&self.tables.pki, &keys::identity(scope.tenant(), fingerprint)).await
    }

    /// Records an identity issued for a link's challenge and uses the link once. `Ok(false)` when the challenge was used
    /// or the link enrolls no more. `served` says which profile's challenge it was, for a link for several devices.
    pub async fn record_first_identity(
        &self,
        scope: &Scope,
        identity: &IssuedIdentity,
        link: &EnrollmentLink,
        served: Option<u32>,
        issued: &IssuedByLink,
    ) -> Result<bool> {
        let key = keys::identity(scope.tenant(), &identity.fingerprint);
        let used = LinkUse {
            fingerprint: identity.fingerprint,
            used_at: identity.issued_at,
            expires_at: link.expires_at,
        };
        let mut parts = self.use_link_parts(scope, &link.id, served, issued, &used)?;
        parts.push(put_part(&self.tables.pki, &key, identity, Some(NEW))?);
        parts.push(self.count_part(scope, identity)?);
        match self.transact(parts).await {
            Ok(()) => Ok(true),
            Err(cancelled) if link_was_used(&cancelled, served) => Ok(false),
            Err(Cancelled::Condition(_)) => Err(Error::internal("a new identity exists already")),
            Err(Cancelled::Collided(error) | Cancelled::Failed(error)) => Err(error),
        }
    }

    /// Records an identity that came inside a profile and waits for its device.
    pub async fn record_waiting_identity(&self, scope: &Scope, identity: &IssuedIdentity) -> Result<()> {
        let key = keys::identity(scope.tenant(), &identity.fingerprint);
        let put = put_part(&self.tables.pki, &key, identity, Some(NEW))?;
        if self.put_if(put).await? { Ok(()) } else { Err(Error::internal("a new identity exists already")) }
    }

    /// Records a renewed identity and lets it sign for the device of the former one: the device says nothing about its
    /// renewal, its next poll simply comes with the new certificate.
    ///
    /// # Errors
    /// Forbidden when the former identity is no longer the device's.
    pub async fn record_renewed_identity(
        &self,
        scope: &Scope,
        identity: &IssuedIdentity,
        device: &EnrollmentId,
        renews: Fingerprint,
    ) -> Result<()> {
        let key = keys::identity(scope.tenant(), &identity.fingerprint);
        let parts = vec![
            self.accept_part(scope, device, identity.fingerprint, renews)?,
            put_part(&self.tables.pki, &key, identity, Some(NEW))?,
            self.count_part(scope, identity)?,
        ];
        self.transact(parts).await.map_err(|cancelled| match cancelled {
            Cancelled::Condition(_) => Error::forbidden(
                "identity-not-bound",
                "The certificate to renew belongs to no enrolled device.",
            ),
            Cancelled::Collided(error) | Cancelled::Failed(error) => error,
        })
    }

    /// The part of a transaction that binds an identity to one device; it fails when it is another's, when its link
    /// does not admit this device, or when it waited too long. An identity that came from elsewhere gets its record here; one
    /// that came in a profile must have it already, and one that was bound before that of this device.
    pub(super) fn bind_part(
        &self,
        scope: &Scope,
        identity: &IssuedIdentity,
        claim: &Claim,
        device: &Enrollment,
    ) -> Result<TransactWriteItem> {
        let udid = compared(device.id.device_id());
        let serial = device.facts.serial_number.as_deref().map_or_else(|| udid.clone(), compared);
        let mut values: HashMap<String, AttributeValue> = HashMap::from([
            (":device".to_owned(), value(&identity.enrollment)?),
            (":fingerprint".to_owned(), text(identity.fingerprint)),
            (":certificate".to_owned(), value(&identity.certificate)?),
            (":not_after".to_owned(), value(identity.not_after)?),
            (":now".to_owned(), value(identity.issued_at)?),
            (":version".to_owned(), number(super::VERSION)),
            (":udid".to_owned(), text(udid)),
            (":serial".to_owned(), text(serial)),
            (":seconds".to_owned(), number(identity.issued_at.as_second())),
        ]);
        let mut expression = "SET enrollment = :device, fingerprint = :fingerprint, v = :version, \
                              certificate = if_not_exists(certificate, :certificate), \
                              not_after = if_not_exists(not_after, :not_after), \
                              issued_at = if_not_exists(issued_at, :now)"
            .to_owned();
        let mut unbound = "(attribute_not_exists(enrollment) OR enrollment = :device) AND \
                       (attribute_not_exists(devices) OR contains(devices, :udid) OR contains(devices, :serial)) AND \
                       (attribute_not_exists(unclaimed_until) OR unclaimed_until > :seconds) AND \
                       attribute_not_exists(revoked_at)"
            .to_owned();
        match claim {
            Claim::None => {}
            Claim::Carried(_) => unbound.push_str(" AND attribute_exists(pk)"),
            Claim::Promised { link, .. } => {
                values.insert(":link".to_owned(), text(link));
                values.insert(":holder".to_owned(), value(&identity.holder)?);
                expression.push_str(", link = :link, holder = :holder");
            }
            Claim::Bound => unbound.push_str(" AND enrollment = :device"),
        }
        expression.push_str(" REMOVE unclaimed_until");
        update_part(
            &self.tables.pki,
            &keys::identity(scope.tenant(), &identity.fingerprint),
            &expression,
            Some(&unbound),
            values,
        )
    }
}

/// Where an authority has its item.
fn authority_key(scope: &Scope, authority: &IdentityAuthority) -> Key {
    if authority.issuing {
        keys::issuing_authority(scope.tenant())
    } else if authority.is_own() {
        keys::replaced_authority(scope.tenant(), &authority.fingerprint())
    } else {
        keys::trusted_authority(scope.tenant(), &authority.fingerprint())
    }
}

/// An authority's item, which the index by expiry finds.
fn authority_item(scope: &Scope, key: &Key, authority: &IdentityAuthority) -> Result<Item> {
    let kind = CredentialKind::IdentityAuthority;
    Ok(indexed(item(key, authority)?, scope.tenant(), kind, authority.not_after))
}
