//! One HTTP/2 connection to the push service.

use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_openssl::SslStream;

use super::failure::Failure;
use super::tls::{self, Wire};
use super::{ApnsEndpoint, PushIdentity, outcome};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Idle connections are probed, so that a dead one is known before the next push needs it.
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// Shorter than a push's timeout: after a thaw the overdue ping condemns the connection in time for a second try.
const PING_TIMEOUT: Duration = Duration::from_secs(3);
/// Pushes under way at once. Three times the server's stream limit was seen to end in timeouts and a GOAWAY.
const IN_FLIGHT: usize = 500;
/// Apple's answers are one line of JSON.
const LARGEST_ANSWER: usize = 4_096;

/// An open connection, shared by every push of one certificate.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    places: Semaphore,
    answers: AtomicU64,
    refusal: Arc<OnceLock<&'static str>>,
}

/// An answer as it came.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Connection {
    /// Connects within three seconds.
    pub(super) async fn dial(endpoint: &ApnsEndpoint, identity: &PushIdentity) -> Result<Self, Failure> {
        timeout(CONNECT_TIMEOUT, Self::connect(endpoint, identity))
            .await
            .unwrap_or_else(|_| Err(unreachable("no connection in time")))
    }

    async fn connect(endpoint: &ApnsEndpoint, identity: &PushIdentity) -> Result<Self, Failure> {
        let session = tls::session(endpoint, identity).map_err(|error| {
            Failure::Refused(format!("the push certificate and its key cannot be used: {error}"))
        })?;
        let connected = match endpoint.address {
            Some(address) => TcpStream::connect(address).await,
            None => TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await,
        };
        let socket = connected.map_err(|error| unreachable(&chain(&error)))?;
        socket.set_nodelay(true).map_err(|error| unreachable(&chain(&error)))?;
        let mut stream = SslStream::new(session, socket).map_err(|error| unreachable(&chain(&error)))?;
        Pin::new(&mut stream).connect().await.map_err(|error| match tls::refusal(&error) {
            Some(refusal) => Failure::Refused(refusal.to_owned()),
            None => unreachable(&chain(&error)),
        })?;
        if stream.ssl().selected_alpn_protocol() != Some(b"h2") {
            return Err(unreachable("the server does not speak HTTP/2"));
        }
        Self::over(stream).await
    }

    async fn over(stream: SslStream<TcpStream>) -> Result<Self, Failure> {
        let refusal = Arc::new(OnceLock::new());
        let wire = Wire::new(stream, Arc::clone(&refusal));
        let (sender, connection) = Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            .keep_alive_while_idle(true)
            .handshake(TokioIo::new(wire))
            .await
            .map_err(|error| match refusal.get() {
                Some(refusal) => Failure::Refused((*refusal).to_owned()),
                None => unreachable(&chain(&error)),
            })?;
        // Ends by itself when the last sender is gone; its error also reaches whoever waits for an answer.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = chain(&error), "the connection to APNs ended");
            }
        });
        Ok(Self { sender, places: Semaphore::new(IN_FLIGHT), answers: AtomicU64::new(0), refusal })
    }

    /// Whether it still takes requests, as far as is known.
    pub(super) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Sends a request and waits `patience` for its answer, not counting the wait for a free place.
    pub(super) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        patience: Duration,
    ) -> Result<Answer, Failure> {
        let _place = self.places.acquire().await.map_err(|error| Failure::Unsent(error.to_string()))?;
        let heard = self.answers.load(Ordering::Relaxed);
        match timeout(patience, self.exchange(request)).await {
            Ok(exchanged) => exchanged,
            Err(_) if self.answers.load(Ordering::Relaxed) > heard => Err(Failure::Slow),
            Err(_) if heard > 0 => Err(Failure::Silent),
            Err(_) => Err(Failure::Stillborn("no answer in time".to_owned())),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, Failure> {
        let sent = self.sender.clone().try_send_request(request).await;
        let response = sent.map_err(|mut error| {
            let never_left = error.take_message().is_some();
            self.failure(never_left, chain(error.error()))
        })?;
        self.answers.fetch_add(1, Ordering::Relaxed);
        let (head, body) = response.into_parts();
        // An answer whose body breaks off still has its status.
        let body = Limited::new(body, LARGEST_ANSWER).collect().await;
        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    fn failure(&self, never_left: bool, text: String) -> Failure {
        if let Some(refusal) = self.refusal.get() {
            Failure::Refused((*refusal).to_owned())
        } else if let Some(reason) = outcome::refusal_in(&text) {
            Failure::Refused(reason)
        } else if never_left {
            Failure::Unsent(text)
        } else if self.answers.load(Ordering::Relaxed) > 0 {
            Failure::Broken(text)
        } else {
            Failure::Stillborn(text)
        }
    }
}

/// The pacing fills in how long to wait.
fn unreachable(reason: &str) -> Failure {
    Failure::Unreachable { reason: reason.to_owned(), wait: Duration::ZERO }
}

/// An error with its causes: the libraries say what happened only there.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
