//! template.yaml, with what this machine must have otherwise. Everything else is deployed as it stands there.

use std::collections::BTreeMap;

use serde_yaml_ng::Value;

use super::emulator::root;

/// The stage that is deployed.
pub(crate) const STAGE: &str = "ci";
/// The bucket of the functions' packages.
pub(crate) const BUCKET: &str = "packages";
/// Schedules that are not waited for: hours and a day become a minute.
const SOONER: [&str; 2] = ["ExpiryNotifier", "InactivitySweeper"];

/// The template to deploy, and the functions in it: logical identifiers and packages.
///
/// What is changed: the processor is this machine's; a package lies in a bucket, where `sam deploy` would have put it; two schedules
/// run every minute; and two rights are wider, see [`widen`].
pub(crate) fn adapted() -> (String, BTreeMap<String, String>) {
    let text = std::fs::read_to_string(root().join("template.yaml")).unwrap();
    let mut template: Value = serde_yaml_ng::from_str(&text).unwrap();
    let global = template["Globals"]["Function"].as_mapping_mut().unwrap();
    let folder = global.remove("CodeUri").expect("the folder of all functions");
    assert_eq!(folder.as_str(), Some("."), "sam build takes the packages from there");
    let lambdas = global.insert("Architectures".into(), vec![Value::from(processor())].into());
    assert_eq!(lambdas, Some(vec![Value::from("arm64")].into()));

    let mut functions = BTreeMap::new();
    for (id, resource) in template["Resources"].as_mapping_mut().unwrap() {
        if resource["Type"].as_str() != Some("AWS::Serverless::Function") {
            continue;
        }
        let id = id.as_str().unwrap().to_owned();
        let package = package(&id);
        let method = resource.as_mapping_mut().unwrap().remove("Metadata").unwrap();
        assert_eq!(method["BuildMethod"].as_str(), Some("makefile"));
        let properties = resource["Properties"].as_mapping_mut().unwrap();
        let place = [("Bucket", BUCKET.to_owned()), ("Key", format!("{package}.zip"))];
        let place = place.map(|(name, value)| (Value::from(name), Value::from(value)));
        properties.insert("CodeUri".into(), Value::Mapping(place.into_iter().collect()));
        if SOONER.contains(&id.as_str()) {
            let (_, event) = properties["Events"].as_mapping_mut().unwrap().iter_mut().next().unwrap();
            let schedule = event["Properties"].as_mapping_mut().unwrap();
            schedule.insert("ScheduleExpression".into(), "rate(1 minute)".into()).expect("a schedule");
            schedule.remove("ScheduleExpressionTimezone");
        }
        for policy in properties["Policies"].as_sequence_mut().unwrap() {
            for statement in policy["Statement"].as_sequence_mut().unwrap() {
                widen(statement);
            }
        }
        functions.insert(id, package);
    }
    (serde_yaml_ng::to_string(&template).unwrap(), functions)
}

/// AWS has no right of its own for `SendMessageBatch`, the emulator asks for one; and it does not know which address a mail is sent from.
fn widen(statement: &mut Value) {
    let actions = statement["Action"].as_sequence_mut().unwrap();
    let has = |actions: &[Value], name: &str| actions.iter().any(|action| action.as_str() == Some(name));
    if has(actions, "sqs:SendMessage") {
        actions.push("sqs:SendMessageBatch".into());
    }
    if has(actions, "ses:SendEmail") {
        statement["Resource"] = "*".into();
    }
}

/// As Lambda calls this machine's processor.
fn processor() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}

/// `ExpiryNotifier` as a package: `expiry-notifier`.
fn package(id: &str) -> String {
    let mut name = String::new();
    for letter in id.chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}
