//! A portal, a push service, and a sender with a certificate.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use openssl::x509::X509;
use shared::id::Fingerprint;
use shared::port::apns::{Apns, ApnsEndpoint, Outcome, Push, PushIdentity};
use shared::secret::Secret;
use shared::time::{Clock, DAY, SignedDuration};

use super::super::{ApnsSimulator, HOST};
use crate::portal::{Portal, Vendor, fixture};

pub(super) const TOKEN: &[u8] = &[0xab; 32];
pub(super) const MAGIC: &str = "2A3C0C5E-\"quoted\"";

pub(super) struct World {
    pub(super) clock: Clock,
    pub(super) portal: Portal,
    pub(super) vendor: Vendor,
    pub(super) simulator: ApnsSimulator,
    pub(super) apns: Apns,
    pub(super) identity: PushIdentity,
    pub(super) topic: String,
}

impl World {
    pub(super) async fn new() -> Self {
        let (portal, clock, vendor) = fixture::portal();
        let certificate = fixture::push_certificate(&portal, &vendor);
        let topic = portal.list().unwrap().remove(0).uid;
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let simulator = ApnsSimulator::start(listen, &portal.issuer_roots(), clock.clone()).await.unwrap();
        let apns = sender(simulator.address(), simulator.root());
        Self { clock, portal, vendor, simulator, apns, identity: identity(certificate), topic }
    }

    /// A world whose sender gives up after one second.
    pub(super) async fn impatient() -> Self {
        let world = Self::new().await;
        Self { apns: world.apns.with_request_timeout(Duration::from_secs(1)), ..world }
    }

    /// Sends one push to `token` for the world's own topic.
    pub(super) async fn push(&self, token: &[u8]) -> Outcome {
        self.apns.push(&self.identity, &self.wake_up(token)).await
    }

    /// A push as it should be.
    pub(super) fn wake_up(&self, token: &[u8]) -> Push {
        Push {
            token: token.to_owned(),
            magic: Secret::new(MAGIC.to_owned()),
            topic: self.topic.clone(),
            expires_at: self.clock.now() + SignedDuration::from_secs(7 * DAY),
        }
    }

    /// Sends `count` pushes to the same device at once.
    pub(super) async fn push_at_once(&self, count: usize) -> Vec<Outcome> {
        join_all((0..count).map(|_| self.push(TOKEN))).await
    }

    /// The connection of each push so far.
    pub(super) fn connections_used(&self) -> Vec<u64> {
        self.simulator.pushes().iter().map(|push| push.connection).collect()
    }
}

/// A sender to a server on this machine.
pub(super) fn sender(address: SocketAddr, root: &X509) -> Apns {
    Apns::new(ApnsEndpoint {
        host: HOST.to_owned(),
        port: address.port(),
        address: Some(address),
        roots: vec![root.clone()],
    })
}

/// The shared key with this certificate.
pub(super) fn identity(certificate: X509) -> PushIdentity {
    PushIdentity {
        fingerprint: Fingerprint::of(&certificate.to_der().unwrap()),
        certificate,
        chain: Vec::new(),
        key: fixture::KEY.clone(),
    }
}

pub(super) fn accepted(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Accepted { apns_id: Some(_) })
}

pub(super) fn certificate_refused(reason: &str) -> Outcome {
    Outcome::CertificateRefused { reason: reason.to_owned() }
}
