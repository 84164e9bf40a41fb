//! The page and the calls, over HTTP.

use std::net::SocketAddr;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use super::super::fixture::{self, RequestFile};
use super::super::{Portal, router};

/// Calls a portal mounted at `/_local/portal`.
async fn call(
    portal: &Portal,
    method: &str,
    path: &str,
    kind: &str,
    body: &str,
) -> (StatusCode, HeaderMap, String) {
    let app = Router::new().nest("/_local/portal", router(portal.clone()));
    let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    let response = client
        .request(method.parse().unwrap(), format!("http://{address}/_local/portal{path}"))
        .header("content-type", kind)
        .body(body.to_owned())
        .send()
        .await
        .unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.unwrap();
    server.abort();
    (status, headers, text)
}

fn form(file: &str) -> String {
    format!("--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n{file}\r\n--x--\r\n")
}

const FORM: &str = "multipart/form-data; boundary=x";
const TEXT: &str = "text/plain";

#[tokio::test]
async fn a_program_creates_renews_and_downloads() {
    let (portal, _clock, vendor) = fixture::portal();
    let file = RequestFile::good(&vendor).encode();
    let (status, headers, pem) = call(&portal, "POST", "/certificates", TEXT, &file).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(headers["content-type"], "application/x-pem-file");
    assert!(headers["content-disposition"].to_str().unwrap().contains("MDM_Pomarium_Certificate.pem"));
    let uid = headers["x-push-topic"].to_str().unwrap();
    assert_eq!(call(&portal, "GET", &format!("/certificates/{uid}.pem"), TEXT, "").await.2, pem);
    let (status, headers, renewed) =
        call(&portal, "POST", &format!("/certificates/{uid}/renew"), TEXT, &file).await;
    assert_eq!((status, headers["x-push-topic"].to_str().unwrap()), (StatusCode::CREATED, uid));
    assert_ne!(renewed, pem);
}

#[tokio::test]
async fn a_program_learns_everything_that_is_wrong() {
    let (portal, _clock, _vendor) = fixture::portal();
    let (status, headers, body) = call(&portal, "POST", "/certificates", TEXT, "{}").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(headers["content-type"], "application/problem+json");
    let problem: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(problem["type"], "portal-request-refused");
    assert_eq!(problem["errors"], json!(["The file is not base64 text."]));
    for path in ["/certificates/nobody.pem", "/certificates/nobody"] {
        let (status, _, body) = call(&portal, "GET", path, TEXT, "").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(body.contains("portal-certificate-unknown"));
    }
    let (status, _, body) = call(&portal, "POST", "/certificates/nobody/renew", TEXT, "{}").await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{body}");
    assert!(portal.list().unwrap().is_empty());
}

#[tokio::test]
async fn a_person_does_it_all_on_one_page() {
    let (portal, _clock, vendor) = fixture::portal();
    let (status, _, page) = call(&portal, "GET", "", TEXT, "").await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        page.contains("No certificates yet.") && page.contains(r#"action="/_local/portal/certificates""#)
    );

    let file = form(&RequestFile::good(&vendor).encode());
    let (status, headers, _) = call(&portal, "POST", "/certificates", FORM, &file).await;
    assert_eq!((status, headers["location"].to_str().unwrap()), (StatusCode::SEE_OTHER, "/_local/portal"));
    let uid = portal.list().unwrap().remove(0).uid;
    let (_, _, page) = call(&portal, "GET", "", TEXT, "").await;
    for link in [".pem", "/renew", "/revoke"] {
        assert!(page.contains(&format!("\"/_local/portal/certificates/{uid}{link}\"")), "{link}");
    }

    let (status, _, page) = call(&portal, "POST", "/certificates", FORM, &form("")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(page.contains("Choose a file or paste its text."));
    call(&portal, "POST", &format!("/certificates/{uid}/revoke"), FORM, "").await;
    let (_, _, page) = call(&portal, "GET", "", TEXT, "").await;
    assert!(page.contains("Revoked") && !page.contains("/renew"));
}
