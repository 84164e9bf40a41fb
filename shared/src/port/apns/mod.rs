//! Wakes managed devices through Apple's push service.
//!
//! HTTP/2 over mutual TLS, one long-lived connection per push certificate: Apple treats rapid connecting and
//! disconnecting as an attack.
//! <https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns>

mod connection;
mod failure;
mod outcome;
mod pacing;
mod pool;
mod request;
mod slot;
mod tls;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;

use crate::id::Fingerprint;
use crate::secret::Secret;
use crate::time::Timestamp;

use failure::Failure;
use pool::Pool;
use slot::Slot;

pub use outcome::Outcome;

/// How long one push waits for its answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Where the push service is and whom to trust there.
pub struct ApnsEndpoint {
    /// The name in the URL, in SNI and in the server's certificate: `api.push.apple.com`.
    pub host: String,
    /// 443, or 2197 where a firewall passes no other traffic.
    pub port: u16,
    /// Connects here instead of asking DNS for `host`: the simulator's address.
    pub address: Option<SocketAddr>,
    /// The only roots the server's certificate may chain to.
    pub roots: Vec<X509>,
}

/// A push certificate with its key: the client's side of the TLS connection.
pub struct PushIdentity {
    /// SHA-256 of the certificate: names the connection.
    pub fingerprint: Fingerprint,
    /// The certificate that Apple issued.
    pub certificate: X509,
    /// The certificates between it and the root; may be empty.
    pub chain: Vec<X509>,
    /// The certificate's private key.
    pub key: PKey<Private>,
}

/// One wake-up call. `token`, `magic` and `topic` come together from one TokenUpdate.
pub struct Push {
    /// The device's push token.
    pub token: Vec<u8>,
    /// The PushMagic; with a wrong one Apple still accepts the push and the device ignores it.
    pub magic: Secret<String>,
    /// The push certificate's topic.
    pub topic: String,
    /// Until when Apple keeps the push for a sleeping device.
    pub expires_at: Timestamp,
}

/// The sender. Keep one per process: it holds the connections.
pub struct Apns {
    endpoint: ApnsEndpoint,
    request_timeout: Duration,
    pool: Pool,
}

impl Apns {
    /// A sender without connections; the first push of each certificate dials.
    pub fn new(endpoint: ApnsEndpoint) -> Self {
        Self { endpoint, request_timeout: REQUEST_TIMEOUT, pool: Pool::default() }
    }

    /// Waits `timeout` for each answer instead of five seconds.
    #[must_use]
    pub fn with_request_timeout(self, timeout: Duration) -> Self {
        Self { request_timeout: timeout, ..self }
    }

    /// Sends one push and says what became of it; never fails otherwise.
    ///
    /// A push that met a dead connection is sent once more on a new one. Sending twice does no harm: Apple keeps
    /// only the latest push of a device, and a device woken twice polls twice.
    pub async fn push(&self, identity: &PushIdentity, push: &Push) -> Outcome {
        let request = match request::build(&self.endpoint.host, push) {
            Ok(request) => request,
            Err(reason) => return Outcome::Rejected { status: 0, reason },
        };
        let slot = self.pool.slot(identity.fingerprint);
        match self.attempt(&slot, identity, request.clone()).await {
            Ok(outcome) => outcome,
            Err(failure) if failure.met_a_dead_connection() => {
                self.attempt(&slot, identity, request).await.unwrap_or_else(Outcome::from)
            }
            Err(failure) => failure.into(),
        }
    }

    async fn attempt(
        &self,
        slot: &Slot,
        identity: &PushIdentity,
        request: Request<Full<Bytes>>,
    ) -> Result<Outcome, Failure> {
        let connection = slot.connection(&self.endpoint, identity).await?;
        let sent = connection.send(request, self.request_timeout).await;
        if sent.as_ref().is_err_and(Failure::condemns_the_connection) {
            slot.discard(&connection).await;
        }
        sent.map(|answer| outcome::classify(answer.status, &answer.headers, &answer.body))
    }
}
