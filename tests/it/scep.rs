//! Identities by SCEP: one challenge, one key, one certificate; and renewals that say nothing.

use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509Name};
use pomarium_local::device::{Ask, DeviceError, ScepClient, ServedProfile, SimDevice, distinguished_name};
use pomarium_tests::{Tenant, TestApp};
use shared::domain::identity::IssuedIdentity;
use shared::id::Fingerprint;
use shared::pki::Credential;
use shared::pki::scep::{FailInfo, MessageType};
use shared::scope::Scope;
use shared::secret::Secret;

use crate::devices::{enrolled, queue};

struct World {
    app: TestApp,
    tenant: Tenant,
    server: ScepClient,
    profile: ServedProfile,
    subject: X509Name,
}

impl World {
    async fn new() -> Self {
        let app = TestApp::start().await;
        let tenant = app.ready_tenant("Green School").await;
        let served = app.stranger().get(&tenant.enrollment_link().await).await.expect(200);
        let profile = ServedProfile::read(&served.bytes).expect("a profile");
        let server = ScepClient::new(&profile.scep().unwrap().url);
        let subject = distinguished_name(&profile.scep().unwrap().subject).expect("a subject");
        Self { app, tenant, server, profile, subject }
    }

    fn ask<'a>(&'a self, key: &'a PKey<Private>) -> Ask<'a> {
        Ask {
            message_type: MessageType::PkcsReq,
            subject: &self.subject,
            key,
            challenge: Some(&self.profile.scep().unwrap().challenge),
            signer: None,
        }
    }

    /// The record of a certificate.
    async fn record(&self, certificate: &X509) -> Option<IssuedIdentity> {
        record(&self.app, &self.tenant, certificate).await
    }
}

async fn record(app: &TestApp, tenant: &Tenant, certificate: &X509) -> Option<IssuedIdentity> {
    #[expect(clippy::disallowed_methods, reason = "the test looks into the store")]
    let scope = Scope::system(tenant.id.parse().expect("a tenant"), "test");
    let fingerprint = fingerprint(certificate);
    app.runner.state.store.identity(&scope, &fingerprint).await.expect("the store answers")
}

fn fingerprint(certificate: &X509) -> Fingerprint {
    Fingerprint::of(&certificate.to_der().expect("a certificate"))
}

fn key(bits: u32) -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(bits).expect("a key")).expect("a key")
}

/// Why the server refused.
fn refusal(asked: Result<X509, DeviceError>) -> FailInfo {
    match asked.expect_err("no certificate") {
        DeviceError::IdentityRefused(reason) => reason,
        other @ (DeviceError::Unreachable { .. }
        | DeviceError::Refused { .. }
        | DeviceError::Unenrolled { .. }
        | DeviceError::Unreadable { .. }
        | DeviceError::TooEarly(_)) => panic!("{other}"),
    }
}

#[tokio::test]
async fn the_server_says_what_it_can_and_who_it_is() {
    let world = World::new().await;
    let capabilities = world.server.capabilities().await.expect("an answer");
    for needed in ["POSTPKIOperation", "Renewal", "SHA-256", "AES", "SCEPStandard"] {
        assert!(capabilities.iter().any(|capability| capability == needed), "{needed}");
    }
    world.profile.check(&world.server.authority().await.expect("an answer")).expect("it is the profile's");
}

#[tokio::test]
async fn a_challenge_is_good_for_one_key_however_often_it_asks() {
    let world = World::new().await;
    let (mine, anothers) = (key(2048), key(2048));
    let issued = world.server.request(&world.ask(&mine)).await.expect("a certificate");
    assert!(issued.public_key().expect("a key").public_eq(&mine));
    let again = world.server.request(&world.ask(&mine)).await.expect("the same certificate");
    assert_eq!(again, issued);
    assert_eq!(refusal(world.server.request(&world.ask(&anothers)).await), FailInfo::BadRequest);

    let record = world.record(&issued).await.expect("it is recorded");
    assert_eq!(record.certificate, issued.to_der().expect("a certificate"));
    assert!(record.link.is_some() && record.enrollment.is_none() && record.renews.is_none());
}

#[tokio::test]
async fn two_keys_at_once_get_one_certificate() {
    let world = World::new().await;
    let (mine, anothers) = (key(2048), key(2048));
    let (first, second) = (world.ask(&mine), world.ask(&anothers));
    let (first, second) = tokio::join!(world.server.request(&first), world.server.request(&second));
    assert_eq!([&first, &second].iter().filter(|asked| asked.is_ok()).count(), 1);
    let refused = if first.is_ok() { second } else { first };
    assert_eq!(refusal(refused), FailInfo::BadRequest);
}

#[tokio::test]
async fn no_challenge_or_a_wrong_one_gets_nothing() {
    let world = World::new().await;
    let key = key(2048);
    let challenge = world.profile.scep().unwrap().challenge.expose();
    let (link, _) = challenge.split_once('.').expect("two parts");
    let wrong = ["", "secret", &format!("{link}."), &format!("{challenge}0"), "aaaaaaaaaaaaaaaa.0"];
    for wrong in wrong.map(|text| Secret::new(text.to_owned())) {
        let ask = Ask { challenge: Some(&wrong), ..world.ask(&key) };
        assert_eq!(refusal(world.server.request(&ask).await), FailInfo::BadRequest, "{}", wrong.expose());
    }
    let ask = Ask { challenge: None, ..world.ask(&key) };
    assert_eq!(refusal(world.server.request(&ask).await), FailInfo::BadRequest);
    world.server.request(&world.ask(&key)).await.expect("the right one is still good");
}

#[tokio::test]
async fn a_challenge_ends_with_its_link() {
    let world = World::new().await;
    let key = key(2048);
    world.app.pass_days(7);
    assert_eq!(refusal(world.server.request(&world.ask(&key)).await), FailInfo::BadRequest);
}

#[tokio::test]
async fn another_tenants_challenge_is_nobodys() {
    let world = World::new().await;
    let other = world.app.ready_tenant("Blue School").await;
    let server = ScepClient::new(&format!("{}/scep/{}", world.app.runner.base_url(), other.id));
    let key = key(2048);
    assert_eq!(refusal(server.request(&world.ask(&key)).await), FailInfo::BadRequest);
}

#[tokio::test]
async fn a_weak_key_is_refused() {
    let world = World::new().await;
    let weak = key(1024);
    assert_eq!(refusal(world.server.request(&world.ask(&weak)).await), FailInfo::BadRequest);
}

#[tokio::test]
async fn a_get_with_unescaped_base64_does_as_well() {
    let world = World::new().await;
    let key = key(2048);
    world.server.request_by_get(&world.ask(&key)).await.expect("a certificate");
}

#[tokio::test]
async fn a_renewed_identity_is_accepted_at_the_next_poll_without_another_word() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut device = enrolled(&app, &tenant, "D-1").await;
    let mut user = device.user("U-1", "jo");
    user.token_update(None).await.expect("the user's channel begins");
    for message_type in [MessageType::RenewalReq, MessageType::PkcsReq] {
        let former = device.identity().expect("issued").clone();
        device.renew_identity(message_type).await.expect("a new certificate");
        let renewed = device.identity().expect("issued").clone();
        assert!(!renewed.key.public_eq(&former.key));
        let uuid = queue(&tenant, "D-1", "ProfileList").await;
        assert_eq!(device.answer_all().await.expect("it is accepted")[0].uuid, uuid);
        user.set_identity(renewed.clone());
        assert_eq!(user.idle().await.expect("users sign with it, too"), None);

        let record = record(&app, &tenant, &renewed.certificate).await.expect("it is recorded");
        assert_eq!(record.renews, Some(fingerprint(&former.certificate)));
        assert_eq!(record.enrollment.map(|id| id.to_string()).as_deref(), Some("D-1"));
    }
}

#[tokio::test]
async fn who_left_cannot_renew() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut device = enrolled(&app, &tenant, "D-1").await;
    device.check_out().await.expect("it leaves");
    let refused = device.renew_identity(MessageType::RenewalReq).await.expect_err("it left");
    assert!(matches!(refused, DeviceError::IdentityRefused(FailInfo::BadRequest)), "{refused}");
}

#[tokio::test]
async fn a_stranger_cannot_renew() {
    let world = World::new().await;
    let own = key(2048);
    let stranger = Credential { certificate: self_signed(&world.subject, &own), key: own.clone() };
    let new = key(2048);
    let ask = Ask {
        message_type: MessageType::RenewalReq,
        signer: Some(&stranger),
        challenge: None,
        ..world.ask(&new)
    };
    assert_eq!(refusal(world.server.request(&ask).await), FailInfo::BadRequest);
}

fn self_signed(subject: &X509Name, key: &PKey<Private>) -> X509 {
    let now = pomarium_tests::app::start();
    shared::pki::scep::client::self_signed(subject, key.clone(), now).expect("a certificate").certificate
}

#[tokio::test]
async fn nonsense_is_400_and_never_unenrolls() {
    let world = World::new().await;
    let url = &world.profile.scep().unwrap().url;
    let anyone = world.app.stranger();
    let long = "x".repeat(3 * 1024 * 1024);
    for (query, body) in [
        ("", ""),
        ("?operation=Destroy", ""),
        ("?operation=PKIOperation", ""),
        ("?operation=PKIOperation", "not CMS"),
        ("?operation=PKIOperation", &long),
    ] {
        let answer = anyone.call(reqwest::Method::POST, &format!("{url}{query}"), body.into()).await;
        assert_eq!((answer.status, answer.bytes.len()), (400, 0), "{query}");
    }
    for query in [
        "?operation=PKIOperation",
        "?operation=PKIOperation&message=*",
        "?operation=PKIOperation&message=AAAA",
    ] {
        assert_eq!(anyone.get(&format!("{url}{query}")).await.status, 400, "{query}");
    }
    let nobody = format!("{}/scep/aaaaaaaaaaaaaaaa?operation=GetCACert", world.app.runner.base_url());
    let status = anyone.get(&nobody).await.status;
    assert!(![200, 401, 403].contains(&status), "{status}");
}

#[tokio::test]
async fn an_identity_that_ended_begins_no_enrollment() {
    let world = World::new().await;
    let mut late = SimDevice::new("D-1", "C02XYZ", "Jo's iPad");
    late.set_profile(world.profile.clone());
    late.obtain_identity().await.expect("an identity");
    world.app.pass_days(366);
    assert_eq!(late.authenticate().await.expect_err("it is over").status(), Some(400));
}
