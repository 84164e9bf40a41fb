//! Identities of a certificate service are renewed as all others, by the same machine.

use serde_json::{Value, json};
use shared::time::{SignedDuration, Timestamp};

use super::{HOUR, PASSWORD_MAX, World, fixed, issued_to, other, refused};
use crate::devices::{enrolled, enrollment, pass_seconds};
use crate::idle_cost::proxy::Proxy;
use crate::renewals::fetch;

async fn renewal(world: &World) -> Value {
    enrollment(&world.tenant, "D-1").await["identity"]["renewal"].clone()
}

async fn state(world: &World) -> String {
    renewal(world).await["state"].as_str().unwrap().to_owned()
}

/// Lets the time of the next try come, and a sweep with it.
async fn sweep_when_due(world: &World) {
    let at: Timestamp = renewal(world).await["next_at"].as_str().unwrap().parse().unwrap();
    world.app.clock.set(at);
    world.app.runner.aws.queues().look_again();
    world.app.sweep().await;
}

/// Lets all but an hour pass.
async fn before_its_time(world: &World) {
    let at: Timestamp = renewal(world).await["next_at"].as_str().unwrap().parse().unwrap();
    world.app.clock.set(at.checked_sub(SignedDuration::from_secs(HOUR)).unwrap());
}

#[tokio::test]
async fn a_device_renews_with_the_service_over_two_lives() {
    for world in [World::with_static().await, World::with_fetched().await] {
        let mut device = world.enroll("D-1").await;
        for _ in 0..2 {
            let former = device.identity().unwrap().clone();
            let before = enrollment(&world.tenant, "D-1").await["identity"].clone();
            before_its_time(&world).await;
            crate::sweeper::renew(&world.app, &world.tenant).await;
            sweep_when_due(&world).await;
            assert_eq!(state(&world).await, "asked");
            assert!(device.wait_for_push().await);
            device = device.believing(world.app.clock.now());
            device.answer_all().await.expect("it does what it is asked");
            let after = enrollment(&world.tenant, "D-1").await["identity"].clone();
            assert_ne!(after["fingerprint"], before["fingerprint"]);
            assert_eq!(state(&world).await, "fresh");
            assert!(
                device
                    .identity()
                    .unwrap()
                    .certificate
                    .verify(&world.ndes.authority().public_key().unwrap())
                    .unwrap()
            );
            refused(other(&device, "D-1", former).idle().await);
            pass_seconds(&world.app, 60);
        }
        assert_eq!(enrollment(&world.tenant, "D-1").await["state"], "enrolled");
        assert!(world.events("external-identity-refused").await.is_empty());
    }
}

#[tokio::test]
async fn the_first_word_with_a_renewed_identity_may_be_a_poll() {
    let world = World::with_static().await;
    let mut device = world.enroll("D-1").await;
    world.tenant.post("enrollments/D-1/renew-identity", json!({})).await.expect(202);
    world.app.deliver_pages().await;
    let (_, mut profile) = fetch(&device).await;
    let (proxy, address) = Proxy::start(&world.app).await;
    profile.server_url = profile.server_url.replace(world.app.runner.base_url(), &address);
    device.set_profile(profile);
    device.obtain_identity().await.expect("the service issues it");
    // The renewal is this device's alone.
    refused(other(&device, "D-7", device.identity().unwrap().clone()).idle().await);
    device.idle().await.expect("it is accepted").expect("the command still waits");
    proxy.take();
    let renewed = world.events("identity-renewed").await;
    assert_eq!(renewed.len(), 1, "{renewed:?}");
    device.idle().await.expect("it is served");
    assert_eq!(proxy.take(), ["UpdateItem", "Query"], "from then on it costs what it did");
    // The name was used up.
    let name = super::asked_name(&device);
    refused(other(&device, "D-1", issued_to(&world.ndes, &[("CN", &name)])).idle().await);
}

#[tokio::test]
async fn a_service_that_fails_is_asked_again_and_the_device_stays() {
    let world = World::with_fetched().await;
    let mut device = world.enroll("D-1").await;
    world.ndes.permit(false);
    sweep_when_due(&world).await;
    assert_eq!((state(&world).await.as_str(), renewal(&world).await["attempts"].clone()), ("due", json!(0)));
    assert_eq!(device.idle().await.expect("it is managed"), None);
    world.ndes.permit(true);
    pass_seconds(&world.app, HOUR);
    world.app.sweep().await;
    assert_eq!(state(&world).await, "asked");
    device = device.believing(world.app.clock.now());
    device.answer_all().await.expect("it does what it is asked");
    assert_eq!(state(&world).await, "fresh");
}

#[tokio::test]
async fn a_challenge_that_ended_while_the_device_slept_is_not_delivered() {
    let world = World::with_fetched().await;
    let mut device = world.enroll("D-1").await;
    sweep_when_due(&world).await;
    assert_eq!(state(&world).await, "asked");
    pass_seconds(&world.app, 51 * 60);
    world.app.sweep().await;
    assert_eq!(renewal(&world).await["attempts"], 1, "not yet");
    assert!(world.ndes.outstanding() < PASSWORD_MAX);
    sweep_when_due(&world).await;
    assert_eq!(renewal(&world).await["attempts"], 2, "it is asked at another hour");
    device = device.believing(world.app.clock.now());
    device.answer_all().await.expect("it does what it is asked");
    assert_eq!(state(&world).await, "fresh");

    // One that wakes too late finds nothing, and waits for the next.
    world.tenant.post("enrollments/D-1/renew-identity", json!({})).await.expect(202);
    world.app.deliver_pages().await;
    pass_seconds(&world.app, 51 * 60);
    assert_eq!(device.idle().await.expect("it is managed"), None);
}

#[tokio::test]
async fn a_device_changes_over_where_the_settings_send_it() {
    let world = World::new().await;
    let mut device = enrolled(&world.app, &world.tenant, "D-1").await;
    world.ndes.accept_always("open sesame");
    let authority = world.ndes.authority().public_key().unwrap();
    for (settings, by_service) in [(true, true), (false, false)] {
        if settings {
            world.choose(fixed()).await.expect(200);
        } else {
            world.put(json!({})).await.expect(200);
        }
        pass_seconds(&world.app, 1);
        world.tenant.post("enrollments/D-1/renew-identity", json!({})).await.expect(202);
        world.app.deliver_pages().await;
        device.answer_all().await.expect("it does what it is asked");
        assert_eq!(device.identity().unwrap().certificate.verify(&authority).unwrap(), by_service);
        assert_eq!(device.idle().await.expect("it is managed"), None);
    }
}
