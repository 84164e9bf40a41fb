//! The end of a push certificate: told in time, once a day, to everyone; and what still works after it.

use pomarium_local::aws::SentMail;
use pomarium_tests::{Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use shared::time::Timestamp;

use crate::devices::enrolled;

/// Runs the notifier as the schedule does; its tally, or `None` when it wants to be run again.
async fn run(app: &TestApp) -> Option<Value> {
    let tally = expiry_notifier::handle(app.runner.state.clone(), Timestamp::MAX).await;
    tally.ok().map(|tally| serde_json::to_value(tally).unwrap())
}

fn tally(sent: u32, repeated: u32) -> Option<Value> {
    Some(json!({"sent": sent, "repeated": repeated, "failed": 0, "left": 0}))
}

fn mails(app: &TestApp) -> Vec<SentMail> {
    let mut mails = app.runner.aws.mailbox().list().unwrap();
    mails.retain(|mail| !mail.mail.subject.starts_with("Please confirm"));
    mails
}

fn recipients(app: &TestApp) -> Vec<String> {
    mails(app).into_iter().map(|mail| mail.mail.to).collect()
}

async fn change(app: &TestApp, tenant: &Tenant, change: Value) {
    let path = format!("/v1/tenants/{}", tenant.id);
    app.operator().call(Method::PATCH, &path, change.to_string().into()).await.expect(200);
}

async fn renew(app: &TestApp, tenant: &Tenant) {
    let topic = tenant.get("push-certificate").await.json["active"]["topic"].as_str().unwrap().to_owned();
    tenant.request().await;
    let file = tenant.request_file().await;
    let renewed = app.runner.portal.renew(&topic, &file).map_err(|_| ()).expect("the portal renews");
    tenant.stage(&renewed.pem).await;
    tenant.activate(json!({})).await;
}

#[tokio::test]
async fn mails_begin_on_day_thirty_come_daily_and_stop_with_the_renewal() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    change(&app, &tenant, json!({"contacts": ["it@green.example", "head@green.example"]})).await;
    app.pass_days(365 - 31);
    tenant.record_ownership().await;
    assert_eq!(run(&app).await, tally(0, 0));

    app.pass_days(1);
    assert_eq!(run(&app).await, tally(2, 0));
    assert_eq!(recipients(&app), ["it@green.example", "head@green.example"]);
    assert_eq!(run(&app).await, tally(0, 2), "a second run on the same day");

    app.pass_days(1);
    assert_eq!(run(&app).await, tally(2, 0));
    let subjects: Vec<String> = mails(&app).into_iter().map(|mail| mail.mail.subject).collect();
    assert!(subjects[0].contains("in 30 days") && subjects[3].contains("in 29 days"), "{subjects:?}");

    renew(&app, &tenant).await;
    for _ in 0..40 {
        app.pass_days(1);
        assert_eq!(run(&app).await, tally(0, 0));
    }
}

/// The mail without what differs from run to run.
fn neutral(app: &TestApp, tenant: &Tenant, topic: &str, text: &str) -> String {
    let uuid = topic.rsplit('.').next().unwrap();
    let row = app.runner.portal.find(topic).unwrap().unwrap();
    text.replace(app.runner.base_url(), "https://mdm.example.org")
        .replace(&tenant.id, "{tenant}")
        .replace(uuid, "{uuid}")
        .replace(&row.serial.to_uppercase(), "{serial}")
}

#[tokio::test]
async fn the_mail_says_what_ends_when_and_what_to_do() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let topic = tenant.get("push-certificate").await.json["active"]["topic"].as_str().unwrap().to_owned();
    app.pass_days(335);
    run(&app).await;
    let [sent] = &mails(&app)[..] else { panic!("one mail") };
    assert_eq!(sent.from, "pomarium@localhost.example");
    insta::assert_snapshot!("mail_text", neutral(&app, &tenant, &topic, &sent.mail.text));
    insta::assert_snapshot!("mail_html", neutral(&app, &tenant, &topic, &sent.mail.html));

    // The page it links to is there, for whoever signs in.
    let page = format!("/console/{}/push-certificate", tenant.id);
    assert!(sent.mail.text.contains(&format!("{}{page}", app.runner.base_url())), "{}", sent.mail.text);
    let mut browser = crate::console::administrator(&app, &tenant, "jo@green-school.example").await;
    assert_eq!(browser.open(&page).await.expect(200).place, page);
}

#[tokio::test]
async fn who_opted_out_is_left_alone() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    change(&app, &tenant, json!({"expiry_mails": false})).await;
    app.pass_days(340);
    assert_eq!(run(&app).await, tally(0, 0));
    change(&app, &tenant, json!({"expiry_mails": true})).await;
    assert_eq!(run(&app).await, tally(1, 0));
}

#[tokio::test]
async fn one_address_that_is_refused_stops_nobody_else() {
    let app = TestApp::start().await;
    let first = app.ready_tenant("Green School").await;
    let second = app.ready_tenant("Blue School").await;
    let third = app.ready_tenant("Red School").await;
    change(&app, &first, json!({"contacts": ["it@green.invalid", "head@green.example"]})).await;
    change(&app, &second, json!({"contacts": ["it@blue.invalid"]})).await;
    change(&app, &third, json!({"contacts": ["it@red.example"]})).await;
    app.pass_days(335);
    assert_eq!(run(&app).await, None, "the schedule must try again");
    let mut reached = recipients(&app);
    reached.sort();
    assert_eq!(reached, ["head@green.example", "it@red.example"]);

    // The failed claims were given back: corrected on the same day, the mail goes out on the next try, and only that.
    change(&app, &first, json!({"contacts": ["it@green.example", "head@green.example"]})).await;
    change(&app, &second, json!({"contacts": ["it@blue.example"]})).await;
    assert_eq!(run(&app).await, tally(2, 2));
    assert_eq!(run(&app).await, tally(0, 4));
}

#[tokio::test]
async fn after_the_end_mails_go_on_for_two_weeks() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    change(&app, &tenant, json!({"contacts": ["it@green.example"]})).await;
    app.pass_days(364);
    let mut sent = Vec::new();
    for _ in 0..20 {
        app.pass_days(1);
        sent.push(run(&app).await.unwrap()["sent"].as_u64().unwrap());
    }
    // The first of these days is the very moment of the end, which still counts as the last day.
    assert_eq!(sent.iter().sum::<u64>(), 15, "{sent:?}");
    assert!(sent[..15].iter().all(|sent| *sent == 1), "{sent:?}");
    assert!(mails(&app).last().unwrap().mail.subject.starts_with("Expired"));
}

#[tokio::test]
async fn an_expired_certificate_stops_new_work_and_no_device() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let unused = tenant.enrollment_link().await;
    let mut device = enrolled(&app, &tenant, "D-1").await;
    let order = json!({"targets": ["D-1"], "command": {"RequestType": "DeviceInformation"}});
    let sent = tenant.post("commands", order.clone()).await.expect(201);
    app.pass_days(365);
    for (path, body) in [("enrollment-links", json!({})), ("commands", order.clone())] {
        let refused = tenant.post(path, body).await.expect(409);
        assert_eq!(refused.problem(), "push-certificate-expired", "{path}");
        assert!(refused.json["next_step"].as_str().unwrap().contains("Renew"), "{path}");
    }
    let late = app.stranger().get(&unused).await.expect(409);
    assert!(["push-certificate-expired", "link-over"].contains(&late.problem()));

    // The device comes by itself, gets what was queued before, and is answered as ever.
    let done = device.answer_all().await.expect("it is answered");
    assert_eq!(done[0].uuid, sent.json["command_uuid"]);
    device.token_update(None).await.expect("it is answered");

    renew(&app, &tenant).await;
    tenant.post("commands", order).await.expect(201);
    tenant.enrollment_link().await;
}

#[tokio::test]
async fn the_turn_of_months_and_years_is_no_gap() {
    let app = TestApp::start().await;
    app.pass_days(40);
    let tenant = app.ready_tenant("Green School").await;
    let end = &tenant.get("push-certificate").await.json["active"]["not_after"];
    assert_eq!(end, "2027-12-31T09:00:00Z");
    app.pass_days(365 - 31);
    tenant.record_ownership().await;
    let mut days = Vec::new();
    for _ in 0..48 {
        if run(&app).await.unwrap()["sent"] == 1 {
            days.push(app.clock.now().strftime("%Y-%m-%d").to_string());
        }
        app.pass_days(1);
    }
    assert_eq!((days.len(), days.first().unwrap().as_str()), (45, "2027-12-01"));
    assert_eq!(days.last().unwrap(), "2028-01-14");
}
