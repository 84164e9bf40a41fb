//! A real MDM client's requests, as they were on the wire (`fixtures/captures`).

use std::path::Path;

use pomarium_tests::{Tenant, TestApp};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method};
use serde_json::json;

use crate::devices::enrollment;

const UDID: &str = "2844A114-08D1-4C14-8B75-4E8CE0302D23";
const IN_ORDER: [&str; 7] = [
    "0001-nanomdm-Authenticate",
    "0002-nanomdm-TokenUpdate",
    "0007-nanomdm-Report-Idle",
    "0008-nanomdm-Report-Acknowledged-DeviceInformation",
    "0009-nanomdm-Report-Acknowledged-ProfileList",
    "0010-nanomdm-Report-Acknowledged",
    "0011-nanomdm-Report-Error-SecurityInfo",
];

struct Capture {
    method: Method,
    headers: HeaderMap,
    body: Vec<u8>,
}

fn file(name: &str) -> Vec<u8> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
    std::fs::read(directory.join(name)).expect("the fixture is there")
}

fn capture(name: &str) -> Capture {
    let request = file(&format!("{name}.req.http"));
    let end = request.windows(4).position(|window| window == b"\r\n\r\n").expect("a head and a body");
    let head = std::str::from_utf8(&request[..end]).expect("a head in ASCII");
    let (line, headers) = head.split_once("\r\n").expect("a request line");
    let method = line.split(' ').next().and_then(|method| method.parse().ok()).expect("a method");
    // Those that belong to the connection, not to the message.
    let header = |line: &str| {
        let (name, value) = line.split_once(": ").expect("a header");
        let pair: (HeaderName, HeaderValue) =
            (name.parse().expect("a name"), value.parse().expect("a value"));
        (!["host", "content-length"].contains(&pair.0.as_str())).then_some(pair)
    };
    Capture {
        method,
        headers: headers.split("\r\n").filter_map(header).collect(),
        body: request[end + 4..].to_vec(),
    }
}

async fn replay(app: &TestApp, tenant: &Tenant, capture: Capture) -> (u16, usize) {
    let url = format!("{}/mdm/{}", app.runner.base_url(), tenant.id);
    let request = Client::new().request(capture.method, url).headers(capture.headers).body(capture.body);
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.bytes().await.expect("a whole answer").len())
}

async fn trusting_tenant(app: &TestApp) -> Tenant {
    let tenant = app.ready_tenant("Green School").await;
    let authority = String::from_utf8(file("ca.pem")).expect("PEM");
    tenant.post("identity-authority/trusted", json!({"certificate": authority})).await.expect(201);
    tenant
}

#[tokio::test]
async fn every_recorded_request_is_accepted_in_order() {
    let app = TestApp::start().await;
    let tenant = trusting_tenant(&app).await;
    for name in IN_ORDER {
        assert_eq!(replay(&app, &tenant, capture(name)).await, (200, 0), "{name}");
    }
    let told = enrollment(&tenant, UDID).await;
    assert_eq!(told["state"], "enrolled");
    assert_eq!(told["device"]["device_name"], "0N9FC9K37QW9's Computer");
    assert_eq!(told["topic"], "com.apple.mgmt.External.11111111-2222-3333-4444-555555555555");
}

#[tokio::test]
async fn a_recorded_request_is_refused_without_the_authority_and_after_one_flipped_bit() {
    let app = TestApp::start().await;
    let stranger = app.ready_tenant("Blue School").await;
    let first = IN_ORDER[0];
    assert_eq!(replay(&app, &stranger, capture(first)).await, (400, 0));
    let tenant = trusting_tenant(&app).await;
    let mut changed = capture(first);
    let end = changed.body.len() - 1;
    changed.body[end] ^= 1;
    assert_eq!(replay(&app, &tenant, changed).await, (400, 0));
    assert_eq!(tenant.get(&format!("enrollments/{UDID}")).await.status, 404);
}

#[tokio::test]
async fn a_recorded_poll_before_its_enrollment_is_refused() {
    let app = TestApp::start().await;
    let tenant = trusting_tenant(&app).await;
    assert_eq!(replay(&app, &tenant, capture("0007-nanomdm-Report-Idle")).await, (400, 0));
}
