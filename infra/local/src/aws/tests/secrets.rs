use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata as _;
use aws_sdk_secretsmanager::primitives::Blob;
use shared::port::secrets::Secrets;
use shared::secret::Secret;
use shared::time::DAY;

use super::{advance, local_aws};

fn key(text: &str) -> Secret<Vec<u8>> {
    Secret::new(text.as_bytes().to_vec())
}

#[tokio::test]
async fn a_secret_is_made_replaced_deleted_and_brought_back() {
    let (aws, clock) = local_aws().await;
    let client = Client::new(&aws.sdk_config());
    let secrets = Secrets::new(client.clone(), "pomarium".into(), clock.clone());
    // A second process, whose cache does not know what the first one does.
    let elsewhere = || Secrets::new(client.clone(), "pomarium".into(), clock.clone());

    assert_eq!(secrets.get("t/key").await.unwrap(), None);
    secrets.put("t/key", &key("one")).await.unwrap();
    secrets.put("t/key", &key("two")).await.unwrap();
    assert_eq!(secrets.get("t/key").await.unwrap(), Some(key("two")));
    assert_eq!(elsewhere().get("t/key").await.unwrap(), Some(key("two")));

    secrets.delete("t/key").await.unwrap();
    secrets.delete("t/key").await.unwrap();
    secrets.delete("t/never-was").await.unwrap();
    assert_eq!(secrets.get("t/key").await.unwrap(), None);

    secrets.put("t/key", &key("three")).await.unwrap();
    assert_eq!(elsewhere().get("t/key").await.unwrap(), Some(key("three")));
}

#[tokio::test]
async fn a_destroyed_secret_is_gone_even_if_it_was_deleted_before() {
    let (aws, clock) = local_aws().await;
    let client = Client::new(&aws.sdk_config());
    let secrets = Secrets::new(client.clone(), "p".into(), clock);
    secrets.put("a", &key("one")).await.unwrap();
    secrets.delete("a").await.unwrap();
    secrets.destroy("a").await.unwrap();
    secrets.destroy("a").await.unwrap();
    let error = client.describe_secret().secret_id("p/a").send().await.unwrap_err();
    assert_eq!(error.code(), Some("ResourceNotFoundException"));
}

#[tokio::test]
async fn another_process_notices_a_new_value_after_five_minutes() {
    let (aws, clock) = local_aws().await;
    let client = Client::new(&aws.sdk_config());
    let reader = Secrets::new(client.clone(), "p".into(), clock.clone());
    let writer = Secrets::new(client, "p".into(), clock.clone());
    writer.put("a", &key("old")).await.unwrap();
    assert_eq!(reader.get("a").await.unwrap(), Some(key("old")));

    writer.put("a", &key("new")).await.unwrap();
    advance(&aws, &clock, 299);
    assert_eq!(reader.get("a").await.unwrap(), Some(key("old")));
    advance(&aws, &clock, 1);
    assert_eq!(reader.get("a").await.unwrap(), Some(key("new")));
}

#[tokio::test]
async fn a_repeated_request_is_answered_as_the_first_was() {
    let (aws, _clock) = local_aws().await;
    let client = Client::new(&aws.sdk_config());
    let create = |value: &str| {
        let request = client.create_secret().name("a").client_request_token("t".repeat(32));
        request.secret_binary(Blob::new(value)).send()
    };
    let first = create("one").await.unwrap();
    assert_eq!(create("one").await.unwrap().version_id(), first.version_id());
    assert_eq!(create("two").await.unwrap_err().code(), Some("ResourceExistsException"));

    let put = client.put_secret_value().secret_id("a").client_request_token("t".repeat(32));
    let error = put.secret_binary(Blob::new("two")).send().await.unwrap_err();
    assert_eq!(error.code(), Some("ResourceExistsException"));
}

#[tokio::test]
async fn a_deleted_secret_ends_when_its_window_does() {
    let (aws, clock) = local_aws().await;
    let client = Client::new(&aws.sdk_config());
    client.create_secret().name("a").secret_binary(Blob::new("one")).send().await.unwrap();
    let deleted = client.delete_secret().secret_id("a").recovery_window_in_days(7).send().await.unwrap();
    assert_eq!(deleted.deletion_date().unwrap().secs(), 1_000_000 + 7 * DAY);

    let read = client.get_secret_value().secret_id("a").send().await.unwrap_err();
    assert_eq!(read.code(), Some("InvalidRequestException"));
    let described = client.describe_secret().secret_id("a").send().await.unwrap();
    assert!(described.deleted_date().is_some());

    advance(&aws, &clock, 7 * DAY);
    let restore = client.restore_secret().secret_id("a").send().await.unwrap_err();
    assert_eq!(restore.code(), Some("ResourceNotFoundException"));
    let short = client.delete_secret().secret_id("a").recovery_window_in_days(6).send().await.unwrap_err();
    assert_eq!(short.code(), Some("InvalidParameterException"));
}

#[tokio::test]
async fn secrets_are_listed_by_the_beginning_of_their_names_a_page_at_a_time() {
    let (aws, clock) = local_aws().await;
    let client = Client::new(&aws.sdk_config());
    let secrets = Secrets::new(client.clone(), "p".into(), clock);
    let ours: Vec<String> = (10..35).map(|number| format!("t/{number}")).collect();
    for path in ours.iter().map(String::as_str).chain(["u/1", "t/deleted"]) {
        secrets.put(path, &key("value")).await.unwrap();
    }
    secrets.delete("t/deleted").await.unwrap();
    let by_name = aws_sdk_secretsmanager::types::FilterNameStringType::Name;
    let filter = aws_sdk_secretsmanager::types::Filter::builder().key(by_name).values("p/t/").build();
    let mut pages = client.list_secrets().filters(filter).into_paginator().send();
    let (mut names, mut count) = (Vec::new(), 0);
    while let Some(page) = pages.next().await {
        let listed = page.unwrap().secret_list.unwrap().into_iter();
        names.extend(listed.map(|listed| listed.name.unwrap().trim_start_matches("p/").to_owned()));
        count += 1;
    }
    assert_eq!((names, count), (ours, 3));
}
