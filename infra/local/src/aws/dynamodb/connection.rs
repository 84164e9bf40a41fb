//! Calls of DynamoDB that stay in the process: the client's own request and answer, without a socket between them.

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient as _, HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use tokio::sync::watch;

use super::{Answer, DynamoDb, TARGET};

/// The same configuration, whose calls to DynamoDB are answered by `tables` until they are `closing`.
pub(in crate::aws) fn without_travelling(
    config: &SdkConfig,
    tables: DynamoDb,
    closing: watch::Receiver<bool>,
) -> SdkConfig {
    let Some(travelling) = config.http_client() else { return config.clone() };
    let client = http_client_fn(move |settings, components| {
        let others = travelling.http_connector(settings, components);
        SharedHttpConnector::new(Connector { tables: tables.clone(), closing: closing.clone(), others })
    });
    config.to_builder().http_client(client).build()
}

#[derive(Debug)]
struct Connector {
    tables: DynamoDb,
    closing: watch::Receiver<bool>,
    /// For all other services.
    others: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").and_then(|target| target.split_once('.'));
        let Some((TARGET, operation)) = target else { return self.others.call(request) };
        if *self.closing.borrow() {
            return HttpConnectorFuture::ready(Err(ConnectorError::io("DynamoDB has stopped".into())));
        }
        let (operation, tables) = (operation.to_owned(), self.tables.clone());
        HttpConnectorFuture::new(async move {
            let input = request.body().bytes().unwrap_or_default();
            response(tables.answer(&operation, input).await)
        })
    }
}

fn response(answer: Answer) -> Result<HttpResponse, ConnectorError> {
    let status = answer.status.try_into().map_err(|error| ConnectorError::other(Box::new(error), None))?;
    Ok(HttpResponse::new(status, SdkBody::from(answer.body)))
}
