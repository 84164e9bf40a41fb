//! One address for DynamoDB, Secrets Manager, SQS, EventBridge, SES, API Gateway and S3, told apart as AWS's own requests can be.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HOST};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::net::{TcpListener, TcpSocket};

use super::dynamodb::{self, DynamoDb};
use super::error::Refusal;
use super::event_bridge::Buses;
use super::secrets_manager::SecretsManager;
use super::sqs::{self, Sqs};
use super::{gateway, s3, ses};

/// S3 objects may be larger than anything the JSON services take.
const BODY_LIMIT: usize = 64 * 1024 * 1024;

/// What the routes need.
#[derive(Clone, Debug)]
pub(super) struct Services {
    pub(super) dynamodb: DynamoDb,
    pub(super) secrets_manager: SecretsManager,
    pub(super) sqs: Sqs,
    pub(super) buses: Buses,
    pub(super) mailbox: super::Mailbox,
    pub(super) objects: s3::Objects,
    pub(super) domains: gateway::Domains,
}

/// A listener on a free port of the loopback address.
///
/// The option is set on the listening socket, and accepted ones inherit it: a server that writes an answer in two
/// pieces would otherwise wait 40 ms for the client's delayed acknowledgement.
pub(super) fn listen() -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_nodelay(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    socket.listen(1024)
}

/// Every route.
pub(super) fn router(services: Services) -> Router {
    Router::new()
        .route("/", post(json_operation))
        .route("/v2/email/outbound-emails", post(ses::send_email))
        .route("/v2/domainnames/{name}", get(gateway::show).patch(gateway::update))
        .route("/{bucket}", get(s3::list))
        .route("/{bucket}/", get(s3::list))
        .route("/{bucket}/{*key}", any(s3::object))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(services)
}

/// DynamoDB, Secrets Manager, SQS and EventBridge name the service and the operation in one header.
async fn json_operation(State(services): State<Services>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let target = header("x-amz-target");
    match target.split_once('.') {
        Some((dynamodb::TARGET, operation)) => {
            services.dynamodb.answer(operation, &body).await.into_response()
        }
        Some(("secretsmanager", operation)) => match services.secrets_manager.call(operation, &body) {
            Ok(answer) => json_answer("application/x-amz-json-1.1", &answer),
            Err(refusal) => refusal.into_json(),
        },
        Some(("AWSEvents", operation)) => match services.buses.call(operation, &body) {
            Ok(answer) => json_answer("application/x-amz-json-1.1", &answer),
            Err(refusal) => refusal.into_json(),
        },
        Some(("AmazonSQS", operation)) => {
            match services.sqs.call(operation, &body, header(HOST.as_str())).await {
                Ok(answer) => json_answer("application/x-amz-json-1.0", &answer),
                Err(refusal) => sqs::refused(refusal),
            }
        }
        Some(_) | None => unknown_operation(target).into_json(),
    }
}

fn json_answer(content_type: &'static str, answer: &Value) -> Response {
    ([(CONTENT_TYPE, content_type)], answer.to_string()).into_response()
}

/// The answer to what nothing here calls.
pub(super) fn unknown_operation(operation: &str) -> Refusal {
    Refusal::bad_request("UnknownOperationException", format!("No {operation} here."))
}

/// Reads an operation's input.
pub(super) fn input<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal::bad_request("SerializationException", error.to_string()))
}

/// The answer of an operation that has nothing to say.
pub(super) fn nothing() -> Value {
    Value::Object(serde_json::Map::new())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn an_accepted_connection_sends_at_once_and_comes_from_this_machine() {
        let listener = listen().unwrap();
        let address = listener.local_addr().unwrap();
        let (_client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        assert!(accepted.unwrap().0.nodelay().unwrap());
        assert!(address.ip().is_loopback());
    }
}
