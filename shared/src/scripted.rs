//! An HTTP connection that answers what a test wrote down, for failures that a working server does not produce.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::http::{SharedHttpClient, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;

/// What the next request meets.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Nobody answers at the other end.
    NoConnection,
    /// A status and a JSON body.
    Response(u16, String),
}

impl Answer {
    /// A 200 with this body.
    pub(crate) fn ok(body: &str) -> Self {
        Self::Response(200, body.to_owned())
    }

    /// A refusal as the JSON protocols write it.
    pub(crate) fn error(status: u16, code: &str) -> Self {
        Self::Response(status, format!(r#"{{"__type":"{code}","message":"as the test said"}}"#))
    }
}

/// The bodies of the requests sent so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requests(Arc<Mutex<Vec<String>>>);

impl Requests {
    /// Takes what was sent since the last call.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A configuration whose clients meet `answers` in order, without retries; past the end nobody answers.
pub(crate) fn script(answers: impl IntoIterator<Item = Answer>) -> (SdkConfig, Requests) {
    let requests = Requests::default();
    let connector = SharedHttpConnector::new(Script {
        answers: Mutex::new(answers.into_iter().collect()),
        requests: requests.clone(),
    });
    let client: SharedHttpClient = http_client_fn(move |_, _| connector.clone());
    let config = crate::aws::local_sdk_config("http://127.0.0.1:9")
        .to_builder()
        .http_client(client)
        .retry_config(RetryConfig::disabled())
        .build();
    (config, requests)
}

#[derive(Debug)]
struct Script {
    answers: Mutex<VecDeque<Answer>>,
    requests: Requests,
}

impl HttpConnector for Script {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
        self.requests.0.lock().unwrap_or_else(PoisonError::into_inner).push(body);
        let answer = self.answers.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        HttpConnectorFuture::ready(match answer {
            Some(Answer::Response(status, body)) => {
                Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body)))
            }
            Some(Answer::NoConnection) | None => Err(ConnectorError::io("connection refused".into())),
        })
    }
}
