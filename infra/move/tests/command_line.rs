//! The real program, on the data of two machines.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use pomarium_local::aws::Storage;
use pomarium_local::runner::{Options, Runner};
use serde_json::{Value, json};
use shared::port::random::Random;
use shared::time::Clock;

/// Runs the program with these settings and no others.
fn run(what: &str, settings: &[(&str, &str)]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_pomarium-move"));
    program.arg(what).env_clear().envs(settings.iter().copied());
    program.output().expect("the program runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

/// Settings with which the program fails, and what it says.
#[track_caller]
fn refused(what: &str, settings: &[(&str, &str)], words: &str) {
    let output = run(what, settings);
    assert!(!output.status.success());
    assert!(said(&output).contains(words), "{}", said(&output));
}

async fn start(directory: &Path) -> Runner {
    let storage = Storage::Directory(directory.to_owned());
    let listen = "127.0.0.1:0".parse().unwrap();
    let (clock, random) = (Clock::system(), Random::system());
    Runner::start(Options { storage, listen, clock, random, by_itself: false }).await.expect("it starts")
}

#[tokio::test]
async fn a_tenant_goes_from_one_machine_to_another() {
    let (here, there, files) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = start(here.path()).await;
    let new = json!({"name": "Green School", "contacts": ["it@green.example"]});
    let http = reqwest::Client::new();
    let made = http.post(format!("{}/v1/tenants", server.base_url()));
    let made = made.bearer_auth(server.operator_token.expose()).json(&new).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    let (tenant, token) = (made["tenant"]["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    let archive = files.path().join("green.archive");
    let (file, passphrase) = (archive.to_str().unwrap(), "five words that seal it");
    let data = |directory: &Path| directory.to_str().unwrap().to_owned();
    let (from, to) = (data(here.path()), data(there.path()));
    let mut settings =
        vec![("TENANT", tenant), ("FILE", file), ("PASSPHRASE", passphrase), ("POMARIUM_DATA", &from)];
    refused("export", &settings, "Pomarium is running already");
    server.stop().await;

    settings.push(("CLOSE", "yes"));
    let output = run("export", &settings);
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        said(&output).contains("1 TOKEN") && said(&output).contains("is closed here"),
        "{}",
        said(&output)
    );
    assert_eq!(archive.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    refused("export", &settings, "cannot be made: File exists");

    let mut settings = vec![("FILE", file), ("PASSPHRASE", passphrase), ("POMARIUM_DATA", &to)];
    settings.push(("DRY_RUN", "yes"));
    let output = run("import", &settings);
    assert!(said(&output).contains("\"Green School\"") && said(&output).contains("Nothing was changed"));
    settings.pop();
    let output = run("import", &settings);
    assert!(
        output.status.success() && said(&output).contains("Imported: \"Green School\""),
        "{}",
        said(&output)
    );
    refused("import", &settings, "This tenant is here already.");

    let server = start(there.path()).await;
    let shown = http.get(format!("{}/v1/tenants/{tenant}", server.base_url())).bearer_auth(token);
    let shown: Value = shown.send().await.unwrap().json().await.unwrap();
    assert_eq!(shown["name"], "Green School");
    server.stop().await;
}

#[test]
fn what_is_missing_is_named() {
    refused("", &[], "Say what to do: export, import or nanomdm. make export TENANT=");
    refused("export", &[], "TENANT is missing: the tenant's identifier. Add TENANT=");
    let tenant = ("TENANT", "aaaaaaaaaaaaaaaa");
    refused("export", &[tenant], "FILE is missing");
    refused("export", &[tenant, ("FILE", "a")], "PASSPHRASE is missing");
    refused("export", &[tenant, ("FILE", "a"), ("PASSPHRASE", "short")], "too short: it needs 16 characters");
    let sealed = ("PASSPHRASE", "five words that seal it");
    refused(
        "export",
        &[tenant, ("FILE", "a"), sealed, ("FROM", "prod")],
        "BUCKET is missing: the stack's output",
    );
    refused("import", &[], "FILE is missing: the archive");
    refused("import", &[("FILE", "/nowhere/a"), sealed, ("DRY_RUN", "yes")], "/nowhere/a cannot be read");
    refused("nanomdm", &[], "DUMP is missing: the folder of the dump");
    refused("nanomdm", &[("DUMP", "/nowhere")], "/nowhere has no file of the table devices");
    let data = tempfile::tempdir().unwrap();
    let data = ("POMARIUM_DATA", data.path().to_str().unwrap());
    refused("export", &[tenant, ("FILE", "/nowhere/a"), sealed, data], "/nowhere/a cannot be made");
}
