//! An end to order: the process ends at one of its own writes, as if somebody had killed it there.

use std::sync::{Arc, Mutex, PoisonError};

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

/// Operations that change nothing, by how their names begin.
const READS: [&str; 7] = ["BatchGet", "Describe", "Get", "List", "Query", "Scan", "TransactGet"];

/// When the process ends. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct End(Arc<Mutex<Option<Ordered>>>);

#[derive(Debug)]
struct Ordered {
    /// Writes that come before the last one.
    before: usize,
    /// Whether the last one is still done.
    takes_effect: bool,
}

impl End {
    /// Lets the process end at a write after so many others: before AWS hears of it, or before the process hears that it is done.
    pub fn order(&self, before: usize, takes_effect: bool) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Ordered { before, takes_effect });
    }

    /// The same configuration with clients that end the process when it is time.
    pub(super) fn watch(&self, config: SdkConfig) -> SdkConfig {
        let Some(client) = config.http_client() else { return config };
        let end = self.clone();
        let watched = http_client_fn(move |settings, components| {
            SharedHttpConnector::new(Watched {
                inner: client.http_connector(settings, components),
                end: end.clone(),
            })
        });
        config.to_builder().http_client(watched).build()
    }

    /// Counts a write; the answer says how the process ends at it.
    fn at_write(&self) -> Option<Ordered> {
        let mut ordered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match ordered.take() {
            Some(Ordered { before, takes_effect }) if before > 0 => {
                *ordered = Some(Ordered { before: before - 1, takes_effect });
                None
            }
            now => now,
        }
    }
}

#[derive(Debug)]
struct Watched {
    inner: SharedHttpConnector,
    end: End,
}

impl HttpConnector for Watched {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        match is_write(&request).then(|| self.end.at_write()).flatten() {
            None => self.inner.call(request),
            Some(Ordered { takes_effect: false, .. }) => std::process::abort(),
            Some(Ordered { takes_effect: true, .. }) => {
                let done = self.inner.call(request);
                HttpConnectorFuture::new(async move {
                    let _ = done.await;
                    std::process::abort()
                })
            }
        }
    }
}

fn is_write(request: &HttpRequest) -> bool {
    match request.headers().get("x-amz-target").and_then(|target| target.split_once('.')) {
        Some((_, operation)) => !READS.iter().any(|read| operation.starts_with(read)),
        None => request.method() != "GET",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_at_the_write_that_was_named_and_once() {
        let end = End::default();
        assert!(end.at_write().is_none(), "nobody ordered it");
        end.order(2, true);
        assert!(end.at_write().is_none() && end.at_write().is_none());
        assert!(end.at_write().is_some_and(|ordered| ordered.takes_effect));
        assert!(end.at_write().is_none());
    }

    #[test]
    fn reads_do_not_count() {
        let of = |method: &str, target: Option<&str>| {
            let mut request = HttpRequest::empty();
            request.set_method(method).unwrap();
            if let Some(target) = target {
                request.headers_mut().insert("x-amz-target", target.to_owned());
            }
            is_write(&request)
        };
        for write in
            ["DynamoDB_20120810.TransactWriteItems", "secretsmanager.CreateSecret", "AmazonSQS.SendMessage"]
        {
            assert!(of("POST", Some(write)), "{write}");
        }
        for read in
            ["DynamoDB_20120810.BatchGetItem", "secretsmanager.GetSecretValue", "DynamoDB_20120810.Query"]
        {
            assert!(!of("POST", Some(read)), "{read}");
        }
        assert!(of("PUT", None) && !of("GET", None));
    }
}
