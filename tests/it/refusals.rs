//! Bad input at the devices' edge: 400 with an empty body, never the statuses that unenroll, and the server lives on.

use pomarium_local::device::{Digest, sign};
use pomarium_tests::TestApp;
use reqwest::Method;
use shared::protocol::report::Status;
use tower::ServiceExt as _;

use crate::calls;
use crate::devices::enrolled;
use crate::stored::{everything, unchanged};

/// An Idle poll as every device sends it.
const POLL: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\"><dict><key>Status</key>\
                    <string>Idle</string><key>UDID</key><string>D-1</string></dict></plist>";

/// A body that is no message, by what is wrong with it.
fn nonsense() -> Vec<(&'static str, Vec<u8>)> {
    let nested =
        format!("<plist version=\"1.0\">{}{}</plist>", "<array>".repeat(100_000), "</array>".repeat(100_000));
    let entity = "<!DOCTYPE p [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><plist version=\"1.0\"><dict>\
                  <key>Status</key><string>&a;</string></dict></plist>";
    vec![
        ("empty", Vec::new()),
        ("not a property list", b"nonsense".to_vec()),
        ("truncated", POLL.as_bytes()[..POLL.len() / 2].to_vec()),
        ("nested 100,000 deep", nested.into_bytes()),
        ("an external entity", entity.into()),
        ("not a dictionary", b"<plist version=\"1.0\"><array/></plist>".to_vec()),
        ("no message at all", b"<plist version=\"1.0\"><dict/></plist>".to_vec()),
        ("a binary bomb", binary_bomb()),
        ("a truncated binary one", binary_bomb()[..20].to_vec()),
        ("only zeros", vec![0; 4096]),
    ]
}

/// Eight arrays, each ten times in the one before: a hundred bytes that mean ten million elements.
fn binary_bomb() -> Vec<u8> {
    let mut objects: Vec<Vec<u8>> = (1..8).map(|next| [vec![0xaa], vec![next; 10]].concat()).collect();
    objects.push(vec![0x09]);
    let mut file = b"bplist00".to_vec();
    let mut offsets = Vec::new();
    for object in &objects {
        offsets.push(u8::try_from(file.len()).unwrap());
        file.extend_from_slice(object);
    }
    let table = u8::try_from(file.len()).unwrap();
    file.extend_from_slice(&offsets);
    file.extend_from_slice(&[0, 0, 0, 0, 0, 0, 1, 1]);
    for number in [8, 0, table] {
        file.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, number]);
    }
    file
}

#[tokio::test]
async fn nonsense_is_refused_and_the_device_beside_it_is_served() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let device = enrolled(&app, &tenant, "D-1").await;
    let before = everything(&app).await;
    for (what, body) in nonsense() {
        let signature = sign(&body, device.identity().unwrap(), Digest::Sha256).unwrap();
        for call in calls::device() {
            for signature in [None, Some(signature.as_str())] {
                let path = call.path(&tenant.id);
                let answer =
                    app.stranger().message(call.method.clone(), &path, signature, body.clone()).await;
                assert_eq!((answer.status, answer.text()), (400, String::new()), "{} {what}", call.name());
            }
        }
    }
    unchanged(&app, &before).await;
    assert!(device.idle().await.unwrap().is_none());
}

#[tokio::test]
async fn who_cannot_be_recognised_is_refused_without_a_word() {
    let app = TestApp::start().await;
    let green = app.ready_tenant("Green School").await;
    let blue = app.ready_tenant("Blue School").await;
    let mine = enrolled(&app, &green, "D-1").await;
    let foreign = enrolled(&app, &blue, "D-1").await;
    let before = everything(&app).await;
    let good = sign(POLL.as_bytes(), mine.identity().unwrap(), Digest::Sha256).unwrap();
    let of_another_body = sign(b"another body", mine.identity().unwrap(), Digest::Sha256).unwrap();
    let foreigners = sign(POLL.as_bytes(), foreign.identity().unwrap(), Digest::Sha256).unwrap();
    let signatures =
        [None, Some(""), Some("nonsense"), Some("MIIB"), Some(&*of_another_body), Some(&*foreigners)];
    for call in calls::device() {
        for signature in signatures {
            let answer = app
                .stranger()
                .message(call.method.clone(), &call.path(&green.id), signature, POLL.into())
                .await;
            assert_eq!((answer.status, answer.text()), (400, String::new()), "{} {signature:?}", call.name());
        }
        for tenant in ["aaaaaaaaaaaaaaaa", "AAAAAAAAAAAAAAAA", "x", "..%2f..", "%00", "%ff", &blue.id] {
            let answer = app
                .stranger()
                .message(call.method.clone(), &call.path(tenant), Some(&good), POLL.into())
                .await;
            assert_eq!((answer.status, answer.text()), (400, String::new()), "{} {tenant}", call.name());
        }
    }
    unchanged(&app, &before).await;
    assert!(mine.idle().await.unwrap().is_none());
}

#[tokio::test]
async fn a_message_of_ten_megabytes_is_refused() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let device = enrolled(&app, &tenant, "D-1").await;
    for call in calls::device() {
        let mut body = POLL.as_bytes().to_vec();
        body.resize(10 << 20, b' ');
        // Straight into the router: over a socket the server may hang up before the client has sent it all.
        let request = http::Request::builder().method(call.method.as_str()).uri(call.path(&tenant.id));
        let request = request.body(axum::body::Body::from(body)).unwrap();
        let routes = shared::http::app(pomarium_local::runner::function_routes(), app.runner.state.clone());
        let answer = routes.oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 400, "{}", call.name());
    }
    assert!(device.idle().await.unwrap().is_none());
}

#[tokio::test]
async fn scep_refuses_nonsense_without_the_statuses_that_unenroll() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let bare = app.tenant("Blue School").await;
    let before = everything(&app).await;
    let base = format!("/scep/{}", tenant.id);
    for query in [
        "",
        "?operation=",
        "?operation=GetNextCACert",
        "?operation=PKIOperation",
        "?operation=PKIOperation&message=*",
    ] {
        let answer = app.stranger().get(&format!("{base}{query}")).await;
        assert_eq!((answer.status, answer.text()), (400, String::new()), "{query}");
    }
    for (what, body) in nonsense() {
        let path = format!("{base}?operation=PKIOperation");
        let answer = app.stranger().message(Method::POST, &path, None, body).await;
        assert_eq!((answer.status, answer.text()), (400, String::new()), "{what}");
    }
    let unknown = app.stranger().get("/scep/x?operation=GetCACert").await;
    assert_eq!(unknown.status, 400);
    // A tenant without an authority looks like one that somebody made up.
    let early = app.stranger().get(&format!("/scep/{}?operation=GetCACert", bare.id)).await;
    assert_eq!((early.status, early.text()), (400, String::new()));
    unchanged(&app, &before).await;
}

#[tokio::test]
async fn an_identity_speaks_for_its_own_device_only() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let first = enrolled(&app, &tenant, "D-1").await;
    let mut second = enrolled(&app, &tenant, "D-2").await;
    second.set_identity(first.identity().unwrap().clone());
    let error = second.poll(Status::Idle, None, plist::Dictionary::new()).await.unwrap_err();
    assert_eq!(error.status(), Some(400));
    assert_eq!(second.authenticate().await.unwrap_err().status(), Some(400));
}
