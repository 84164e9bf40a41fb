//! A tenant's push certificates: a handful of items in one partition, read together and changed by transactions.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{ConditionCheck, Delete, TransactWriteItem};

use super::expiry::indexed;
use super::keys::{self, ACTIVE, INSTALLED_PREFIX, REQUEST, STAGED};
use super::{Cancelled, Item, Store, item, key_item, number, put_item_part, put_part, read, text};
use crate::domain::audit::AuditEntry;
use crate::domain::credential::CredentialKind;
use crate::domain::push_certificates::{
    ActiveCertificate, GivenUp, InstalledCertificate, PendingRequest, PushCertificates, StagedCertificate,
};
use crate::error::{Error, Result};
use crate::id::KeyId;
use crate::scope::Scope;

impl Store {
    /// Everything a tenant has in push certificates. One query.
    pub async fn push_certificates(&self, scope: &Scope) -> Result<PushCertificates> {
        let partition = keys::push_partition(scope.tenant());
        let mut all = PushCertificates::default();
        for item in self.partition(&self.tables.pki, &partition, "").await? {
            let kind = item.get("sk").and_then(|sk| sk.as_s().ok()).cloned().unwrap_or_default();
            match kind.as_str() {
                REQUEST => all.request = Some(read(item)?),
                STAGED => all.staged = Some(read(item)?),
                ACTIVE => all.active = Some(read(item)?),
                kind if kind.starts_with(INSTALLED_PREFIX) => all.installed.push(read(item)?),
                kind => {
                    return Err(Error::internal(format!("an unknown record {kind} among push certificates")));
                }
            }
        }
        Ok(all)
    }

    /// Keeps a request. `replaces` is the moment of the request it takes the place of, if any.
    ///
    /// # Errors
    /// Conflict when another request came in between, or an upload for the former one.
    pub async fn put_push_request(
        &self,
        scope: &Scope,
        request: &PendingRequest,
        replaces: Option<GivenUp<'_>>,
        audit: &AuditEntry,
    ) -> Result<()> {
        let mut new: Item = item(&keys::push_request(scope.tenant()), request)?;
        new.insert("key_id".into(), text(&request.key));
        let (condition, values) = match replaces {
            None => (super::NEW, HashMap::new()),
            Some(former) => {
                ("key_id = :former", HashMap::from([(":former".to_owned(), text(&former.request.key))]))
            }
        };
        let mut parts = vec![
            put_item_part(&self.tables.pki, new, Some(condition), values)?,
            self.audit_part(scope, audit)?,
        ];
        if let Some(former) = replaces {
            parts.extend(self.unneeded_part(scope, former)?);
        }
        self.transact(parts).await.map_err(changed)
    }

    /// Drops a request.
    ///
    /// # Errors
    /// Conflict when another request took its place, or an upload for it came in between.
    pub async fn delete_push_request(
        &self,
        scope: &Scope,
        former: GivenUp<'_>,
        audit: &AuditEntry,
    ) -> Result<()> {
        let delete = Delete::builder()
            .table_name(&self.tables.pki)
            .set_key(Some(key_item(&keys::push_request(scope.tenant()))))
            .condition_expression("key_id = :key")
            .expression_attribute_values(":key", text(&former.request.key))
            .build()
            .map_err(Error::internal)?;
        let mut parts =
            vec![TransactWriteItem::builder().delete(delete).build(), self.audit_part(scope, audit)?];
        parts.extend(self.unneeded_part(scope, former)?);
        self.transact(parts).await.map_err(changed)
    }

    /// Keeps an upload for review, in place of an earlier one; `request` is the request whose key it takes, if it
    /// does.
    ///
    /// # Errors
    /// Conflict when that request was given up meanwhile: its key is on its way out.
    pub async fn put_staged(
        &self,
        scope: &Scope,
        staged: &StagedCertificate,
        request: Option<&PendingRequest>,
        audit: &AuditEntry,
    ) -> Result<()> {
        let mut upload: Item = item(&keys::push_staged(scope.tenant()), staged)?;
        upload.insert("fingerprint".into(), text(staged.certificate.fingerprint));
        upload.insert("key_id".into(), text(&staged.key));
        let mut parts = vec![
            put_item_part(&self.tables.pki, upload, None, HashMap::new())?,
            self.audit_part(scope, audit)?,
        ];
        if let Some(request) = request {
            parts.push(self.key_check_part(
                &keys::push_request(scope.tenant()),
                "#key = :key",
                &request.key,
            )?);
        }
        self.transact(parts).await.map_err(changed)
    }

    /// Drops what is staged. Repeating it changes nothing.
    pub async fn delete_staged(&self, scope: &Scope, audit: &AuditEntry) -> Result<()> {
        let delete = self.delete_part(&keys::push_staged(scope.tenant()), None)?;
        self.transact(vec![delete, self.audit_part(scope, audit)?]).await.map_err(changed)
    }

    /// Whether a topic belongs to another tenant. It says nothing about which.
    pub async fn topic_is_anothers(&self, scope: &Scope, topic: &str) -> Result<bool> {
        let claim: Option<TopicClaim> = self.get(&self.tables.pki, &keys::topic_claim(topic)).await?;
        Ok(claim.is_some_and(|claim| claim.tenant != *scope.tenant()))
    }

    /// Makes a certificate the active one: claims its topic, keeps it among the installed, moves the pointer, and clears
    /// upload and request where `from` is given, which also carries a change of the opt-in to expiry mails. All or
    /// nothing; of two concurrent calls one wins.
    ///
    /// # Errors
    /// Conflict when the certificates changed since they were read, or the topic became another tenant's.
    pub async fn activate(
        &self,
        scope: &Scope,
        active: &ActiveCertificate,
        installed: &InstalledCertificate,
        from: Option<(&PushCertificates, Option<bool>)>,
        audit: &AuditEntry,
    ) -> Result<()> {
        let tenant = scope.tenant();
        let certificate = &installed.certificate;
        let pointer = item(&keys::push_active(tenant), active)?;
        let pointer = indexed(pointer, tenant, CredentialKind::PushCertificate, certificate.not_after);
        let (unchanged, version) = match active.version {
            1 => (super::NEW, HashMap::new()),
            next => ("version = :before", HashMap::from([(":before".to_owned(), number(next - 1))])),
        };
        let mine = HashMap::from([(":tenant".to_owned(), text(tenant))]);
        let claim: Item =
            item(&keys::topic_claim(&certificate.topic), &TopicClaim { tenant: tenant.clone() })?;
        let free_or_mine = "attribute_not_exists(pk) OR tenant = :tenant";
        let kept = keys::push_installed(tenant, &certificate.fingerprint);
        let mut parts = vec![
            put_item_part(&self.tables.pki, claim, Some(free_or_mine), mine)?,
            put_item_part(&self.tables.pki, pointer, Some(unchanged), version)?,
            put_part(&self.tables.pki, &kept, installed, None)?,
            self.audit_part(scope, audit)?,
        ];
        if let Some((from, expiry_mails)) = from {
            parts.push(self.delete_part(&keys::push_staged(tenant), Some(installed))?);
            // A request for another key still waits for its own certificate.
            if from.request.as_ref().is_some_and(|request| request.key == installed.key) {
                parts.push(self.delete_part(&keys::push_request(tenant), None)?);
            }
            if let Some(mails) = expiry_mails {
                parts.push(self.expiry_mails_part(scope, mails)?);
            }
        }
        self.transact(parts).await.map_err(|cancelled| match cancelled {
            Cancelled::Condition(0) => topic_taken(),
            other @ (Cancelled::Condition(_) | Cancelled::Collided(_) | Cancelled::Failed(_)) => {
                changed(other)
            }
        })
    }

    /// Unless the key of a given-up request is known to be needed: that no upload has come to need it.
    fn unneeded_part(&self, scope: &Scope, former: GivenUp<'_>) -> Result<Option<TransactWriteItem>> {
        let free = "attribute_not_exists(pk) OR #key <> :key";
        let staged = keys::push_staged(scope.tenant());
        let check = (!former.key_is_needed).then(|| self.key_check_part(&staged, free, &former.request.key));
        check.transpose()
    }

    /// A condition on which private key a record names.
    fn key_check_part(&self, at: &keys::Key, condition: &str, key: &KeyId) -> Result<TransactWriteItem> {
        let check = ConditionCheck::builder()
            .table_name(&self.tables.pki)
            .set_key(Some(key_item(at)))
            .condition_expression(condition)
            .expression_attribute_names("#key", "key")
            .expression_attribute_values(":key", text(key))
            .build()
            .map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    /// A deletion; with a certificate, only of the upload of it with the same key: the same certificate may have been
    /// uploaded again with another copy of its key, and then this copy is on its way out.
    fn delete_part(&self, key: &keys::Key, only: Option<&InstalledCertificate>) -> Result<TransactWriteItem> {
        let mut delete = Delete::builder().table_name(&self.tables.pki).set_key(Some(key_item(key)));
        if let Some(upload) = only {
            delete = delete
                .condition_expression(
                    "fingerprint = :fingerprint AND (attribute_not_exists(key_id) OR key_id = :key)",
                )
                .expression_attribute_values(":fingerprint", text(upload.certificate.fingerprint))
                .expression_attribute_values(":key", text(&upload.key));
        }
        Ok(TransactWriteItem::builder().delete(delete.build().map_err(Error::internal)?).build())
    }
}

/// Which tenant a topic belongs to.
#[derive(serde::Serialize, serde::Deserialize)]
struct TopicClaim {
    tenant: crate::id::TenantId,
}

/// The refusal of a topic that another tenant has.
pub fn topic_taken() -> Error {
    Error::conflict("push-topic-taken", "This push certificate is in use by another customer of this server.")
        .at("certificate")
        .next("Every organization needs its own: choose Create, not Renew, in Apple's portal.")
}

/// The refusal where the certificates are no longer those that were looked at.
pub fn push_certificate_changed() -> Error {
    Error::conflict(
        "push-certificate-changed",
        "Somebody else changed this tenant's push certificates at the same time. Nothing was changed by you.",
    )
    .next("Look at the present state and decide again.")
}

fn changed(cancelled: Cancelled) -> Error {
    match cancelled {
        Cancelled::Condition(_) => push_certificate_changed(),
        Cancelled::Collided(error) | Cancelled::Failed(error) => error,
    }
}
