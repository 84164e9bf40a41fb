//! SES sends no more for a while.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use pomarium_local::runner::run;
use pomarium_tests::TestApp;
use shared::port::random::Random;

use crate::aws_proxy::{Call, eager, listen, serve};
use crate::devices::pass_seconds;
use crate::mails::{ending_token, notices};

/// Sends on what is no mail.
async fn no_mails(State((http, aws)): State<(reqwest::Client, String)>, request: Request) -> Response {
    let call = Call::read(request).await;
    if !call.is_mail() {
        return call.forward(&http, &aws).await;
    }
    let body = r#"{"__type":"TooManyRequestsException","message":"Maximum sending rate exceeded."}"#;
    (StatusCode::TOO_MANY_REQUESTS, body).into_response()
}

#[tokio::test]
async fn mails_that_were_throttled_go_out_with_the_next_run_and_once() {
    let app = TestApp::start().await;
    for name in ["Green School", "Blue School"] {
        let tenant = app.ready_tenant(name).await;
        ending_token(&tenant, "help desk", 29).await;
    }
    pass_seconds(&app, 86_400);
    let (listener, endpoint) = listen().await;
    let way = (reqwest::Client::new(), app.runner.aws.endpoint().to_owned());
    serve(listener, Router::new().fallback(no_mails).with_state(way));
    let aws = eager(&shared::aws::local_sdk_config(&endpoint));
    let throttled = app.another_process(app.runner.state.config.clone(), aws, Random::system());

    let failed = run(throttled, "expiry-notifier").await.unwrap_err();
    assert!(notices(&app).is_empty(), "{}", failed.chain());
    for _ in 0..2 {
        run(app.runner.state.clone(), "expiry-notifier").await.unwrap();
        let mut mails = notices(&app);
        mails.sort();
        mails.dedup();
        assert_eq!((notices(&app).len(), mails.len()), (2, 2), "{mails:?}");
    }
}
