//! The certificate that this server's own host name answers with.

use std::time::Duration;

use openssl::error::ErrorStack;
use openssl::ssl::{Ssl, SslConnector, SslMethod, SslVerifyMode};
use openssl::x509::X509;
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use crate::error::{Error, Result};

/// How long the host may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Opens a TLS connection to the host of `base_url` and returns the certificate it shows; `None` where the address is
/// not https. The certificate is read, not trusted: one that has expired is what the caller wants to know of.
///
/// # Errors
/// Unavailable when the host does not answer in time, or not with TLS.
pub async fn server_certificate(base_url: &str) -> Result<Option<X509>> {
    let Some(authority) = base_url.strip_prefix("https://") else {
        return Ok(None);
    };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().map_err(Error::internal)?),
        None => (authority, 443),
    };
    let shown = tokio::time::timeout(PATIENCE, shown(host, port)).await.map_err(Error::unavailable)?;
    shown.map(Some)
}

async fn shown(host: &str, port: u16) -> Result<X509> {
    let tcp = TcpStream::connect((host, port)).await.map_err(Error::unavailable)?;
    let mut tls = SslStream::new(session(host).map_err(Error::internal)?, tcp).map_err(Error::internal)?;
    std::pin::Pin::new(&mut tls).connect().await.map_err(Error::unavailable)?;
    tls.ssl().peer_certificate().ok_or_else(|| Error::unavailable("the host showed no certificate"))
}

fn session(host: &str) -> Result<Ssl, ErrorStack> {
    let mut connector = SslConnector::builder(SslMethod::tls_client())?;
    connector.set_verify(SslVerifyMode::NONE);
    connector.build().configure()?.into_ssl(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::pki::fixture;
    use openssl::ssl::SslAcceptor;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_certificate_is_read_even_where_nobody_trusts_it() {
        let certificate = fixture::authority("mdm.example", 0, None);
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
        acceptor.set_certificate(&certificate).unwrap();
        acceptor.set_private_key(fixture::key(0)).unwrap();
        let acceptor = acceptor.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("https://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (tcp, _) = listener.accept().await.unwrap();
            let mut tls = SslStream::new(Ssl::new(acceptor.context()).unwrap(), tcp).unwrap();
            std::pin::Pin::new(&mut tls).accept().await.unwrap();
        });
        let shown = server_certificate(&base_url).await.unwrap().unwrap();
        assert_eq!(shown.to_der().unwrap(), certificate.to_der().unwrap());
    }

    #[tokio::test]
    async fn plain_http_has_none_and_silence_is_no_answer() {
        assert!(server_certificate("http://127.0.0.1:8080").await.unwrap().is_none());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("https://{}", listener.local_addr().unwrap());
        drop(listener);
        assert_eq!(server_certificate(&base_url).await.unwrap_err().kind(), Kind::Unavailable);
    }
}
