//! The expressions that the store relies on, against the emulator.

use std::collections::HashMap;
use std::time::Instant;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, Put, ReturnValue, ReturnValuesOnConditionCheckFailure, Select, TransactWriteItem,
};

use super::local_aws;
use crate::aws::LocalAws;
use crate::tables::create_tables;

const TEMPLATE: &str = r#"
Resources:
  Core:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions:
        - { AttributeName: pk, AttributeType: S }
        - { AttributeName: sk, AttributeType: S }
        - { AttributeName: waiting, AttributeType: S }
        - { AttributeName: topic, AttributeType: S }
      KeySchema:
        - { AttributeName: pk, KeyType: HASH }
        - { AttributeName: sk, KeyType: RANGE }
      LocalSecondaryIndexes:
        - IndexName: waiting
          KeySchema:
            - { AttributeName: pk, KeyType: HASH }
            - { AttributeName: waiting, KeyType: RANGE }
          Projection: { ProjectionType: ALL }
      GlobalSecondaryIndexes:
        - IndexName: topic
          KeySchema: [{ AttributeName: topic, KeyType: HASH }]
          Projection: { ProjectionType: KEYS_ONLY }
"#;

async fn with_table() -> (LocalAws, Client) {
    let (aws, _clock) = local_aws().await;
    let client = Client::new(&aws.sdk_config());
    create_tables(&client, TEMPLATE, "").await.unwrap();
    (aws, client)
}

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.into())
}

fn n(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn item(sk: &str, more: &[(&str, AttributeValue)]) -> HashMap<String, AttributeValue> {
    let mut item = HashMap::from([("pk".to_owned(), s("device")), ("sk".to_owned(), s(sk))]);
    item.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    item
}

async fn put(client: &Client, sk: &str, more: &[(&str, AttributeValue)]) {
    client.put_item().table_name("core").set_item(Some(item(sk, more))).send().await.unwrap();
}

#[tokio::test]
async fn a_sparse_local_index_is_read_by_prefix_and_consistently() {
    let (_aws, client) = with_table().await;
    put(&client, "command#1", &[("waiting", s("command#5#b"))]).await;
    put(&client, "command#2", &[("waiting", s("command#5#a"))]).await;
    put(&client, "command#3", &[("waiting", s("other"))]).await;
    put(&client, "command#4", &[]).await;
    let query = client.query().table_name("core").index_name("waiting").consistent_read(true);
    let query = query.key_condition_expression("pk = :pk and begins_with(waiting, :prefix)");
    let query = query.expression_attribute_values(":pk", s("device"));
    let found = query.expression_attribute_values(":prefix", s("command#")).send().await.unwrap();
    let order: Vec<_> = found.items().iter().filter_map(|item| item["sk"].as_s().ok()).collect();
    assert_eq!(order, ["command#2", "command#1"]);
}

#[tokio::test]
async fn a_cancelled_transaction_says_which_condition_failed_and_shows_the_item() {
    let (_aws, client) = with_table().await;
    put(&client, "a", &[("state", s("done"))]).await;
    let write = |sk: &str| {
        let put = Put::builder().table_name("core").set_item(Some(item(sk, &[])));
        let put = put.condition_expression("attribute_not_exists(pk)");
        let put = put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        TransactWriteItem::builder().put(put.build().unwrap()).build()
    };
    let transaction = client.transact_write_items().transact_items(write("b")).transact_items(write("a"));
    let error = transaction.send().await.unwrap_err().into_service_error();
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else { panic!("{error:?}") };
    let codes: Vec<_> = cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code()).collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed"]);
    assert_eq!(cancelled.cancellation_reasons()[1].item().unwrap()["state"], s("done"));
    assert_eq!(client.scan().table_name("core").send().await.unwrap().count(), 1);
}

#[tokio::test]
async fn an_update_returns_the_new_item_or_the_one_that_failed_its_condition() {
    let (_aws, client) = with_table().await;
    put(&client, "a", &[("certificate", s("one")), ("seen", n(1))]).await;
    let update = |certificate: &str| {
        client
            .update_item()
            .table_name("core")
            .set_key(Some(item("a", &[])))
            .update_expression("set seen = :now add polls :one")
            .condition_expression("certificate = :certificate")
            .expression_attribute_values(":now", n(2))
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":certificate", s(certificate))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
    };
    update("one").await.unwrap();
    let new = update("one").await.unwrap().attributes.unwrap();
    assert_eq!((&new["seen"], &new["polls"], &new["certificate"]), (&n(2), &n(2), &s("one")));

    let error = update("two").await.unwrap_err().into_service_error();
    let UpdateItemError::ConditionalCheckFailedException(failed) = error else { panic!("{error:?}") };
    assert_eq!(failed.item().unwrap()["certificate"], s("one"));
}

#[tokio::test]
async fn a_set_of_strings_is_searched_added_to_and_taken_from() {
    let (_aws, client) = with_table().await;
    let hashes = AttributeValue::Ss(vec!["one".into(), "two".into()]);
    put(&client, "a", &[("hashes", hashes)]).await;
    let change = |verb: &str, wanted: &str| {
        client
            .update_item()
            .table_name("core")
            .set_key(Some(item("a", &[])))
            .update_expression(format!("{verb} hashes :change"))
            .condition_expression("contains(hashes, :wanted)")
            .expression_attribute_values(":change", AttributeValue::Ss(vec!["three".into()]))
            .expression_attribute_values(":wanted", s(wanted))
            .send()
    };
    change("add", "two").await.unwrap();
    change("delete", "three").await.unwrap();
    let refused = change("add", "three").await.unwrap_err();
    assert_eq!(refused.code(), Some("ConditionalCheckFailedException"));
}

#[tokio::test]
async fn a_sparse_global_index_is_counted() {
    let (_aws, client) = with_table().await;
    for sk in ["a", "b", "c"] {
        put(&client, sk, &[("topic", s("com.apple.mgmt.External.1"))]).await;
    }
    put(&client, "d", &[]).await;
    let query = client.query().table_name("core").index_name("topic").select(Select::Count);
    let query = query.key_condition_expression("topic = :topic");
    let query = query.expression_attribute_values(":topic", s("com.apple.mgmt.External.1"));
    let found = query.send().await.unwrap();
    assert_eq!((found.count(), found.items().len()), (3, 0));
}

/// Nagle's algorithm against delayed acknowledgements would make every call wait 40 ms.
#[tokio::test]
async fn calls_over_loopback_do_not_stall() {
    let (_aws, client) = with_table().await;
    let mut times = Vec::new();
    for number in 0..100 {
        let start = Instant::now();
        put(&client, &number.to_string(), &[("state", s(&"x".repeat(2_000)))]).await;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    // Not the mean: the machine may be busy with other tests.
    assert!(times[50].as_millis() < 20, "{:?} a call", times[50]);
}
