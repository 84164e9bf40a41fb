//! What every answer of every function tells a browser, whatever it answers.

use pomarium_local::runner::{PUBLIC_ROUTE, function_routes};
use pomarium_tests::TestApp;
use reqwest::header::HeaderMap;
use shared::aws::local_sdk_config;
use shared::port::random::Random;
use tower::ServiceExt as _;

use crate::calls;
use crate::console::administrator;
use crate::repository::rust_files;

/// A browser that opens links of mails.
const SAFARI: &str = "Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) AppleWebKit/605.1.15";

/// Checks what holds for every answer, and returns the time for which it may be kept.
#[track_caller]
fn guarded<'a>(what: &str, headers: &'a HeaderMap) -> &'a str {
    let header = |name: &str| {
        let value = headers.get(name).unwrap_or_else(|| panic!("{what}: no {name}"));
        value.to_str().unwrap()
    };
    assert_eq!(header("x-content-type-options"), "nosniff", "{what}");
    assert!(["no-referrer", "same-origin"].contains(&header("referrer-policy")), "{what}");
    let policy = header("content-security-policy");
    for rule in ["default-src 'none'", "base-uri 'none'", "form-action '", "frame-ancestors 'none'"] {
        assert!(policy.contains(rule), "{what}: {policy}");
    }
    let scripts = policy.split(';').find(|rule| rule.trim().starts_with("script-src"));
    assert!(scripts.is_none_or(|rule| !rule.contains("unsafe") && !rule.contains('*')), "{what}: {policy}");
    // Locally there is no TLS to promise.
    assert!(headers.get("strict-transport-security").is_none(), "{what}");
    header("cache-control")
}

#[tokio::test]
async fn every_call_and_every_route_of_devices() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut answered = 0;
    for call in calls::all() {
        for caller in [app.stranger(), tenant.admin.clone(), app.operator()] {
            let answer = caller.call(call.method.clone(), &call.path(&tenant.id), b"nonsense".to_vec()).await;
            let what = format!("{} {}", call.name(), answer.status);
            assert_eq!(guarded(&what, &answer.headers), "no-store", "{what}");
            answered += 1;
        }
    }
    assert!(answered > 300, "only {answered} answers were seen");
    for path in [PUBLIC_ROUTE, "/nothing", "/v1", "/mdm/x/y/z"] {
        assert_eq!(guarded(path, &app.stranger().get(path).await.headers), "no-store", "{path}");
    }
}

#[tokio::test]
async fn every_page_of_the_console() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut jo = administrator(&app, &tenant, "jo@green-school.example").await;
    let mut pages = 0;
    for (_, text) in rust_files(&["functions/console"]) {
        for rest in text.split(".route(").skip(1) {
            let route = rest.trim_start().trim_start_matches('"').split('"').next().unwrap();
            let path = calls::filled(route, &tenant.id);
            for api in [app.stranger().get(&path).await, app.stranger().post(&path, "nonsense".into()).await]
            {
                assert_eq!(guarded(&path, &api.headers), "no-store", "{path}");
            }
            let page = jo.open(&path).await;
            assert_eq!(guarded(&path, &page.headers), "no-store", "{path}");
            pages += usize::from(page.status == 200);
        }
    }
    assert!(pages > 25, "only {pages} pages were seen");
}

#[tokio::test]
async fn the_pages_behind_links_and_what_may_be_kept() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let link = tenant.enrollment_link().await;
    let landing = app.stranger().browse(&link, SAFARI).await.expect(200);
    assert_eq!(guarded(&link, &landing.headers), "no-store");
    assert!(!landing.header("content-security-policy").unwrap().contains("script-src"));
    let profile = app.stranger().get(&link).await.expect(200);
    assert_eq!(guarded(&link, &profile.headers), "no-store");
    let confirm = format!("/console/{}/confirm/nothing", tenant.id);
    let question = app.stranger().get(&confirm).await.expect(200);
    assert_eq!(guarded(&confirm, &question.headers), "no-store");
    // A file that is named by its content is kept, a calendar for as long as programs wait before they ask again.
    let style = question.text();
    let style = style.split("href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let kept = app.stranger().get(&style).await.expect(200);
    assert_eq!(guarded(&style, &kept.headers), "public, max-age=31536000, immutable");
    let feed = tenant.post("expirations/calendar", serde_json::json!({})).await.expect(201);
    let feed = feed.json["url"].as_str().unwrap().to_owned();
    let calendar = app.stranger().get(&feed).await.expect(200);
    assert_eq!(guarded(&feed, &calendar.headers), "private, max-age=3600");
}

#[tokio::test]
async fn behind_tls_every_answer_says_that_it_stays_so() {
    let app = TestApp::start().await;
    let mut config = app.runner.state.config.clone();
    config.base_url = "https://mdm.example".to_owned();
    // No answer of these needs AWS.
    let state = app.another_process(config, local_sdk_config("http://127.0.0.1:9"), Random::seeded(8));
    for path in ["/v1/tenants", "/mdm/x", "/scep/x", "/enroll/x/y", "/console/sign-in", "/nothing"] {
        let request = http::Request::builder().uri(path).body(axum::body::Body::empty()).unwrap();
        let answer = shared::http::app(function_routes(), state.clone()).oneshot(request).await.unwrap();
        assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000", "{path}");
    }
}
