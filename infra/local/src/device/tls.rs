//! HTTP over mutual TLS, a connection for each request: which certificate is shown is the device's to say each time.

use std::pin::Pin;

use bytes::Bytes;
use http::{Request, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use openssl::error::ErrorStack;
use openssl::ssl::{SslConnector, SslMethod};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use shared::pki::Credential;
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use super::error::{DeviceError, Result};
use super::wire::Response;

/// For errors.
const REQUEST: &str = "the device's own request";

/// A client that shows a certificate, or none.
#[derive(Clone)]
pub struct TlsClient {
    roots: Vec<X509>,
    identity: Option<Credential>,
}

impl TlsClient {
    /// A client that trusts these authorities.
    pub fn new(roots: &[X509], identity: Option<Credential>) -> Self {
        Self { roots: roots.to_vec(), identity }
    }

    /// Sends a request to an `https` URL.
    ///
    /// # Errors
    /// When there is no connection, or the server ends it without an answer.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response> {
        let uri = request.uri().clone();
        let cut = |source| DeviceError::Unreachable { url: uri.to_string(), source };
        let (host, port) = (uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(443));
        let tcp = TcpStream::connect((host, port)).await.map_err(|error| cut(error.into()))?;
        tcp.set_nodelay(true).map_err(|error| cut(error.into()))?;
        let session = self.connector().and_then(|connector| connector.configure()?.into_ssl(host));
        let session = session.map_err(|source| DeviceError::unreadable(REQUEST, source))?;
        let mut stream = SslStream::new(session, tcp).map_err(|error| cut(error.into()))?;
        Pin::new(&mut stream).connect().await.map_err(|error| cut(error.into()))?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| cut(error.into()))?;
        let serving = tokio::spawn(connection);
        let answer = sender.send_request(in_origin_form(request, &uri)?).await;
        let read = async {
            let (head, body) = answer.map_err(|error| cut(error.into()))?.into_parts();
            let body = body.collect().await.map_err(|error| cut(error.into()))?.to_bytes();
            let content_type = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
            let content_type = content_type.unwrap_or_default().to_owned();
            Ok(Response { status: head.status.as_u16(), content_type, body: body.into() })
        };
        let read = read.await;
        serving.abort();
        read
    }

    fn connector(&self) -> Result<SslConnector, ErrorStack> {
        let mut store = X509StoreBuilder::new()?;
        for root in &self.roots {
            store.add_cert(root.clone())?;
        }
        let mut connector = SslConnector::builder(SslMethod::tls_client())?;
        connector.set_cert_store(store.build());
        if let Some(identity) = &self.identity {
            connector.set_certificate(&identity.certificate)?;
            connector.set_private_key(&identity.key)?;
        }
        Ok(connector.build())
    }
}

/// As HTTP/1.1 wants it on the wire: the path alone, and the host in a header.
fn in_origin_form(request: Request<Bytes>, uri: &Uri) -> Result<Request<Full<Bytes>>> {
    let (mut head, body) = request.into_parts();
    let own = |source| DeviceError::unreadable(REQUEST, source);
    let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = path.parse().map_err(|error: http::uri::InvalidUri| own(error.to_string()))?;
    let host = authority.parse().map_err(|error: header::InvalidHeaderValue| own(error.to_string()))?;
    head.headers.insert(header::HOST, host);
    Ok(Request::from_parts(head, Full::from(body)))
}
