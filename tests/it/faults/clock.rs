//! The server's clock is set back by an hour.

use pomarium_tests::{Browser, TestApp};
use serde_json::json;
use shared::time::SignedDuration;

use crate::devices::{enrolled, pass_seconds, queue, status};
use crate::mails::{ending_token, notices, notify};
use crate::receiver::Receiver;

const HOUR: i64 = 3_600;

#[tokio::test]
async fn a_clock_that_steps_back_an_hour_stops_nobody_and_loses_nothing() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let receiver = Receiver::start().await;
    tenant.post("webhooks", json!({"url": receiver.url()})).await.expect(201);
    tenant.let_in("jo@green.example", "admin").await.expect(200);
    let mut jo = Browser::at(app.runner.base_url());
    jo.sign_in(&app, "jo@green.example").await.expect(200);
    ending_token(&tenant, "help desk", 10).await;
    notify(&app).await;
    let mut device = enrolled(&app, &tenant, "D-1").await;
    pass_seconds(&app, 2 * HOUR);
    let link = tenant.enrollment_link().await;
    let before = queue(&tenant, "D-1", "ProfileList").await;
    app.deliver_events().await;
    assert_eq!(receiver.told(), [("device-enrolled".to_owned(), "D-1".to_owned())]);

    app.clock.set(app.clock.now() - SignedDuration::from_secs(HOUR));
    app.runner.aws.queues().look_again();
    // Who was let in stays in, and a link that was just made opens.
    jo.open(&format!("/console/{}", tenant.id)).await.expect(200);
    let mut other = pomarium_local::device::SimDevice::new("D-2", "C02XYZ", "Jo's iPad");
    other.enroll(&link, &app.runner.apns).await.expect("it enrolls");
    pass_seconds(&app, 1);
    let after = queue(&tenant, "D-1", "SecurityInfo").await;
    app.deliver_hints().await;
    assert!(device.wait_for_push().await);
    device.answer_all().await.expect("it answers");
    for uuid in [&before, &after] {
        assert_eq!(status(&tenant, uuid).await, "Acknowledged");
    }
    let mails = notices(&app).len();
    notify(&app).await;
    assert_eq!(notices(&app).len(), mails, "nobody is told twice on a day");

    // What is written now stands before what the webhook was told already.
    pass_seconds(&app, 5);
    app.deliver_events().await;
    let told = receiver.told();
    assert!(told.contains(&("device-enrolled".to_owned(), "D-2".to_owned())), "{told:?}");
    // And what comes when the clock has caught up is told as ever.
    pass_seconds(&app, 2 * HOUR);
    app.deliver_events().await;
    receiver.take();
    other.check_out().await.expect("it goes");
    pass_seconds(&app, 5);
    app.deliver_events().await;
    assert_eq!(receiver.told(), [("checked-out".to_owned(), "D-2".to_owned())]);
}
