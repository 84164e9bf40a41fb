//! Everything of a tenant's, written into an archive.

use std::io::Write;
use std::time::Duration;

use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use shared::aws::failure;
use shared::domain::audit::AuditAction;
use shared::error::{Error, Result};
use shared::id::TenantId;
use shared::scope::Scope;
use shared::store::{StoredItem, Table};

use crate::archive::Writer;
use crate::attributes;
use crate::places::{Places, rights};
use crate::record::{Record, Tally};
use crate::seal::Passphrase;

/// After the doors were closed: until nobody remembers a token or an authority, and what was under way is done.
pub const SETTLE: Duration = Duration::from_secs(120);

/// An export of one tenant.
#[derive(Clone, Debug)]
pub struct Export<'a> {
    /// From where.
    pub places: &'a Places,
    /// Who.
    pub tenant: &'a TenantId,
    /// What opens the archive.
    pub passphrase: &'a Passphrase,
    /// For a move: the tenant's doors are closed here, and after so long it is read. Else it lives on, and the archive is
    /// a backup.
    pub close: Option<Duration>,
}

impl Export<'_> {
    /// Writes the tenant into an archive, and says from time to time how much it has become. The tables are read whole, which
    /// costs a read of everything, of all tenants, in units of 4 KB.
    ///
    /// # Errors
    /// NotFound when there is no such tenant; Conflict `archive-not-written`; Unavailable when AWS does not answer.
    pub async fn write(&self, out: impl Write, mut progress: impl FnMut(&Tally)) -> Result<Tally> {
        let (scope, operator) = rights(self.tenant, "export");
        let store = &self.places.store;
        if !store.is_here(&scope).await? {
            return Err(Error::not_found("tenant")
                .at("TENANT")
                .next("GET /v1/tenants lists the tenants of an installation."));
        }
        let salt = self.places.random.bytes();
        let mut archive = Writer::begin(out, self.passphrase, salt, self.tenant)?;
        let closed = if self.close.is_some() { "yes" } else { "no" };
        let audit = self.places.audit(&scope, AuditAction::TenantExported).with("closed", closed);
        store.note(&scope, &audit).await?;
        let audit = self.places.audit(&operator, AuditAction::TenantExported);
        store.note(&operator, &audit.with("tenant", self.tenant).with("closed", closed)).await?;
        if let Some(settle) = self.close {
            store.close_doors(&scope).await?;
            tokio::time::sleep(settle).await;
        }
        for table in Table::ALL {
            self.items(&scope, table, &mut archive, &mut progress).await?;
        }
        self.secrets(&mut archive).await?;
        self.objects(&mut archive, &mut progress).await?;
        archive.finish()
    }

    async fn items<W: Write>(
        &self,
        scope: &Scope,
        table: Table,
        archive: &mut Writer<W>,
        progress: &mut impl FnMut(&Tally),
    ) -> Result<()> {
        let mut after = None;
        loop {
            let (items, next) = self.places.store.tenants_items(scope, table, after).await?;
            for found in items {
                archive.write(&record(&found)?)?;
            }
            progress(archive.tally());
            after = next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn secrets<W: Write>(&self, archive: &mut Writer<W>) -> Result<()> {
        let prefix = self.places.secrets_of(self.tenant);
        let ours = Filter::builder().key(FilterNameStringType::Name).values(&prefix).build();
        let mut pages = self.places.secrets_manager.list_secrets().filters(ours).into_paginator().send();
        while let Some(page) = pages.next().await {
            for listed in page.map_err(failure)?.secret_list.unwrap_or_default() {
                let Some(name) = listed.name.as_deref().and_then(|name| name.strip_prefix(&prefix)) else {
                    continue;
                };
                let path = format!("{}/{name}", self.tenant);
                // One that was just deleted is nobody's any more.
                let Some(value) = self.places.secrets.get(&path).await? else { continue };
                let value = STANDARD.encode(value.expose());
                archive.write(&Record::Secret { name: name.to_owned(), value })?;
            }
        }
        Ok(())
    }

    async fn objects<W: Write>(
        &self,
        archive: &mut Writer<W>,
        progress: &mut impl FnMut(&Tally),
    ) -> Result<()> {
        let prefix = format!("{}/", self.tenant);
        let list = self.places.s3.list_objects_v2().bucket(&self.places.bucket).prefix(&prefix);
        let mut pages = list.into_paginator().send();
        while let Some(page) = pages.next().await {
            for listed in page.map_err(failure)?.contents.unwrap_or_default() {
                let Some(full) = listed.key else { continue };
                let Some(key) = full.strip_prefix(&prefix) else { continue };
                // A bucket's old results go by themselves.
                let Some(content) = self.places.results.get(&full).await? else { continue };
                archive.write(&Record::Object { key: key.to_owned(), content: STANDARD.encode(content) })?;
            }
            progress(archive.tally());
        }
        Ok(())
    }
}

fn record(found: &StoredItem) -> Result<Record> {
    let item = attributes::to_json(&found.item).ok_or_else(|| Error::internal("an unknown type of value"))?;
    Ok(Record::Item { table: found.table, kind: found.kind().to_owned(), item })
}
