//! Who may call what: every call of the API, by everyone who may not make it.

use pomarium_tests::{Answer, Api, TestApp};
use serde_json::json;
use shared::time::SignedDuration;

use crate::calls::{self, Call};
use crate::stored::{everything, unchanged};

/// Checks that a call was refused with this problem, in the form that programs rely on.
#[track_caller]
pub(crate) fn refused(answer: &Answer, call: &Call, status: u16, problem: &str) {
    let name = call.name();
    assert_eq!(answer.status, status, "{name}: {}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{name}");
    assert_eq!(answer.problem(), problem, "{name}");
    assert_eq!(answer.json["status"], status, "{name}");
    assert!(answer.json["detail"].as_str().is_some_and(|detail| detail.ends_with('.')), "{name}");
}

/// What follows is refused because of who calls, so the body does not matter.
pub(crate) async fn nonsense(api: &Api, call: &Call, tenant: &str) -> Answer {
    api.call(call.method.clone(), &call.path(tenant), b"nonsense".to_vec()).await
}

#[tokio::test]
async fn without_a_good_token_nothing_is_answered() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let made = tenant.post("tokens", json!({"name": "gone", "role": "admin"})).await.expect(201);
    let deleted = made.json["token"].as_str().unwrap();
    let path = tenant.path(&format!("tokens/{}", made.json["id"].as_str().unwrap()));
    tenant.admin.call(reqwest::Method::DELETE, &path, Vec::new()).await.expect(204);
    let another_secret = format!("{}x", tenant.token());
    let tokens = ["nonsense", "pom_operator_aaaaaaaaaaaaaaaa_secret", deleted, &another_secret];

    for call in calls::api() {
        // So slowly that nobody calls it a flood.
        app.clock.set(app.clock.now() + SignedDuration::from_mins(1));
        let answer = nonsense(&app.stranger(), &call, &tenant.id).await;
        refused(&answer, &call, 401, "token");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        for token in tokens {
            let answer = nonsense(&app.api(token), &call, &tenant.id).await;
            refused(&answer, &call, 401, "token");
            assert!(!answer.text().contains(token), "{}: the answer repeats the token", call.name());
        }
    }
}

#[tokio::test]
async fn a_tenant_sees_nothing_of_another_and_nothing_of_the_operators() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let other = app.tenant("Blue School").await;
    for call in calls::api() {
        if call.is_a_tenants() {
            let foreign = nonsense(&other.admin, &call, &tenant.id).await;
            refused(&foreign, &call, 404, "not-found");
            // A tenant that does not exist must look the same.
            let nobodys = nonsense(&other.admin, &call, "aaaaaaaaaaaaaaaa").await;
            assert_eq!(nobodys.bytes, foreign.bytes, "{}", call.name());
            let malformed = nonsense(&other.admin, &call, "..%2f").await;
            assert_eq!(malformed.bytes, foreign.bytes, "{}", call.name());
        } else {
            let answer = nonsense(&tenant.admin, &call, &tenant.id).await;
            refused(&answer, &call, 403, "operator-only");
        }
    }
}

#[tokio::test]
async fn a_viewer_reads_and_changes_nothing() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let made = tenant.post("tokens", json!({"name": "help desk", "role": "viewer"})).await.expect(201);
    let viewer = app.api(made.json["token"].as_str().unwrap());
    let before = everything(&app).await;
    for call in calls::api().into_iter().filter(Call::is_a_tenants) {
        let answer = nonsense(&viewer, &call, &tenant.id).await;
        if call.changes() {
            refused(&answer, &call, 403, "viewer-may-only-read");
        } else {
            assert!([200, 404, 409].contains(&answer.status), "{}: {}", call.name(), answer.text());
        }
    }
    unchanged(&app, &before).await;
}

/// The calls of the daily work.
const HELP: [&str; 5] = [
    "POST /v1/tenants/{tenant}/commands",
    "DELETE /v1/tenants/{tenant}/commands/{command}",
    "DELETE /v1/tenants/{tenant}/commands/{command}/targets/{enrollment}",
    "POST /v1/tenants/{tenant}/commands/{command}/targets/{enrollment}/retry",
    "POST /v1/tenants/{tenant}/enrollments/{enrollment}/unlock",
];

#[tokio::test]
async fn the_help_desk_reads_and_does_the_daily_work() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let made = tenant.post("tokens", json!({"name": "desk", "role": "help-desk"})).await.expect(201);
    let desk = app.api(made.json["token"].as_str().unwrap());
    let before = everything(&app).await;
    let mut helps = 0;
    for call in calls::api().into_iter().filter(Call::is_a_tenants) {
        let answer = nonsense(&desk, &call, &tenant.id).await;
        if !call.changes() || HELP.contains(&call.name().as_str()) {
            helps += usize::from(call.changes());
            assert!([200, 400, 404, 409].contains(&answer.status), "{}: {}", call.name(), answer.text());
        } else {
            refused(&answer, &call, 403, "help-desk-may-not");
        }
    }
    assert_eq!(helps, HELP.len());
    unchanged(&app, &before).await;
}

#[tokio::test]
async fn the_operator_may_act_for_a_tenant_that_exists() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    for call in calls::api().into_iter().filter(|call| call.is_a_tenants() && !call.changes()) {
        let answer = nonsense(&app.operator(), &call, &tenant.id).await;
        assert!([200, 404, 409].contains(&answer.status), "{}: {}", call.name(), answer.text());
        let nobodys = nonsense(&app.operator(), &call, "aaaaaaaaaaaaaaaa").await;
        refused(&nobodys, &call, 404, "not-found");
    }
}

#[tokio::test]
async fn a_body_that_does_not_fit_is_refused_by_name() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let before = everything(&app).await;
    for call in calls::api().into_iter().filter(|call| call.takes_body) {
        let caller = if call.is_a_tenants() { &tenant.admin } else { &app.operator() };
        for body in [r#"{"surprise": 1}"#, r#"{"surprise""#, "{} {}", r#"{"\u0000": 1}"#] {
            let answer = caller.call(call.method.clone(), &call.path(&tenant.id), body.into()).await;
            refused(&answer, &call, 400, "json-body");
        }
        for body in ["nonsense", "[]", "[[1]]", "null", "\"text\"", "7", "\u{feff}{}"] {
            let answer = caller.call(call.method.clone(), &call.path(&tenant.id), body.into()).await;
            assert_eq!(answer.status, 400, "{} {body}: {}", call.name(), answer.text());
        }
    }
    unchanged(&app, &before).await;
}

#[tokio::test]
async fn what_is_not_there_says_so() {
    let app = TestApp::start().await;
    for path in ["/v1", "/v1/tenant", "/v2/tenants", "/admin", "/enroll/x/y", "/enroll/x/%ff"] {
        let answer = app.operator().get(path).await.expect(404);
        assert_eq!(
            (answer.problem(), answer.header("content-type")),
            ("not-found", Some("application/problem+json"))
        );
    }
}
