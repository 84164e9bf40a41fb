//! What the documents name is there: files, sections, keys and attributes.

use std::collections::BTreeSet;
use std::path::Path;

use pomarium_tests::TestApp;
use serde_json::json;
use shared::time::{SignedDuration, Timestamp};

use crate::devices::enrolled;
use crate::mails::ending_token;
use crate::repository::{documents, read, rust_files};
use crate::stored::attributes;

/// Every `](target)` of a text.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// The anchors of a document's headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let plain = |heading: &str| heading.trim_start_matches('#').trim().to_lowercase();
    let kept = |c: &char| c.is_alphanumeric() || *c == ' ' || *c == '-' || *c == '_';
    headings
        .map(|heading| plain(heading).chars().filter(kept).collect::<String>().replace(' ', "-"))
        .collect()
}

#[test]
fn every_link_inside_the_repository_leads_somewhere() {
    let mut count = 0;
    for (path, text) in documents() {
        for link in links(&text).filter(|link| !link.contains("://")) {
            count += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let folder = Path::new(&path).parent().unwrap();
            let target = if file.is_empty() { path.clone() } else { folder.join(file).display().to_string() };
            let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(&target);
            assert!(found.exists(), "{path}: {link} leads nowhere");
            assert!(
                anchor.is_empty() || anchors(&read(&target)).contains(anchor),
                "{path}: {link} has no such section"
            );
        }
    }
    assert!(count > 20, "only {count} links were found");
}

#[test]
fn every_decision_is_listed_and_has_its_three_parts() {
    let list = read("docs/adr/README.md");
    let decisions: Vec<_> =
        documents().into_iter().filter(|(path, _)| path.starts_with("docs/adr/0")).collect();
    let mut numbers = std::collections::BTreeSet::new();
    for (path, text) in &decisions {
        let name = path.rsplit('/').next().unwrap();
        let number: u16 = name[..4].parse().unwrap();
        assert!(numbers.insert(number), "{path}: two decisions have this number");
        assert!(text.starts_with(&format!("# {number}. ")), "{path} has another number inside");
        assert!(list.contains(name), "{path} is not in the list");
        for part in ["**Context.**", "**Decision.**", "**Consequences.**"] {
            assert!(text.contains(part), "{path} has no {part}");
        }
    }
    assert!(decisions.len() > 10);
}

/// The full name of every test: of the integration tests without more, of the crates `shared` and `pomarium_local` with
/// the crate's name.
fn tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (path, text) in rust_files(&["tests/it", "shared/src", "infra/local/src", "infra/local/tests"]) {
        let module = path.trim_end_matches(".rs").replace('/', "::").replace("tests::it::", "");
        let module =
            module.replace("shared::src::", "shared::").replace("infra::local::src::", "pomarium_local::");
        let module = module.replace("infra::local::tests::", "pomarium_local::");
        let (mut inner, mut is_next) = ("", false);
        for line in text.lines().map(str::trim) {
            if line == "mod tests {" {
                inner = "::tests";
            }
            if is_next && let Some((_, name)) = line.split_once("fn ") {
                found.insert(format!("{module}{inner}::{}", name.split('(').next().unwrap()));
            }
            is_next = line.starts_with("#[test]")
                || line.starts_with("#[tokio::test")
                || is_next && line.starts_with('#');
        }
    }
    assert!(found.len() > 500, "only {} tests were found: is the search broken?", found.len());
    found
}

/// Checks each row of the table under a heading: what, what then, and tests that exist. Returns how many there are.
fn rows_with_tests(document: &str, heading: &str) -> usize {
    let (tests, text) = (tests(), read(document));
    let (_, section) = text.split_once(&format!("\n## {heading}\n")).expect(heading);
    let rows = section.split("\n## ").next().unwrap().lines().filter(|line| line.starts_with("| ")).skip(2);
    let mut count = 0;
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [what, then, shown] = cells[..] else { panic!("{row}: three columns") };
        assert!(!what.is_empty() && !then.is_empty(), "{row}");
        let named: Vec<_> = shown.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "{what}: which test shows it?");
        for name in named {
            assert!(tests.contains(name), "{what}: there is no test {name}");
        }
        count += 1;
    }
    count
}

#[test]
fn every_threat_names_tests_that_exist() {
    assert!(rows_with_tests("docs/SECURITY.md", "Threats") > 30, "too few threats were found");
}

#[test]
fn every_fault_names_tests_that_exist() {
    assert!(rows_with_tests("docs/FAULTS.md", "Where it may break") > 20, "too few faults were found");
}

#[test]
fn every_part_of_a_key_is_described() {
    let data = read("docs/DATA.md");
    let keys = ["keys/logs.rs", "keys/many.rs", "keys/people.rs", "keys/queue.rs", "keys.rs"]
        .map(|file| read(&format!("shared/src/store/{file}")))
        .concat();
    let literals = keys.split("#[cfg(test)]").next().unwrap().split('"').skip(1).step_by(2);
    // What stands in braces is Rust.
    let parts = literals.flat_map(|literal| literal.split('{').map(|part| part.rsplit('}').next().unwrap()));
    let words = parts.flat_map(|part| part.split(|c: char| !c.is_ascii_uppercase()));
    for word in words.filter(|word| word.len() > 3) {
        assert!(data.contains(word), "docs/DATA.md does not mention {word}");
    }
}

#[tokio::test]
async fn every_attribute_of_every_table_is_described() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let device = enrolled(&app, &tenant, "D-1").await;
    device.set_bootstrap_token(b"token").await.expect("it is kept");
    let order = json!({"targets": ["D-1"], "command": {"RequestType": "DeviceInformation"}});
    let sent = tenant.post("commands", order.clone()).await.expect(201);
    app.deliver_hints().await;
    let first = sent.json["command_uuid"].as_str().unwrap();
    for reply in [
        pomarium_local::device::Reply::NotNow,
        pomarium_local::device::Reply::Acknowledge(plist::Dictionary::new()),
    ] {
        device.report(first, reply).await.expect("it is taken");
    }
    tenant.post("commands", order).await.expect(201);
    tenant.request().await;
    let issued = app.runner.portal.issue(&tenant.request_file().await).map_err(|_| ()).unwrap();
    tenant.stage(&issued.pem).await;
    let snooze = json!({"until": app.clock.now() + SignedDuration::from_hours(1), "by": "Jo"});
    let credential = tenant.get("expirations").await.json["expirations"][0]["credential"].clone();
    let path = format!("expirations/{}/snooze", credential.as_str().unwrap());
    tenant.post(&path, snooze).await.expect(201);
    tenant.post("expirations/calendar", json!({})).await.expect(201);
    ending_token(&tenant, "help desk", 400).await;
    app.pass_days(335);
    expiry_notifier::handle(app.runner.state.clone(), Timestamp::MAX).await.expect("a mail goes out");

    let data = read("docs/DATA.md");
    let mut sections = data.split("\n## ");
    for table in ["core", "pki", "ephemeral"] {
        let section = sections.find(|section| section.starts_with(table)).expect(table);
        let found = attributes(&app, table).await;
        assert!(found.len() > 8, "{table}: {found:?}");
        for attribute in found.iter().filter(|name| !["pk", "sk", "v"].contains(&name.as_str())) {
            assert!(
                section.contains(&format!("`{attribute}`")),
                "docs/DATA.md: {table} has no `{attribute}`"
            );
        }
    }
}
