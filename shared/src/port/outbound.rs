//! Calls to addresses that tenants choose. Nothing of this installation, its network or its host can be reached by one.
//!
//! Only https; every address that the name resolves to must be public, and the connection goes to one of those that were
//! checked, so that a name which changes in between gains nothing. Redirects are answers like others: nobody follows them.

mod address;
mod tls;

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use openssl::ssl::SslConnector;
use openssl::x509::X509;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_openssl::SslStream;
use url::{Host, Url};

use crate::error::{Error, Result};

/// How long a call may take, from the name to the end of the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(4);
/// The longest URL that is taken.
const LONGEST: usize = 2_000;

/// Whom tenants' calls may reach, and by which roots they are known.
#[derive(Clone)]
pub struct Outbound {
    roots: Option<Arc<Vec<X509>>>,
    loopback: bool,
    tls: Arc<OnceLock<SslConnector>>,
}

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The beginning of the body, up to as much as was asked for.
    pub body: Bytes,
    /// Whether the body goes on.
    pub cut: bool,
}

impl Outbound {
    /// Public servers only, trusted by Mozilla's roots.
    pub fn public() -> Self {
        Self { roots: None, loopback: false, tls: Arc::default() }
    }

    /// The same, and servers on this machine, which may speak plain HTTP: for one machine and tests.
    pub fn with_loopback(roots: Vec<X509>) -> Self {
        Self { roots: Some(Arc::new(roots)), loopback: true, tls: Arc::default() }
    }

    /// Reads a URL that calls may go to. What its name resolves to is looked at with each call.
    ///
    /// # Errors
    /// Malformed (`outbound-url`) with the reason: not https, a user or a fragment in it, an address that is not public.
    pub fn url(&self, text: &str) -> Result<Url> {
        let refuse = |why: &str| {
            Err(Error::malformed("outbound-url", format!("The URL {why}."))
                .next("Give an https:// URL of a server that the whole internet can reach."))
        };
        if text.len() > LONGEST {
            return refuse("is longer than 2,000 characters");
        }
        let Ok(url) = Url::parse(text) else { return refuse("cannot be read") };
        let Some(host) = url.host() else { return refuse("names no host") };
        let is_local = self.loopback && is_loopback(&host);
        if url.scheme() != "https" && !(is_local && url.scheme() == "http") {
            return refuse("does not begin with https://");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("holds a user or a password");
        }
        if url.fragment().is_some() {
            return refuse("has a fragment (#), which no server gets to see");
        }
        let literal = match host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
        };
        if literal.is_some_and(|address| !is_local && !address::is_public(address)) {
            return refuse("has an address that is not public");
        }
        Ok(url)
    }

    /// Makes one call and reads at most `at_most` bytes of the answer's body.
    ///
    /// The request's URI is a whole URL that [`Outbound::url`] takes; `Host` is set from it.
    ///
    /// # Errors
    /// Malformed (`outbound-url`); Forbidden (`outbound-address`) when the name resolves to an address that is not public;
    /// Unavailable when there is no whole answer within ten seconds: its source says why.
    pub async fn send(&self, request: Request<Bytes>, at_most: usize) -> Result<Answer> {
        let url = self.url(&request.uri().to_string())?;
        timeout(PATIENCE, self.exchange(&url, request, at_most))
            .await
            .unwrap_or_else(|_| Err(Error::unavailable("no answer within ten seconds")))
    }

    async fn exchange(&self, url: &Url, request: Request<Bytes>, at_most: usize) -> Result<Answer> {
        let addresses = self.addresses(url).await?;
        let tcp = timeout(CONNECT, TcpStream::connect(addresses.as_slice()))
            .await
            .map_err(|_| Error::unavailable("no connection within four seconds"))?
            .map_err(Error::unavailable)?;
        tcp.set_nodelay(true).map_err(Error::unavailable)?;
        if url.scheme() == "http" {
            return answer(tcp, url, request, at_most).await;
        }
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let session =
            self.connector()?.configure().and_then(|c| c.into_ssl(host)).map_err(Error::internal)?;
        let mut stream = SslStream::new(session, tcp).map_err(Error::internal)?;
        if let Err(error) = Pin::new(&mut stream).connect().await {
            return Err(tls::refused(stream.ssl(), error));
        }
        answer(stream, url, request, at_most).await
    }

    /// What the URL's host resolves to; none of it may lead into a network that is not public.
    async fn addresses(&self, url: &Url) -> Result<Vec<SocketAddr>> {
        let port = url.port_or_known_default().unwrap_or(443);
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let found: Vec<SocketAddr> = lookup_host((host, port)).await.map_err(Error::unavailable)?.collect();
        let is_fine = |at: &SocketAddr| {
            address::is_public(at.ip()) || (self.loopback && at.ip().to_canonical().is_loopback())
        };
        if !found.iter().all(is_fine) {
            return Err(Error::forbidden(
                "outbound-address",
                "The URL's host has an address that is not public.",
            )
            .next("Give a server that the whole internet can reach."));
        }
        if found.is_empty() {
            return Err(Error::unavailable("the host has no address"));
        }
        Ok(found)
    }

    fn connector(&self) -> Result<&SslConnector> {
        if let Some(connector) = self.tls.get() {
            return Ok(connector);
        }
        let made = tls::connector(self.roots.as_deref().map(Vec::as_slice)).map_err(Error::internal)?;
        Ok(self.tls.get_or_init(|| made))
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

async fn answer<S>(stream: S, url: &Url, request: Request<Bytes>, at_most: usize) -> Result<Answer>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(Error::unavailable)?;
    let conversation = async move {
        let response = sender.send_request(in_origin_form(url, request)?).await;
        let (head, body) = response.map_err(Error::unavailable)?.into_parts();
        let (body, cut) = beginning(body, at_most).await?;
        Ok(Answer { status: head.status, headers: head.headers, body, cut })
    };
    tokio::pin!(conversation);
    tokio::select! {
        answer = &mut conversation => answer,
        ended = connection => match ended {
            // The server closed; what it had answered is there already.
            Ok(()) => conversation.await,
            Err(error) => Err(Error::unavailable(error)),
        },
    }
}

/// As HTTP/1.1 wants it on the wire: the path alone, and the host in a header.
fn in_origin_form(url: &Url, request: Request<Bytes>) -> Result<Request<Full<Bytes>>> {
    let (mut head, body) = request.into_parts();
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    head.uri = path.parse().map_err(Error::internal)?;
    let host = match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().to_owned(),
    };
    head.headers.insert(header::HOST, HeaderValue::try_from(host).map_err(Error::internal)?);
    Ok(Request::from_parts(head, Full::from(body)))
}

async fn beginning(mut body: Incoming, at_most: usize) -> Result<(Bytes, bool)> {
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(Error::unavailable)?.into_data() else { continue };
        let room = at_most - read.len();
        read.extend_from_slice(data.get(..room).unwrap_or(&data));
        if data.len() > room {
            return Ok((read.freeze(), true));
        }
    }
    Ok((read.freeze(), false))
}

#[cfg(test)]
mod tests;
