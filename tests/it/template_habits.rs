//! What template.yaml promises of each resource of a kind, so that a new one cannot be forgotten.

use std::collections::BTreeSet;

use serde_yaml_ng::Value;
use shared::metrics::Metric;

use crate::repository::{read, template};
use crate::template::{resources, text};

/// The routes where strangers try what they do not know, or each call signs something; each has a limit of its own.
const NARROW: [&str; 3] = ["/console/", "/enroll/", "/scep/"];

#[test]
fn deploy_describes_every_parameter() {
    let (template, deploy) = (template(), read("docs/DEPLOY.md"));
    let rows: Vec<&str> = deploy.lines().filter(|line| line.starts_with("| `")).collect();
    let mut described = BTreeSet::new();
    for (name, parameter) in template["Parameters"].as_mapping().unwrap() {
        let name = name.as_str().unwrap();
        assert!(parameter["Description"].is_string(), "{name}");
        // The first cell names it, together with those that go with it.
        let row = rows.iter().find(|row| row.split('|').nth(1).unwrap().contains(&format!("`{name}`")));
        let row = row.unwrap_or_else(|| panic!("docs/DEPLOY.md does not describe {name}"));
        assert_eq!(row.contains("| required |"), parameter.get("Default").is_none(), "{name}");
        described.insert(name.to_owned());
    }
    let makefiles: BTreeSet<String> = ["Stage".to_owned()].into();
    assert!(described.is_superset(&makefiles));
}

#[test]
fn what_is_kept_is_encrypted_with_the_installations_key_and_comes_back() {
    let is_key = |value: &Value| text(value) == "Key.Arn";
    for (id, table) in resources("AWS::DynamoDB::Table") {
        assert!(is_key(&table["SSESpecification"]["KMSMasterKeyId"]), "{id}");
        assert_eq!(table["TimeToLiveSpecification"]["Enabled"].as_bool(), Some(true), "{id}");
        // What ends by itself within days is not worth a backup.
        let restorable = table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"].as_bool();
        assert_eq!(restorable == Some(true), id != "Ephemeral", "{id}");
    }
    for (id, queue) in resources("AWS::SQS::Queue") {
        assert!(is_key(&queue["KmsMasterKeyId"]), "{id}");
        let tries = queue["RedrivePolicy"]["maxReceiveCount"].as_u64();
        assert_eq!(tries.is_some(), !id.ends_with("DeadLetter"), "{id}");
    }
    for (id, bucket) in resources("AWS::S3::Bucket") {
        let rules = &bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0];
        let key = rules["ServerSideEncryptionByDefault"].get("KMSMasterKeyID");
        // The authorities that the host for mutual TLS accepts are public, and API Gateway reads them.
        assert_eq!(key.is_some_and(is_key), id != "TrustStoreBucket", "{id}");
    }
    let (_, key) = resources("AWS::KMS::Key").remove(0);
    assert_eq!(key["EnableKeyRotation"].as_bool(), Some(true));
}

#[test]
fn every_queue_of_dead_letters_and_every_function_has_an_alarm_and_logs_end() {
    let alarms = resources("AWS::CloudWatch::Alarm");
    let watched: BTreeSet<String> = alarms
        .iter()
        .flat_map(|(_, alarm)| alarm["Dimensions"].as_sequence().cloned().unwrap_or_default())
        .map(|dimension| text(&dimension["Value"]).trim_end_matches(".QueueName").to_owned())
        .collect();
    let queues =
        resources("AWS::SQS::Queue").into_iter().map(|(id, _)| id).filter(|id| id.ends_with("DeadLetter"));
    let functions = resources("AWS::Serverless::Function").into_iter().map(|(id, _)| id);
    for id in queues.chain(functions) {
        assert!(watched.contains(&id), "{id} has no alarm");
    }
    for (id, log) in resources("AWS::Logs::LogGroup") {
        assert_eq!(text(&log["RetentionInDays"]), "LogRetentionDays", "{id}");
    }
    let globals = template()["Globals"]["Function"].clone();
    assert_eq!(globals["Tracing"].as_str(), Some("Active"));
    assert_eq!(globals["Architectures"][0].as_str(), Some("arm64"));
}

#[test]
fn strangers_routes_are_limited_and_devices_have_room() {
    let (_, stage) = resources("AWS::ApiGatewayV2::Stage").remove(0);
    let rate = |limit: &Value| limit["ThrottlingRateLimit"].as_u64().unwrap();
    assert!(rate(&stage["DefaultRouteSettings"]) >= 1_000, "10,000 devices come back within seconds");
    let limits = stage["RouteSettings"].as_mapping().unwrap();
    let limited: BTreeSet<&str> = limits.keys().map(|key| key.as_str().unwrap()).collect();
    let all: Vec<(String, String)> = resources("AWS::ApiGatewayV2::Route")
        .into_iter()
        .map(|(id, route)| (id, route["RouteKey"].as_str().unwrap().to_owned()))
        .collect();
    let narrow = all.iter().filter(|(_, key)| NARROW.iter().any(|part| key.contains(part)));
    let narrow: Vec<&(String, String)> = narrow.collect();
    assert_eq!(narrow.iter().map(|(_, key)| key.as_str()).collect::<BTreeSet<_>>(), limited);
    // The stage is made after the routes that it limits.
    let stage = &template()["Resources"]["ApiStage"];
    let after: BTreeSet<&str> =
        stage["DependsOn"].as_sequence().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(narrow.iter().map(|(id, _)| id.as_str()).collect::<BTreeSet<_>>(), after);
    assert!(!limited.iter().any(|key| key.contains("/mdm/")));
    assert!(limits.values().all(|limit| rate(limit) >= 100), "a school enrolls in an hour");
}

#[test]
fn every_metric_is_named_in_the_runbook_and_shown_on_the_dashboard() {
    let (_, dashboard) = resources("AWS::CloudWatch::Dashboard").remove(0);
    let body = text(&dashboard["DashboardBody"]);
    // Without the references it is JSON as it stands.
    serde_json::from_str::<serde_json::Value>(body).expect("the dashboard is JSON");
    let runbook = read("docs/RUNBOOK.md");
    let section = runbook.split("\n## Metrics").nth(1).expect("a section").split("\n## ").next().unwrap();
    for name in Metric::NAMES {
        assert!(body.contains(&format!("\"{name}\"")), "{name} is not on the dashboard");
        assert!(section.contains(&format!("| `{name}` |")), "docs/RUNBOOK.md does not name {name}");
    }
    for (_, filter) in resources("AWS::Logs::MetricFilter") {
        let name = filter["MetricTransformations"][0]["MetricName"].as_str().unwrap().to_owned();
        assert!(section.contains(&format!("| `{name}` |")), "docs/RUNBOOK.md does not name {name}");
    }
}
