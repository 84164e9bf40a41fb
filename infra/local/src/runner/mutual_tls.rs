//! The host that asks devices for certificates, as API Gateway serves it: who chains to none of the certificates in the trust store
//! gets no connection, and of who does, the request's context says the certificate.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use lambda_http::aws_lambda_events::apigw::{
    ApiGatewayV2httpRequestContext, ApiGatewayV2httpRequestContextAuthentication,
    ApiGatewayV2httpRequestContextAuthenticationClientCert,
};
use lambda_http::request::RequestContext;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{Ssl, SslAcceptor, SslMethod, SslOptions, SslVerifyMode};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use shared::error::{Error, Result};
use shared::time::Clock;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_openssl::SslStream;
use tower::ServiceExt;

use crate::aws::{Trust, TrustStoreVersion};
use crate::portal::authority::{Authority, Use, organization, p256};

/// The name of the loopback address in the server's certificate.
const HOST: &str = "localhost";

/// What a listener needs.
pub(super) struct MutualTls {
    root: X509,
    certificate: X509,
    key: PKey<Private>,
    trust: Trust,
    clock: Clock,
    present: Mutex<Option<(TrustStoreVersion, SslAcceptor)>>,
}

impl MutualTls {
    /// A host with a certificate of a new authority, which accepts what `trust` says.
    ///
    /// # Errors
    /// Internal when OpenSSL fails.
    pub(super) fn new(trust: Trust, clock: Clock) -> Result<Self> {
        let build = || -> Result<_, ErrorStack> {
            let root = Authority::root("Test Server CA")?;
            let key = p256()?;
            let certificate = root.issue(organization(HOST)?.as_ref(), &key, Use::Server(HOST))?;
            Ok((root.certificate, certificate, key))
        };
        let (root, certificate, key) = build().map_err(Error::internal)?;
        Ok(Self { root, certificate, key, trust, clock, present: Mutex::default() })
    }

    /// The authority of its certificate.
    pub(super) fn root(&self) -> &X509 {
        &self.root
    }

    /// Serves until the task is aborted; connections end with it.
    pub(super) async fn serve(self, listener: TcpListener, app: Router) {
        let this = Arc::new(self);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((socket, peer)) => {
                        connections.spawn(connection(Arc::clone(&this), socket, peer, app.clone()));
                    }
                    Err(error) => tracing::warn!(%error, "a connection could not be accepted"),
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }

    /// An acceptor over the present trust store.
    fn acceptor(&self) -> Result<SslAcceptor> {
        let trusted = self.trust.now().map_err(Error::internal)?;
        let mut present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((version, acceptor)) = present.as_ref()
            && *version == trusted
        {
            return Ok(acceptor.clone());
        }
        let made = self.build(&trusted).map_err(Error::internal)?;
        *present = Some((trusted, made.clone()));
        Ok(made)
    }

    fn build(&self, trusted: &TrustStoreVersion) -> Result<SslAcceptor, ErrorStack> {
        let mut store = X509StoreBuilder::new()?;
        for authority in X509::stack_from_pem(&trusted.pem)? {
            store.add_cert(authority)?;
        }
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
        acceptor.set_certificate(&self.certificate)?;
        acceptor.set_private_key(&self.key)?;
        acceptor.set_verify_cert_store(store.build())?;
        acceptor.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
        // Who resumes a session is not asked again.
        acceptor.set_options(SslOptions::NO_TICKET);
        acceptor.set_session_id_context(b"mutual-tls")?;
        Ok(acceptor.build())
    }

    /// A client whose certificate is valid by the server's clock, not the machine's.
    async fn handshake(&self, socket: TcpStream) -> Result<(SslStream<TcpStream>, X509)> {
        socket.set_nodelay(true).map_err(Error::unavailable)?;
        let mut session = Ssl::new(self.acceptor()?.context()).map_err(Error::internal)?;
        session.param_mut().set_time(self.clock.now().as_second());
        let mut stream = SslStream::new(session, socket).map_err(Error::internal)?;
        Pin::new(&mut stream).accept().await.map_err(Error::unavailable)?;
        let certificate =
            stream.ssl().peer_certificate().ok_or_else(|| Error::unavailable("no client certificate"))?;
        Ok((stream, certificate))
    }
}

async fn connection(this: Arc<MutualTls>, socket: TcpStream, peer: SocketAddr, app: Router) {
    let accepted = async {
        let (stream, certificate) = this.handshake(socket).await?;
        Ok::<_, Error>((stream, context(&certificate, peer)?))
    };
    let (stream, context) = match accepted.await {
        Ok(accepted) => accepted,
        Err(error) => return tracing::info!(error = %error.chain(), "a client got no connection"),
    };
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(context.clone());
        request.extensions_mut().insert(ConnectInfo(peer));
        app.clone().oneshot(request)
    });
    if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection ended");
    }
}

/// What API Gateway says of a request beside the request itself.
fn context(certificate: &X509, peer: SocketAddr) -> Result<RequestContext> {
    let pem = String::from_utf8(certificate.to_pem().map_err(Error::internal)?).map_err(Error::internal)?;
    let mut shown = ApiGatewayV2httpRequestContextAuthenticationClientCert::default();
    shown.client_cert_pem = Some(pem);
    let mut authentication = ApiGatewayV2httpRequestContextAuthentication::default();
    authentication.client_cert = Some(shown);
    let mut context = ApiGatewayV2httpRequestContext::default();
    context.http.source_ip = Some(peer.ip().to_string());
    context.authentication = Some(authentication);
    Ok(RequestContext::ApiGatewayV2(context))
}
