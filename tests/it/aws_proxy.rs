//! Stands between a server process and AWS, for tests that look at what goes by.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::request::Parts;
use reqwest::header;
use tokio::net::TcpListener;

/// A port of its own for a server that is still to be made, and its address as a URL.
pub(crate) async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, format!("http://{address}"))
}

/// Serves until the test ends.
pub(crate) fn serve(listener: TcpListener, router: Router) {
    tokio::spawn(async move { axum::serve(listener, router).await });
}

/// One call of AWS's: its head, its body, and the operation where the service names one in a header.
pub(crate) struct Call {
    pub(crate) parts: Parts,
    pub(crate) body: Bytes,
    pub(crate) target: String,
}

impl Call {
    pub(crate) async fn read(request: Request) -> Self {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a body");
        let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
        Self { target: target.unwrap_or_default().to_owned(), parts, body }
    }

    /// The operation, if it is one of DynamoDB's.
    pub(crate) fn dynamodb(&self) -> Option<&str> {
        self.target.strip_prefix("DynamoDB_20120810.")
    }

    /// Sends it on to the AWS at `base` and returns the answer.
    pub(crate) async fn forward(mut self, http: &reqwest::Client, base: &str) -> Response {
        self.parts.headers.remove(header::HOST);
        let url = format!("{base}{}", self.parts.uri);
        let sent =
            http.request(self.parts.method, url).headers(self.parts.headers).body(self.body).send().await;
        let answer = sent.expect("AWS answers");
        let mut response = Response::builder().status(answer.status());
        for (name, value) in answer.headers().iter().filter(|(name, _)| *name != header::TRANSFER_ENCODING) {
            response = response.header(name, value);
        }
        response.body(Body::from(answer.bytes().await.expect("a body"))).expect("a response")
    }
}
