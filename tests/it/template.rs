//! template.yaml says what the code says: functions, routes, settings, rights.

use std::collections::{BTreeMap, BTreeSet};

use pomarium_local::runner::{
    self, EVENTS_TRIES, EVENTS_VISIBILITY, JOBS_TRIES, JOBS_VISIBILITY, SWEEP_TRIES, SWEEP_VISIBILITY,
    WAKE_TRIES, WAKE_VISIBILITY,
};
use serde_yaml_ng::Value;
use shared::config::NAMES;

use crate::repository::{folders, functions, read, template};

/// The resources of one type by logical id, in the template's order.
pub(crate) fn resources(kind: &str) -> Vec<(String, Value)> {
    let template = template();
    let all = template["Resources"].as_mapping().unwrap().iter();
    let some = all.filter(|(_, resource)| resource["Type"].as_str() == Some(kind));
    some.map(|(id, resource)| (id.as_str().unwrap().to_owned(), resource["Properties"].clone())).collect()
}

fn resource(kind: &str, id: &str) -> Value {
    resources(kind).into_iter().find(|(found, _)| found == id).map(|(_, properties)| properties).unwrap()
}

/// The text inside a tag such as `!Ref` or `!Sub`, or the plain text.
pub(crate) fn text(value: &Value) -> &str {
    let inside = if let Value::Tagged(tagged) = value { &tagged.value } else { value };
    inside.as_str().unwrap_or_else(|| panic!("{value:?} is not a text"))
}

/// `expiry-notifier` as a logical id: `ExpiryNotifier`.
pub(crate) fn logical_id(folder: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    folder.split('-').map(capital).collect()
}

#[test]
fn every_folder_is_a_function_in_the_order_of_the_workspace() {
    let declared: Vec<String> =
        resources("AWS::Serverless::Function").into_iter().map(|(id, _)| id).collect();
    let listed = functions();
    assert_eq!(declared, listed.iter().map(|name| logical_id(name)).collect::<Vec<_>>());
    assert_eq!(
        folders("functions"),
        listed.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    );
}

#[test]
fn a_function_carries_one_name_everywhere() {
    for name in functions() {
        let id = logical_id(&name);
        let function = resource("AWS::Serverless::Function", &id);
        assert_eq!(text(&function["FunctionName"]), format!("pomarium-${{Stage}}-{name}"));
        let log = resource("AWS::Logs::LogGroup", &format!("{id}Log"));
        assert_eq!(text(&log["LogGroupName"]), format!("/aws/lambda/pomarium-${{Stage}}-{name}"));
        let alarm = resource("AWS::CloudWatch::Alarm", &format!("{id}Errors"));
        assert_eq!(text(&alarm["Dimensions"][0]["Value"]), id);
        assert!(read(&format!("functions/{name}/Cargo.toml")).contains(&format!("name = \"{name}\"")));
    }
}

/// `PUT /mdm/{tenant}/checkin` and so on, of each function that answers HTTP.
fn routes_in_code() -> BTreeMap<String, BTreeSet<String>> {
    let mut routes = BTreeMap::new();
    for (name, router) in runner::functions() {
        let document = serde_json::to_value(router.get_openapi()).unwrap();
        for (path, item) in document["paths"].as_object().unwrap() {
            let methods = item.as_object().unwrap().keys().filter(|key| *key != "parameters");
            let keys = methods.map(|method| format!("{} {path}", method.to_uppercase()));
            routes.entry(logical_id(name)).or_insert_with(BTreeSet::new).extend(keys);
        }
    }
    routes
}

#[test]
fn every_route_leads_to_the_function_that_has_it() {
    let mut declared: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (_, route) in resources("AWS::ApiGatewayV2::Route") {
        let target =
            text(&route["Target"]).trim_start_matches("integrations/${").trim_end_matches("Integration}");
        assert_eq!(
            text(
                &resource("AWS::ApiGatewayV2::Integration", &format!("{target}Integration"))["IntegrationUri"]
            ),
            format!("{target}.Arn")
        );
        let key = route["RouteKey"].as_str().unwrap().to_owned();
        assert!(
            declared.entry(target.to_owned()).or_default().insert(key.clone()),
            "{key} stands there twice"
        );
    }
    // The console's pages stand in no description: the function gets whatever is below its folder.
    let console = declared.remove("Console").unwrap();
    assert_eq!(console, ["ANY /console", "ANY /console/{page+}"].map(str::to_owned).into());
    let mut in_code = routes_in_code();
    assert!(in_code.remove("Console").unwrap().iter().all(|route| route.contains(" /console/")));
    assert_eq!(declared, in_code);
}

#[test]
fn every_setting_of_the_code_is_set_and_no_other() {
    let template = template();
    let set = template["Globals"]["Function"]["Environment"]["Variables"].as_mapping().unwrap();
    let set: BTreeSet<&str> = set.keys().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(set, NAMES.into_iter().collect());
    for (id, function) in resources("AWS::Serverless::Function") {
        assert!(function.get("Environment").is_none(), "{id} has settings of its own");
    }
}

#[test]
fn nothing_stands_before_the_device_routes() {
    for line in read("template.yaml").lines().filter(|line| !line.trim_start().starts_with('#')) {
        assert!(!line.contains("Authorizer") && !line.contains("AuthorizationType"), "{line}");
    }
    // Who is asked for a certificate comes to a host of its own.
    for (id, domain) in resources("AWS::ApiGatewayV2::DomainName") {
        let asks = domain.get("MutualTlsAuthentication").is_some();
        assert_eq!(asks, id == "MutualTlsDomain", "{id}");
        let host = serde_yaml_ng::to_string(&domain["DomainName"]).unwrap();
        assert_eq!(host.contains("MutualTlsBaseUrl"), asks, "{host}");
    }
}

#[test]
fn the_local_queues_behave_as_the_deployed_ones() {
    for (queue, visibility, tries, function, mapping) in [
        ("Wake", WAKE_VISIBILITY, WAKE_TRIES, "Push", "PushWake"),
        ("Jobs", JOBS_VISIBILITY, JOBS_TRIES, "CommandJobs", "CommandJobsJobs"),
        ("EventsQueue", EVENTS_VISIBILITY, EVENTS_TRIES, "Events", "EventsTurns"),
        ("Sweep", SWEEP_VISIBILITY, SWEEP_TRIES, "InactivitySweeper", "InactivitySweeperSweep"),
    ] {
        let settings = resource("AWS::SQS::Queue", queue);
        assert_eq!(settings["VisibilityTimeout"].as_u64(), Some(u64::from(visibility)));
        assert_eq!(settings["RedrivePolicy"]["maxReceiveCount"].as_u64(), Some(u64::from(tries)));
        let timeout = resource("AWS::Serverless::Function", function)["Timeout"].as_u64().unwrap();
        assert_eq!(
            timeout * 6,
            u64::from(visibility),
            "{queue}: a batch in work must not be handed out again"
        );
        let mapping = resource("AWS::Lambda::EventSourceMapping", mapping);
        assert_eq!(mapping["FunctionResponseTypes"][0].as_str(), Some("ReportBatchItemFailures"));
    }
}

/// A heading as a link's anchor.
fn anchor(heading: &str) -> String {
    heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-")
}

#[test]
fn every_alarm_leads_to_a_section_of_the_runbook() {
    let runbook = read("docs/RUNBOOK.md");
    let sections: BTreeSet<String> =
        runbook.lines().filter(|line| line.starts_with("## ")).map(anchor).collect();
    for (id, alarm) in resources("AWS::CloudWatch::Alarm") {
        let description = alarm["AlarmDescription"].as_str().unwrap();
        let (_, section) = description.split_once("docs/RUNBOOK.md#").expect(&id);
        assert!(sections.contains(section), "{id}: there is no section {section}");
    }
    for name in functions() {
        let errors = runbook.split("## Throttles").next().unwrap();
        assert!(errors.contains(&name), "the runbook does not say who notices when {name} fails");
    }
}

#[test]
fn an_alarm_about_an_event_counts_the_line_that_is_logged() {
    let unread = ["nobody-is-told", "operator-address-lost"];
    let faults = ["trust-store-full", "trust-store-filling", "trust-store-warnings"];
    for (alarm, log, events, file) in [
        ("SilentPushes", "ApnsProbeLog", &["silent-pushes"][..], "watch_delivery.rs"),
        ("InactivityHeld", "InactivitySweeperLog", &["inactivity-held"], "sweep/inactive.rs"),
        ("UnreadMails", "MailFeedbackLog", &unread, "take_mail_feedback.rs"),
        ("TrustStoreFault", "TrustStoreLog", &faults, "refresh_trust_store.rs"),
        ("StaleSecrets", "PushLog", &["stale-secret"], "../port/secrets.rs"),
    ] {
        let filter = resource("AWS::Logs::MetricFilter", &format!("{alarm}Filter"));
        let terms: Vec<String> = events.iter().map(|event| format!("$.fields.event = \"{event}\"")).collect();
        let pattern = match &terms[..] {
            [one] => format!("{{ {one} }}"),
            several => format!("{{ ({}) }}", several.join(") || (")),
        };
        assert_eq!(filter["FilterPattern"].as_str(), Some(pattern.as_str()));
        for event in events {
            let line = format!("event = \"{event}\"");
            assert!(
                read(&format!("shared/src/service/{file}")).contains(&line),
                "{file} does not log {line}"
            );
        }
        assert_eq!(text(&filter["LogGroupName"]), log);
        let (metric, alarm) =
            (&filter["MetricTransformations"][0], resource("AWS::CloudWatch::Alarm", alarm));
        assert_eq!(text(&metric["MetricNamespace"]), text(&alarm["Namespace"]));
        assert_eq!(metric["MetricName"], alarm["MetricName"]);
    }
}
