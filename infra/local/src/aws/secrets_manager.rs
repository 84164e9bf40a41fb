//! Secrets Manager: binary secrets with one current version, and the window after a deletion.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rusqlite::{OptionalExtension as _, Transaction, params};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::time::{Clock, DAY};

use super::database::Database;
use super::error::Refusal;
use super::server::{input, unknown_operation};

/// The recovery window when none is asked for, in days.
const DEFAULT_WINDOW: i64 = 30;

/// Secrets on a page of a list.
const LISTED: usize = 10;

/// The secrets of the one account.
#[derive(Clone, Debug)]
pub(super) struct SecretsManager {
    database: Database,
    clock: Clock,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NewSecret {
    name: String,
    secret_binary: String,
    client_request_token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NewVersion {
    secret_id: String,
    secret_binary: String,
    client_request_token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    secret_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listing {
    #[serde(default)]
    filters: Vec<NameFilter>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NameFilter {
    key: String,
    values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Deletion {
    secret_id: String,
    recovery_window_in_days: Option<i64>,
    #[serde(default)]
    force_delete_without_recovery: bool,
}

struct Stored {
    version_id: String,
    value: Vec<u8>,
    created_at: i64,
    changed_at: i64,
    /// When a deleted secret ends for good, in unix milliseconds.
    deleted_from: Option<i64>,
}

impl SecretsManager {
    pub(super) fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock }
    }

    /// Does one operation.
    pub(super) fn call(&self, operation: &str, body: &[u8]) -> Result<Value, Refusal> {
        let now = self.clock.now().as_millisecond();
        self.database.transaction(|transaction| {
            transaction.execute("delete from secret where deleted_from <= ?1", [now])?;
            match operation {
                "CreateSecret" => create(transaction, now, input(body)?),
                "PutSecretValue" => put(transaction, now, input(body)?),
                "GetSecretValue" => get(transaction, input(body)?),
                "ListSecrets" => list(transaction, &input(body)?),
                "DescribeSecret" => describe(transaction, input(body)?),
                "DeleteSecret" => delete(transaction, now, input(body)?),
                "RestoreSecret" => restore(transaction, input(body)?),
                _ => Err(unknown_operation(operation)),
            }
        })
    }
}

fn create(transaction: &Transaction<'_>, now: i64, new: NewSecret) -> Result<Value, Refusal> {
    let value = decode(&new.secret_binary)?;
    let version = &new.client_request_token;
    match find(transaction, &new.name)? {
        Some(stored) if stored.deleted_from.is_some() => Err(Refusal::bad_request(
            "InvalidRequestException",
            "You can't create this secret because a secret with this name is already scheduled for deletion.",
        )),
        Some(stored) if stored.version_id == *version && stored.value == value => {
            Ok(version_answer(&new.name, version))
        }
        Some(_) => Err(exists(&new.name)),
        None => {
            transaction.execute(
                "insert into secret (name, version_id, value, created_at, changed_at) values (?1, ?2, ?3, ?4, ?4)",
                params![new.name, version, value, now],
            )?;
            Ok(version_answer(&new.name, version))
        }
    }
}

fn put(transaction: &Transaction<'_>, now: i64, new: NewVersion) -> Result<Value, Refusal> {
    let value = decode(&new.secret_binary)?;
    let stored = living(transaction, &new.secret_id)?;
    // A client repeats a lost request under the same token; the token with another value is a mistake.
    if stored.version_id == new.client_request_token && stored.value != value {
        return Err(exists(&new.secret_id));
    }
    transaction.execute(
        "update secret set version_id = ?2, value = ?3, changed_at = ?4 where name = ?1",
        params![new.secret_id, new.client_request_token, value, now],
    )?;
    Ok(version_answer(&new.secret_id, &new.client_request_token))
}

fn get(transaction: &Transaction<'_>, named: Named) -> Result<Value, Refusal> {
    let stored = living(transaction, &named.secret_id)?;
    let mut answer = version_answer(&named.secret_id, &stored.version_id);
    if let Some(fields) = answer.as_object_mut() {
        fields.insert("SecretBinary".into(), STANDARD.encode(&stored.value).into());
        fields.insert("VersionStages".into(), json!(["AWSCURRENT"]));
        fields.insert("CreatedDate".into(), seconds(stored.changed_at));
    }
    Ok(answer)
}

/// Secrets whose names begin with a filter's value, a page at a time; those that wait for their deletion are left out.
fn list(transaction: &Transaction<'_>, listing: &Listing) -> Result<Value, Refusal> {
    let prefix = match listing.filters.as_slice() {
        [] => String::new(),
        [NameFilter { key, values }] if key == "name" && values.len() == 1 => values.concat(),
        _ => return Err(Refusal::bad_request("InvalidParameterException", "Only one filter by name here.")),
    };
    let mut query = transaction
        .prepare("select name from secret where deleted_from is null and name > ?1 order by name")?;
    let after = listing.next_token.clone().unwrap_or_default();
    let names =
        query.query_map([after], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut names = names.into_iter().filter(|name| name.starts_with(&prefix));
    let page: Vec<String> = names.by_ref().take(LISTED).collect();
    let next = names.next().and(page.last());
    let listed: Vec<Value> = page.iter().map(|name| json!({ "ARN": arn(name), "Name": name })).collect();
    Ok(json!({ "SecretList": listed, "NextToken": next }))
}

fn describe(transaction: &Transaction<'_>, named: Named) -> Result<Value, Refusal> {
    let stored = find(transaction, &named.secret_id)?.ok_or_else(not_found)?;
    Ok(json!({
        "ARN": arn(&named.secret_id),
        "Name": named.secret_id,
        "CreatedDate": seconds(stored.created_at),
        "LastChangedDate": seconds(stored.changed_at),
        "DeletedDate": stored.deleted_from.map(seconds),
        "VersionIdsToStages": { stored.version_id: ["AWSCURRENT"] },
    }))
}

fn delete(transaction: &Transaction<'_>, now: i64, deletion: Deletion) -> Result<Value, Refusal> {
    let name = &deletion.secret_id;
    let window = match (deletion.force_delete_without_recovery, deletion.recovery_window_in_days) {
        (true, None) => 0,
        (false, None) => DEFAULT_WINDOW,
        (false, Some(days @ 7..=30)) => days,
        (true, Some(_)) | (false, Some(_)) => {
            return Err(Refusal::bad_request(
                "InvalidParameterException",
                "The RecoveryWindowInDays value must be between 7 and 30 days, and none with ForceDeleteWithoutRecovery.",
            ));
        }
    };
    if find(transaction, name)?.is_none() && window == 0 {
        return Ok(json!({ "ARN": arn(name), "Name": name, "DeletionDate": seconds(now) }));
    }
    living(transaction, name)?;
    let from = now + window * DAY * 1_000;
    if window == 0 {
        transaction.execute("delete from secret where name = ?1", [name])?;
    } else {
        transaction.execute("update secret set deleted_from = ?2 where name = ?1", params![name, from])?;
    }
    Ok(json!({ "ARN": arn(name), "Name": name, "DeletionDate": seconds(from) }))
}

fn restore(transaction: &Transaction<'_>, named: Named) -> Result<Value, Refusal> {
    let name = &named.secret_id;
    if transaction.execute("update secret set deleted_from = null where name = ?1", [name])? == 0 {
        return Err(not_found());
    }
    Ok(json!({ "ARN": arn(name), "Name": name }))
}

fn find(transaction: &Transaction<'_>, name: &str) -> rusqlite::Result<Option<Stored>> {
    let columns = "version_id, value, created_at, changed_at, deleted_from";
    transaction
        .query_row(&format!("select {columns} from secret where name = ?1"), [name], |row| {
            Ok(Stored {
                version_id: row.get(0)?,
                value: row.get(1)?,
                created_at: row.get(2)?,
                changed_at: row.get(3)?,
                deleted_from: row.get(4)?,
            })
        })
        .optional()
}

/// The secret, unless it waits for its deletion.
fn living(transaction: &Transaction<'_>, name: &str) -> Result<Stored, Refusal> {
    let stored = find(transaction, name)?.ok_or_else(not_found)?;
    if stored.deleted_from.is_some() {
        return Err(Refusal::bad_request(
            "InvalidRequestException",
            "You can't perform this operation on the secret because it was marked for deletion.",
        ));
    }
    Ok(stored)
}

fn version_answer(name: &str, version_id: &str) -> Value {
    json!({ "ARN": arn(name), "Name": name, "VersionId": version_id })
}

fn arn(name: &str) -> String {
    format!("arn:aws:secretsmanager:us-east-1:000000000000:secret:{name}")
}

/// The wire's time: seconds with a fraction.
fn seconds(milliseconds: i64) -> Value {
    json!(milliseconds as f64 / 1_000.0)
}

fn decode(text: &str) -> Result<Vec<u8>, Refusal> {
    STANDARD
        .decode(text)
        .map_err(|error| Refusal::bad_request("InvalidParameterException", error.to_string()))
}

fn exists(name: &str) -> Refusal {
    Refusal::bad_request(
        "ResourceExistsException",
        format!("The operation failed because the secret {name} already exists."),
    )
}

fn not_found() -> Refusal {
    Refusal::bad_request("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}
