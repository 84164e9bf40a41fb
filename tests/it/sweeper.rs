//! The sweep: what a lost hint delays, it repairs; and what that costs.

use std::time::Duration;

use pomarium_local::apns::Answer;
use pomarium_local::aws::Counts;
use pomarium_tests::{Tenant, TestApp};
use serde_json::json;
use shared::domain::sweep::{DevicePage, Sweep};
use shared::service::sweep::sweep;

use crate::devices::{enrolled, pass_seconds, queue, status};
use crate::fleet::{fleet, topic, woken};
use crate::idle_cost::proxy::Proxy;

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;

/// The hints on the wake queue are lost.
pub(crate) async fn lose_hints(app: &TestApp) {
    let queues = app.runner.aws.queues();
    for hint in queues.receive("wake", 10, None, Duration::ZERO).await.unwrap() {
        queues.delete("wake", &hint.receipt_handle).unwrap();
    }
    assert_eq!(queues.counts("wake").unwrap(), Counts::default());
}

/// Pushes to devices so far.
fn pushes(app: &TestApp) -> usize {
    app.runner.apns.pushes().iter().filter(|push| !push.is_trial()).count()
}

/// The renewed certificate of the tenant's topic becomes active.
pub(crate) async fn renew(app: &TestApp, tenant: &Tenant) {
    let topic = topic(app, tenant).await;
    tenant.request().await;
    let renewed = app.runner.portal.renew(&topic, &tenant.request_file().await).map_err(|_| ()).unwrap();
    tenant.stage(&renewed.pem).await;
    tenant.activate(json!({})).await;
}

#[tokio::test]
async fn a_lost_hint_is_repaired_within_the_hour() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut device = enrolled(&app, &tenant, "D-1").await;
    let uuid = queue(&tenant, "D-1", "ProfileList").await;
    lose_hints(&app).await;
    pass_seconds(&app, 19 * MINUTE);
    app.sweep().await;
    assert_eq!(device.pushes_waiting(), 0, "a hint may still be on its way");
    app.sweep().await;
    assert_eq!(device.pushes_waiting(), 1);
    assert!(device.wait_for_push().await);
    device.answer_all().await.expect("it answers");
    assert_eq!(status(&tenant, &uuid).await, "Acknowledged");
    pass_seconds(&app, 48 * HOUR);
    app.sweep().await;
    assert_eq!(pushes(&app), 1, "nothing waits any more");
}

#[tokio::test]
async fn a_push_without_an_answer_is_repeated_once_a_day() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let device = enrolled(&app, &tenant, "D-1").await;
    queue(&tenant, "D-1", "ProfileList").await;
    app.deliver_hints().await;
    for expected in 1..3 {
        pass_seconds(&app, 23 * HOUR);
        app.sweep().await;
        assert_eq!(pushes(&app), expected, "Apple still keeps the last one");
        pass_seconds(&app, 45 * MINUTE);
        app.sweep().await;
        assert_eq!((device.pushes_waiting(), pushes(&app)), (expected + 1, expected + 1));
    }
}

#[tokio::test]
async fn a_user_is_woken_again_as_well() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut user = enrolled(&app, &tenant, "D-1").await.user("U-1", "jo");
    user.listen(&app.runner.apns).expect("a push token");
    user.token_update(None).await.expect("the channel begins");
    queue(&tenant, "D-1:U-1", "ProfileList").await;
    lose_hints(&app).await;
    pass_seconds(&app, HOUR);
    app.sweep().await;
    assert_eq!(user.pushes_waiting(), 1);
}

#[tokio::test]
async fn what_an_expired_certificate_held_back_goes_out_after_its_renewal() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let device = enrolled(&app, &tenant, "D-1").await;
    queue(&tenant, "D-1", "ProfileList").await;
    app.pass_days(366);
    assert_eq!(app.deliver_hints().await, 1, "the hint is dropped: no certificate reaches the device");
    app.sweep().await;
    assert_eq!((pushes(&app), app.runner.aws.queues().counts("wake").unwrap()), (0, Counts::default()));
    renew(&app, &tenant).await;
    // Longer than a warm process remembers the former certificate.
    pass_seconds(&app, MINUTE);
    app.sweep().await;
    assert_eq!(device.pushes_waiting(), 1);
}

#[tokio::test]
async fn a_busy_apple_is_asked_again_and_a_refused_address_rests() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let device = enrolled(&app, &tenant, "D-1").await;
    queue(&tenant, "D-1", "ProfileList").await;
    let refused = Answer::Status { status: 400, reason: "BadDeviceToken", retry_after: None };
    app.runner.apns.script(&hex::encode(device.push_token()), [refused]);
    app.deliver_hints().await;
    pass_seconds(&app, 23 * HOUR);
    app.sweep().await;
    assert_eq!(pushes(&app), 1, "it rests");
    pass_seconds(&app, HOUR);
    app.sweep().await;
    assert_eq!((pushes(&app), device.pushes_waiting()), (2, 1));
}

#[tokio::test]
async fn every_device_of_a_large_tenant_is_woken_once_and_not_all_at_the_same_moment() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let topic = topic(&app, &tenant).await;
    let devices = fleet(&app, &tenant, &topic, (0..250).map(|number| format!("D-{number}")), 1).await;
    pass_seconds(&app, HOUR);
    let sweeper = app.begin_sweep().await;
    assert_eq!(sweeper, 4, "one page of tenants, three of devices");
    let mut at_once = 0;
    for _ in 0..15 {
        let before = pushes(&app);
        pass_seconds(&app, MINUTE);
        app.deliver_hints().await;
        at_once = at_once.max(pushes(&app) - before);
    }
    assert_eq!((woken(&devices), pushes(&app)), (250, 250));
    assert!(at_once < 100, "{at_once} devices were woken within one minute");
}

#[tokio::test]
async fn a_large_tenant_does_not_stand_before_the_small_ones() {
    let app = TestApp::start().await;
    let mut tenants = Vec::new();
    for name in ["Green School", "Blue School", "Red School"] {
        tenants.push(app.ready_tenant(name).await);
    }
    // The first in the sweep's order is the large one.
    tenants.sort_by(|left, right| left.id.cmp(&right.id));
    let of = async |tenant: &Tenant, number: usize| {
        let topic = topic(&app, tenant).await;
        fleet(&app, tenant, &topic, (0..number).map(|number| format!("D-{number}")), 1).await
    };
    let large = of(&tenants[0], 230).await;
    let small = [of(&tenants[1], 2).await, of(&tenants[2], 2).await];
    pass_seconds(&app, HOUR);
    // One page of tenants, then the first page of each; two more of the large one are left.
    let queues = app.runner.aws.queues();
    let state = &app.runner.state;
    sweep(state, &Sweep::Tenants { after: None }).await.unwrap();
    for message in queues.receive("sweep", 3, None, Duration::ZERO).await.unwrap() {
        sweep(state, &serde_json::from_str(&message.body).unwrap()).await.unwrap();
        queues.delete("sweep", &message.receipt_handle).unwrap();
    }
    assert_eq!(queues.counts("sweep").unwrap().visible, 1);
    pass_seconds(&app, 15 * MINUTE);
    app.deliver_hints().await;
    assert_eq!((woken(&large), woken(&small[0]), woken(&small[1])), (100, 2, 2));
}

#[tokio::test]
async fn a_page_whose_process_died_is_done_by_the_next_one() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let topic = topic(&app, &tenant).await;
    let devices = fleet(&app, &tenant, &topic, (0..120).map(|number| format!("D-{number}")), 1).await;
    pass_seconds(&app, HOUR);
    let state = &app.runner.state;
    sweep(state, &Sweep::Tenants { after: None }).await.unwrap();
    // Lambda hands the page out, and nothing is heard of it again.
    let queues = app.runner.aws.queues();
    assert_eq!(queues.receive("sweep", 10, Some(360), Duration::ZERO).await.unwrap().len(), 1);
    assert_eq!((app.deliver_pages().await, woken(&devices)), (0, 0));
    pass_seconds(&app, 360);
    assert_eq!(app.deliver_pages().await, 2);
    pass_seconds(&app, 15 * MINUTE);
    app.deliver_hints().await;
    assert_eq!((woken(&devices), pushes(&app)), (120, 120));
}

#[tokio::test]
async fn a_tenant_rests_after_two_thousand_hints() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let topic = topic(&app, &tenant).await;
    let devices = fleet(&app, &tenant, &topic, (0..101).map(|number| format!("D-{number:03}")), 1).await;
    pass_seconds(&app, HOUR);
    let page = DevicePage { hinted: 1_900, ..DevicePage::first(tenant.id.parse().unwrap()) };
    sweep(&app.runner.state, &Sweep::Devices(page)).await.unwrap();
    assert_eq!(app.deliver_pages().await, 0, "the tenant rests");
    assert_eq!(app.runner.aws.queues().counts("sweep").unwrap().delayed, 1);
    pass_seconds(&app, 15 * MINUTE);
    assert_eq!(app.deliver_pages().await, 1, "and goes on by itself");
    pass_seconds(&app, 15 * MINUTE);
    app.deliver_hints().await;
    assert_eq!(woken(&devices), 101);
}

#[tokio::test]
async fn a_page_that_cannot_be_done_is_set_aside_alone() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let device = enrolled(&app, &tenant, "D-1").await;
    queue(&tenant, "D-1", "ProfileList").await;
    lose_hints(&app).await;
    pass_seconds(&app, HOUR);
    let broken = json!({"devices": {"tenant": tenant.id, "after": "not a mark"}}).to_string();
    app.runner.aws.queues().send("sweep", &[("nonsense", 0), (&broken, 0)]).unwrap();
    app.sweep().await;
    assert_eq!(device.pushes_waiting(), 1);
    for _ in 0..5 {
        pass_seconds(&app, 360);
        assert_eq!(app.deliver_pages().await, 0);
    }
    assert_eq!(app.runner.aws.queues().counts("sweep-dead-letter").unwrap().visible, 2);
}

#[tokio::test]
async fn a_sweep_costs_one_query_a_tenant_and_three_calls_a_hundred_devices() {
    let app = TestApp::start().await;
    let idle = app.ready_tenant("Blue School").await;
    let tenant = app.ready_tenant("Green School").await;
    let topic = topic(&app, &tenant).await;
    fleet(&app, &tenant, &topic, (0..200).map(|number| format!("D-{number}")), 0).await;
    pass_seconds(&app, HOUR);
    let (proxy, state) = Proxy::beside(&app).await;
    let cost = async |page: Sweep| {
        proxy.take();
        sweep(&state, &page).await.unwrap();
        proxy.take()
    };
    let first = |tenant: &Tenant| Sweep::Devices(DevicePage::first(tenant.id.parse().unwrap()));
    assert_eq!(cost(Sweep::Tenants { after: None }).await, ["Query"], "however many tenants");
    assert_eq!(cost(first(&idle)).await, ["Query"], "nobody is there");
    let page = ["Query", "BatchGetItem", "BatchGetItem"];
    assert_eq!(cost(first(&tenant)).await, page, "nobody has anything waiting");

    fleet(&app, &idle, &crate::fleet::topic(&app, &idle).await, ["D-1".to_owned()], 1).await;
    pass_seconds(&app, HOUR);
    let reachable = cost(first(&idle)).await;
    assert_eq!(
        reachable,
        ["Query", "BatchGetItem", "BatchGetItem", "Query", "UpdateItem"],
        "reachable? and the last page"
    );
    let again = cost(first(&idle)).await;
    assert_eq!(again, ["Query", "BatchGetItem", "BatchGetItem", "UpdateItem"], "remembered for a minute");
}
