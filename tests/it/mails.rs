//! What the tests about mails do again and again.

use pomarium_local::runner::run;
use pomarium_tests::{Answer, Tenant, TestApp};
use serde_json::{Value, json};

/// The addresses and subjects of the mails about an end, oldest first.
pub(crate) fn notices(app: &TestApp) -> Vec<(String, String)> {
    let mails = app.runner.aws.mailbox().list().expect("the mailbox is read").into_iter();
    mails
        .map(|sent| (sent.mail.to, sent.mail.subject))
        .filter(|(_, subject)| !subject.starts_with("Please confirm"))
        .collect()
}

/// The pages of the confirmation mails to an address, oldest first.
pub(crate) fn confirmations(app: &TestApp, address: &str) -> Vec<String> {
    let mails = app.runner.aws.mailbox().list().expect("the mailbox is read").into_iter();
    mails
        .filter(|sent| sent.mail.to == address && sent.mail.subject.starts_with("Please confirm"))
        .filter_map(|sent| sent.mail.text.lines().find(|line| line.starts_with("http")).map(str::to_owned))
        .collect()
}

/// Runs the notifier and returns what it did.
pub(crate) async fn notify(app: &TestApp) -> Value {
    run(app.runner.state.clone(), "expiry-notifier").await.expect("the notifier runs")
}

/// A token of the tenant's that ends.
pub(crate) async fn ending_token(tenant: &Tenant, name: &str, days: i64) -> Answer {
    tenant.post("tokens", json!({"name": name, "role": "viewer", "valid_days": days})).await.expect(201)
}

/// What the calendar says of the first credential of a kind.
pub(crate) async fn listed(tenant: &Tenant, kind: &str) -> Value {
    let calendar = tenant.get("expirations").await.expect(200).json;
    let all = calendar["expirations"].as_array().expect("a list").clone();
    all.into_iter().find(|one| one["kind"] == kind).unwrap_or_default()
}
