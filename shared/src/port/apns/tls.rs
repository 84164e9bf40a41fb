//! The TLS connection to the push service, and the alerts by which it refuses a certificate.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use openssl::error::ErrorStack;
use openssl::ssl::{self, Ssl, SslConnector, SslMethod, SslVersion};
use openssl::x509::store::X509StoreBuilder;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use super::{ApnsEndpoint, PushIdentity};

/// OpenSSL's number for its TLS library.
const LIBRARY_SSL: i32 = 20;
/// OpenSSL reports the peer's alert `n` as reason `1000 + n`.
const ALERT: i32 = 1_000;

/// A client session that trusts the endpoint's roots only, proves `identity`, and speaks HTTP/2.
pub(super) fn session(endpoint: &ApnsEndpoint, identity: &PushIdentity) -> Result<Ssl, ErrorStack> {
    let mut store = X509StoreBuilder::new()?;
    for root in &endpoint.roots {
        store.add_cert(root.clone())?;
    }
    let mut connector = SslConnector::builder(SslMethod::tls_client())?;
    connector.set_cert_store(store.build());
    connector.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    connector.set_alpn_protos(b"\x02h2")?;
    connector.set_certificate(&identity.certificate)?;
    for certificate in &identity.chain {
        connector.add_extra_chain_cert(certificate.clone())?;
    }
    connector.set_private_key(&identity.key)?;
    connector.check_private_key()?;
    connector.build().configure()?.into_ssl(&endpoint.host)
}

/// Why the peer refused our certificate, if that is what `error` says.
pub(super) fn refusal(error: &ssl::Error) -> Option<&'static str> {
    error.ssl_error()?.errors().iter().filter(|error| error.library_code() == LIBRARY_SSL).find_map(|error| {
        match error.reason_code() - ALERT {
            42 => Some("TLS alert: bad certificate"),
            43 => Some("TLS alert: unsupported certificate"),
            44 => Some("TLS alert: certificate revoked"),
            45 => Some("TLS alert: certificate expired"),
            46 => Some("TLS alert: certificate unknown"),
            48 => Some("TLS alert: unknown certificate authority"),
            49 => Some("TLS alert: access denied"),
            116 => Some("TLS alert: certificate required"),
            _ => None,
        }
    })
}

/// The stream under HTTP/2, remembering the alert that ended it.
///
/// In TLS 1.3 the client's handshake is over before the server has looked at its certificate: the alert arrives as
/// an error of a later read, and the HTTP/2 library passes on nothing of it but text.
pub(super) struct Wire {
    stream: SslStream<TcpStream>,
    refusal: Arc<OnceLock<&'static str>>,
    failed_write: Option<io::Error>,
}

impl Wire {
    /// Puts the alert, should one come, into `refusal`.
    pub(super) fn new(stream: SslStream<TcpStream>, refusal: Arc<OnceLock<&'static str>>) -> Self {
        Self { stream, refusal, failed_write: None }
    }

    fn remember(&self, result: &io::Result<()>) {
        let error = result.as_ref().err().and_then(io::Error::get_ref);
        if let Some(refusal) = error.and_then(|error| error.downcast_ref()).and_then(refusal) {
            // The first alert is the one that counts.
            let _ = self.refusal.set(refusal);
        }
    }

    /// Holds a failed write back until the read side has had its say: a server that sends an alert and closes makes
    /// the next write fail before the alert is read. The failed write proves that the read will end too.
    fn report(&mut self, cx: &mut Context<'_>, error: io::Error) -> Poll<io::Error> {
        loop {
            let mut lost = [0; 1_024];
            let mut buffer = ReadBuf::new(&mut lost);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Pending => {
                    self.failed_write = Some(error);
                    return Poll::Pending;
                }
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(read) => {
                    self.remember(&read);
                    return Poll::Ready(error);
                }
            }
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        polled.map(|result| {
            self.remember(&result);
            result
        })
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = match self.failed_write.take() {
            Some(error) => Err(error),
            None => ready!(Pin::new(&mut self.stream).poll_write(cx, buf)),
        };
        match written {
            Ok(length) => Poll::Ready(Ok(length)),
            Err(error) => self.report(cx, error).map(Err),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
