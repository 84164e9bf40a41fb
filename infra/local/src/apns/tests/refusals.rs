//! Certificates that Apple refuses, and servers that are not Apple.

use std::net::SocketAddr;
use std::pin::Pin;

use openssl::error::ErrorStack;
use openssl::ssl::{
    AlpnError, Ssl, SslAcceptor, SslAcceptorBuilder, SslMethod, SslVerifyMode, SslVersion, select_next_proto,
};
use openssl::x509::X509;
use shared::port::apns::{Outcome, PushIdentity};
use shared::time::{DAY, SignedDuration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_openssl::SslStream;

use super::super::HOST;
use super::world::{MAGIC, TOKEN, World, accepted, certificate_refused, identity, sender};
use crate::portal::authority::{Authority, Use, organization, p256};
use crate::portal::fixture;

/// A server that says `speech` to every client and then only listens. Returns its address and root.
async fn server(
    adjust: impl FnOnce(&mut SslAcceptorBuilder) -> Result<(), ErrorStack>,
    speech: &'static [u8],
) -> (SocketAddr, X509) {
    let root = Authority::root("Another root").unwrap();
    let key = p256().unwrap();
    let subject = organization(HOST).unwrap();
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
    acceptor.set_certificate(&root.issue(&subject, &key, Use::Server(HOST)).unwrap()).unwrap();
    acceptor.set_private_key(&key).unwrap();
    adjust(&mut acceptor).unwrap();
    let acceptor = acceptor.build();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let session = Ssl::new(acceptor.context()).unwrap();
            let mut stream = SslStream::new(session, socket).unwrap();
            if Pin::new(&mut stream).accept().await.is_ok() && stream.write_all(speech).await.is_ok() {
                while stream.read(&mut [0; 1_024]).await.is_ok_and(|length| length > 0) {}
            }
        }
    });
    (address, root.certificate)
}

fn speak_http2(acceptor: &mut SslAcceptorBuilder) -> Result<(), ErrorStack> {
    acceptor.set_alpn_select_callback(|_, offered| {
        select_next_proto(b"\x02h2", offered).ok_or(AlpnError::ALERT_FATAL)
    });
    Ok(())
}

async fn push_to(world: &World, (address, root): (SocketAddr, X509)) -> Outcome {
    sender(address, &root).push(&world.identity, &world.wake_up(TOKEN)).await
}

fn retry_because(outcome: &Outcome, part: &str) -> bool {
    matches!(outcome, Outcome::Retry { after: Some(_), reason } if reason.contains(part))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_certificate_is_refused_at_the_door() {
    let world = World::new().await;
    world.clock.set(world.clock.now() + SignedDuration::from_secs(366 * DAY));
    assert_eq!(world.push(TOKEN).await, certificate_refused("TLS alert: certificate expired"));
    assert_eq!(world.simulator.connections(), 0);
}

#[tokio::test]
async fn a_certificate_that_expires_on_an_open_connection_is_refused_by_answer() {
    let world = World::new().await;
    let _wake_ups = world.simulator.register(TOKEN, &world.topic, MAGIC);
    assert!(accepted(&world.push(TOKEN).await));
    world.clock.set(world.clock.now() + SignedDuration::from_secs(366 * DAY));
    assert_eq!(world.push(TOKEN).await, certificate_refused("BadCertificate"));
}

#[tokio::test]
async fn a_certificate_of_another_issuer_is_refused() {
    let world = World::new().await;
    let (elsewhere, _clock, vendor) = fixture::portal();
    let foreign = identity(fixture::push_certificate(&elsewhere, &vendor));
    let outcome = world.apns.push(&foreign, &world.wake_up(TOKEN)).await;
    assert_eq!(outcome, certificate_refused("TLS alert: unknown certificate authority"));
}

#[tokio::test]
async fn an_older_server_refuses_within_the_handshake() {
    let world = World::new().await;
    let strict = |acceptor: &mut SslAcceptorBuilder| {
        acceptor.set_verify(SslVerifyMode::PEER);
        acceptor.set_max_proto_version(Some(SslVersion::TLS1_2))?;
        speak_http2(acceptor)
    };
    let outcome = push_to(&world, server(strict, b"").await).await;
    assert_eq!(outcome, certificate_refused("TLS alert: unknown certificate authority"));
}

#[tokio::test]
async fn a_goaway_that_names_the_certificate_is_a_refusal() {
    let world = World::new().await;
    // An empty SETTINGS frame; GOAWAY with last stream 0, no error, and Apple's JSON as debug data.
    let speech = b"\0\0\0\x04\0\0\0\0\0\0\0\x23\x07\0\0\0\0\0\0\0\0\0\0\0\0\0{\"reason\":\"BadCertificate\"}";
    let outcome = push_to(&world, server(speak_http2, speech).await).await;
    assert_eq!(outcome, certificate_refused("BadCertificate"));
}

#[tokio::test]
async fn a_key_that_does_not_belong_to_the_certificate_never_leaves() {
    let world = World::new().await;
    let mixed_up = PushIdentity { key: p256().unwrap(), ..identity(world.identity.certificate.clone()) };
    let outcome = world.apns.push(&mixed_up, &world.wake_up(TOKEN)).await;
    assert!(
        matches!(&outcome, Outcome::CertificateRefused { reason } if reason.starts_with("the push certificate and its key")),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_server_with_an_unknown_root_gets_nothing() {
    let world = World::new().await;
    let (address, _root) = server(speak_http2, b"").await;
    let outcome = push_to(&world, (address, world.simulator.root().clone())).await;
    assert!(retry_because(&outcome, "certificate verify failed"), "{outcome:?}");
}

#[tokio::test]
async fn a_server_without_http2_gets_nothing() {
    let world = World::new().await;
    let outcome = push_to(&world, server(|_| Ok(()), b"").await).await;
    assert!(retry_because(&outcome, "does not speak HTTP/2"), "{outcome:?}");
}
