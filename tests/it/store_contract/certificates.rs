//! Push certificates and identities: transactions over several items, claims across tenants, an index by month.

use std::collections::BTreeSet;

use bytes::Bytes;
use shared::domain::audit::{AuditAction, AuditEntry};
use shared::domain::identity::IssuedIdentity;
use shared::domain::identity_promise::Claim;
use shared::domain::link::{EnrollmentLink, IssuedByLink};
use shared::domain::link_terms::LinkHolder;
use shared::domain::push_certificates::{PushCertificates, StagedCertificate};
use shared::id::{Fingerprint, LinkId};
use shared::pki::push_certificate::PushCertificate;
use shared::scope::Scope;
use shared::secret::Secret;
use shared::store::Binding;
use shared::time::{DAY, Timestamp};

use super::{Contract, at, begun, id, signer};

fn certificate(topic: &str, serial: &str, not_after: Timestamp) -> PushCertificate {
    let der = format!("{topic} {serial}").into_bytes();
    PushCertificate {
        fingerprint: Fingerprint::of(&der),
        der,
        topic: topic.into(),
        common_name: None,
        serial: serial.into(),
        not_before: at(0),
        not_after,
        issuer: "Test".into(),
        email: None,
        country: None,
    }
}

impl Contract {
    fn audit(&self, scope: &Scope, action: AuditAction) -> AuditEntry {
        AuditEntry::new(self.random.id(), at(0), scope, action)
    }

    async fn all(&self, scope: &Scope) -> PushCertificates {
        self.store.push_certificates(scope).await.unwrap()
    }

    async fn stage(&self, scope: &Scope, certificate: PushCertificate) -> PushCertificates {
        let staged = StagedCertificate { certificate, key: self.random.id(), staged_at: at(1) };
        let audit = self.audit(scope, AuditAction::PushCertificateStaged);
        self.store.put_staged(scope, &staged, None, &audit).await.unwrap();
        self.all(scope).await
    }

    /// Activates what `seen` has staged, as somebody does who read it a while ago.
    async fn activate(&self, scope: &Scope, seen: &PushCertificates) -> Result<(), &'static str> {
        let (active, installed) = seen.activate(at(2), false).unwrap();
        let audit = self.audit(scope, AuditAction::PushCertificateActivated);
        let activated = self.store.activate(scope, &active, &installed, Some((seen, None)), &audit).await;
        activated.map_err(|error| error.code())
    }
}

#[tokio::test]
async fn of_two_activations_one_wins() {
    let contract = Contract::new().await;
    let scope = &contract.scope;
    let seen = contract.stage(scope, certificate("a", "1", at(DAY))).await;
    let (one, other) = tokio::join!(contract.activate(scope, &seen), contract.activate(scope, &seen));
    let mut outcomes = [one, other];
    outcomes.sort();
    assert_eq!(outcomes, [Ok(()), Err("push-certificate-changed")]);
    let all = contract.all(scope).await;
    assert_eq!((all.staged, all.active.unwrap().version, all.installed.len()), (None, 1, 1));
}

#[tokio::test]
async fn what_is_activated_is_what_was_seen() {
    let contract = Contract::new().await;
    let scope = &contract.scope;
    let seen = contract.stage(scope, certificate("a", "1", at(DAY))).await;
    contract.stage(scope, certificate("a", "2", at(DAY))).await;
    assert_eq!(contract.activate(scope, &seen).await, Err("push-certificate-changed"));
    assert!(contract.all(scope).await.active.is_none(), "a refused transaction wrote something");
}

#[tokio::test]
async fn a_topic_is_one_tenants() {
    let contract = Contract::new().await;
    let (mine, theirs) = (&contract.scope, &contract.another());
    let first = contract.stage(mine, certificate("a", "1", at(DAY))).await;
    contract.activate(mine, &first).await.unwrap();
    assert!(!contract.store.topic_is_anothers(mine, "a").await.unwrap());
    assert!(contract.store.topic_is_anothers(theirs, "a").await.unwrap());
    let stolen = contract.stage(theirs, certificate("a", "2", at(2 * DAY))).await;
    assert_eq!(contract.activate(theirs, &stolen).await, Err("push-topic-taken"));
    let renewal = contract.stage(mine, certificate("a", "2", at(2 * DAY))).await;
    contract.activate(mine, &renewal).await.unwrap();
    assert_eq!(contract.all(mine).await.installed.len(), 2);
}

#[tokio::test]
async fn only_the_active_certificate_of_each_tenant_is_found_by_its_end() {
    let contract = Contract::new().await;
    let mut expected = Vec::new();
    for days in [1, 20, 45, 80] {
        let scope = contract.another();
        let topic = format!("t{days}");
        for serial in ["former", "active"] {
            let extra = if serial == "active" { 1 } else { 0 };
            let seen = contract.stage(&scope, certificate(&topic, serial, at(days * DAY + extra))).await;
            contract.activate(&scope, &seen).await.unwrap();
        }
        expected.push(scope.tenant().clone());
    }
    let found = contract.store.tenants_with_an_end(at(2 * DAY), at(60 * DAY)).await.unwrap();
    assert_eq!(found, expected[1..3].iter().cloned().collect());
}

fn identity(name: &str, device: Option<&str>) -> IssuedIdentity {
    IssuedIdentity {
        unclaimed_until: None,
        fingerprint: signer(name),
        certificate: Bytes::copy_from_slice(name.as_bytes()),
        not_after: at(DAY),
        issued_at: at(1),
        link: None,
        holder: LinkHolder::default(),
        devices: BTreeSet::new(),
        renews: None,
        enrollment: device.map(id),
        revoked_at: None,
    }
}

#[tokio::test]
async fn a_link_is_good_for_one_identity() {
    let contract = Contract::new().await;
    let (store, scope) = (&contract.store, &contract.scope);
    let link: LinkId = contract.random.id();
    let record = EnrollmentLink::create(link.clone(), &Secret::new("secret".into()), at(0), DAY);
    let audit = contract.audit(scope, AuditAction::EnrollmentLinkCreated);
    store.create_link(scope, &record, &audit).await.unwrap();
    let used = |name: &str| IssuedByLink {
        key_hash: name.into(),
        certificate: Bytes::copy_from_slice(name.as_bytes()),
    };
    let issue = async |name: &str, link: &EnrollmentLink| {
        store.record_first_identity(scope, &identity(name, None), link, None, &used(name)).await.unwrap()
    };
    assert!(issue("a", &record).await);
    assert!(!issue("b", &record).await);
    let nobodys = EnrollmentLink { id: contract.random.id(), ..record };
    assert!(!issue("c", &nobodys).await, "no link is made by its use");
    let kept = store.link(scope, &link).await.unwrap().unwrap();
    assert_eq!(kept.issued.unwrap().key_hash, "a");
    assert!(store.identity(scope, &signer("b")).await.unwrap().is_none());
}

#[tokio::test]
async fn an_identity_is_bound_to_one_device_and_its_renewal_follows() {
    let contract = Contract::new().await;
    let (store, scope) = (&contract.store, &contract.scope);
    let bind = async |udid: &str, generation, before: &[_]| {
        let channel = [begun(udid, generation, signer("a"))];
        let identity = identity("a", Some(udid));
        let binds = Binding { identity: &identity, claim: &Claim::None };
        store.begin_channels(scope, &channel, before, binds, None, None).await
    };
    bind("D-1", 1, &[]).await.unwrap();
    bind("D-1", 2, &[(id("D-1"), 1)]).await.unwrap();
    assert_eq!(bind("D-2", 1, &[]).await.unwrap_err().code(), "identity-bound-elsewhere");
    assert!(
        store.enrollment(scope, &id("D-2")).await.unwrap().is_none(),
        "a refused transaction wrote something"
    );

    let renewed = identity("b", Some("D-1"));
    store.record_renewed_identity(scope, &renewed, &id("D-1"), signer("a")).await.unwrap();
    for name in ["a", "b"] {
        store.seen(scope, &id("D-1"), signer(name), at(5), true).await.unwrap();
    }
    let refused =
        store.record_renewed_identity(scope, &identity("c", Some("D-1")), &id("D-1"), signer("x")).await;
    assert_eq!(refused.unwrap_err().code(), "identity-not-bound");
}
