//! The policies of template.yaml, in few words.

use serde_yaml_ng::Value;

use super::Rights;
use crate::template::{resources, text};

pub(super) use crate::template::logical_id;

/// What the functions may do. A secret is written as the part of its name after the installation's prefix, as
/// shared/src/service/secret_path.rs writes it; an index after its table.
pub(super) fn declared() -> Rights {
    let mut rights = Rights::new();
    for (function, properties) in resources("AWS::Serverless::Function") {
        for policy in properties["Policies"].as_sequence().unwrap() {
            for statement in policy["Statement"].as_sequence().unwrap() {
                assert_eq!(statement["Effect"].as_str(), Some("Allow"));
                for resource in each(&statement["Resource"]) {
                    let actions = each(&statement["Action"]).map(|action| text(action).to_owned());
                    rights.entry((function.clone(), short(resource))).or_default().extend(actions);
                }
            }
        }
    }
    rights
}

fn each(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_sequence().map_or(std::slice::from_ref(value), Vec::as_slice).iter()
}

/// A resource's name as [`declared`] writes it.
fn short(resource: &Value) -> String {
    // !Sub with variables is a list of text and mapping.
    let listed = if let Value::Tagged(tagged) = resource { tagged.value.get(0) } else { None };
    let full = text(listed.unwrap_or(resource));
    if let Some((_, name)) = full.split_once(":secret:pomarium-${Stage}/") {
        return name.trim_end_matches('*').trim_end_matches('-').to_owned();
    }
    if full.contains(":ses:") {
        return "ses".to_owned();
    }
    if full.contains(":apigateway:") {
        return "apigateway".to_owned();
    }
    full.trim_start_matches("${")
        .replacen(".Arn}", "", 1)
        .trim_end_matches(".Arn")
        .trim_end_matches("/*")
        .to_owned()
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
