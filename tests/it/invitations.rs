//! Invitations by mail: one link each, once.

use pomarium_local::device::SimDevice;
use pomarium_tests::{Answer, Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::devices::enrollment;

/// The invitations that went out: recipient and link, oldest first.
fn invitations(app: &TestApp) -> Vec<(String, String)> {
    let mails = app.runner.aws.mailbox().list().expect("the mailbox is read").into_iter();
    mails
        .filter(|sent| sent.mail.subject.starts_with("Set up your device"))
        .map(|sent| {
            let link =
                sent.mail.text.lines().find(|line| line.starts_with("http")).expect("a link").to_owned();
            (sent.mail.to, link)
        })
        .collect()
}

async fn invite(tenant: &Tenant, body: &str) -> Answer {
    tenant.admin.call(Method::POST, &tenant.path("enrollment-links/invitations"), body.into()).await
}

fn statuses(answer: &Answer) -> Vec<&str> {
    let invited = answer.json["invitations"].as_array().expect("a list").iter();
    invited.map(|one| one["status"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_class_is_invited_by_a_file_and_each_link_is_a_persons_own() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let file = "\u{feff}email, name, group, devices\r\njo@green.example,\"Green, Jo\", Year 7,\r\n\
                kim@green.example,,,C02AAA D-9\r\n";
    let sent = invite(&tenant, file).await.expect(200);
    assert_eq!(statuses(&sent), ["sent", "sent"]);
    let [(first, link), (second, other)] = &invitations(&app)[..] else { panic!("two mails") };
    assert_eq!((first.as_str(), second.as_str()), ("jo@green.example", "kim@green.example"));
    assert_ne!(link, other);

    let mut device = SimDevice::new("D-1", "C02XYZ", "Jo's iPad");
    device.enroll(link, &app.runner.apns).await.expect("it enrolls");
    assert_eq!(enrollment(&tenant, "D-1").await["groups"], json!(["Year 7"]));
    let id = sent.json["invitations"][0]["link"].as_str().unwrap();
    let shown = tenant.get(&format!("enrollment-links/{id}")).await.expect(200).json;
    assert_eq!(
        (&shown["name"], &shown["email"], &shown["used_by"][0]["enrollment"]),
        (&json!("Green, Jo"), &json!("jo@green.example"), &json!("D-1"))
    );
    let mut stray = SimDevice::new("D-2", "C02XYZ", "Another");
    assert_eq!(stray.enroll(other, &app.runner.apns).await.expect_err("not named").status(), Some(400));
}

#[tokio::test]
async fn a_repeated_call_sends_nothing_twice_on_a_day() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let body =
        json!({"valid_days": 3, "invitations": [{"email": "jo@green.example", "name": "Jo"}]}).to_string();
    assert_eq!(statuses(&invite(&tenant, &body).await.expect(200)), ["sent"]);
    assert_eq!(statuses(&invite(&tenant, &body).await.expect(200)), ["sent-before"]);
    assert_eq!(invitations(&app).len(), 1);
    app.pass_days(1);
    assert_eq!(statuses(&invite(&tenant, &body).await.expect(200)), ["sent"]);
    assert_eq!(invitations(&app).len(), 2);
}

#[tokio::test]
async fn a_refused_address_stops_nobody_else_and_leaves_no_open_link() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let file = "email\njo@green.invalid\nkim@green.example\n";
    for expected in [["failed", "sent"], ["failed", "sent-before"]] {
        let answer = invite(&tenant, file).await.expect(200);
        assert_eq!(statuses(&answer), expected);
        assert_eq!(answer.json["invitations"][0]["detail"], "The mail service refused this address.");
    }
    let links = tenant.get("enrollment-links").await.expect(200).json["links"].clone();
    let mut states: Vec<_> = links.as_array().unwrap().iter().map(|link| link["state"].clone()).collect();
    states.sort_by_key(Value::to_string);
    assert_eq!(states, ["open", "revoked", "revoked"]);
}

#[tokio::test]
async fn one_wrong_line_is_named_and_nobody_is_invited() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let many = format!("email\n{}", "jo@green.example\n".repeat(101));
    for (body, problem, field) in [
        ("email,name\njo@green.example,Jo\nnobody,Kim\n", "email-address", json!("line 3, email")),
        ("email,devices\njo@green.example,C02*\n", "link-devices", json!("line 2, devices")),
        ("email,group\njo@green.example\n", "invitation-csv", Value::Null),
        ("email,phone\njo@green.example,1\n", "invitation-csv", Value::Null),
        ("name\nJo\n", "invitation-csv", Value::Null),
        ("email\n", "invitation-count", json!("invitations")),
        (&many, "invitation-count", json!("invitations")),
        (
            r#"{"invitations": [{"email": "jo@green.example"}, {"email": "jo@green.example", "name": " "}]}"#,
            "link-label",
            json!("invitations[1].name"),
        ),
        (
            r#"{"invitations": [{"email": "jo@green.example"}], "valid_days": 91}"#,
            "link-life",
            json!("valid_days"),
        ),
    ] {
        let answer = invite(&tenant, body).await.expect(400);
        assert_eq!((answer.problem(), &answer.json["field"]), (problem, &field), "{body}");
    }
    assert!(invitations(&app).is_empty());
    assert_eq!(tenant.get("enrollment-links").await.expect(200).json["links"], json!([]));
    let blue = app.tenant("Blue School").await;
    assert_eq!(
        invite(&blue, "email\njo@blue.example\n").await.expect(409).problem(),
        "push-certificate-missing"
    );
}
