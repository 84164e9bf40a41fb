use aws_sdk_dynamodb::types::AttributeValue;
use shared::port::blob::Blobs;
use shared::port::queue::Queue;
use shared::port::secrets::Secrets;
use shared::secret::Secret;
use shared::time::Clock;

use crate::aws::{Counts, LocalAws, QueueSettings, Storage};
use crate::tables::create_tables;

const TEMPLATE: &str = r#"
Resources:
  Core:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{ AttributeName: pk, AttributeType: S }]
      KeySchema: [{ AttributeName: pk, KeyType: HASH }]
"#;

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let start = || LocalAws::start(Storage::Directory(directory.path().into()), Clock::system());
    let key = Secret::new(b"key".to_vec());

    let aws = start().await.unwrap();
    let config = aws.sdk_config();
    let secrets = Secrets::new(aws_sdk_secretsmanager::Client::new(&config), "p".into(), Clock::system());
    secrets.put("a", &key).await.unwrap();
    aws.queues().create("wakeups", &QueueSettings { visibility_timeout: 30, redrive: None }).unwrap();
    let queue = Queue::new(aws_sdk_sqs::Client::new(&config), aws.queue_url("wakeups"));
    queue.send(&["one".into(), "two".into()], 0).await.unwrap();
    aws.create_bucket("results").unwrap();
    let blobs = Blobs::new(aws_sdk_s3::Client::new(&config), "results".into());
    blobs.put("list", b"apps".to_vec()).await.unwrap();
    let dynamodb = aws_sdk_dynamodb::Client::new(&config);
    create_tables(&dynamodb, TEMPLATE, "").await.unwrap();
    let item = dynamodb.put_item().table_name("core").item("pk", AttributeValue::S("tenant".into()));
    item.send().await.unwrap();
    aws.stop().await;
    let refused = secrets.put("a", &key).await.unwrap_err();
    assert_eq!(refused.kind(), shared::Kind::Unavailable);

    let aws = start().await.unwrap();
    let config = aws.sdk_config();
    let secrets = Secrets::new(aws_sdk_secretsmanager::Client::new(&config), "p".into(), Clock::system());
    assert_eq!(secrets.get("a").await.unwrap(), Some(key));
    assert_eq!(aws.queues().names().unwrap(), ["wakeups"]);
    assert_eq!(aws.queues().counts("wakeups").unwrap(), Counts { visible: 2, ..Counts::default() });
    let blobs = Blobs::new(aws_sdk_s3::Client::new(&config), "results".into());
    assert_eq!(blobs.get("list").await.unwrap(), Some(b"apps".to_vec()));
    let dynamodb = aws_sdk_dynamodb::Client::new(&config);
    create_tables(&dynamodb, TEMPLATE, "").await.unwrap();
    assert_eq!(dynamodb.scan().table_name("core").send().await.unwrap().count(), 1);
}
