//! Every call that changes something says in the audit log what it did: no route can be added without it.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::Client;
use pomarium_local::runner::openapi;
use pomarium_tests::TestApp;

/// What is written down when a call succeeds.
enum Written {
    /// All of these, in one call of the story or another.
    Actions(&'static [&'static str]),
    /// Nothing, and why.
    Nothing(&'static str),
}

use Written::{Actions, Nothing};

/// A device's messages change the device's own state.
const DEVICE: Written =
    Nothing("a device speaks for itself: what becomes of it stands in the surveillance log");

/// Every call that is not a GET.
const CHANGING: &[(&str, Written)] = &[
    ("PUT /v1/members/{address}", Actions(&["member-set"])),
    ("DELETE /v1/members/{address}", Actions(&["member-removed"])),
    ("PUT /v1/tenants/{tenant}/members/{address}", Actions(&["member-set"])),
    ("DELETE /v1/tenants/{tenant}/members/{address}", Actions(&["member-removed"])),
    ("PUT /v1/tenants/{tenant}/sign-in", Actions(&["openid-provider-changed"])),
    ("DELETE /v1/tenants/{tenant}/sign-in", Actions(&["openid-provider-removed"])),
    ("PUT /v1/tenants/{tenant}/settings/support-access", Actions(&["support-allowed"])),
    ("DELETE /v1/tenants/{tenant}/settings/support-access", Actions(&["support-ended"])),
    ("PUT /v1/tenants/{tenant}/retention", Actions(&["retention-changed"])),
    ("POST /v1/tenants/{tenant}/webhooks", Actions(&["webhook-created"])),
    ("PATCH /v1/tenants/{tenant}/webhooks/{webhook}", Actions(&["webhook-changed"])),
    ("DELETE /v1/tenants/{tenant}/webhooks/{webhook}", Actions(&["webhook-deleted"])),
    ("POST /v1/tenants/{tenant}/webhooks/{webhook}/secret", Actions(&["webhook-secret-rotated"])),
    ("POST /v1/tenants/{tenant}/webhooks/{webhook}/replay", Actions(&["webhook-replayed"])),
    ("POST /v1/tenants/{tenant}/webhooks/{webhook}/test", Actions(&["webhook-tested"])),
    (
        "POST /v1/tenants/{tenant}/webhooks/{webhook}/dead-letters/{event}/redeliver",
        Actions(&["webhook-redelivered"]),
    ),
    ("DELETE /v1/profile-signer", Actions(&["profile-signer-removed"])),
    ("DELETE /v1/tenants/{tenant}/profile-signer", Actions(&["profile-signer-removed"])),
    ("DELETE /v1/tenants/{tenant}/command-jobs/{command}", Actions(&["command-cancelled"])),
    ("DELETE /v1/tenants/{tenant}/commands/{command}", Actions(&["command-cancelled"])),
    ("DELETE /v1/tenants/{tenant}/commands/{command}/targets/{enrollment}", Actions(&["command-cancelled"])),
    ("DELETE /v1/tenants/{tenant}/enrollments/{enrollment}/commands", Actions(&["command-queue-cleared"])),
    ("DELETE /v1/tenants/{tenant}/enrollment-links/{link}", Actions(&["enrollment-link-revoked"])),
    (
        "DELETE /v1/tenants/{tenant}/push-certificate",
        Actions(&["push-certificates-deletion-begun", "push-certificates-deleted"]),
    ),
    ("DELETE /v1/tenants/{tenant}/groups/{group}", Actions(&["group-deleted"])),
    ("DELETE /v1/tenants/{tenant}/push-certificate/request", Actions(&["push-request-cancelled"])),
    ("DELETE /v1/tenants/{tenant}/push-certificate/staged", Actions(&["push-certificate-discarded"])),
    ("DELETE /v1/tenants/{tenant}/tokens/{token}", Actions(&["token-deleted"])),
    ("DELETE /v1/dead-letters/{queue}", Actions(&["dead-letters-discarded"])),
    ("DELETE /v1/vendor-certificates/{fingerprint}", Actions(&["vendor-certificate-deleted"])),
    ("PATCH /v1/tenants/{tenant}", Actions(&["tenant-changed", "contact-asked"])),
    ("POST /console/{tenant}/confirm/{token}", Actions(&["contact-confirmed"])),
    ("POST /enroll/{tenant}/device", DEVICE),
    ("POST /mdm/{tenant}", DEVICE),
    ("POST /mdm/{tenant}/checkin", DEVICE),
    ("POST /mdm/{tenant}/command", DEVICE),
    ("POST /scep/{tenant}", DEVICE),
    ("POST /v1/expirations/{credential}/snooze", Actions(&["expiry-snoozed"])),
    ("POST /v1/tenants", Actions(&["tenant-created", "contact-asked"])),
    ("POST /v1/tenants/{tenant}/commands", Actions(&["command-sent", "command-approval-asked"])),
    ("POST /v1/tenants/{tenant}/commands/preview", Nothing("shows, and keeps nothing")),
    ("POST /v1/tenants/{tenant}/commands/{command}/approve", Actions(&["command-approved"])),
    (
        "POST /v1/tenants/{tenant}/commands/{command}/targets/{enrollment}/pin",
        Actions(&["command-pin-revealed"]),
    ),
    (
        "POST /v1/tenants/{tenant}/commands/{command}/targets/{enrollment}/retry",
        Actions(&["command-retried"]),
    ),
    ("POST /v1/tenants/{tenant}/contacts/confirmations", Actions(&["contact-asked"])),
    ("POST /v1/tenants/{tenant}/enrollment-links", Actions(&["enrollment-link-created", "group-created"])),
    (
        "POST /v1/tenants/{tenant}/enrollments/{enrollment}/renew-identity",
        Actions(&["identity-renewal-asked"]),
    ),
    ("POST /v1/tenants/{tenant}/enrollments/{enrollment}/revoke-identity", Actions(&["identity-revoked"])),
    ("POST /v1/tenants/{tenant}/enrollments/{enrollment}/retire", Actions(&["device-retired"])),
    ("POST /v1/tenants/{tenant}/enrollments/{enrollment}/unenroll", Actions(&["device-dismissed"])),
    ("POST /v1/tenants/{tenant}/enrollments/{enrollment}/unlock", Actions(&["access-unlocked"])),
    (
        "POST /v1/tenants/{tenant}/enrollment-links/invitations",
        Actions(&["enrollment-link-created", "enrollment-link-revoked"]),
    ),
    ("POST /v1/tenants/{tenant}/expirations/calendar", Actions(&["calendar-address-created"])),
    ("POST /v1/tenants/{tenant}/expirations/{credential}/snooze", Actions(&["expiry-snoozed"])),
    ("POST /v1/tenants/{tenant}/groups", Actions(&["group-created"])),
    ("POST /v1/tenants/{tenant}/groups/{group}/members", Actions(&["group-members-changed"])),
    ("POST /v1/tenants/{tenant}/identity-authority", Actions(&["identity-authority-created"])),
    ("POST /v1/tenants/{tenant}/identity-authority/trusted", Actions(&["identity-authority-trusted"])),
    (
        "POST /v1/tenants/{tenant}/identity-authority/{authority}/retire",
        Actions(&["identity-authority-retired"]),
    ),
    ("POST /v1/tenants/{tenant}/inactivity/confirm", Actions(&["inactivity-confirmed"])),
    ("POST /v1/tenants/{tenant}/inactivity/preview", Nothing("shows, and keeps nothing")),
    ("POST /v1/tenants/{tenant}/push-certificate/activate", Actions(&["push-certificate-activated"])),
    (
        "POST /v1/tenants/{tenant}/push-certificate/export",
        Actions(&["push-certificate-export-tried", "push-certificate-exported"]),
    ),
    (
        "POST /v1/tenants/{tenant}/push-certificate/ownership/confirm",
        Actions(&["push-certificate-ownership-confirmed"]),
    ),
    ("POST /v1/tenants/{tenant}/push-certificate/request", Actions(&["push-request-made"])),
    ("POST /v1/tenants/{tenant}/push-certificate/request/review", Nothing("shows, and keeps nothing")),
    ("POST /v1/tenants/{tenant}/push-certificate/rollback", Actions(&["push-certificate-rolled-back"])),
    ("POST /v1/tenants/{tenant}/push-certificate/staged", Actions(&["push-certificate-staged"])),
    ("POST /v1/tenants/{tenant}/push-certificate/staged/check", Nothing("asks Apple, and keeps nothing")),
    ("POST /v1/tenants/{tenant}/tokens", Actions(&["token-created"])),
    ("POST /v1/dead-letters/{queue}/send-back", Actions(&["dead-letters-sent-back"])),
    ("POST /v1/vendor-certificates", Actions(&["vendor-certificate-installed"])),
    ("POST /v1/vendor-certificates/{fingerprint}/activate", Actions(&["vendor-certificate-activated"])),
    ("PUT /mdm/{tenant}", DEVICE),
    ("PUT /mdm/{tenant}/checkin", DEVICE),
    ("PUT /mdm/{tenant}/command", DEVICE),
    ("PUT /v1/profile-signer", Actions(&["profile-signer-installed"])),
    ("PUT /v1/tenants/{tenant}/access/settings", Actions(&["access-settings-changed"])),
    ("PUT /v1/tenants/{tenant}/inactivity", Actions(&["inactivity-rule-changed"])),
    ("PUT /v1/tenants/{tenant}/refresh", Actions(&["refresh-changed"])),
    ("PUT /v1/tenants/{tenant}/profile-signer", Actions(&["profile-signer-installed"])),
    ("PUT /v1/tenants/{tenant}/enrollment-settings", Actions(&["enrollment-settings-changed"])),
    (
        "PUT /v1/tenants/{tenant}/push-certificate/ownership",
        Actions(&["push-certificate-ownership-confirmed"]),
    ),
];

/// What no call of the API does.
const WITHOUT_A_CALL: [&str; 7] = [
    "contact-disabled",
    "member-entered",
    "operator-token-created",
    "support-asked",
    "support-entered",
    "tenant-exported",
    "tenant-imported",
];

/// The audit log's entries by their place, whoever's they are.
pub(crate) async fn entries(app: &TestApp) -> BTreeMap<String, String> {
    let client = Client::new(&app.runner.aws.sdk_config());
    let mut found = BTreeMap::new();
    let mut pages = client.scan().table_name("core").into_paginator().items().send();
    while let Some(item) = pages.next().await {
        let item = item.unwrap();
        let part = |name: &str| item[name].as_s().unwrap().clone();
        if part("pk").contains("#AUDIT#") {
            found.insert(format!("{} {}", part("pk"), part("sk")), part("action"));
        }
    }
    found
}

#[test]
fn every_changing_call_and_every_action_has_its_line() {
    let document = serde_json::to_value(openapi()).unwrap();
    let mut calls = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let methods = item.as_object().unwrap().keys().filter(|method| *method != "get");
        calls.extend(methods.map(|method| format!("{} {path}", method.to_uppercase())));
    }
    let listed: BTreeSet<_> = CHANGING.iter().map(|(call, _)| (*call).to_owned()).collect();
    assert_eq!(calls, listed, "say here what a new call writes into the audit log");

    let mut actions: BTreeSet<&str> = WITHOUT_A_CALL.into();
    for (call, written) in CHANGING {
        match written {
            Actions(named) => actions.extend(named.iter()),
            Nothing(why) => assert!(!why.is_empty(), "{call}"),
        }
    }
    let known = document["components"]["schemas"]["AuditAction"]["enum"].as_array().unwrap().iter();
    let known: BTreeSet<&str> = known.map(|action| action.as_str().unwrap()).collect();
    assert_eq!(actions, known, "an action that no call has, or the other way round");
}

/// Compares what every call of the story wrote into the audit log with the table.
pub(crate) fn compare(wrote: &BTreeMap<String, BTreeSet<String>>) {
    for (call, written) in CHANGING {
        let found = wrote.get(*call);
        match written {
            Actions(expected) => {
                let found = found.unwrap_or_else(|| panic!("the story does not call {call}"));
                assert_eq!(*found, expected.iter().map(|action| (*action).to_owned()).collect(), "{call}");
            }
            Nothing(_) => assert!(found.is_none_or(BTreeSet::is_empty), "{call}: {found:?}"),
        }
    }
}
