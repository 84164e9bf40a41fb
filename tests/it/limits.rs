//! How often somebody may do what costs something, and what stands in nobody's way.

use std::sync::atomic::Ordering;

use pomarium_local::device::SimDevice;
use pomarium_local::ndes::PASSWORD;
use pomarium_tests::browser::code_for;
use pomarium_tests::{Answer, Browser, Tenant, TestApp};
use reqwest::Method;
use serde_json::json;
use shared::domain::limit::{Counted, Limit};
use shared::scope::{Actor, Role};
use shared::service::authenticate_caller::authenticate_caller;
use shared::time::SignedDuration;

use crate::aws_calls::counted;
use crate::console::administrator;
use crate::external_scep::World;
use crate::repository::read;
use crate::stored::{everything, unchanged};

const JO: &str = "jo@green-school.example";

/// As much as there may be, but for `left` more; less where the story before has used some of it.
async fn use_up(app: &TestApp, limit: Limit, who: &Counted, left: u32) {
    for _ in left..limit.most() {
        if !app.runner.state.store.count(limit, who, app.clock.now()).await.unwrap() {
            break;
        }
    }
}

/// Everything here comes from this machine.
fn here() -> Counted {
    Counted::address(Some([127, 0, 0, 1].into()))
}

fn tenants(tenant: &Tenant) -> Counted {
    Counted::tenant(&tenant.id.parse().unwrap())
}

fn by_token(tenant: &Tenant) -> Counted {
    let id = tenant.token().split('_').nth(2).unwrap();
    Counted::actor(&Actor::Token(id.parse().unwrap(), Role::Admin))
}

/// Passes until the stretch of time is over, and a second less before that.
fn until(app: &TestApp, limit: Limit, before: i64) {
    let end = shared::time::from_unix(limit.ends(app.clock.now()) - before);
    app.clock.set(end);
}

#[track_caller]
fn too_many(answer: &Answer, seconds: i64) {
    assert_eq!((answer.status, answer.problem()), (429, "rate-limited"), "{}", answer.text());
    assert_eq!(answer.header("retry-after"), Some(seconds.to_string().as_str()));
    assert!(answer.text().contains(&format!("Wait {seconds} seconds")), "{}", answer.text());
}

#[tokio::test]
async fn a_token_makes_a_thousand_changes_a_minute_and_devices_notice_nothing() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let link = tenant.enrollment_link().await;
    let mut device = SimDevice::new("D-1", "C02XYZ", "Jo's iPad");
    device.enroll(&link, &app.runner.apns).await.expect("it enrolls");
    let second = tenant.post("tokens", json!({"name": "another", "role": "admin"})).await.expect(201);
    let second = app.api(second.json["token"].as_str().unwrap());
    until(&app, Limit::Changes, 0);

    // What changes nothing is not counted; a change that is refused is.
    use_up(&app, Limit::Changes, &by_token(&tenant), 2).await;
    tenant.get("enrollments").await.expect(200);
    tenant.post("groups", json!({"name": ""})).await.expect(400);
    tenant.post("groups", json!({"name": "Class 1"})).await.expect(201);
    let before = everything(&app).await;
    too_many(&tenant.post("groups", json!({"name": "Class 2"})).await, 60);
    let path = tenant.path("enrollments/D-1");
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = tenant.admin.call(method, &tenant.path("webhooks/abcdefghijklmnop"), Vec::new()).await;
        assert!([405, 429].contains(&answer.status), "{}", answer.text());
    }
    unchanged(&app, &before).await;

    // It may look, its colleague may go on, and so do devices.
    tenant.admin.get(&path).await.expect(200);
    second.post(&tenant.path("groups"), json!({"name": "Class 3"})).await.expect(201);
    device.answer_all().await.expect("it polls");
    device.token_update(None).await.expect("it tells its token");

    until(&app, Limit::Changes, 1);
    too_many(&tenant.post("groups", json!({"name": "Class 2"})).await, 1);
    until(&app, Limit::Changes, 0);
    tenant.post("groups", json!({"name": "Class 2"})).await.expect(201);
}

#[tokio::test]
async fn no_number_of_polls_is_too_many() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let link = tenant.enrollment_link().await;
    let mut device = SimDevice::new("D-1", "C02XYZ", "Jo's iPad");
    device.enroll(&link, &app.runner.apns).await.expect("it enrolls");
    for limit in Limit::ALL {
        use_up(&app, limit, &here(), 0).await;
        use_up(&app, limit, &tenants(&tenant), 0).await;
    }
    let (stranger, path) = (app.stranger(), format!("/mdm/{}/command", tenant.id));
    for _ in 0..100 {
        device.answer_all().await.expect("it polls");
        stranger.message(Method::PUT, &path, Some("nonsense"), b"<plist/>".to_vec()).await.expect(400);
    }
}

#[tokio::test]
async fn tokens_of_no_worth_are_counted_by_address_whatever_headers_say() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    until(&app, Limit::RefusedTokens, 0);
    let http = reqwest::Client::new();
    let wrong = async |number: u32| {
        let url = format!("{}/v1/tenants", app.runner.base_url());
        let request = http.get(url).bearer_auth(format!("{}{number}", tenant.token()));
        let claimed = format!("203.0.113.{number}");
        let request =
            request.header("x-forwarded-for", &claimed).header("forwarded", format!("for={claimed}"));
        let answer = request.send().await.unwrap();
        let wait = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        (answer.status().as_u16(), wait)
    };
    for number in 0..Limit::RefusedTokens.most() {
        assert_eq!(wrong(number).await, (401, None));
    }
    assert_eq!(wrong(200).await, (429, Some("60".to_owned())));
    // A whole school may come from one address: whoever has a good token is let in.
    tenant.get("enrollments").await.expect(200);
    app.stranger().get("/v1/tenants").await.expect(401);
    until(&app, Limit::RefusedTokens, 0);
    assert_eq!(wrong(0).await, (401, None));
}

#[tokio::test]
async fn a_flood_costs_no_writes() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    use_up(&app, Limit::RefusedTokens, &here(), 1).await;
    let (process, calls) = counted(&app).await;
    let header = format!("Bearer {}wrong", tenant.token());
    let mut costs = Vec::new();
    for _ in 0..4 {
        calls.store(0, Ordering::Relaxed);
        let refused = authenticate_caller(&process, Some(&header), Some([127, 0, 0, 1].into())).await;
        let code = refused.unwrap_err().code();
        costs.push((code, calls.load(Ordering::Relaxed)));
    }
    // The token is read once and remembered; the count is written until the limit is known to be reached.
    assert_eq!(costs, [("token", 2), ("rate-limited", 1), ("rate-limited", 0), ("rate-limited", 0)]);
}

#[tokio::test]
async fn an_address_begins_sixty_attempts_to_sign_in_and_enters_sixty_codes() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    until(&app, Limit::SignIns, 0);
    use_up(&app, Limit::SignIns, &here(), 1).await;
    let mut stranger = Browser::new(&app);
    stranger.submit("/console/sign-in", &[("address", JO)]).await.expect(200);
    let code = code_for(&app, JO).unwrap();
    let refused = stranger.submit("/console/sign-in", &[("address", JO)]).await.expect(429);
    refused
        .says("Too many tries")
        .says("60 attempts to sign in within the 10 minutes")
        .says("Wait 600 seconds");
    assert_eq!(refused.headers["retry-after"], "600");

    use_up(&app, Limit::Codes, &here(), 1).await;
    stranger.submit("/console/sign-in/code", &[("code", "0000 0000")]).await.expect(401);
    let refused = stranger.submit("/console/sign-in/code", &[("code", &code)]).await.expect(429);
    refused.says("60 tries of a code");
    // Who is signed in works on.
    jo.open(&format!("/console/{}", tenant.id)).await.expect(200).says("Green School");

    until(&app, Limit::SignIns, 0);
    stranger.submit("/console/sign-in", &[("address", JO)]).await.expect(200);
    let code = code_for(&app, JO).unwrap();
    stranger.submit("/console/sign-in/code", &[("code", &code), ("next", "")]).await.expect(200);
}

#[tokio::test]
async fn a_person_sends_a_thousand_forms_a_minute() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    until(&app, Limit::Changes, 0);
    let actor = Actor::Member(JO.to_owned(), Role::Viewer);
    use_up(&app, Limit::Changes, &Counted::actor(&actor), 1).await;
    let groups = format!("/console/{}/settings/groups", tenant.id);
    jo.open(&groups).await.expect(200);
    jo.submit(&groups, &[("name", "Class 1")]).await.expect(200);
    let refused = jo.submit(&groups, &[("name", "Class 2")]).await.expect(429);
    refused.says("This caller made 1000 changes within the minute");
    assert_eq!(refused.headers["retry-after"], "60");
    jo.open(&groups).await.expect(200).says("Class 1").is_silent_about("Class 2");
}

#[tokio::test]
async fn what_costs_is_counted_by_tenant() {
    let school = World::new().await;
    let (app, tenant) = (&school.app, &school.tenant);
    let other = app.ready_tenant("Blue School").await;
    let hook = tenant.post("webhooks", json!({"url": "https://127.0.0.1:1/hook"})).await.expect(201).json;
    let hook = hook["id"].as_str().unwrap();
    app.clock.set(app.clock.now() + SignedDuration::from_hours(1));
    until(app, Limit::Exports, 0);

    let staged = app.runner.portal.issue(&{
        tenant.post("push-certificate/request", json!({"subject": pomarium_tests::actors::subject()})).await;
        tenant.request_file().await
    });
    tenant.stage(&staged.map_err(|_| ()).unwrap().pem).await;
    let wanted = json!({"command": {"RequestType": "DeviceInformation"}, "targets": {"all": true}});
    let invited = json!({"invitations": [{"email": "ann@green-school.example"}]});
    let provider = json!({"issuer": "https://127.0.0.1:1", "client_id": "us", "public_client": true});
    let calls = [
        (Limit::OutsideCalls, Method::POST, format!("webhooks/{hook}/test"), json!({})),
        (Limit::OutsideCalls, Method::PUT, "sign-in".to_owned(), provider),
        (Limit::AppleChecks, Method::POST, "push-certificate/staged/check".to_owned(), json!({})),
        (
            Limit::AppleChecks,
            Method::POST,
            "push-certificate/activate".to_owned(),
            json!({"confirm_orphaned": 0}),
        ),
        (Limit::Invitations, Method::POST, "enrollment-links/invitations".to_owned(), invited),
        (Limit::Jobs, Method::POST, "commands".to_owned(), wanted),
        (Limit::Exports, Method::GET, "audit/export".to_owned(), json!({})),
        (Limit::Exports, Method::GET, "events/export".to_owned(), json!({})),
    ];
    for limit in [Limit::OutsideCalls, Limit::AppleChecks, Limit::Invitations, Limit::Jobs, Limit::Exports] {
        use_up(app, limit, &tenants(tenant), 0).await;
    }
    let before = everything(app).await;
    for (limit, method, path, body) in &calls {
        let answer = tenant.admin.call(method.clone(), &tenant.path(path), body.to_string().into()).await;
        too_many(&answer, limit.seconds());
    }
    too_many(&school.choose(school.fetched(PASSWORD)).await, Limit::OutsideCalls.seconds());
    assert_eq!(school.ndes.outstanding(), 0, "its page for administrators was asked");
    unchanged(app, &before).await;

    // Another tenant's is its own, and the operator reads on.
    for path in ["audit/export", "events/export"] {
        other.get(path).await.expect(200);
    }
    other
        .post("commands", json!({"command": {"RequestType": "DeviceInformation"}, "targets": {"all": true}}))
        .await
        .expect(202);
    until(app, Limit::Exports, 0);
    for path in ["audit/export", "events/export"] {
        tenant.get(path).await.expect(200);
    }
    tenant.post("push-certificate/staged/check", json!({})).await.expect(200);
}

#[test]
fn the_documents_name_every_limit() {
    let api = read("docs/API.md");
    for limit in Limit::ALL {
        let row = format!("| `{}` | {} |", limit.name(), said(limit));
        assert!(api.contains(&row), "docs/API.md has no row that begins with {row}");
    }
}

fn said(limit: Limit) -> String {
    let within = match limit.seconds() {
        60 => "a minute".to_owned(),
        3_600 => "an hour".to_owned(),
        seconds => format!("{} minutes", seconds / 60),
    };
    format!("{} in {within}", limit.most())
}
