//! How this process talks to AWS, and what an AWS failure means.

use std::error::Error as StdError;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{DispatchFailure, SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use crate::error::Error;

/// Refusals that pass by themselves, whatever status they came with.
const PASSING: &[&str] = &[
    "InternalServiceError",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestTimeout",
    "RequestTimeoutException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionConflictException",
    "TransactionInProgressException",
];

/// The configuration of a deployed function: region, credentials and `AWS_ENDPOINT_URL*` from the environment.
pub async fn sdk_config() -> SdkConfig {
    let client = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    aws_config::defaults(behavior())
        .http_client(client)
        .timeout_config(timeouts())
        .retry_config(retries())
        .load()
        .await
}

/// The configuration for a server at `endpoint` on this machine, with credentials that open nothing.
///
/// The endpoint's host must be an IP address: the S3 client then addresses buckets by path, not by host name.
pub fn local_sdk_config(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new("local", "local", None, None, "local");
    SdkConfig::builder()
        .behavior_version(behavior())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(plain_http_client())
        .timeout_config(timeouts())
        .retry_config(retries())
        .build()
}

/// A client that trusts no certificate authority: reading the system's roots costs 10 ms, and nothing here uses TLS.
fn plain_http_client() -> SharedHttpClient {
    let provider = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    match TlsContext::builder().with_trust_store(TrustStore::empty()).build() {
        Ok(nothing_trusted) => provider.tls_context(nothing_trusted).build_https(),
        Err(_) => provider.build_https(),
    }
}

fn behavior() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

/// A function has 29 seconds behind API Gateway and a device is waiting: fail early, try again, give up at 10 s.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(3))
        .operation_timeout(Duration::from_secs(10))
        .build()
}

fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(3)
}

/// What a failed AWS call means to the caller: Unavailable when the same call may succeed later, else Internal.
pub fn failure<E>(error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    if may_pass(&error) { Error::unavailable(error) } else { Error::internal(error) }
}

/// Whether the same call may succeed later: throttling, a timeout, a lost connection, a fault on AWS's side.
fn may_pass<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    match error {
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) => true,
        SdkError::DispatchFailure(failure) => connection_may_pass(failure),
        SdkError::ServiceError(refusal) => {
            let status = refusal.raw().status().as_u16();
            status >= 500 || status == 429 || refusal.err().code().is_some_and(|code| PASSING.contains(&code))
        }
        SdkError::ConstructionFailure(_) | _ => false,
    }
}

fn connection_may_pass(failure: &DispatchFailure) -> bool {
    failure.is_io() || failure.is_timeout() || failure.as_other().is_some()
}

#[cfg(test)]
mod tests {
    use aws_sdk_secretsmanager::Client;

    use super::*;
    use crate::error::Kind;
    use crate::scripted::{Answer, script};

    async fn kind_after(answer: Answer) -> Kind {
        let (config, _requests) = script([answer]);
        let error = Client::new(&config).get_secret_value().secret_id("a").send().await.unwrap_err();
        failure(error).kind()
    }

    #[tokio::test]
    async fn what_passes_by_itself_is_unavailable_and_the_rest_is_our_fault() {
        for (status, code, kind) in [
            (400, "ThrottlingException", Kind::Unavailable),
            (400, "TransactionConflictException", Kind::Unavailable),
            (429, "SomethingNew", Kind::Unavailable),
            (500, "InternalServiceError", Kind::Unavailable),
            (503, "SomethingNew", Kind::Unavailable),
            (400, "AccessDeniedException", Kind::Internal),
            (400, "ValidationException", Kind::Internal),
        ] {
            assert_eq!(kind_after(Answer::error(status, code)).await, kind, "{status} {code}");
        }
        assert_eq!(kind_after(Answer::NoConnection).await, Kind::Unavailable);
    }

    #[tokio::test]
    async fn the_code_stays_in_the_log_and_out_of_the_message() {
        let (config, _requests) = script([Answer::error(400, "AccessDeniedException")]);
        let error = Client::new(&config).get_secret_value().secret_id("a").send().await.unwrap_err();
        let error = failure(error);
        assert!(error.chain().contains("AccessDeniedException"), "{}", error.chain());
        assert!(!error.to_string().contains("AccessDenied"));
    }
}
