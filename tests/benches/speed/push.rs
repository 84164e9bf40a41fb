//! Pushes over one connection to the simulated APNs, which runs in this process too: its work is in the figures.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use openssl::x509::X509;
use pomarium_local::apns::{ApnsSimulator, HOST, WakeUps};
use pomarium_local::portal::Portal;
use shared::pki::csr::Subject;
use shared::pki::push_request::{self, Digest};
use shared::pki::vendor::VendorCertificate;
use shared::pki::{csr, key};
use shared::port::apns::{Apns, ApnsEndpoint, Outcome, Push, PushIdentity};
use shared::secret::Secret;
use shared::time::{Clock, SignedDuration};
use tokio::runtime::Runtime;

use crate::table::{Table, Target};

/// More at a time than a connection takes, so that its cap decides.
const CONCURRENT: usize = 1_000;

struct World {
    simulator: ApnsSimulator,
    portal: Portal,
    clock: Clock,
    apns: Apns,
}

/// A tenant's certificate, and one of its devices.
struct Sender {
    _device: WakeUps,
    identity: PushIdentity,
    push: Push,
}

/// Measures them.
pub(crate) fn measure(table: &mut Table, quick: bool) {
    let runtime = Runtime::new().unwrap();
    let pushes = if quick { 5_000 } else { 20_000 };
    runtime.block_on(async {
        let world = World::new().await;
        let (one, other) = (world.sender(1), world.sender(2));
        world.send(&one, 100).await;
        let mut rates: Vec<f64> = Vec::new();
        for _ in 0..5 {
            rates.push(pushes as f64 / world.send(&one, pushes).await.as_secs_f64());
        }
        rates.sort_by(f64::total_cmp);
        let title = ("pushes a second over one connection", "/s");
        table.key("push_per_s", title, Some(rates[2]), 5, Target::AtLeast(5_000.0));
        assert_eq!(world.simulator.connections(), 1, "all of them went over one connection");

        // A small tenant beside a large one: how much longer its pushes take than alone. An even share of the
        // processors is twice as long.
        let few = pushes / 10;
        let alone = world.send(&other, few).await.as_secs_f64();
        let (_, beside) = tokio::join!(world.send(&one, pushes), world.send(&other, few));
        let times = beside.as_secs_f64() / alone;
        table.row("pushes of a small topic beside a large one", "x alone", Some(times), Target::AtMost(3.0));
    });
}

impl World {
    async fn new() -> Self {
        let clock = Clock::system();
        let portal = Portal::create(None, clock.clone()).unwrap();
        let anywhere = ([127, 0, 0, 1], 0).into();
        let simulator = ApnsSimulator::start(anywhere, &portal.issuer_roots(), clock.clone()).await.unwrap();
        let apns = Apns::new(ApnsEndpoint {
            host: HOST.to_owned(),
            port: simulator.address().port(),
            address: Some(simulator.address()),
            roots: vec![simulator.root().clone()],
        });
        Self { simulator, portal, clock, apns }
    }

    fn sender(&self, number: u8) -> Sender {
        let own = key::generate().unwrap();
        let subject = Subject {
            common_name: format!("School {number}"),
            organization: "School".into(),
            organizational_unit: None,
            email: "it@school.example".into(),
            country: "DE".into(),
            state: None,
            locality: None,
        };
        let made = self.portal.make_vendor().unwrap();
        let vendor = VendorCertificate::read(
            made.certificate.as_bytes(),
            made.key.expose().as_bytes(),
            None,
            made.chain.as_bytes(),
        );
        let request = csr::build(&subject.checked().unwrap(), &own).unwrap();
        let now = self.clock.now();
        let file = push_request::sign(&request, &vendor.unwrap(), Digest::Sha256, now).unwrap();
        let issued = self.portal.issue(&file).map_err(|_| ()).unwrap();
        let certificate = X509::from_pem(issued.pem.as_bytes()).unwrap();
        let fingerprint = shared::id::Fingerprint::of(&certificate.to_der().unwrap());
        let token = vec![number; 32];
        let wake_ups = self.simulator.register(&token, &issued.uid, "magic");
        Sender {
            _device: wake_ups,
            identity: PushIdentity { fingerprint, certificate, chain: Vec::new(), key: own },
            push: Push {
                token,
                magic: Secret::new("magic".to_owned()),
                topic: issued.uid,
                expires_at: now + SignedDuration::from_hours(24),
            },
        }
    }

    /// Sends so many pushes and says how long that took.
    async fn send(&self, sender: &Sender, pushes: usize) -> Duration {
        let before = Instant::now();
        stream::iter(0..pushes)
            .map(|_| self.apns.push(&sender.identity, &sender.push))
            .buffer_unordered(CONCURRENT)
            .for_each(|outcome| async move {
                assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
            })
            .await;
        before.elapsed()
    }
}
