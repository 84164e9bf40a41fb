//! Mails that say that a webhook was switched off.

use shared::domain::token::Owner;
use shared::store::{Claim, Claimed};

use super::*;
use crate::mails::notices;

/// The mails about webhooks that were switched off.
fn mailed(app: &TestApp) -> Vec<(String, String)> {
    notices(app).into_iter().filter(|(_, subject)| subject.contains("webhook")).collect()
}

#[tokio::test]
async fn whoever_hears_of_ends_is_told_once_that_a_webhook_was_switched_off() {
    let world = World::new(json!([])).await;
    let path = format!("/v1/tenants/{}", world.tenant.id);
    let contacts = json!({"contacts": ["head@school.example", "it@school.example"]}).to_string();
    world.tenant.admin.call(Method::PATCH, &path, contacts.into()).await.expect(200);
    world.receiver.answer(|_| 410);
    world.enroll("D-1").await;
    world.turn().await;
    assert_eq!(mailed(&world.app), [], "the next turn tells");
    // Both take the claims at the same moment; then it is known to be told, and no turn has anything to do.
    tokio::join!(world.turn_after(15), world.app.deliver_events());
    for _ in 0..4 {
        world.turn_after(400).await;
    }
    let subject = "A webhook of Green School was switched off".to_owned();
    let both =
        [("head@school.example".to_owned(), subject.clone()), ("it@school.example".to_owned(), subject)];
    let mut mails = mailed(&world.app);
    mails.sort();
    assert_eq!(mails, both);
    let listed = world.app.runner.state.store.listed_webhooks(None, 10).await.unwrap();
    assert!(listed.is_empty(), "{listed:?}");
    let text = world.app.runner.aws.mailbox().list().unwrap().pop().unwrap().mail.text;
    assert!(
        text.contains(world.receiver.url()) && text.contains("(Help desk)") && text.contains("answered 410"),
        "{text}"
    );

    // Switched on and off once more, it is another occasion.
    world.patch(json!({"enabled": true})).await.expect(200);
    world.turn().await;
    world.turn_after(15).await;
    assert_eq!(mailed(&world.app).len(), 4);
}

#[tokio::test]
async fn who_died_over_the_mail_is_followed_by_somebody_who_sends_it() {
    let world = World::new(json!([])).await;
    world.receiver.answer(|_| 410);
    world.enroll("D-1").await;
    world.turn().await;
    let at = world.shown("").await["switched_off"]["at"]
        .as_str()
        .unwrap()
        .parse::<shared::time::Timestamp>()
        .unwrap();
    let owner = Owner::Tenant(world.tenant.id.parse().unwrap());
    let claim = Claim {
        owner: &owner,
        credential: &format!("webhook.{}", world.id),
        day: &format!("off-{}", at.as_second()),
        recipient: "it@green-school.example",
    };
    let store = &world.app.runner.state.store;
    assert_eq!(store.claim_mail(&claim, world.app.clock.now()).await.unwrap(), Claimed::Now, "and it dies");
    world.turn_after(15).await;
    assert_eq!(mailed(&world.app).len(), 0, "it may still be at it");
    world.turn_after(1_000).await;
    assert_eq!(mailed(&world.app).len(), 1);
    world.turn_after(1_000).await;
    assert_eq!(mailed(&world.app).len(), 1);
}

#[tokio::test]
async fn an_address_that_no_mail_reaches_keeps_nobody_from_hearing_and_is_not_tried_for_ever() {
    let world = World::new(json!([])).await;
    let path = format!("/v1/tenants/{}", world.tenant.id);
    let contacts = json!({"contacts": ["it@school.invalid", "head@school.example"]}).to_string();
    world.tenant.admin.call(Method::PATCH, &path, contacts.into()).await;
    world.receiver.answer(|_| 410);
    world.enroll("D-1").await;
    world.turn().await;
    world.turn_after(15).await;
    assert_eq!(
        mailed(&world.app).iter().map(|(to, _)| to.as_str()).collect::<Vec<_>>(),
        ["head@school.example"]
    );
    // Two turns of the same moment may each have found the other at it: then the next one ends it.
    world.turn_after(15).await;
    assert_eq!(mailed(&world.app).len(), 1);
    assert!(world.app.runner.state.store.listed_webhooks(None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn who_wants_no_mails_gets_none_about_webhooks() {
    let world = World::new(json!([])).await;
    let path = format!("/v1/tenants/{}", world.tenant.id);
    world.tenant.admin.call(Method::PATCH, &path, br#"{"expiry_mails": false}"#.into()).await.expect(200);
    world.receiver.answer(|_| 410);
    world.enroll("D-1").await;
    world.turn().await;
    world.turn_after(15).await;
    assert_eq!(mailed(&world.app), []);
    assert!(world.app.runner.state.store.listed_webhooks(None, 10).await.unwrap().is_empty());
}
