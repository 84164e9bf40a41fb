//! API Gateway: the custom domain that asks for client certificates.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use rusqlite::{OptionalExtension as _, params};
use serde::Deserialize;
use serde_json::{Value, json};

use super::database::Database;
use super::error::Refusal;
use super::server::{Services, input};

/// The domains of the one account.
#[derive(Clone, Debug)]
pub(super) struct Domains(Database);

/// What a domain accepts certificates from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustStoreVersion {
    /// The object's version; `None` before anybody named one.
    pub version: Option<String>,
    /// Its content.
    pub pem: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Update {
    mutual_tls_authentication: Told,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Told {
    truststore_uri: String,
    truststore_version: String,
}

/// `GET /v2/domainnames/{name}`.
pub(super) async fn show(State(services): State<Services>, Path(name): Path<String>) -> Response {
    services.domains.shown(&name).map_or_else(Refusal::into_json, |shown| Json(shown).into_response())
}

/// `PATCH /v2/domainnames/{name}`.
pub(super) async fn update(
    State(services): State<Services>,
    Path(name): Path<String>,
    body: Bytes,
) -> Response {
    let updated = input::<Update>(&body).and_then(|update| {
        services.domains.update(&name, &update.mutual_tls_authentication)?;
        services.domains.shown(&name)
    });
    updated.map_or_else(Refusal::into_json, |shown| Json(shown).into_response())
}

impl Domains {
    pub(super) fn new(database: Database) -> Self {
        Self(database)
    }

    /// Makes a domain, unless it exists. Until it is told of a trust store it accepts nobody.
    pub(super) fn create(&self, name: &str) -> Result<(), Refusal> {
        self.0.transaction(|transaction| {
            transaction.execute("insert or ignore into domain (name) values (?1)", [name])?;
            Ok(())
        })
    }

    /// Lets a domain take its time, or have done.
    pub(super) fn set_updating(&self, name: &str, updating: bool) -> Result<(), Refusal> {
        self.0.transaction(|transaction| {
            transaction
                .execute("update domain set updating = ?2 where name = ?1", params![name, updating])?;
            Ok(())
        })
    }

    /// What a domain accepts certificates from now.
    pub(super) fn trusted(&self, name: &str) -> Result<TrustStoreVersion, Refusal> {
        let found: Option<(String, Vec<u8>)> = self.0.transaction(|transaction| {
            transaction
                .query_row(
                    "select version.version, version.content from domain
                     join object_version as version on version.bucket = domain.bucket
                     and version.key = domain.key and version.version = domain.version where domain.name = ?1",
                    [name],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()
        })?;
        let found = found.map(|(version, pem)| TrustStoreVersion { version: Some(version), pem });
        Ok(found.unwrap_or_default())
    }

    fn shown(&self, name: &str) -> Result<Value, Refusal> {
        type Row = (Option<String>, Option<String>, Option<String>, bool);
        let found: Option<Row> = self.0.transaction(|transaction| {
            let query = "select bucket, key, version, updating from domain where name = ?1";
            let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
            transaction.query_row(query, [name], read).optional()
        })?;
        let (bucket, key, version, updating) = found.ok_or_else(|| no_domain(name))?;
        let told = bucket.zip(key).zip(version).map(|((bucket, key), version)| {
            json!({"truststoreUri": format!("s3://{bucket}/{key}"), "truststoreVersion": version})
        });
        let status = if updating { "UPDATING" } else { "AVAILABLE" };
        Ok(json!({
            "domainName": name,
            "domainNameConfigurations": [{"domainNameStatus": status, "endpointType": "REGIONAL"}],
            "mutualTlsAuthentication": told,
        }))
    }

    fn update(&self, name: &str, told: &Told) -> Result<(), Refusal> {
        let refuse = |message: String| Refusal::bad_request("BadRequestException", message);
        let uri = &told.truststore_uri;
        let (bucket, key) = uri
            .strip_prefix("s3://")
            .and_then(|rest| rest.split_once('/'))
            .ok_or_else(|| refuse(format!("Not an S3 address: {uri}")))?;
        let version = &told.truststore_version;
        let is_there: Option<()> = self.0.transaction(|transaction| {
            transaction
                .query_row(
                    "select 1 from object_version where bucket = ?1 and key = ?2 and version = ?3",
                    [bucket, key, version.as_str()],
                    |_| Ok(()),
                )
                .optional()
        })?;
        is_there.ok_or_else(|| refuse(format!("No version {version} of {uri}.")))?;
        let changed = self.0.transaction(|transaction| {
            transaction.execute(
                "update domain set bucket = ?2, key = ?3, version = ?4 where name = ?1",
                params![name, bucket, key, version],
            )
        })?;
        if changed == 0 { Err(no_domain(name)) } else { Ok(()) }
    }
}

fn no_domain(name: &str) -> Refusal {
    Refusal::not_found("NotFoundException", format!("Invalid domain name identifier specified: {name}"))
}
