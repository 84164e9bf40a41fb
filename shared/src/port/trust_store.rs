//! The host that asks devices for certificates: a custom domain of API Gateway, and the file of the authorities that it accepts.

use std::error::Error as StdError;

use aws_sdk_apigatewayv2::Client as Gateway;
use aws_sdk_apigatewayv2::operation::get_domain_name::GetDomainNameError;
use aws_sdk_apigatewayv2::types::{DomainNameStatus, MutualTlsAuthenticationInput};
use aws_sdk_s3::Client as S3;
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::aws::failure;
use crate::config::MutualTls;
use crate::error::{Error, Result};

/// The file's name in its bucket.
pub const KEY: &str = "truststore.pem";

/// The file and the host.
#[derive(Clone, Debug)]
pub struct TrustStore {
    s3: S3,
    gateway: Gateway,
    bucket: String,
    host: String,
}

/// A version of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// What is in it.
    pub pem: Vec<u8>,
    /// Its version.
    pub version: String,
    /// S3's mark of the content.
    etag: String,
}

/// What the gateway says of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The version of the file that it uses, or is about to.
    pub version: Option<String>,
    /// Whether it has taken up what it was told last.
    pub is_settled: bool,
    /// What it finds wrong with the file.
    pub warnings: Vec<String>,
}

impl TrustStore {
    /// The file in the bucket and the host of these settings.
    pub fn new(s3: S3, gateway: Gateway, settings: &MutualTls) -> Self {
        Self { s3, gateway, bucket: settings.bucket.clone(), host: settings.host().to_owned() }
    }

    /// The newest version of the file; `None` before there is one.
    ///
    /// # Errors
    /// Unavailable when S3 does not answer; Internal when the bucket keeps no versions.
    pub async fn kept(&self) -> Result<Option<Kept>> {
        let object = match self.s3.get_object().bucket(&self.bucket).key(KEY).send().await {
            Ok(object) => object,
            Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => {
                return Ok(None);
            }
            Err(error) => return Err(failure(error)),
        };
        let version = object.version_id.ok_or_else(no_versions)?;
        let etag = object.e_tag.unwrap_or_default();
        let pem = object.body.collect().await.map_err(Error::unavailable)?.to_vec();
        Ok(Some(Kept { pem, version, etag }))
    }

    /// Keeps a new version in the place of the one that was read, and returns its name. When S3 has kept it but its answer was
    /// lost, the repetition is refused: then the file says so itself.
    ///
    /// # Errors
    /// Unavailable when S3 does not take it now, or when somebody else has kept another one meanwhile.
    pub async fn keep(&self, pem: Vec<u8>, former: Option<&Kept>) -> Result<String> {
        let put = self.s3.put_object().bucket(&self.bucket).key(KEY).body(ByteStream::from(pem.clone()));
        let put = match former {
            Some(former) => put.if_match(&former.etag),
            None => put.if_none_match("*"),
        };
        let refused = match put.send().await {
            Ok(kept) => return kept.version_id.ok_or_else(no_versions),
            Err(error) => error,
        };
        match code(&refused) {
            Some("PreconditionFailed" | "ConditionalRequestConflict") => match self.kept().await? {
                Some(present) if present.pem == pem => Ok(present.version),
                Some(_) | None => Err(Error::unavailable(refused)),
            },
            Some(_) | None => Err(failure(refused)),
        }
    }

    /// The host; `None` before the gateway has it.
    ///
    /// # Errors
    /// Unavailable when API Gateway does not answer.
    pub async fn host(&self) -> Result<Option<Host>> {
        let found = match self.gateway.get_domain_name().domain_name(&self.host).send().await {
            Ok(found) => found,
            Err(error)
                if error.as_service_error().is_some_and(GetDomainNameError::is_not_found_exception) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(failure(error)),
        };
        let is_settled = found
            .domain_name_configurations()
            .iter()
            .all(|each| each.domain_name_status.as_ref().is_none_or(|is| *is == DomainNameStatus::Available));
        let told = found.mutual_tls_authentication;
        let warnings = told.as_ref().map(|told| told.truststore_warnings().to_vec()).unwrap_or_default();
        Ok(Some(Host { version: told.and_then(|told| told.truststore_version), is_settled, warnings }))
    }

    /// Has the host use this version of the file. It takes the gateway some minutes.
    ///
    /// # Errors
    /// Unavailable when API Gateway does not take it now.
    pub async fn use_version(&self, version: &str) -> Result<()> {
        let told = MutualTlsAuthenticationInput::builder()
            .truststore_uri(format!("s3://{}/{KEY}", self.bucket))
            .truststore_version(version)
            .build();
        let update =
            self.gateway.update_domain_name().domain_name(&self.host).mutual_tls_authentication(told);
        update.send().await.map_err(failure)?;
        Ok(())
    }
}

fn code<E>(error: &SdkError<E, HttpResponse>) -> Option<&str>
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    error.as_service_error().and_then(ProvideErrorMetadata::code)
}

fn no_versions() -> Error {
    Error::internal("the bucket of the trust store keeps no versions")
}
