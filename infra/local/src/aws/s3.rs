//! S3: whole objects, addressed by path.

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use openssl::hash::{MessageDigest, hash};
use rusqlite::{OptionalExtension as _, params};
use serde::Deserialize;

use super::database::Database;
use super::error::Refusal;
use super::server::Services;

/// The checksum that SDK clients send with an object and verify when they read it.
const CHECKSUM: HeaderName = HeaderName::from_static("x-amz-checksum-crc32");

/// The version of an object, in a bucket that keeps versions.
const VERSION: HeaderName = HeaderName::from_static("x-amz-version-id");

/// Keys on a page of a list.
const LISTED: usize = 100;

/// The objects of the one account.
#[derive(Clone, Debug)]
pub(super) struct Objects(Database);

struct Object {
    content: Vec<u8>,
    checksum: Option<String>,
    /// In a bucket that keeps versions: here, equal contents are one version.
    version: Option<String>,
}

/// `PUT`, `GET`, `HEAD` and `DELETE` of one object.
pub(super) async fn object(
    State(services): State<Services>,
    Path((bucket, key)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let objects = services.objects;
    let answer = match method {
        Method::PUT => objects.put(&bucket, &key, &headers, &body),
        Method::GET | Method::HEAD => objects.get(&bucket, &key),
        Method::DELETE => objects.delete(&bucket, &key),
        _ => Err(Refusal::not_implemented(format!("No {method} of an object here."))),
    };
    answer.unwrap_or_else(Refusal::into_xml)
}

/// What `ListObjectsV2` asks.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Listing {
    #[serde(default)]
    prefix: String,
    continuation_token: Option<String>,
}

/// The keys of a bucket, a page at a time.
pub(super) async fn list(
    State(services): State<Services>,
    Path(bucket): Path<String>,
    Query(listing): Query<Listing>,
) -> Response {
    services.objects.list(&bucket, &listing).unwrap_or_else(Refusal::into_xml)
}

impl Objects {
    pub(super) fn new(database: Database) -> Self {
        Self(database)
    }

    /// Makes a bucket, unless it exists.
    pub(super) fn create_bucket(&self, bucket: &str) -> Result<(), Refusal> {
        self.0.transaction(|transaction| {
            transaction.execute("insert or ignore into bucket (name) values (?1)", [bucket])?;
            Ok(())
        })
    }

    /// Has a bucket keep the versions of its objects.
    pub(super) fn keep_versions(&self, bucket: &str) -> Result<(), Refusal> {
        self.0.transaction(|transaction| {
            transaction.execute("insert or ignore into versioned_bucket (name) values (?1)", [bucket])?;
            Ok(())
        })
    }

    fn put(&self, bucket: &str, key: &str, headers: &HeaderMap, body: &[u8]) -> Result<Response, Refusal> {
        let header = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        // A body of unknown length arrives in chunks with a trailer; ours are in memory and arrive whole.
        if header("x-amz-content-sha256").is_some_and(|hash| hash.starts_with("STREAMING-")) {
            return Err(Refusal::not_implemented("No aws-chunked bodies here."));
        }
        self.known_bucket(bucket)?;
        self.precondition(bucket, key, header(IF_MATCH.as_str()), header(IF_NONE_MATCH.as_str()))?;
        let object = Object {
            content: body.to_vec(),
            checksum: header(CHECKSUM.as_str()).map(str::to_owned),
            version: self.version(bucket, body)?,
        };
        if let Some(version) = &object.version {
            self.0.transaction(|transaction| {
                transaction.execute(
                    "insert or ignore into object_version (bucket, key, version, content) values (?1, ?2, ?3, ?4)",
                    params![bucket, key, version, object.content],
                )
            })?;
        }
        self.0.transaction(|transaction| {
            transaction.execute(
                "insert or replace into object (bucket, key, content, checksum_crc32) values (?1, ?2, ?3, ?4)",
                params![bucket, key, object.content, object.checksum],
            )
        })?;
        Ok((StatusCode::OK, described(&object)?).into_response())
    }

    /// Whether the object is the one that the caller thinks it is.
    fn precondition(
        &self,
        bucket: &str,
        key: &str,
        matches: Option<&str>,
        none_matches: Option<&str>,
    ) -> Result<(), Refusal> {
        let present = match self.find(bucket, key)? {
            Some(object) => Some(etag(&object.content)?),
            None => None,
        };
        let is_met = match (matches, none_matches) {
            (Some(wanted), _) => present.as_deref() == Some(wanted),
            (None, Some(_)) => present.is_none(),
            (None, None) => true,
        };
        let refuse = || Refusal::precondition("At least one of the preconditions did not hold.");
        is_met.then_some(()).ok_or_else(refuse)
    }

    /// The version that this content is, if the bucket keeps versions.
    fn version(&self, bucket: &str, content: &[u8]) -> Result<Option<String>, Refusal> {
        let keeps: Option<()> = self.0.transaction(|transaction| {
            let query = "select 1 from versioned_bucket where name = ?1";
            transaction.query_row(query, [bucket], |_| Ok(())).optional()
        })?;
        let digest = hash(MessageDigest::sha256(), content).map_err(Refusal::internal)?;
        Ok(keeps.map(|()| hex::encode(digest)))
    }

    fn get(&self, bucket: &str, key: &str) -> Result<Response, Refusal> {
        self.known_bucket(bucket)?;
        let found = self.find(bucket, key)?;
        let found =
            found.ok_or_else(|| Refusal::not_found("NoSuchKey", "The specified key does not exist."))?;
        let version = self.version(bucket, &found.content)?;
        let object = Object { version, ..found };
        Ok((described(&object)?, object.content).into_response())
    }

    fn find(&self, bucket: &str, key: &str) -> Result<Option<Object>, Refusal> {
        let found: Option<Object> = self.0.transaction(|transaction| {
            transaction
                .query_row(
                    "select content, checksum_crc32 from object where bucket = ?1 and key = ?2",
                    [bucket, key],
                    |row| Ok(Object { content: row.get(0)?, checksum: row.get(1)?, version: None }),
                )
                .optional()
        })?;
        Ok(found)
    }

    fn list(&self, bucket: &str, listing: &Listing) -> Result<Response, Refusal> {
        self.known_bucket(bucket)?;
        let after = listing.continuation_token.clone().unwrap_or_default();
        let keys: Vec<String> = self.0.transaction(|transaction| {
            let mut query =
                transaction.prepare("select key from object where bucket = ?1 and key > ?2 order by key")?;
            query.query_map([bucket, &after], |row| row.get(0))?.collect()
        })?;
        let mut keys = keys.into_iter().filter(|key| key.starts_with(&listing.prefix));
        let page: Vec<String> = keys.by_ref().take(LISTED).collect();
        let next = keys.next().and(page.last());
        // Keys here are made of identifiers, in which nothing needs an escape.
        let contents: String =
            page.iter().map(|key| format!("<Contents><Key>{key}</Key></Contents>")).collect();
        let token = next.map(|key| format!("<NextContinuationToken>{key}</NextContinuationToken>"));
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult><IsTruncated>{}</IsTruncated>{}{contents}</ListBucketResult>",
            token.is_some(),
            token.unwrap_or_default(),
        );
        Ok(([(CONTENT_TYPE, "application/xml")], body).into_response())
    }

    fn delete(&self, bucket: &str, key: &str) -> Result<Response, Refusal> {
        self.known_bucket(bucket)?;
        self.0.transaction(|transaction| {
            transaction.execute("delete from object where bucket = ?1 and key = ?2", [bucket, key])
        })?;
        Ok(StatusCode::NO_CONTENT.into_response())
    }

    fn known_bucket(&self, bucket: &str) -> Result<(), Refusal> {
        let found = self.0.transaction(|transaction| {
            transaction.query_row("select 1 from bucket where name = ?1", [bucket], |_| Ok(())).optional()
        })?;
        found.ok_or_else(|| Refusal::not_found("NoSuchBucket", "The specified bucket does not exist."))
    }
}

fn described(object: &Object) -> Result<HeaderMap, Refusal> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(ETAG, header_value(&etag(&object.content)?)?);
    if let Some(checksum) = &object.checksum {
        headers.insert(CHECKSUM, header_value(checksum)?);
    }
    if let Some(version) = &object.version {
        headers.insert(VERSION, header_value(version)?);
    }
    Ok(headers)
}

fn etag(content: &[u8]) -> Result<String, Refusal> {
    let digest = hash(MessageDigest::md5(), content).map_err(Refusal::internal)?;
    Ok(format!("\"{}\"", hex::encode(digest)))
}

fn header_value(text: &str) -> Result<HeaderValue, Refusal> {
    HeaderValue::from_str(text).map_err(Refusal::internal)
}
