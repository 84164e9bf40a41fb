//! What each function may do: exactly what its services call.

use std::collections::{BTreeMap, BTreeSet};

use serde_yaml_ng::Value;

use super::{resources, text};

/// Function, resource, actions. A secret is written as the part of its name after the installation's prefix, as
/// shared/src/service/secret_path.rs writes it; an index after its table.
const RIGHTS: &[(&str, &str, &str)] = &[
    ("Checkin", "Core", "dynamodb: ConditionCheckItem GetItem PutItem Query UpdateItem"),
    ("Checkin", "Core/index/queue", "dynamodb: Query"),
    ("Checkin", "Pki", "dynamodb: Query UpdateItem"),
    ("Checkin", "*/data-key", "secretsmanager: GetSecretValue"),
    ("Checkin", "Results", "s3: PutObject"),
    ("Checkin", "Wake", "sqs: SendMessage"),
    ("Command", "Core", "dynamodb: ConditionCheckItem GetItem PutItem Query UpdateItem"),
    ("Command", "Core/index/queue", "dynamodb: Query"),
    ("Command", "Pki", "dynamodb: Query UpdateItem"),
    ("Command", "*/data-key", "secretsmanager: GetSecretValue"),
    ("Command", "Results", "s3: PutObject"),
    ("Command", "Wake", "sqs: SendMessage"),
    ("Enroll", "Core", "dynamodb: GetItem"),
    ("Enroll", "Pki", "dynamodb: Query"),
    ("Enroll", "Ephemeral", "dynamodb: GetItem"),
    ("Enroll", "*/profile-signer/", "secretsmanager: GetSecretValue"),
    ("Scep", "Core", "dynamodb: GetItem UpdateItem"),
    ("Scep", "Pki", "dynamodb: GetItem PutItem Query UpdateItem"),
    ("Scep", "Ephemeral", "dynamodb: GetItem UpdateItem"),
    ("Scep", "*/authority/", "secretsmanager: GetSecretValue"),
    ("Certificate", "Core", "dynamodb: GetItem UpdateItem"),
    ("Certificate", "Core/index/by-tenant", "dynamodb: Query"),
    ("Certificate", "Pki", "dynamodb: DeleteItem GetItem PutItem Query"),
    ("Certificate", "*/push-key/", "secretsmanager: CreateSecret DeleteSecret GetSecretValue PutSecretValue"),
    ("Certificate", "vendor", "secretsmanager: CreateSecret GetSecretValue PutSecretValue RestoreSecret"),
    ("Admin", "Core", "dynamodb: BatchGetItem DeleteItem GetItem PutItem Query UpdateItem"),
    ("Admin", "Core/index/by-tenant", "dynamodb: Query"),
    ("Admin", "Pki", "dynamodb: DeleteItem GetItem PutItem Query"),
    ("Admin", "Ephemeral", "dynamodb: PutItem Query"),
    ("Admin", "*/authority/", "secretsmanager: CreateSecret PutSecretValue"),
    ("Admin", "*/profile-signer/", "secretsmanager: CreateSecret PutSecretValue"),
    ("Admin", "*/data-key", "secretsmanager: CreateSecret PutSecretValue"),
    ("Admin", "Results", "s3: GetObject ListBucket"),
    ("Admin", "Wake", "sqs: SendMessage"),
    ("Admin", "ses", "ses: SendEmail"),
    ("Console", "Core", "dynamodb: GetItem Query UpdateItem"),
    ("Console", "Pki", "dynamodb: Query"),
    ("Console", "Ephemeral", "dynamodb: GetItem Query"),
    ("Push", "Core", "dynamodb: BatchGetItem GetItem UpdateItem"),
    ("Push", "Pki", "dynamodb: Query"),
    ("Push", "*/push-key/", "secretsmanager: GetSecretValue"),
    ("Push", "Wake", "sqs: DeleteMessage GetQueueAttributes ReceiveMessage"),
    ("ExpiryNotifier", "Core", "dynamodb: GetItem Query"),
    ("ExpiryNotifier", "Pki", "dynamodb: GetItem Query"),
    ("ExpiryNotifier", "Pki/index/by-expiry", "dynamodb: Query"),
    ("ExpiryNotifier", "Ephemeral", "dynamodb: DeleteItem PutItem Query"),
    ("ExpiryNotifier", "ses", "ses: SendEmail"),
];

/// Actions by function and resource.
type Rights = BTreeMap<(String, String), BTreeSet<String>>;

fn expected() -> Rights {
    let mut rights = Rights::new();
    for (function, resource, actions) in RIGHTS {
        let (service, names) = actions.split_once(": ").unwrap();
        let actions = names.split(' ').map(|name| format!("{service}:{name}")).collect();
        assert!(rights.insert(((*function).into(), (*resource).into()), actions).is_none());
    }
    rights
}

fn declared() -> Rights {
    let mut rights = Rights::new();
    for (function, properties) in resources("AWS::Serverless::Function") {
        for policy in properties["Policies"].as_sequence().unwrap() {
            for statement in policy["Statement"].as_sequence().unwrap() {
                assert_eq!(statement["Effect"].as_str(), Some("Allow"));
                let actions = each(&statement["Action"]).map(|action| text(action).to_owned());
                let actions: BTreeSet<String> = actions.collect();
                for resource in each(&statement["Resource"]) {
                    let place = (function.clone(), short(resource));
                    rights.entry(place).or_default().extend(actions.clone());
                }
            }
        }
    }
    rights
}

fn each(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_sequence().map_or(std::slice::from_ref(value), Vec::as_slice).iter()
}

/// A resource's name as [`RIGHTS`] writes it.
fn short(resource: &Value) -> String {
    let full = match resource {
        // !Sub with variables: a list of text and mapping.
        Value::Tagged(tagged) if tagged.value.is_sequence() => text(&tagged.value[0]),
        other => text(other),
    };
    if let Some((_, name)) = full.split_once(":secret:pomarium-${Stage}/") {
        return name.trim_end_matches('*').trim_end_matches('-').to_owned();
    }
    if full.contains(":ses:") {
        return "ses".to_owned();
    }
    full.trim_start_matches("${")
        .replacen(".Arn}", "", 1)
        .trim_end_matches(".Arn")
        .trim_end_matches("/*")
        .to_owned()
}

#[test]
fn a_function_may_do_what_its_services_call_and_no_more() {
    assert_eq!(declared(), expected());
}

#[test]
fn nobody_but_scep_reads_the_key_that_makes_identities() {
    for ((function, resource), actions) in declared() {
        let reads =
            actions.iter().any(|action| action == "secretsmanager:GetSecretValue" || action.contains('*'));
        if resource.contains("authority") && reads {
            assert_eq!(function, "Scep");
        }
        assert!(resource != "*" && !resource.is_empty(), "{function} may act on everything");
    }
}
