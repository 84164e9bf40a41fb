//! What a person on one machine uses beside the product: clock, scheduled functions, mails, simulated devices.

use pomarium_tests::app::start;
use pomarium_tests::{Answer, TestApp};
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use shared::port::mailer::Mail;
use shared::time::{DAY, SignedDuration, Timestamp};

/// The answer's moment.
fn now(answer: &Answer) -> Timestamp {
    answer.json["now"].as_str().and_then(|now| now.parse().ok()).expect("a moment")
}

/// A browser: it wants pages and sends forms.
async fn browse(app: &TestApp, path: &str, form: Option<&[(&str, &str)]>) -> (u16, String, String) {
    let url = format!("{}{path}", app.runner.base_url());
    let browser = reqwest::Client::builder().redirect(Policy::none()).build().expect("a browser");
    let request = match form {
        None => browser.get(url),
        Some(fields) => {
            let encode = |(name, value): &(&str, &str)| format!("{name}={}", value.replace('+', "%2B"));
            let body: Vec<String> = fields.iter().map(encode).collect();
            let kind = "application/x-www-form-urlencoded";
            let origin = app.runner.base_url().to_owned();
            browser.post(url).header("content-type", kind).header("origin", origin).body(body.join("&"))
        }
    };
    let response = request.header("accept", "text/html").send().await.expect("the server answers");
    let location = response.headers().get("location").and_then(|place| place.to_str().ok());
    let location = location.unwrap_or_default().to_owned();
    (response.status().as_u16(), location, response.text().await.expect("the page is whole"))
}

#[tokio::test]
async fn the_clock_is_moved_for_everyone() {
    let app = TestApp::start().await;
    let anyone = app.stranger();
    assert_eq!(now(&anyone.get("/_local/clock").await.expect(200)), start());

    let ahead = anyone.post("/_local/clock", json!({ "advance": "25d" })).await.expect(200);
    assert_eq!(now(&ahead), start() + SignedDuration::from_secs(25 * DAY));
    assert_eq!(ahead.json.get("warning"), None);
    assert_eq!(app.clock.now(), now(&ahead));

    let back = anyone.post("/_local/clock", json!({ "now": start() })).await.expect(200);
    assert_eq!(now(&back), start());
    assert!(back.json["warning"].as_str().unwrap().contains("went back"));

    for (body, problem, field) in [
        (json!({}), "clock-change", None),
        (json!({ "now": start(), "advance": "1d" }), "clock-change", None),
        (json!({ "now": "tomorrow" }), "clock-now", Some("now")),
        (json!({ "advance": "a while" }), "clock-advance", Some("advance")),
        (json!({ "advance": "40000d" }), "clock-range", None),
        (json!({ "later": "1d" }), "json-body", Some("later")),
    ] {
        let refused = anyone.post("/_local/clock", body.clone()).await.expect(400);
        assert_eq!((refused.problem(), refused.json["field"].as_str()), (problem, field), "{body}");
        assert!(refused.json["next_step"].is_string(), "{body}");
    }
    assert_eq!(app.clock.now(), start(), "a refused change changes nothing");
}

#[tokio::test]
async fn scheduled_functions_run_when_asked() {
    let app = TestApp::start().await;
    let tally = app.stranger().post("/_local/run/expiry-notifier", json!({})).await.expect(200);
    assert_eq!(tally.json, json!({ "sent": 0, "repeated": 0, "failed": 0, "left": 0 }));
    let refused = app.stranger().post("/_local/run/everything", json!({})).await.expect(404);
    assert_eq!(refused.problem(), "function-unknown");
    assert_eq!(
        refused.json["next_step"],
        "Scheduled functions: apns-probe, events, expiry-notifier, inactivity-sweeper, trust-store."
    );
}

#[tokio::test]
async fn mails_are_read_by_programs_and_people() {
    let app = TestApp::start().await;
    for subject in ["First", "<b>Second</b>"] {
        let mail = Mail {
            to: "it@school.example".into(),
            subject: subject.into(),
            text: "Plain".into(),
            html: "<p onclick=\"x\">Rich</p>".into(),
        };
        app.runner.state.mailer.send(&shared::domain::token::Owner::Operator, &mail).await.unwrap();
    }
    let list = app.stranger().get("/_local/mails").await.expect(200);
    let subjects: Vec<&Value> =
        list.json["mails"].as_array().unwrap().iter().map(|mail| &mail["subject"]).collect();
    assert_eq!(subjects, ["<b>Second</b>", "First"], "newest first");
    let path = format!("/_local/mails/{}", list.json["mails"][0]["id"].as_str().unwrap());
    assert_eq!(app.stranger().get(&path).await.expect(200).json["text"], "Plain");

    let (_, _, page) = browse(&app, "/_local/mails", None).await;
    assert!(page.contains("&lt;b&gt;Second") && page.contains(&path), "{page}");
    let (_, _, page) = browse(&app, &path, None).await;
    assert!(page.contains("sandbox=\"\" srcdoc=\"&lt;p onclick=&quot;x&quot;&gt;Rich"), "{page}");
    assert_eq!(app.stranger().get("/_local/mails/none").await.expect(404).problem(), "not-found");
}

#[tokio::test]
async fn a_device_enrolls_works_sleeps_and_leaves() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let anyone = app.stranger();
    let link = tenant.enrollment_link().await;
    let order = json!({ "enroll": link, "name": "iPad" });
    let device = anyone.post("/_local/devices", order.clone()).await.expect(200).json;
    assert_eq!((&device["name"], &device["state"]), (&json!("iPad"), &json!("awake")));
    let udid = device["udid"].as_str().unwrap();
    let used = anyone.post("/_local/devices", order).await.expect(409);
    assert_eq!((used.problem(), &used.json["field"]), ("device-enrollment", &json!("enroll")));

    let act = async |action: &str| anyone.post(&format!("/_local/devices/{udid}/{action}"), json!({})).await;
    assert_eq!(act("sleep").await.expect(200).json["state"], "asleep");
    let order = json!({ "targets": [udid], "command": { "RequestType": "SecurityInfo" } });
    tenant.post("commands", order).await.expect(201);
    assert_eq!(app.deliver_hints().await, 1);
    let asleep = anyone.get("/_local/devices").await.expect(200).json;
    assert_eq!(asleep["devices"][0]["lately"][0]["what"], "went out of reach");
    let awake = act("wake").await.expect(200).json;
    assert!(awake.to_string().contains("answered SecurityInfo (Acknowledged)"), "{awake}");

    // The same device again, as after a restart.
    let order = json!({ "enroll": tenant.enrollment_link().await, "udid": udid });
    let again = anyone.post("/_local/devices", order).await.expect(200).json;
    assert_eq!(again["serial"], device["serial"]);
    assert_eq!(anyone.get("/_local/devices").await.json["devices"].as_array().unwrap().len(), 1);

    assert_eq!(act("check-out").await.expect(200).json["state"], "checked-out");
    let enrollment = tenant.get(&format!("enrollments/{udid}")).await.expect(200);
    assert_ne!(enrollment.json["state"], "enrolled");
    assert_eq!(act("wake").await.expect(409).problem(), "device-checked-out");
    assert_eq!(act("dance").await.expect(404).json["next_step"], "Actions: sleep, wake, check-out.");
    anyone.post("/_local/devices/nobody/wake", json!({})).await.expect(404);
}

#[tokio::test]
async fn every_page_works_by_itself() {
    let app = TestApp::start().await;
    for path in ["/", "/_local/clock", "/_local/mails", "/_local/devices", "/_local/portal"] {
        let (status, _, page) = browse(&app, path, None).await;
        assert_eq!(status, 200, "{path}");
        assert!(page.contains(&format!("href=\"{path}\" aria-current=\"page\"")), "{path}");
        for foreign in ["<script", "src=", "@import", "<link"] {
            assert!(!page.contains(foreign), "{path} has {foreign}");
        }
    }
}

#[tokio::test]
async fn forms_come_back_to_their_page_and_foreign_pages_are_refused() {
    let app = TestApp::start().await;
    let (status, location, _) = browse(&app, "/_local/clock", Some(&[("advance", "1h")])).await;
    assert_eq!((status, location.as_str()), (303, "/_local/clock"));
    assert_eq!(app.clock.now(), start() + SignedDuration::from_hours(1));
    let (status, _, page) = browse(&app, "/_local/clock", Some(&[("advance", "soon")])).await;
    assert_eq!(status, 400);
    assert!(page.contains("&quot;soon&quot; is not a span of time.") && page.contains("role=\"alert\""));
    let (status, _, page) = browse(&app, "/_local/clock", Some(&[("wind", "up")])).await;
    assert!(status == 400 && page.contains("The form does not fit this page."), "{page}");

    for (header, value) in [("origin", "https://elsewhere.example"), ("host", "elsewhere.example")] {
        let foreign = reqwest::Client::new().post(format!("{}/_local/clock", app.runner.base_url()));
        let refused = foreign.header(header, value).body("{\"advance\":\"1d\"}").send().await.unwrap();
        assert_eq!(refused.status(), 403, "{header}");
        assert!(refused.text().await.unwrap().contains("local-foreign-page"));
    }
    assert_eq!(app.clock.now(), start() + SignedDuration::from_hours(1));
}
