//! What comes of pushes, and of the hints that cause them.

use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use pomarium_local::apns::Answer;
use pomarium_local::device::SimDevice;
use pomarium_tests::{Tenant, TestApp};
use serde_json::{Value, json};

use crate::devices::{enrolled, enrollment, pass_seconds, queue, status};

/// For how long a hint that failed is hidden, in seconds (`template.yaml`).
const VISIBILITY: i64 = 90;

async fn world() -> (TestApp, Tenant, SimDevice) {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let device = enrolled(&app, &tenant, "D-1").await;
    (app, tenant, device)
}

fn refusal(status: u16, reason: &'static str) -> Answer {
    Answer::Status { status, reason, retry_after: None }
}

fn hint(tenant: &Tenant, enrollment: &str) -> String {
    json!({"tenant": tenant.id, "enrollment": enrollment}).to_string()
}

/// What the function says failed of messages with these bodies, by their number.
async fn failures(app: &TestApp, bodies: &[String]) -> Vec<usize> {
    let message = |(number, body): (usize, &String)| {
        let mut message = SqsMessage::default();
        message.message_id = Some(number.to_string());
        message.body = Some(body.clone());
        message
    };
    let mut event = SqsEvent::default();
    event.records = bodies.iter().enumerate().map(message).collect();
    let response = ::push::handle(app.runner.state.clone(), event).await.expect("the function answers");
    let failed = response.batch_item_failures.into_iter();
    failed.map(|failure| failure.item_identifier.parse().expect("a number")).collect()
}

async fn last_push(tenant: &Tenant) -> Value {
    enrollment(tenant, "D-1").await["last_push"]["outcome"].clone()
}

#[tokio::test]
async fn a_fleet_that_was_refused_by_mistake_is_tried_again_the_next_day() {
    let (app, tenant, mut device) = world().await;
    let uuid = queue(&tenant, "D-1", "ProfileList").await;
    app.runner.apns.script(&hex::encode(device.push_token()), [refusal(400, "BadDeviceToken")]);
    app.deliver_hints().await;
    app.pass_days(1);
    assert_eq!(failures(&app, &[hint(&tenant, "D-1")]).await, [0; 0]);
    assert!(device.wait_for_push().await);
    device.answer_all().await.expect("it answers");
    assert_eq!(status(&tenant, &uuid).await, "Acknowledged");
}

#[tokio::test]
async fn a_token_that_apple_knows_no_more_rests_until_the_device_gives_another() {
    for reason in ["Unregistered", "BadDeviceToken"] {
        let (app, tenant, mut device) = world().await;
        let uuid = queue(&tenant, "D-1", "ProfileList").await;
        if reason == "Unregistered" {
            app.runner.apns.unregister(device.push_token());
        } else {
            app.runner.apns.script(&hex::encode(device.push_token()), [refusal(400, reason)]);
        }
        assert_eq!(app.deliver_hints().await, 1, "it is dealt with");
        let told = enrollment(&tenant, "D-1").await;
        assert_eq!(told["state"], "enrolled");
        assert_eq!(told["last_push"]["outcome"], reason);
        assert_eq!(failures(&app, &[hint(&tenant, "D-1")]).await, [0; 0], "it rests");
        assert_eq!(app.runner.apns.pushes().len(), 1);

        device.listen(&app.runner.apns).expect("a new push token");
        device.token_update(None).await.expect("it is accepted");
        app.deliver_hints().await;
        assert!(device.wait_for_push().await);
        device.answer_all().await.expect("it answers");
        assert_eq!(status(&tenant, &uuid).await, "Acknowledged");
        assert_eq!(last_push(&tenant).await, "accepted");
    }
}

#[tokio::test]
async fn a_users_channel_heals_as_well() {
    let (app, tenant, device) = world().await;
    let mut user = device.user("U-1", "jo");
    user.listen(&app.runner.apns).expect("a push token");
    user.token_update(None).await.expect("the channel begins");
    app.runner.apns.unregister(user.push_token());
    queue(&tenant, "D-1:U-1", "ProfileList").await;
    app.deliver_hints().await;
    user.listen(&app.runner.apns).expect("a new push token");
    user.token_update(None).await.expect("it is accepted");
    app.deliver_hints().await;
    assert_eq!(user.pushes_waiting(), 1);
}

#[tokio::test]
async fn a_busy_service_gets_the_push_again_later() {
    let (app, tenant, mut device) = world().await;
    let busy =
        [refusal(429, "TooManyRequests"), refusal(503, "Shutdown"), refusal(500, "InternalServerError")];
    app.runner.apns.script(&hex::encode(device.push_token()), busy);
    queue(&tenant, "D-1", "ProfileList").await;
    for reason in ["TooManyRequests", "Shutdown", "InternalServerError"] {
        assert_eq!(app.deliver_hints().await, 0, "{reason}");
        assert_eq!(last_push(&tenant).await, reason);
        pass_seconds(&app, VISIBILITY - 1);
        assert_eq!((app.deliver_hints().await, device.pushes_waiting()), (0, 0), "not yet");
        pass_seconds(&app, 1);
    }
    assert_eq!(app.deliver_hints().await, 1);
    assert!(device.wait_for_push().await);
    assert_eq!(app.runner.apns.pushes().len(), 4);
}

#[tokio::test]
async fn a_refused_certificate_is_its_own_tenants_trouble() {
    let app = TestApp::start().await;
    let (green, blue) = (app.ready_tenant("Green School").await, app.ready_tenant("Blue School").await);
    let in_green = enrolled(&app, &green, "D-1").await;
    let in_blue = enrolled(&app, &blue, "D-1").await;
    queue(&green, "D-1", "ProfileList").await;
    queue(&blue, "D-1", "ProfileList").await;
    let topic = &in_green.profile().expect("installed").topic;
    app.runner.apns.script(topic, [refusal(403, "BadCertificate")]);
    assert_eq!(failures(&app, &[hint(&green, "D-1"), hint(&blue, "D-1")]).await, [0]);
    assert_eq!((in_green.pushes_waiting(), in_blue.pushes_waiting()), (0, 1));
    assert_eq!(last_push(&green).await, "BadCertificate");
    assert_eq!(enrollment(&green, "D-1").await["topic"], json!(topic), "the device is not to blame");
}

#[tokio::test]
async fn every_hint_of_a_device_in_one_batch_makes_one_push_over_one_connection() {
    let app = TestApp::start().await;
    let (green, blue) = (app.ready_tenant("Green School").await, app.ready_tenant("Blue School").await);
    let in_green = enrolled(&app, &green, "D-1").await;
    let in_blue = enrolled(&app, &blue, "D-2").await;
    queue(&green, "D-1", "ProfileList").await;
    queue(&blue, "D-2", "ProfileList").await;
    for _ in 0..2 {
        let mut hints = vec![hint(&green, "D-1"); 9];
        hints.push(hint(&blue, "D-2"));
        assert_eq!(failures(&app, &hints).await, [0; 0]);
    }
    assert_eq!((in_green.pushes_waiting(), in_blue.pushes_waiting()), (2, 2));
    assert_eq!(app.runner.apns.connections(), 2);
    for push in app.runner.apns.pushes() {
        assert_eq!(push.topic, push.certificate_topic);
    }
}

#[tokio::test]
async fn a_hint_that_nothing_follows_from_is_done() {
    let (app, tenant, mut device) = world().await;
    let mut user = device.user("U-1", "jo");
    user.listen(&app.runner.apns).expect("a push token");
    user.token_update(None).await.expect("the user's channel begins");
    assert_eq!(app.deliver_hints().await, 1, "the store was not asked whether something waits");
    let nothing = [hint(&tenant, "D-1"), hint(&tenant, "D-1:U-1"), hint(&tenant, "unknown")];
    assert_eq!(failures(&app, &nothing).await, [0; 0], "nothing waits");

    queue(&tenant, "D-1", "ProfileList").await;
    device.answer_all().await.expect("it polled by itself");
    assert_eq!(app.deliver_hints().await, 1, "it comes too late");
    queue(&tenant, "D-1", "ProfileList").await;
    device.check_out().await.expect("it leaves");
    assert_eq!(app.deliver_hints().await, 1, "it left");
    let elsewhere = json!({"tenant": "aaaaaaaaaaaaaaaa", "enrollment": "D-1"}).to_string();
    assert_eq!(failures(&app, &[elsewhere]).await, [0; 0]);
    assert_eq!(app.runner.apns.pushes(), []);
}

#[tokio::test]
async fn a_message_that_is_no_hint_fails_alone_and_ends_among_the_dead_letters() {
    let (app, tenant, device) = world().await;
    queue(&tenant, "D-1", "ProfileList").await;
    let bad = ["not JSON", "{}", r#"{"tenant":"../..","enrollment":"D-1"}"#, r#"{"tenant":7}"#];
    let mut bodies: Vec<String> = bad.map(str::to_owned).to_vec();
    bodies.insert(2, hint(&tenant, "D-1"));
    assert_eq!(failures(&app, &bodies).await, [0, 1, 3, 4]);
    assert_eq!(device.pushes_waiting(), 1);

    let queues = app.runner.aws.queues();
    app.deliver_hints().await;
    queues.send("wake", &[("not JSON", 0)]).expect("it is sent");
    for _ in 0..6 {
        assert_eq!(app.deliver_hints().await, 0);
        pass_seconds(&app, VISIBILITY);
    }
    assert_eq!(queues.counts("wake-dead-letter").expect("counts").visible, 1);
    assert_eq!(queues.counts("wake").expect("counts"), pomarium_local::aws::Counts::default());
}

#[tokio::test]
async fn a_dead_connection_costs_no_push() {
    let (app, tenant, mut device) = world().await;
    for connections in 1..=2 {
        queue(&tenant, "D-1", "ProfileList").await;
        assert_eq!(app.deliver_hints().await, 1);
        assert!(device.wait_for_push().await);
        device.answer_all().await.expect("it answers");
        assert_eq!(app.runner.apns.connections(), connections);
        app.runner.apns.cut_connections();
    }
}

#[tokio::test]
async fn a_sleeping_device_hears_of_it_within_seven_days() {
    let (app, tenant, mut device) = world().await;
    app.runner.apns.sleep(device.push_token());
    queue(&tenant, "D-1", "ProfileList").await;
    assert_eq!(app.deliver_hints().await, 1);
    app.pass_days(6);
    app.runner.apns.wake(device.push_token());
    assert!(device.wait_for_push().await);
    assert_eq!(device.answer_all().await.expect("it answers").len(), 1);
}
