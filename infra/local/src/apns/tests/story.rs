//! Pushes that reach Apple and are answered.

use std::time::Duration;

use shared::port::apns::{Outcome, Push};
use shared::secret::Secret;
use shared::time::{SignedDuration, from_unix};

use super::super::{Answer, ReceivedPush};
use super::world::{MAGIC, TOKEN, World, accepted, certificate_refused, identity};
use crate::portal::fixture;

fn gone(reason: &str) -> Outcome {
    Outcome::DeviceGone { reason: reason.to_owned(), since: None }
}

#[tokio::test]
async fn a_push_wakes_its_device() {
    let world = World::new().await;
    let mut wake_ups = world.simulator.register(TOKEN, &world.topic, MAGIC);
    assert!(accepted(&world.push(TOKEN).await));
    wake_ups.next().await.unwrap();
    let seen = ReceivedPush {
        connection: 1,
        certificate_topic: world.topic.clone(),
        topic: world.topic.clone(),
        push_type: "mdm".to_owned(),
        priority: "10".to_owned(),
        expiration: Some(world.clock.now().as_second() + 7 * 86_400),
        token: hex::encode(TOKEN),
        magic: Some(MAGIC.to_owned()),
        status: Some(200),
    };
    assert_eq!(world.simulator.pushes(), [seen]);
}

#[tokio::test]
async fn a_wrong_magic_is_accepted_and_wakes_nobody() {
    let world = World::new().await;
    let wake_ups = world.simulator.register(TOKEN, &world.topic, "another magic");
    assert!(accepted(&world.push(TOKEN).await));
    assert_eq!(wake_ups.waiting(), 0);
}

#[tokio::test]
async fn a_sleeping_device_gets_its_push_when_it_wakes_within_seven_days() {
    let world = World::new().await;
    let wake_ups = world.simulator.register(TOKEN, &world.topic, MAGIC);
    world.simulator.sleep(TOKEN);
    assert!(accepted(&world.push(TOKEN).await));
    world.clock.set(world.clock.now() + SignedDuration::from_hours(6 * 24));
    world.simulator.wake(TOKEN);
    assert_eq!(wake_ups.waiting(), 1);
    world.simulator.sleep(TOKEN);
    assert!(accepted(&world.push(TOKEN).await));
    world.clock.set(world.clock.now() + SignedDuration::from_hours(8 * 24));
    world.simulator.wake(TOKEN);
    assert_eq!(wake_ups.waiting(), 1);
}

#[tokio::test]
async fn unknown_foreign_and_removed_devices_are_gone() {
    let world = World::new().await;
    assert_eq!(world.push(TOKEN).await, gone("BadDeviceToken"));
    let _wake_ups = world.simulator.register(TOKEN, "com.apple.mgmt.External.other", MAGIC);
    assert_eq!(world.push(TOKEN).await, gone("DeviceTokenNotForTopic"));
    let _wake_ups = world.simulator.register(TOKEN, &world.topic, MAGIC);
    world.simulator.unregister(TOKEN);
    let since = Some(world.clock.now());
    let unregistered = Outcome::DeviceGone { reason: "Unregistered".to_owned(), since };
    assert_eq!(world.push(TOKEN).await, unregistered);
}

#[tokio::test]
async fn a_topic_of_another_certificate_is_refused() {
    let world = World::new().await;
    let push = Push { topic: "com.apple.mgmt.External.other".to_owned(), ..world.wake_up(TOKEN) };
    assert_eq!(world.apns.push(&world.identity, &push).await, certificate_refused("BadTopic"));
}

#[tokio::test]
async fn a_busy_service_says_when_to_come_back() {
    let world = World::new().await;
    let busy = Answer::Status { status: 429, reason: "TooManyRequests", retry_after: Some(17) };
    world.simulator.script(&world.topic, [busy]);
    let after = Some(Duration::from_secs(17));
    let retry = Outcome::Retry { after, reason: "TooManyRequests".to_owned() };
    assert_eq!(world.push(TOKEN).await, retry);
}

#[tokio::test]
async fn a_push_that_breaks_a_rule_is_our_fault() {
    let world = World::new().await;
    let large = Answer::Status { status: 413, reason: "PayloadTooLarge", retry_after: None };
    world.simulator.script(&hex::encode(TOKEN), [large]);
    let rejected = Outcome::Rejected { status: 413, reason: "PayloadTooLarge".to_owned() };
    assert_eq!(world.push(TOKEN).await, rejected);
    let push = Push { topic: "line\nbreak".to_owned(), ..world.wake_up(TOKEN) };
    let unsendable = world.apns.push(&world.identity, &push).await;
    assert!(matches!(unsendable, Outcome::Rejected { status: 0, .. }), "{unsendable:?}");
    assert_eq!(world.simulator.pushes().len(), 1);
}

#[tokio::test]
async fn a_hundred_pushes_at_once_share_one_connection() {
    let world = World::new().await;
    let wake_ups = world.simulator.register(TOKEN, &world.topic, MAGIC);
    let outcomes = world.push_at_once(100).await;
    assert!(outcomes.iter().all(accepted));
    assert_eq!(wake_ups.waiting(), 100);
    assert_eq!(world.simulator.connections(), 1);
}

#[tokio::test]
async fn every_certificate_has_its_own_connection() {
    let world = World::new().await;
    let other = identity(fixture::push_certificate(&world.portal, &world.vendor));
    let topic = world.portal.list().unwrap().remove(1).uid;
    let push = Push {
        token: vec![1],
        magic: Secret::new("magic".to_owned()),
        topic: topic.clone(),
        expires_at: from_unix(0),
    };
    let _wake_ups = [
        world.simulator.register(TOKEN, &world.topic, MAGIC),
        world.simulator.register(&[1], &topic, "magic"),
    ];
    for _ in 0..3 {
        assert!(accepted(&world.push(TOKEN).await));
        assert!(accepted(&world.apns.push(&other, &push).await));
    }
    assert_eq!(world.connections_used(), [1, 2, 1, 2, 1, 2]);
}
