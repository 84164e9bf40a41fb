//! Devices that get their identities from the organization's own certificate service, which certifies much else.

mod renewals;
mod settings;

use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use pomarium_local::device::{DeviceError, SimDevice, distinguished_name};
use pomarium_local::ndes::{Ndes, PASSWORD, PASSWORD_MAX, USER};
use pomarium_tests::{Answer, Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use shared::pki::Credential;
use shared::port::random::Random;

use crate::devices::{enrolled, enrollment, pass_seconds, queue, status};
use crate::idle_cost::proxy::Proxy;

const HOUR: i64 = 3_600;

/// A school with a certificate service.
pub(crate) struct World {
    pub(crate) app: TestApp,
    pub(crate) tenant: Tenant,
    pub(crate) ndes: Ndes,
}

impl World {
    /// Its devices are not sent there yet.
    pub(crate) async fn new() -> Self {
        let app = TestApp::start().await;
        let tenant = app.ready_tenant("Green School").await;
        let ndes = service(&app).await;
        Self { app, tenant, ndes }
    }

    /// Every profile has the same challenge.
    async fn with_static() -> Self {
        let world = Self::new().await;
        world.ndes.accept_always("open sesame");
        world.choose(fixed()).await.expect(200);
        world
    }

    /// Every profile has a new one.
    async fn with_fetched() -> Self {
        let world = Self::new().await;
        world.choose(world.fetched(PASSWORD)).await.expect(200);
        world
    }

    pub(crate) fn fetched(&self, password: &str) -> Value {
        json!({"kind": "fetched", "url": self.ndes.admin_url(), "user": USER, "password": password})
    }

    fn external(&self, challenge: Value) -> Value {
        let authority = self.ndes.authority_pem().unwrap();
        json!({"url": self.ndes.scep_url(), "authority": authority, "challenge": challenge})
    }

    /// Sends devices to the service.
    pub(crate) async fn choose(&self, challenge: Value) -> Answer {
        self.put(json!({"identity": "external-scep", "external_scep": self.external(challenge)})).await
    }

    pub(crate) async fn put(&self, settings: Value) -> Answer {
        let path = self.tenant.path("enrollment-settings");
        self.tenant.admin.call(Method::PUT, &path, settings.to_string().into()).await
    }

    async fn link(&self, body: Value) -> (String, String) {
        let made = self.tenant.post("enrollment-links", body).await.expect(201).json;
        (made["id"].as_str().unwrap().to_owned(), made["url"].as_str().unwrap().to_owned())
    }

    /// How often a link was used.
    async fn used(&self, link: &str) -> Value {
        self.tenant.get(&format!("enrollment-links/{link}")).await.expect(200).json["used"].clone()
    }

    /// A device with the profile behind a link, and an identity of the service.
    async fn holding(&self, url: &str, udid: &str) -> SimDevice {
        let mut device = SimDevice::new(udid, udid, "Jo's iPad").believing(self.app.clock.now());
        device.open_link(url).await.expect("a profile");
        device.obtain_identity().await.expect("the service issues it");
        device
    }

    async fn enroll(&self, udid: &str) -> SimDevice {
        let mut device = SimDevice::new(udid, udid, "Jo's iPad").believing(self.app.clock.now());
        let link = self.tenant.enrollment_link().await;
        device.enroll(&link, &self.app.runner.apns).await.expect("it enrolls");
        device
    }

    async fn events(&self, action: &str) -> Vec<Value> {
        let found = self.tenant.get(&format!("events?action={action}")).await.expect(200).json;
        found["events"].as_array().unwrap().clone()
    }
}

pub(crate) async fn service(app: &TestApp) -> Ndes {
    Ndes::start("Green School", app.clock.clone(), Random::seeded(11)).await.expect("it starts")
}

/// The same challenge in every profile.
pub(crate) fn fixed() -> Value {
    json!({"kind": "static", "secret": "open sesame"})
}

/// A certificate that the service gave to somebody else.
fn issued_to(ndes: &Ndes, subject: &[(&str, &str)]) -> Credential {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let subject: Vec<_> =
        subject.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let certificate = ndes.certify(&distinguished_name(&subject).unwrap(), &key).unwrap();
    Credential { certificate, key }
}

/// The common name that a device's profile asks for.
fn asked_name(device: &SimDevice) -> String {
    let subject = &device.profile().unwrap().scep().unwrap().subject;
    subject.iter().find(|(attribute, _)| attribute == "CN").unwrap().1.clone()
}

/// Another device with the profile of this one, and any identity.
fn other(device: &SimDevice, udid: &str, identity: Credential) -> SimDevice {
    let mut other = SimDevice::new(udid, udid, "Another");
    other.set_profile(device.profile().unwrap().clone());
    other.set_identity(identity);
    other
}

#[track_caller]
fn refused<T>(begun: Result<T, DeviceError>) {
    assert_eq!(begun.err().expect("it may not begin").status(), Some(400));
}

#[tokio::test]
async fn a_device_enrolls_with_an_identity_of_the_schools_authority_and_takes_a_command() {
    let world = World::with_static().await;
    let (id, url) = world.link(json!({"group": "Year 7"})).await;
    let mut device = SimDevice::new("D-1", "C02AAA", "Jo's iPad");
    device.enroll(&url, &world.app.runner.apns).await.expect("it enrolls");
    let identity = device.identity().unwrap().certificate.clone();
    assert!(identity.verify(&world.ndes.authority().public_key().unwrap()).unwrap());
    let shown = enrollment(&world.tenant, "D-1").await;
    assert_eq!((&shown["state"], &shown["groups"]), (&json!("enrolled"), &json!(["Year 7"])));

    pass_seconds(&world.app, 1);
    let uuid = queue(&world.tenant, "D-1", "ProfileList").await;
    pass_seconds(&world.app, 1);
    device.answer_all().await.expect("it works");
    assert_eq!(status(&world.tenant, &uuid).await, "Acknowledged");

    let link = world.tenant.get(&format!("enrollment-links/{id}")).await.expect(200).json;
    assert_eq!((&link["state"], &link["used"]), (&json!("used"), &json!(1)));
    assert_eq!(link["used_by"][0]["enrollment"], "D-1");
    let calendar = world.tenant.get("expirations").await.expect(200).text();
    assert!(calendar.contains("\"issued\":1") && calendar.contains("Green School Issuing CA"), "{calendar}");
    // It begins again, after a restart or because an answer was lost.
    device.authenticate().await.expect("it is its own");
    assert_eq!(world.used(&id).await, 1);
}

#[tokio::test]
async fn each_profile_has_a_challenge_of_its_own_where_they_are_fetched() {
    let world = World::with_fetched().await;
    // The settings were tried.
    assert_eq!(world.ndes.outstanding(), 1);
    let (id, url) = world.link(json!({"uses": 2})).await;
    for udid in ["D-1", "D-2"] {
        let mut device = SimDevice::new(udid, udid, "Jo's iPad");
        device.enroll(&url, &world.app.runner.apns).await.expect("it enrolls");
    }
    assert_eq!((world.ndes.outstanding(), world.used(&id).await), (1, json!(2)));
    assert_eq!(world.app.stranger().get(&url).await.expect(409).problem(), "link-over");
}

#[tokio::test]
async fn a_service_that_gives_no_challenge_costs_the_link_nothing() {
    let world = World::with_fetched().await;
    let (id, url) = world.link(json!({})).await;
    world.ndes.permit(false);
    let answer = world.app.stranger().get(&url).await.expect(503);
    assert_eq!((answer.problem(), answer.header("retry-after")), ("external-challenge", Some("5")));
    let page = world.app.stranger().browse(&format!("{url}/profile"), "Safari").await.expect(503).text();
    assert!(page.contains("the user may not enroll") && page.contains("Your link is still good"), "{page}");

    world.ndes.permit(true);
    for _ in world.ndes.outstanding()..PASSWORD_MAX {
        world.app.stranger().get(&url).await.expect(200);
    }
    let full = world.app.stranger().get(&url).await.expect(503);
    assert!(full.text().contains("password cache is full"), "{}", full.text());
    pass_seconds(&world.app, HOUR);
    assert_eq!(world.used(&id).await, 0);
    world.holding(&url, "D-1").await.authenticate().await.expect("it begins");
    assert_eq!(world.used(&id).await, 1);
}

#[tokio::test]
async fn nobody_enrolls_with_a_certificate_that_no_profile_asked_for() {
    let world = World::with_static().await;
    let (id, url) = world.link(json!({"uses": 2})).await;
    let device = world.holding(&url, "D-1").await;
    let laptop = other(&device, "D-9", issued_to(&world.ndes, &[("CN", "laptop-17.school.example")]));
    refused(laptop.authenticate().await);
    refused(laptop.idle().await);
    // Nor with a name that is like one of ours.
    let guessed = asked_name(&device).rsplit_once('-').unwrap().0.to_owned() + "-aaaaaaaaaaaaaaaa";
    refused(other(&device, "D-9", issued_to(&world.ndes, &[("CN", &guessed)])).authenticate().await);
    let own = guessed.replace("Promised", "Device");
    refused(other(&device, "D-9", issued_to(&world.ndes, &[("CN", &own)])).authenticate().await);
    world.tenant.get("enrollments/D-9").await.expect(404);
    assert_eq!(world.used(&id).await, 0);

    device.authenticate().await.expect("it begins");
    // The name was used. Who has seen it since gains nothing, not even with this device's own UDID.
    let name = asked_name(&device);
    for udid in ["D-1", "D-9"] {
        refused(other(&device, udid, issued_to(&world.ndes, &[("CN", &name)])).authenticate().await);
    }
    // The identity itself is its device's alone.
    refused(other(&device, "D-9", device.identity().unwrap().clone()).authenticate().await);
    assert_eq!(world.used(&id).await, 1);
}

#[tokio::test]
async fn what_is_wrong_with_the_authority_is_written_down_once_a_day() {
    let world = World::with_static().await;
    let (id, url) = world.link(json!({})).await;
    world.ndes.rewrite_subjects(true);
    let device = world.holding(&url, "D-1").await;
    refused(device.authenticate().await);
    pass_seconds(&world.app, 60);
    refused(device.authenticate().await);
    let events = world.events("external-identity-refused").await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(
        (&events[0]["enrollment"], &events[0]["facts"]["why"]),
        (&json!("D-1"), &json!("external-identity-subject"))
    );
    assert_eq!(world.used(&id).await, 0);

    world.ndes.rewrite_subjects(false);
    world.holding(&url, "D-1").await.authenticate().await.expect("it begins");
    let (_, late) = world.link(json!({"uses": 2})).await;
    let device = world.holding(&late, "D-2").await;
    pass_seconds(&world.app, HOUR);
    refused(device.authenticate().await);
    let events = world.events("external-identity-refused").await;
    let why = |event: &Value| event["facts"]["why"] == "external-identity-unpromised";
    assert_eq!(events.iter().filter(|event| why(event)).count(), 1, "{events:?}");
}

#[tokio::test]
async fn a_links_limits_hold() {
    let world = World::with_static().await;
    let (_, named) = world.link(json!({"uses": 3, "devices": ["D-6"]})).await;
    refused(world.holding(&named, "D-5").await.authenticate().await);
    world.holding(&named, "D-6").await.authenticate().await.expect("it is named");

    let (_, single) = world.link(json!({})).await;
    let (first, second) = (world.holding(&single, "D-1").await, world.holding(&single, "D-2").await);
    second.authenticate().await.expect("it begins");
    refused(first.authenticate().await);

    let (id, revoked) = world.link(json!({"uses": 3})).await;
    let late = world.holding(&revoked, "D-4").await;
    let path = world.tenant.path(&format!("enrollment-links/{id}"));
    world.tenant.admin.call(Method::DELETE, &path, Vec::new()).await.expect(204);
    refused(late.authenticate().await);
    assert!(world.events("external-identity-refused").await.is_empty(), "the authority did nothing wrong");
}

#[tokio::test]
async fn another_tenants_authority_is_nobodys_here() {
    let world = World::with_static().await;
    let (_, url) = world.link(json!({})).await;
    let mut device = SimDevice::new("D-1", "D-1", "Jo's iPad");
    device.open_link(&url).await.expect("a profile");
    let elsewhere = Ndes::start("Blue School", world.app.clock.clone(), Random::seeded(12)).await.unwrap();
    device.set_identity(issued_to(&elsewhere, &[("CN", &asked_name(&device))]));
    refused(device.authenticate().await);

    let blue = world.app.ready_tenant("Blue School").await;
    let mut at_blue = other(&device, "D-1", issued_to(&world.ndes, &[("CN", &asked_name(&device))]));
    let mut profile = device.profile().unwrap().clone();
    profile.check_in_url = profile.check_in_url.replace(&world.tenant.id, &blue.id);
    at_blue.set_profile(profile);
    refused(at_blue.authenticate().await);
}

#[tokio::test]
async fn the_group_is_the_links_whatever_the_certificate_says() {
    let world = World::with_static().await;
    let (_, url) = world.link(json!({"uses": 5, "group": "Year 7"})).await;
    // Who makes the request may write another group into it.
    let mut device = world.holding(&url, "D-1").await;
    let name = asked_name(&device);
    device.set_identity(issued_to(&world.ndes, &[("OU", "Teachers"), ("CN", &name)]));
    device.authenticate().await.expect("it begins");
    assert_eq!(enrollment(&world.tenant, "D-1").await["groups"], json!(["Year 7"]));

    world.ndes.drop_units();
    world.holding(&url, "D-2").await.authenticate().await.expect("it begins");
    assert_eq!(enrollment(&world.tenant, "D-2").await["groups"], json!(["Year 7"]));
    let (_, none) = world.link(json!({})).await;
    let mut device = world.holding(&none, "D-3").await;
    let name = asked_name(&device);
    device.set_identity(issued_to(&world.ndes, &[("OU", "Teachers"), ("CN", &name)]));
    device.authenticate().await.expect("it begins");
    assert_eq!(enrollment(&world.tenant, "D-3").await["groups"], json!([]));
}

#[tokio::test]
async fn a_device_that_proved_itself_in_phases_is_sent_there_as_well() {
    let world = World::new().await;
    let settings = json!({"identity": "external-scep", "method": "over-the-air",
        "external_scep": world.external(world.fetched(PASSWORD))});
    world.put(settings).await.expect(200);
    let (id, url) = world.link(json!({"uses": 2})).await;
    let made = |udid: &str| SimDevice::new(udid, udid, "iPad").made_by(&world.app.runner.factory).unwrap();
    let mut device = made("D-1");
    device.open_link(&url).await.expect("its profile");
    device.obtain_identity().await.expect("the service issues it");
    // The promise is for the device that proved itself.
    refused(other(&device, "D-2", device.identity().unwrap().clone()).authenticate().await);
    device.authenticate().await.expect("it begins");
    assert!(
        device.identity().unwrap().certificate.verify(&world.ndes.authority().public_key().unwrap()).unwrap()
    );
    assert_eq!(world.used(&id).await, 1);
}

#[tokio::test]
async fn it_costs_no_call_more() {
    let world = World::with_static().await;
    let (_, url) = world.link(json!({"group": "Year 7"})).await;
    let mut device = world.holding(&url, "D-1").await;
    let (proxy, address) = Proxy::start(&world.app).await;
    let mut profile = device.profile().unwrap().clone();
    profile.check_in_url = profile.check_in_url.replace(world.app.runner.base_url(), &address);
    profile.server_url = profile.server_url.replace(world.app.runner.base_url(), &address);
    device.set_profile(profile);
    proxy.take();
    device.authenticate().await.expect("it begins");
    // The first query is the cold process's look at the authorities.
    assert_eq!(proxy.take(), ["Query", "Query", "TransactWriteItems"]);
    device.listen(&world.app.runner.apns).unwrap();
    device.token_update(None).await.expect("it enrolls");
    assert_eq!(proxy.take(), ["TransactWriteItems"]);
    pass_seconds(&world.app, 1);
    assert!(device.idle().await.expect("nothing waits").is_none());
    assert_eq!(proxy.take(), ["UpdateItem"]);
}

#[tokio::test]
async fn devices_of_either_authority_live_side_by_side_when_the_settings_change() {
    let world = World::new().await;
    let before = enrolled(&world.app, &world.tenant, "D-0").await;
    world.ndes.accept_always("open sesame");
    world.choose(fixed()).await.expect(200);
    let device = world.enroll("D-1").await;
    let served = world.holding(&world.tenant.enrollment_link().await, "D-2").await;
    world.put(json!({})).await.expect(200);
    for device in [&before, &device] {
        assert_eq!(device.idle().await.expect("it is managed"), None);
    }
    served.authenticate().await.expect("the profile that was served is good");
    device.authenticate().await.expect("it installs its profile once more");
}
