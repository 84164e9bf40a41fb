//! What every call answers when it does not fit: a token that has ended, another type, too much, another method, a parameter
//! that nobody knows.

use axum::body::{Body, to_bytes};
use pomarium_local::runner::{PUBLIC_ROUTE, function_routes};
use pomarium_tests::{Answer, Api, Tenant, TestApp};
use reqwest::Method;
use serde_json::json;
use shared::http::API_BODY;
use shared::time::SignedDuration;
use tower::ServiceExt as _;

use crate::calls::{self, Call};
use crate::repository::rust_files;
use crate::routes::{nonsense, refused};
use crate::stored::{everything, unchanged};

/// Who may make this call.
fn caller(app: &TestApp, tenant: &Tenant, call: &Call) -> Api {
    if call.is_a_tenants() { tenant.admin.clone() } else { app.operator() }
}

/// The answer to a body of this length. Straight into the router: over a socket the server may hang up before the client has
/// sent it all.
async fn straight(app: &TestApp, call: &Call, tenant: &Tenant, token: &str, length: usize) -> Answer {
    let mut body = br#"{"surprise": 1}"#.to_vec();
    body.resize(length, b' ');
    let request = http::Request::builder().method(call.method.as_str()).uri(call.path(&tenant.id));
    let request = request.header("authorization", format!("Bearer {token}")).body(Body::from(body)).unwrap();
    let routes = shared::http::app(function_routes(), app.runner.state.clone());
    let (head, body) = routes.oneshot(request).await.unwrap().into_parts();
    let bytes = to_bytes(body, API_BODY).await.unwrap().to_vec();
    let json = serde_json::from_slice(&bytes).unwrap_or_default();
    Answer { status: head.status.as_u16(), headers: head.headers, bytes, json }
}

#[test]
fn no_route_of_programs_or_devices_is_left_out_of_the_description() {
    let mut pages = 0;
    for (path, text) in rust_files(&["functions"]) {
        for rest in text.split(".route(").skip(1) {
            let route = rest.trim_start().trim_start_matches('"').split('"').next().unwrap();
            let is_public = route == PUBLIC_ROUTE;
            assert!(route.starts_with("/console") || is_public, "{path}: {route} is in no description");
            pages += 1;
        }
    }
    assert!(pages > 50, "only {pages} routes were found: is the search broken?");
}

#[tokio::test]
async fn a_token_that_has_ended_opens_nothing() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let mut ended = Vec::new();
    for role in ["admin", "help-desk", "viewer"] {
        let order = json!({"name": role, "role": role, "valid_days": 1});
        let made = tenant.post("tokens", order).await.expect(201);
        ended.push(app.api(made.json["token"].as_str().unwrap()));
    }
    app.pass_days(1);
    let before = everything(&app).await;
    for call in calls::api() {
        // So slowly that nobody calls it a flood.
        app.clock.set(app.clock.now() + SignedDuration::from_mins(1));
        for bearer in &ended {
            refused(&nonsense(bearer, &call, &tenant.id).await, &call, 401, "token-expired");
        }
    }
    unchanged(&app, &before).await;
}

#[tokio::test]
async fn the_body_decides_whatever_its_type_says() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let before = everything(&app).await;
    for call in calls::api().into_iter().filter(|call| call.takes_body) {
        let (caller, path) = (caller(&app, &tenant, &call), call.path(&tenant.id));
        for body in [r#"{"surprise": 1}"#, "<plist version=\"1.0\"><dict/></plist>", "name=Green&role=admin"]
        {
            let send =
                async |kind| caller.call_with_type(call.method.clone(), &path, kind, body.into()).await;
            let asked = send("application/json").await;
            assert_eq!(asked.status, 400, "{} {body}: {}", call.name(), asked.text());
            for kind in ["application/x-www-form-urlencoded", "text/plain", "application/xml", "nonsense"] {
                let answer = send(kind).await;
                assert_eq!(answer.bytes, asked.bytes, "{} {body} as {kind}", call.name());
            }
        }
    }
    unchanged(&app, &before).await;
    let order = json!({"name": "ci", "role": "viewer"}).to_string();
    let path = tenant.path("tokens");
    let kind = "application/x-www-form-urlencoded";
    tenant.admin.call_with_type(Method::POST, &path, kind, order.into()).await.expect(201);
}

#[tokio::test]
async fn a_body_may_have_a_megabyte_and_not_one_byte_more() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let before = everything(&app).await;
    for call in calls::api().into_iter().filter(|call| call.takes_body) {
        let token = if call.is_a_tenants() { tenant.token() } else { app.runner.operator_token.expose() };
        let fits = straight(&app, &call, &tenant, token, API_BODY).await;
        refused(&fits, &call, 400, "json-body");
        let large = straight(&app, &call, &tenant, token, API_BODY + 1).await;
        refused(&large, &call, 413, "body-too-large");
        // Who may not call at all is not told how large a body may be.
        let strangers = straight(&app, &call, &tenant, "nonsense", API_BODY + 1).await;
        refused(&strangers, &call, 401, "token");
    }
    unchanged(&app, &before).await;
}

#[tokio::test]
async fn another_method_is_refused_with_those_that_there_are() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let before = everything(&app).await;
    let (all, mut refusals) = (calls::all(), 0);
    for call in &all {
        let known: Vec<_> = all.iter().filter(|other| other.is_beside(call)).collect();
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            if known.iter().any(|known| known.method == method) {
                continue;
            }
            let answer = app.operator().call(method.clone(), &call.path(&tenant.id), Vec::new()).await;
            refused(&answer, call, 405, "method-not-allowed");
            assert!(answer.json["detail"].as_str().unwrap().contains(method.as_str()), "{}", call.name());
            let mut allowed: Vec<_> = answer.header("allow").expect("Allow").split(',').collect();
            let mut expected: Vec<_> = known.iter().map(|known| known.method.as_str()).collect();
            if expected.contains(&"GET") {
                expected.push("HEAD");
            }
            allowed.sort_unstable();
            expected.sort_unstable();
            assert_eq!(allowed, expected, "{}", call.name());
            refusals += 1;
        }
    }
    assert!(refusals > 100, "only {refusals} calls were refused");
    unchanged(&app, &before).await;
}

#[tokio::test]
async fn a_parameter_that_nobody_knows_is_refused() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut refusals = 0;
    for call in calls::api().into_iter().filter(|call| call.takes_query) {
        let path = call.path(&tenant.id);
        let with = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{with}surprise=1");
        let answer = caller(&app, &tenant, &call).call(call.method.clone(), &path, Vec::new()).await;
        refused(&answer, &call, 400, "query");
        assert!(answer.text().contains("surprise"), "{}: {}", call.name(), answer.text());
        refusals += 1;
    }
    assert!(refusals > 10, "only {refusals} calls take a query");
}
