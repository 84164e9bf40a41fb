use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use shared::Kind;
use shared::port::blob::Blobs;

use super::local_aws;

#[tokio::test]
async fn an_object_is_stored_replaced_and_read() {
    let (aws, _clock) = local_aws().await;
    aws.create_bucket("results").unwrap();
    aws.create_bucket("results").unwrap();
    let blobs = Blobs::new(Client::new(&aws.sdk_config()), "results".into());
    let key = "tenant/UDID:user name/ä+1.plist";
    assert_eq!(blobs.get(key).await.unwrap(), None);
    blobs.put(key, b"old".to_vec()).await.unwrap();
    let large: Vec<u8> = (0..3_000_000u32).map(|number| (number % 251) as u8).collect();
    blobs.put(key, large.clone()).await.unwrap();
    assert_eq!(blobs.get(key).await.unwrap(), Some(large));
    blobs.put("empty", Vec::new()).await.unwrap();
    assert_eq!(blobs.get("empty").await.unwrap(), Some(Vec::new()));
}

#[tokio::test]
async fn an_object_is_described_and_deleted() {
    let (aws, _clock) = local_aws().await;
    aws.create_bucket("results").unwrap();
    let client = Client::new(&aws.sdk_config());
    Blobs::new(client.clone(), "results".into()).put("a", b"abc".to_vec()).await.unwrap();
    let head = || client.head_object().bucket("results").key("a").send();
    let described = head().await.unwrap();
    assert_eq!(described.content_length(), Some(3));
    assert_eq!(described.e_tag(), Some("\"900150983cd24fb0d6963f7d28e17f72\""));

    client.delete_object().bucket("results").key("a").send().await.unwrap();
    client.delete_object().bucket("results").key("a").send().await.unwrap();
    assert!(head().await.unwrap_err().into_service_error().is_not_found());
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_our_fault() {
    let (aws, _clock) = local_aws().await;
    let client = Client::new(&aws.sdk_config());
    let error = client.get_object().bucket("none").key("a").send().await.unwrap_err();
    assert_eq!(error.code(), Some("NoSuchBucket"));
    let blobs = Blobs::new(client, "none".into());
    assert_eq!(blobs.put("a", Vec::new()).await.unwrap_err().kind(), Kind::Internal);
}

#[tokio::test]
async fn objects_are_listed_by_the_beginning_of_their_keys_a_page_at_a_time() {
    let (aws, _clock) = local_aws().await;
    aws.create_bucket("results").unwrap();
    let client = Client::new(&aws.sdk_config());
    let blobs = Blobs::new(client.clone(), "results".into());
    let ours: Vec<String> = (100..350).map(|number| format!("t/{number}")).collect();
    for key in ours.iter().map(String::as_str).chain(["u/1", "a"]) {
        blobs.put(key, Vec::new()).await.unwrap();
    }
    let mut pages = client.list_objects_v2().bucket("results").prefix("t/").into_paginator().send();
    let (mut keys, mut count) = (Vec::new(), 0);
    while let Some(page) = pages.next().await {
        keys.extend(page.unwrap().contents.unwrap_or_default().into_iter().filter_map(|listed| listed.key));
        count += 1;
    }
    assert_eq!((keys, count), (ours, 3));
    let none = client.list_objects_v2().bucket("results").prefix("v/").send().await.unwrap();
    assert_eq!((none.contents().len(), none.is_truncated()), (0, Some(false)));
    let error = client.list_objects_v2().bucket("none").send().await.unwrap_err();
    assert_eq!(error.code(), Some("NoSuchBucket"));
}
