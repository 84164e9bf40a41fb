//! What the store asks of DynamoDB, beyond reading and writing: conditions, counters, sets, sparse indexes, transactions.
//!
//! It runs against the emulator in this process, or against any DynamoDB whose address is in `POMARIUM_DYNAMODB_ENDPOINT`,
//! so that two implementations must agree.

mod certificates;
mod channels;
mod claims;
mod commands;

use std::env;

use aws_sdk_dynamodb::Client;
use pomarium_local::aws::{LocalAws, Storage};
use pomarium_local::tables::create_tables;
use shared::aws::local_sdk_config;
use shared::domain::enrollment::{Enrollment, PushAddress};
use shared::domain::event::{Event, EventKind};
use shared::id::{EnrollmentId, Fingerprint, TenantId};
use shared::port::random::Random;
use shared::scope::Scope;
use shared::store::{Store, Tables, TokenUpdateWrite, TokenUpdated};
use shared::time::{Clock, Timestamp, from_unix};

use crate::repository::read;

/// Tables of their own, and a tenant.
struct Contract {
    store: Store,
    scope: Scope,
    random: Random,
    /// The emulator, which lives as long as this.
    _local: Option<LocalAws>,
}

impl Contract {
    async fn new() -> Self {
        let (config, local) = match env::var("POMARIUM_DYNAMODB_ENDPOINT") {
            Ok(endpoint) => (local_sdk_config(&endpoint), None),
            Err(_) => {
                let local = LocalAws::start(Storage::Memory, Clock::fixed(at(0))).await.unwrap();
                (local.sdk_config(), Some(local))
            }
        };
        let client = Client::new(&config);
        let random = Random::system();
        // Names of their own, so that tests can share one DynamoDB.
        let prefix = format!("contract-{}-", random.id::<TenantId>());
        create_tables(&client, &read("template.yaml"), &prefix).await.unwrap();
        let name = |table: &str| format!("{prefix}{table}");
        let tables = Tables { core: name("core"), pki: name("pki"), ephemeral: name("ephemeral") };
        let store = Store::new(client, tables);
        let scope = scope(random.id());
        Self { store, scope, random, _local: local }
    }

    /// Another tenant in the same tables.
    fn another(&self) -> Scope {
        scope(self.random.id())
    }

    /// A device that has enrolled with the identity `signer`.
    async fn enrolled(&self, udid: &str, signer: Fingerprint) -> Enrollment {
        let begun = begun(udid, 1, signer);
        self.store.write_channels(&self.scope, std::slice::from_ref(&begun), &[], None).await.unwrap();
        let written = self
            .store
            .update_token(&self.scope, &begun.id, signer, &address("topic"), at(2), &enrolls(&begun.id))
            .await
            .unwrap();
        assert!(matches!(written, TokenUpdated::Enrolled { waiting: 0 }));
        self.store.enrollment(&self.scope, &begun.id).await.unwrap().unwrap()
    }
}

#[expect(clippy::disallowed_methods, reason = "nobody is authenticated below the services")]
fn scope(tenant: TenantId) -> Scope {
    Scope::system(tenant, "contract")
}

/// What is written down with a change.
fn event(udid: &str) -> Event {
    let id = Random::system().id();
    Event::new(id, at(50), &scope(Random::system().id()), EventKind::CommandCompleted).of(&self::id(udid))
}

/// What the first TokenUpdate is written down as.
fn enrolls(device: &EnrollmentId) -> Event {
    Event { kind: EventKind::DeviceEnrolled, enrollment: Some(device.clone()), ..event("D-1") }
}

/// Seconds after the beginning of these tests.
fn at(seconds: i64) -> Timestamp {
    from_unix(1_800_000_000 + seconds)
}

/// A certificate's fingerprint, by a name.
fn signer(name: &str) -> Fingerprint {
    Fingerprint::of(name.as_bytes())
}

fn id(text: &str) -> EnrollmentId {
    text.parse().unwrap()
}

/// A device right after Authenticate.
fn begun(udid: &str, generation: u64, signer: Fingerprint) -> Enrollment {
    Enrollment::begun(id(udid), generation, signer, at(1))
}

fn address(topic: &str) -> TokenUpdateWrite {
    TokenUpdateWrite {
        push: PushAddress { topic: topic.into(), token: "0a0b".into(), magic: "magic".into() },
        unlock_token: None,
        user_name: None,
        awaiting_configuration: None,
        probably_enrolls: false,
    }
}
