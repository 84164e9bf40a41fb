//! The operator's page of dead letters.

use pomarium_local::runner::OPERATOR;
use pomarium_tests::{Browser, TestApp};

use crate::dead_letters::with_dead_wake_up;

#[tokio::test]
async fn the_operator_sends_letters_back_and_discards_them_by_name() {
    let app = TestApp::start().await;
    let mut operator = Browser::new(&app);
    operator.sign_in(&app, OPERATOR).await.expect(200);
    let place = "/console/operator/dead-letters";
    let none = operator.open(place).await.expect(200);
    none.says("There are none.").is_silent_about("Send them back");

    with_dead_wake_up(&app).await;
    let page = operator.open(place).await.expect(200);
    page.says("a message that cannot be read")
        .says("2026-11-21 09:00 UTC")
        .is_silent_about("There are none.");
    let wake = ("queue", "wake");
    let sent = operator.submit(&format!("{place}/send-back"), &[wake]).await.expect(200);
    sent.says("They are on their way back").says("Last sent back");
    let again = operator.submit(&format!("{place}/send-back"), &[wake]).await.expect(409);
    again.says("There are no dead letters in this queue.");

    for _ in 0..6 {
        app.deliver_hints().await;
        crate::devices::pass_seconds(&app, 90);
    }
    let discard = format!("{place}/discard");
    let mistyped = operator.submit(&discard, &[wake, ("confirm", "wakes")]).await.expect(409);
    mistyped
        .says("To discard the letters, type the queue's name: wake.")
        .says("a message that cannot be read");
    operator.submit(&discard, &[wake, ("confirm", "wake")]).await.expect(200).says("There are none.");
    operator.submit(&discard, &[("queue", "none"), ("confirm", "none")]).await.expect(404);
    let log = operator.open("/console/operator/audit-log").await.expect(200);
    log.says("dead-letters-sent-back").says("dead-letters-discarded");
}
