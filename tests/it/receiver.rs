//! A tenant's own server, which is told of events.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;

/// What the server says to a body.
type Says = Box<dyn Fn(&Value) -> u16 + Send>;

/// One call that came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) json: Value,
}

impl Received {
    /// A header.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().expect("text")
    }
}

#[derive(Clone)]
pub(crate) struct Receiver {
    url: String,
    calls: Arc<Mutex<Vec<Received>>>,
    says: Arc<Mutex<Says>>,
}

impl Receiver {
    /// A server on this machine that takes everything.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("bound"));
        let says: Says = Box::new(|_| 200);
        let receiver = Self { url, calls: Arc::default(), says: Arc::new(Mutex::new(says)) };
        let app = Router::new().fallback(take).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        receiver
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// From now on it answers with the status that `says` gives for a body.
    pub(crate) fn answer(&self, says: impl Fn(&Value) -> u16 + Send + 'static) {
        *self.says.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(says);
    }

    /// What came since this was last asked.
    pub(crate) fn take(&self) -> Vec<Received> {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The types of events that came since this was last asked, with their devices.
    pub(crate) fn told(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.take().iter().map(|call| (text(&call.json["type"]), text(&call.json["enrollment"]))).collect()
    }
}

async fn take(
    State(receiver): State<Receiver>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    let json = serde_json::from_slice(&body).unwrap_or_default();
    let status = (receiver.says.lock().unwrap_or_else(PoisonError::into_inner))(&json);
    let call = Received { headers, body: body.to_vec(), json };
    receiver.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
    (StatusCode::from_u16(status).expect("a status"), "It is noted.")
}
