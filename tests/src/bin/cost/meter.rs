//! The connection of a function to AWS, which writes down what is called and what DynamoDB says that it takes.

use std::sync::{Arc, Mutex, PoisonError};

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient as _, HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde_json::Value;

use crate::used::Used;

/// What one function used so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter(Arc<Mutex<Used>>);

impl Meter {
    /// The same configuration over a connection that is metered.
    pub(crate) fn over(aws: &SdkConfig) -> (Self, SdkConfig) {
        let meter = Self::default();
        let real = aws.http_client().expect("it has a client");
        let metered = meter.clone();
        let client = http_client_fn(move |settings, components| {
            let real = real.http_connector(settings, components);
            SharedHttpConnector::new(Connector { meter: metered.clone(), real })
        });
        (meter, aws.to_builder().http_client(client).build())
    }

    /// Adds to what was used.
    pub(crate) fn add(&self, add: impl FnOnce(&mut Used)) {
        add(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What was used since the last look.
    pub(crate) fn take(&self) -> Used {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[derive(Debug)]
struct Connector {
    meter: Meter,
    real: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        let service = Service::of(&target, request.uri());
        self.meter.add(|used| {
            used.calls += 1.0;
            match service {
                Service::DynamoDb => {}
                Service::Sqs => used.messages += 1.0,
                Service::SecretsManager => used.secret_calls += 1.0,
                Service::Mail => used.mails += 1.0,
                Service::S3 => used.objects += 1.0,
            }
            used.secrets += match target.as_str() {
                "secretsmanager.CreateSecret" => 1.0,
                "secretsmanager.DeleteSecret" => -1.0,
                _ => 0.0,
            };
        });
        if !matches!(service, Service::DynamoDb) {
            return self.real.call(request);
        }
        ask_for_capacity(&mut request);
        let (meter, answer) = (self.meter.clone(), self.real.call(request));
        HttpConnectorFuture::new(async move {
            let answer = answer.await?;
            let status = answer.status();
            let body = ByteStream::new(answer.into_body()).collect().await;
            let body = body.map_err(|error| ConnectorError::io(error.into()))?.into_bytes();
            let units = units(&serde_json::from_slice(&body).unwrap_or_default());
            let reads = ["GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"];
            let is_read = target.rsplit_once('.').is_some_and(|(_, operation)| reads.contains(&operation));
            meter.add(|used| *(if is_read { &mut used.reads } else { &mut used.writes }) += units);
            Ok(HttpResponse::new(status, SdkBody::from(body)))
        })
    }
}

enum Service {
    DynamoDb,
    Sqs,
    SecretsManager,
    Mail,
    S3,
}

impl Service {
    fn of(target: &str, uri: &str) -> Self {
        match target.split_once('.') {
            Some((service, _)) if service.starts_with("DynamoDB") => Self::DynamoDb,
            Some(("AmazonSQS", _)) => Self::Sqs,
            Some(("secretsmanager", _)) => Self::SecretsManager,
            _ if uri.contains("/v2/email/") => Self::Mail,
            _ => Self::S3,
        }
    }
}

/// The same request, which asks what it costs.
fn ask_for_capacity(request: &mut HttpRequest) {
    let body = request.body().bytes().unwrap_or_default();
    let mut asked: Value = serde_json::from_slice(body).expect("DynamoDB's requests are JSON");
    asked["ReturnConsumedCapacity"] = "TOTAL".into();
    *request.body_mut() = SdkBody::from(asked.to_string());
}

/// One write at least for a refused condition, which says nothing of its cost.
fn units(answer: &Value) -> f64 {
    let one = |consumed: &Value| consumed["CapacityUnits"].as_f64().unwrap_or_default();
    let consumed = &answer["ConsumedCapacity"];
    match consumed.as_array() {
        Some(tables) => tables.iter().map(one).sum(),
        None if consumed.is_null() => 1.0,
        None => one(consumed),
    }
}
