//! Certificates that sign profiles: one place for each tenant, and one for the server.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};

use super::{Item, NEW, Store, item, key_item, keys, put_item_part, text};
use crate::domain::audit::AuditEntry;
use crate::domain::profile_signer::{InstalledSigner, ProfileSigners, Whose};
use crate::error::{Error, Result};
use crate::scope::{Realm, Scope};

/// The attribute `kind` of these records in the index by expiry.
const KIND: &str = "signing-certificate";

impl Store {
    /// The certificate that one signs with.
    pub async fn profile_signer(&self, whose: Whose<'_>) -> Result<Option<InstalledSigner>> {
        self.get(&self.tables.pki, &keys::profile_signer(whose)).await
    }

    /// All that a tenant's profiles may be signed with.
    pub async fn profile_signers(&self, scope: &Scope) -> Result<ProfileSigners> {
        let own = self.profile_signer(Whose::Tenant(scope)).await?;
        Ok(ProfileSigners { own, server: self.profile_signer(Whose::Server).await? })
    }

    /// Keeps a signing certificate, in place of `replaces`.
    ///
    /// # Errors
    /// Conflict when it was changed in between.
    pub async fn put_profile_signer(
        &self,
        realm: Realm<'_>,
        signer: &InstalledSigner,
        replaces: Option<&InstalledSigner>,
        audit: &AuditEntry,
    ) -> Result<()> {
        let mut record: Item = item(&keys::profile_signer(realm.into()), signer)?;
        // What is found through the index by expiry; the server's has no tenant.
        record.insert("kind".into(), text(KIND));
        record.insert("expiry_month".into(), text(keys::expiry_month(signer.not_after)));
        record.insert("expiry".into(), text(signer.not_after));
        if let Realm::Tenant(scope) = realm {
            record.insert("tenant".into(), text(scope.tenant()));
        }
        let (condition, values) = match replaces {
            None => (NEW, HashMap::new()),
            Some(former) => {
                ("key_id = :former", HashMap::from([(":former".to_owned(), text(&former.key_id))]))
            }
        };
        let part = put_item_part(&self.tables.pki, record, Some(condition), values)?;
        self.change(vec![part, self.audit_part(realm, audit)?]).await
    }

    /// Drops a signing certificate.
    ///
    /// # Errors
    /// Conflict when another one is there by now.
    pub async fn delete_profile_signer(
        &self,
        realm: Realm<'_>,
        signer: &InstalledSigner,
        audit: &AuditEntry,
    ) -> Result<()> {
        let delete = Delete::builder()
            .table_name(&self.tables.pki)
            .set_key(Some(key_item(&keys::profile_signer(realm.into()))))
            .condition_expression("key_id = :id")
            .expression_attribute_values(":id", text(&signer.key_id))
            .build()
            .map_err(Error::internal)?;
        let delete = TransactWriteItem::builder().delete(delete).build();
        self.change(vec![delete, self.audit_part(realm, audit)?]).await
    }

    async fn change(&self, parts: Vec<TransactWriteItem>) -> Result<()> {
        if self.write_if(parts).await? { Ok(()) } else { Err(changed()) }
    }
}

fn changed() -> Error {
    Error::conflict(
        "profile-signer-changed",
        "Somebody else changed the signing certificate at the same time. Nothing was changed by you.",
    )
    .next("Look at the present one and decide again.")
}
