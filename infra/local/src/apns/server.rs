//! The simulator's HTTP/2 server over mutual TLS.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use openssl::error::ErrorStack;
use openssl::ssl::{AlpnError, Ssl, SslAcceptor, SslMethod, SslVerifyMode, select_next_proto};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio_openssl::SslStream;

use super::judge::{ReceivedPush, Verdict};
use super::script::Answer;
use super::{HOST, State};
use crate::portal::authority::{Authority, Use, organization, p256};

/// A server of `root` that wants a client certificate from one of `issuers`.
pub(super) fn acceptor(root: &Authority, issuers: &[X509]) -> Result<SslAcceptor, ErrorStack> {
    let key = p256()?;
    let certificate = root.issue(organization(HOST)?.as_ref(), &key, Use::Server(HOST))?;
    let mut store = X509StoreBuilder::new()?;
    for issuer in issuers {
        store.add_cert(issuer.clone())?;
    }
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
    acceptor.set_certificate(&certificate)?;
    acceptor.set_private_key(&key)?;
    acceptor.set_verify_cert_store(store.build())?;
    acceptor.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    acceptor.set_session_id_context(b"apns")?;
    acceptor.set_alpn_select_callback(|_, offered| {
        select_next_proto(b"\x02h2", offered).ok_or(AlpnError::ALERT_FATAL)
    });
    Ok(acceptor.build())
}

/// Serves until the task is aborted; connections end with it.
pub(super) async fn serve(listener: TcpListener, acceptor: SslAcceptor, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    connections.spawn(connection(socket, acceptor.clone(), Arc::clone(&state)));
                }
                Err(error) => tracing::warn!(%error, "the simulated APNs could not accept a connection"),
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// What Apple's servers offer.
const STREAMS: u32 = 1_000;

/// How a scripted answer ends its connection.
enum End {
    GoAway,
    Drop,
}

async fn connection(socket: TcpStream, acceptor: SslAcceptor, state: Arc<State>) {
    let (stream, certificate) = match handshake(socket, &acceptor, &state).await {
        Ok(accepted) => accepted,
        Err(reason) => return tracing::debug!(reason, "the simulated APNs refused a client"),
    };
    let number = state.count_connection();
    let (end, mut ends) = unbounded_channel();
    let shared = Arc::clone(&state);
    let service = service_fn(move |request| {
        answer(request, number, certificate.clone(), Arc::clone(&shared), end.clone())
    });
    let serving = http2::Builder::new(TokioExecutor::new())
        .max_concurrent_streams(STREAMS)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    let cut = state.cut.notified();
    tokio::pin!(cut);
    loop {
        tokio::select! {
            _ = serving.as_mut() => return,
            () = cut.as_mut() => return,
            end = ends.recv() => match end {
                Some(End::GoAway) => serving.as_mut().graceful_shutdown(),
                Some(End::Drop) | None => return,
            },
        }
    }
}

/// A client whose certificate is valid by the simulator's clock, not the machine's.
async fn handshake(
    socket: TcpStream,
    acceptor: &SslAcceptor,
    state: &State,
) -> Result<(SslStream<TcpStream>, X509), String> {
    socket.set_nodelay(true).map_err(|error| error.to_string())?;
    let mut session = Ssl::new(acceptor.context()).map_err(|error| error.to_string())?;
    session.param_mut().set_time(state.clock.now().as_second());
    let mut stream = SslStream::new(session, socket).map_err(|error| error.to_string())?;
    Pin::new(&mut stream).accept().await.map_err(|error| error.to_string())?;
    let certificate = stream.ssl().peer_certificate().ok_or("no client certificate")?;
    Ok((stream, certificate))
}

async fn answer(
    request: Request<Incoming>,
    connection: u64,
    certificate: X509,
    state: Arc<State>,
    end: UnboundedSender<End>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let push = ReceivedPush::read(connection, &certificate, &head, &body);
    let judge = |push: &ReceivedPush| push.judge(&certificate, &state.devices, state.clock.now());
    // The connection's task may be gone already; then there is nothing left to end.
    let (verdict, retry_after) = match state.script.take(&push.token, &push.topic) {
        None => (judge(&push), None),
        Some(Answer::Status { status, reason, retry_after }) => {
            (Verdict { status, reason: Some(reason), since: None }, retry_after)
        }
        Some(Answer::GoAway) => {
            let _ = end.send(End::GoAway);
            (judge(&push), None)
        }
        Some(Answer::Drop) => {
            state.log(push);
            let _ = end.send(End::Drop);
            return std::future::pending().await;
        }
        Some(Answer::Hang) => {
            state.log(push);
            return std::future::pending().await;
        }
    };
    state.log(ReceivedPush { status: Some(verdict.status), ..push });
    Ok(respond(&verdict, retry_after))
}

fn respond(verdict: &Verdict, retry_after: Option<u32>) -> Response<Full<Bytes>> {
    let body = verdict.reason.map(|reason| match verdict.since {
        None => json!({ "reason": reason }).to_string(),
        Some(since) => json!({ "reason": reason, "timestamp": since.as_millisecond() }).to_string(),
    });
    let mut response = Response::new(Full::from(body.unwrap_or_default()));
    *response.status_mut() =
        StatusCode::from_u16(verdict.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut entropy = [0; 16];
    if openssl::rand::rand_bytes(&mut entropy).is_ok() {
        let id = uuid::Builder::from_random_bytes(entropy).into_uuid().to_string().to_uppercase();
        if let Ok(id) = id.parse() {
            response.headers_mut().insert("apns-id", id);
        }
    }
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}
