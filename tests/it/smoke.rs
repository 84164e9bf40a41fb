//! `make smoke` tells an installation that works from one that does not.

use std::process::{Command, Output};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::any;
use pomarium_tests::TestApp;

use crate::aws_proxy::{listen, serve};

async fn smoke(url: &str) -> (bool, String) {
    let mut script = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/smoke"));
    script.arg(url);
    let ran: Output = tokio::task::spawn_blocking(move || script.output()).await.unwrap().expect("it runs");
    (ran.status.success(), String::from_utf8_lossy(&ran.stdout).into_owned())
}

#[tokio::test]
async fn an_installation_that_works_passes() {
    let app = TestApp::start().await;
    let (passes, said) = smoke(app.runner.base_url()).await;
    assert!(passes && said.ends_with("All is well.\n"), "{said}");
    for line in [
        "ok      version: 0.",
        "ok      the sign-in page: 200",
        "ok      an unknown tenant is not found: 404",
    ] {
        assert!(said.contains(line), "{said}");
    }
    assert_eq!(said.matches("and not told to unenroll").count(), 3);
}

#[tokio::test]
async fn one_that_would_unenroll_devices_does_not() {
    let (listener, url) = listen().await;
    serve(listener, Router::new().fallback(any(async || StatusCode::UNAUTHORIZED)));
    let (passes, said) = smoke(&url).await;
    assert!(!passes, "{said}");
    for line in [
        "FAILED  version: none",
        "FAILED  header x-content-type-options: none",
        "FAILED  the sign-in page: 401",
        "FAILED  a stranger at /mdm/aaaaaaaaaaaaaaaa/checkin is refused, and not told to unenroll: 401",
        "checks failed.",
    ] {
        assert!(said.contains(line), "{line} is missing in:\n{said}");
    }
}

#[tokio::test]
async fn nobody_at_home_is_a_failure_and_nonsense_is_refused() {
    let (listener, url) = listen().await;
    drop(listener);
    let (passes, said) = smoke(&url).await;
    assert!(!passes && said.contains("no answer"), "{said}");
    let (passes, said) = smoke("mdm.example.org").await;
    assert!(!passes && said.is_empty(), "{said}");
}
