//! The directions of dependency: a module uses only what is below it.

use crate::repository::{code_lines, functions, read, rust_files};

/// The layers of `shared`, lowest first; modules of one layer do not use each other, except the basics.
const LAYERS: [&[&str]; 8] = [
    &["aws", "cache", "config", "error", "id", "metrics", "scope", "scripted", "secret", "telemetry", "time"],
    &["pki", "protocol"],
    &["domain"],
    &["port", "store"],
    &["state"],
    &["service"],
    &["http"],
    &["lambda"],
];

/// Services that no caller starts, and so the only ones to act in a tenant's name by themselves.
const BACKGROUND: &[&str] = &[
    "shared/src/service/command_jobs/page.rs",
    "shared/src/service/deliver_webhooks.rs",
    "shared/src/service/notify_expiry.rs",
    "shared/src/service/probe_push_certificates.rs",
    "shared/src/service/refresh_trust_store.rs",
    "shared/src/service/seal_logs.rs",
    "shared/src/service/sweep/devices.rs",
    "shared/src/service/sweep/dropped.rs",
    "shared/src/service/take_mail_feedback.rs",
    "shared/src/service/wake_devices.rs",
    "shared/src/service/watch_delivery.rs",
];

/// What acts for the whole server where no operator called: an installation, what an upgrade takes over, the schedule, the
/// local runner.
const OPERATORLESS: &[&str] = &[
    "infra/local/src/runner/mod.rs",
    "shared/src/service/create_token.rs",
    "shared/src/service/manage_members.rs",
    "shared/src/service/notify_expiry.rs",
    "shared/src/service/seal_logs.rs",
    "shared/src/service/vendor_certificate.rs",
];

/// Where somebody's right to act in a tenant is proven: by a token, a signature, a link, a challenge.
const AUTHENTICATORS: &[&str] = &[
    "shared/src/service/authenticate_caller.rs",
    "shared/src/service/authenticate_device.rs",
    "shared/src/service/authenticate_visitor.rs",
    "shared/src/service/calendar_feed.rs",
    "shared/src/service/confirm_contact.rs",
    "shared/src/service/enrollment_profile.rs",
    "shared/src/service/issue_identity.rs",
    "shared/src/service/openid_sign_in.rs",
    "shared/src/service/over_the_air.rs",
];

fn layer(module: &str) -> usize {
    LAYERS.iter().position(|layer| layer.contains(&module)).unwrap_or_else(|| {
        panic!("the module {module} belongs to no layer: add it here and to shared/src/lib.rs")
    })
}

/// The module of a file under shared/src; none for lib.rs.
fn module(path: &str) -> Option<&str> {
    let module = path.strip_prefix("shared/src/")?.split('/').next()?.trim_end_matches(".rs");
    (module != "lib").then_some(module)
}

/// The modules of this crate that a line names.
fn used(line: &str) -> Vec<String> {
    let named =
        |text: &str| text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("").to_owned();
    let mut modules = Vec::new();
    for rest in line.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            Some(list) => modules.extend(list.split(',').map(|part| named(part.trim()))),
            None => modules.push(named(rest)),
        }
    }
    // lib.rs offers these at the root.
    let of_error =
        |name: String| if ["Error", "Kind", "Result"].contains(&&*name) { "error".into() } else { name };
    modules.into_iter().filter(|name| !name.is_empty()).map(of_error).collect()
}

#[test]
fn every_edge_points_down() {
    let mut wrong = Vec::new();
    let mut edges = 0;
    for (path, text) in rust_files(&["shared/src"]) {
        let Some(from) = module(&path) else { continue };
        for (number, line) in code_lines(&text) {
            for to in used(line) {
                edges += 1;
                let within_basics = layer(from) == 0 && layer(&to) == 0;
                if from != to && !within_basics && layer(&to) >= layer(from) {
                    wrong.push(format!("{path}:{number}: {from} uses {to}"));
                }
            }
        }
    }
    assert!(edges > 300, "only {edges} edges were found: is the search broken?");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Fails for every line of code of `files` that holds one of `words`, unless its file is in `allowed`.
#[track_caller]
fn forbid(files: &[(String, String)], words: &[&str], allowed: &[&str]) {
    let mut wrong = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| !allowed.contains(&path.as_str())) {
        for (number, line) in code_lines(text) {
            wrong.extend(
                words
                    .iter()
                    .filter(|word| line.contains(**word))
                    .map(|word| format!("{path}:{number}: {word}")),
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for path in allowed {
        let used =
            files.iter().any(|(found, text)| found == path && words.iter().any(|word| text.contains(word)));
        assert!(used, "{path} needs no exception for {words:?} any more");
    }
}

#[test]
fn wire_cryptography_and_domain_are_pure() {
    let mut files = rust_files(&["shared/src/pki", "shared/src/protocol", "shared/src/domain"]);
    files.retain(|(path, _)| !path.ends_with("/tests.rs"));
    let effects =
        ["async ", "aws_", "axum", "tokio", "hyper", "Clock", "Timestamp::now", "std::fs", "std::env"];
    forbid(&files, &effects, &[]);
}

#[test]
fn only_the_store_knows_dynamodb() {
    let files = rust_files(&["shared/src", "functions"]);
    let outside: Vec<_> =
        files.into_iter().filter(|(path, _)| !path.starts_with("shared/src/store/")).collect();
    forbid(&outside, &["aws_sdk_dynamodb"], &["shared/src/state.rs"]);
}

#[test]
fn only_who_proves_it_may_act_for_a_tenant() {
    let files: Vec<_> = rust_files(&["shared/src", "functions", "infra/local/src"])
        .into_iter()
        .filter(|(path, _)| path != "shared/src/scope.rs" && !path.contains("/tests"))
        .collect();
    forbid(&files, &["Operator::system"], OPERATORLESS);
    forbid(
        &files,
        &["Operator::authenticated"],
        &["shared/src/service/authenticate_caller.rs", "shared/src/service/authenticate_visitor.rs"],
    );
    forbid(&files, &["Scope::system"], BACKGROUND);
    forbid(&files, &["Scope::authenticated"], AUTHENTICATORS);
}

#[test]
fn only_a_dismissed_device_is_answered_with_the_status_that_unenrolls() {
    let files = rust_files(&[
        "functions/checkin",
        "functions/command",
        "functions/scep",
        "shared/src/http",
        "shared/src/service",
    ]);
    let statuses = ["UNAUTHORIZED", "FORBIDDEN", "from_u16(401)", "from_u16(403)"];
    forbid(&files, &statuses, &["shared/src/http/problem.rs", "shared/src/http/unenroll.rs"]);
    let says = ["Answer::Unenroll("];
    forbid(&files, &says, &["shared/src/service/unenroll_device.rs", "shared/src/http/device.rs"]);
    let device = read("shared/src/http/device.rs");
    assert!(
        !code_lines(&device).any(|(_, line)| line.contains("Problem")),
        "the device's edge uses the API's error map"
    );
}

#[test]
fn a_function_depends_on_no_other_and_its_main_is_short() {
    let names = functions();
    for name in &names {
        let manifest = read(&format!("functions/{name}/Cargo.toml"));
        let dependencies = manifest.split("[dependencies]").nth(1).unwrap();
        for other in &names {
            assert!(!dependencies.contains(&format!("\n{other}.workspace")), "{name} depends on {other}");
        }
        let main = read(&format!("functions/{name}/src/main.rs"));
        assert!(main.lines().count() <= 15, "the main.rs of {name} does more than start");
    }
}

#[test]
fn files_stay_small() {
    let mut lengths: Vec<(usize, String)> = rust_files(&["shared", "functions", "infra", "tests"])
        .into_iter()
        .map(|(path, text)| (text.lines().count(), path))
        .collect();
    lengths.sort();
    let long: Vec<_> = lengths.iter().filter(|(lines, _)| *lines > 400).collect();
    assert!(long.is_empty(), "{long:#?}");
    let (median, _) = &lengths[lengths.len() / 2];
    assert!(*median <= 120, "half of the files have more than {median} lines");
}
