//! Logs that are sealed, exported, and checked without the server.

use std::io::Write;
use std::process::{Command, Stdio};

use pomarium_tests::{Tenant, TestApp};
use serde_json::{Value, json};

use crate::devices::{enrolled, pass_seconds, queue};
use pomarium_local::device::Reply;

const HOUR: i64 = 3_600;

/// What `infra/verify-log` says to an export, and whether it is content.
pub(crate) fn verify(export: &str, arguments: &[&str]) -> (bool, String) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/verify-log");
    let mut child = Command::new("python3")
        .arg(script)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is there");
    child.stdin.take().unwrap().write_all(export.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

/// A whole export, page after page.
pub(crate) async fn export(tenant: &Tenant, log: &str, query: &str) -> String {
    let mut text = String::new();
    let mut after = String::new();
    loop {
        let page = tenant.get(&format!("{log}/export?{query}{after}")).await.expect(200);
        assert_eq!(page.header("content-type"), Some("application/x-ndjson"));
        text.push_str(&page.text());
        let last: Value = serde_json::from_str(page.text().lines().last().unwrap()).unwrap();
        match last["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return text,
        }
    }
}

/// The values of the seals in an export.
pub(crate) fn seals(export: &str) -> Vec<Value> {
    let lines = export.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter_map(|mut line| line.get_mut("seal").map(Value::take)).collect()
}

/// A tenant whose device does something in each of some hours, all of which are sealed but the last.
async fn busy(hours: u32) -> (TestApp, Tenant) {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let device = enrolled(&app, &tenant, "D-1").await;
    for _ in 0..hours {
        for _ in 0..3 {
            pass_seconds(&app, 1);
            let uuid = queue(&tenant, "D-1", "DeviceInformation").await;
            device.report(&uuid, Reply::Acknowledge(plist::Dictionary::new())).await.expect("it is taken");
        }
        pass_seconds(&app, HOUR);
        app.seal().await;
    }
    queue(&tenant, "D-1", "DeviceInformation").await;
    (app, tenant)
}

#[tokio::test]
async fn both_logs_are_as_they_were_sealed() {
    let (_app, tenant) = busy(3).await;
    for (log, said) in [("events", "10 entries under 3 seals"), ("audit", "under 3 seals")] {
        let text = export(&tenant, log, "").await;
        let (fine, words) = verify(&text, &[]);
        assert!(fine && words.contains(said), "{words}");
        assert!(
            words.contains(if log == "audit" { "1 are not sealed" } else { "0 are not sealed" }),
            "{words}"
        );
        let head = seals(&text).pop().unwrap()["hash"].as_str().unwrap().to_owned();
        assert!(words.contains(&head));
        assert!(verify(&text, &["--head", &head]).0);
        let (fine, words) = verify(&text, &["--head", &"0".repeat(64)]);
        assert!(!fine && words.contains("no seal has the hash"), "{words}");
    }
    // The export has what the log shows.
    let shown = tenant.get("events").await.expect(200).json["events"].as_array().unwrap().len();
    let lines = export(&tenant, "events", "month=2026-11").await;
    assert_eq!(lines.lines().filter(|line| line.starts_with("{\"id\"")).count(), shown);
    let other = export(&tenant, "events", "month=2026-10").await;
    assert_eq!(other.lines().count(), 1, "only what it is an export of");
    assert_eq!(tenant.get("events/export?month=October").await.expect(400).problem(), "audit-month");
    assert_eq!(tenant.get("audit/export?after=x").await.expect(400).problem(), "page-mark");
}

#[tokio::test]
async fn whatever_is_removed_altered_added_or_moved_is_found() {
    let (_app, tenant) = busy(3).await;
    let text = export(&tenant, "events", "").await;
    let lines: Vec<&str> = text.lines().collect();
    let with = |change: &dyn Fn(&mut Vec<String>)| {
        let mut lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        change(&mut lines);
        let (fine, words) = verify(&(lines.join("\n") + "\n"), &[]);
        assert!(!fine, "{words}");
        words
    };
    let second_seal = lines.iter().enumerate().filter(|(_, l)| l.starts_with("{\"seal\"")).nth(1).unwrap().0;
    assert!(with(&|lines| drop(lines.remove(2))).contains("some were removed or added"));
    assert!(with(&|lines| lines.insert(3, lines[2].clone())).contains("some were removed or added"));
    let altered = |lines: &mut Vec<String>| lines[2] = lines[2].replace("Acknowledged", "Error");
    assert!(with(&altered).contains("an entry or the seal was altered"));
    let spaced = |lines: &mut Vec<String>| lines[2] = lines[2].replacen("{\"id\":", "{\"id\": ", 1);
    assert!(with(&spaced).contains("altered"), "a line is its bytes");
    assert!(with(&|lines| lines.swap(2, 3)).contains("not in their order"));
    assert!(with(&|lines| lines.swap(2, second_seal - 1)).contains("not in their order"));
    assert!(with(&|lines| drop(lines.remove(second_seal))).contains("does not follow seal 1"));
    // A whole hour with its seal.
    let hour = |lines: &mut Vec<String>| drop(lines.drain(second_seal - 3..=second_seal));
    assert!(with(&hour).contains("does not follow seal 1"));
    // An hour under another number of entries, as if that had been sealed.
    let fewer = |lines: &mut Vec<String>| {
        lines[second_seal] = lines[second_seal].replace("\"entries\":3", "\"entries\":2");
        lines.remove(second_seal - 1);
    };
    assert!(with(&fewer).contains("hash of seal 2 does not fit"));
    assert!(with(&|lines| drop(lines.remove(0))).contains("does not begin"));
    assert!(!verify("", &[]).0 && !verify("nonsense\n", &[]).0);
}

#[tokio::test]
async fn the_operators_own_log_is_sealed_exported_and_checked_in_the_same_way() {
    let app = TestApp::start().await;
    app.tenant("Green School").await;
    let exported = async || app.operator().get("/v1/audit/export").await.expect(200).text();
    let (fine, words) = verify(&exported().await, &[]);
    assert!(fine && words.contains("audit of operator: 0 entries under 0 seals"), "{words}");
    for name in ["Blue School", "Red School"] {
        pass_seconds(&app, HOUR);
        tokio::join!(app.seal(), app.seal());
        app.tenant(name).await;
    }
    pass_seconds(&app, HOUR);
    app.seal().await;
    app.seal().await;
    let text = exported().await;
    let (fine, words) = verify(&text, &[]);
    assert!(fine && words.contains("under 3 seals") && words.contains("0 are not sealed"), "{words}");
    let shown = app.operator().get("/v1/audit").await.expect(200).json["entries"].as_array().unwrap().len();
    assert_eq!(text.lines().filter(|line| line.starts_with("{\"id\"")).count(), shown);
    let lines: Vec<&str> = text.lines().collect();
    let without = |left_out: usize| {
        let rest = lines.iter().enumerate().filter(|(number, _)| *number != left_out);
        verify(&(rest.map(|(_, line)| *line).collect::<Vec<_>>().join("\n") + "\n"), &[])
    };
    assert!(without(1).1.contains("some were removed or added"));
    let seal = lines.iter().position(|line| line.starts_with("{\"seal\"")).unwrap();
    assert!(!without(seal).0);
    // It is nobody else's.
    let tenant = app.tenant("Brown School").await;
    tenant.admin.get("/v1/audit/export").await.expect(403);
    assert!(!export(&tenant, "audit", "").await.contains("\"operator\""));
    assert_eq!(app.operator().get("/v1/audit/export?month=11").await.expect(400).problem(), "audit-month");
}

#[tokio::test]
async fn an_entry_that_changes_in_the_table_is_found() {
    let (app, tenant) = busy(2).await;
    let client = aws_sdk_dynamodb::Client::new(&app.runner.aws.sdk_config());
    let pk = format!("TENANT#{}#EVENTS#2026-11", tenant.id);
    let found = client
        .query()
        .table_name("core")
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", aws_sdk_dynamodb::types::AttributeValue::S(pk))
        .send()
        .await
        .unwrap();
    let item = found.items()[1].clone();
    let key = ["pk", "sk"].map(|name| (name.to_owned(), item[name].clone()));
    client.delete_item().table_name("core").set_key(Some(key.into())).send().await.unwrap();
    let (fine, words) = verify(&export(&tenant, "events", "").await, &[]);
    assert!(!fine && words.contains("some were removed"), "{words}");
}

#[tokio::test]
async fn a_log_is_sealed_once_and_a_long_one_under_several_seals_and_on_several_pages() {
    let (app, tenant) = busy(1).await;
    tokio::join!(app.seal(), app.seal());
    app.seal().await;
    assert_eq!(seals(&export(&tenant, "events", "").await).len(), 1, "nothing new, no seal");

    // More than is under one seal.
    let link = tenant.enrollment_link().await;
    assert!(!link.is_empty());
    let state = &app.runner.state;
    #[expect(clippy::disallowed_methods, reason = "nobody calls")]
    let scope = shared::scope::Scope::system(tenant.id.parse().unwrap(), "test");
    for _ in 0..1_150 {
        let event = state.event_of_all(&scope, shared::domain::event::EventKind::InactivityHeld);
        state.store.put_event(&scope, &event).await.unwrap();
    }
    pass_seconds(&app, HOUR);
    app.seal().await;
    let text = export(&tenant, "events", "").await;
    let counts: Vec<_> = seals(&text).iter().map(|seal| seal["entries"].as_u64().unwrap()).collect();
    assert_eq!(counts, [4, 1_000, 150]);
    assert!(verify(&text, &[]).0);

    for _ in 0..210 {
        let event = state.event_of_all(&scope, shared::domain::event::EventKind::InactivityHeld);
        state.store.put_event(&scope, &event).await.unwrap();
        pass_seconds(&app, HOUR);
        app.seal().await;
    }
    let text = export(&tenant, "events", "").await;
    assert_eq!(text.lines().filter(|line| line.starts_with("{\"next\"")).count(), 1);
    let (fine, words) = verify(&text, &[]);
    assert!(fine && words.contains("under 213 seals"), "{words}");
    let later = export(&tenant, "events", "month=2026-11").await;
    assert!(verify(&later, &[]).0);
    assert_eq!(json!(seals(&later)[0]["number"]), json!(1));
}
