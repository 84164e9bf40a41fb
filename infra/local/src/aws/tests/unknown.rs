use aws_sdk_sqs::error::ProvideErrorMetadata as _;

use super::local_aws;

#[tokio::test]
async fn what_the_product_never_calls_is_refused_by_name() {
    let (aws, _clock) = local_aws().await;
    let config = aws.sdk_config();
    let queues = aws_sdk_sqs::Client::new(&config).list_queues().send().await.unwrap_err();
    let secrets = aws_sdk_secretsmanager::Client::new(&config)
        .list_secret_version_ids()
        .secret_id("a")
        .send()
        .await
        .unwrap_err();
    for error in [queues.meta(), secrets.meta()] {
        assert_eq!(error.code(), Some("UnknownOperationException"));
    }

    let http = reqwest::Client::new();
    let other = http.post(aws.endpoint()).header("x-amz-target", "Kinesis_20131202.PutRecord").send();
    assert_eq!(other.await.unwrap().headers()["x-amzn-errortype"], "UnknownOperationException");
    let object = format!("{}/results/a", aws.endpoint());
    for request in [
        http.patch(&object),
        http.put(&object).header("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 501);
        assert!(answer.text().await.unwrap().contains("<Code>NotImplemented</Code>"));
    }
}
