//! What each function may do is what it does: every call of a whole story, function by function, against the policies of
//! template.yaml; and what it writes into the audit log.

mod policies;
mod recorder;
pub(crate) mod story;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pomarium_tests::TestApp;

/// Actions by function and resource.
type Rights = BTreeMap<(String, String), BTreeSet<String>>;

/// Rights that no call of the story uses, and why they are there.
const UNSEEN: &[(&str, &str, &str, &str)] = &[
    ("Push", "Wake", "sqs:ReceiveMessage", "Lambda itself takes the messages"),
    ("Push", "Wake", "sqs:DeleteMessage", "Lambda itself takes the messages"),
    ("Push", "Wake", "sqs:GetQueueAttributes", "Lambda itself takes the messages"),
    ("CommandJobs", "Jobs", "sqs:ReceiveMessage", "Lambda itself takes the messages"),
    ("CommandJobs", "Jobs", "sqs:DeleteMessage", "Lambda itself takes the messages"),
    ("CommandJobs", "Jobs", "sqs:GetQueueAttributes", "Lambda itself takes the messages"),
    ("InactivitySweeper", "Sweep", "sqs:ReceiveMessage", "Lambda itself takes the messages"),
    ("InactivitySweeper", "Sweep", "sqs:DeleteMessage", "Lambda itself takes the messages"),
    ("InactivitySweeper", "Sweep", "sqs:GetQueueAttributes", "Lambda itself takes the messages"),
    ("Events", "EventsQueue", "sqs:ReceiveMessage", "Lambda itself takes the messages"),
    ("Events", "EventsQueue", "sqs:DeleteMessage", "Lambda itself takes the messages"),
    ("Events", "EventsQueue", "sqs:GetQueueAttributes", "Lambda itself takes the messages"),
    ("Admin", "WakeDeadLetter", "sqs:DeleteMessage", "SQS moves letters in the name of its caller"),
    ("Admin", "JobsDeadLetter", "sqs:DeleteMessage", "SQS moves letters in the name of its caller"),
    ("Admin", "SweepDeadLetter", "sqs:DeleteMessage", "SQS moves letters in the name of its caller"),
    ("Admin", "EventsDeadLetter", "sqs:DeleteMessage", "SQS moves letters in the name of its caller"),
    ("Admin", "EventsQueue", "sqs:SendMessage", "the same"),
    ("Console", "WakeDeadLetter", "sqs:DeleteMessage", "SQS moves letters in the name of its caller"),
    ("Console", "JobsDeadLetter", "sqs:DeleteMessage", "SQS moves letters in the name of its caller"),
    ("Console", "SweepDeadLetter", "sqs:DeleteMessage", "SQS moves letters in the name of its caller"),
    ("Console", "EventsDeadLetter", "sqs:DeleteMessage", "SQS moves letters in the name of its caller"),
    ("Console", "EventsQueue", "sqs:SendMessage", "the same"),
    ("Admin", "Results", "s3:ListBucket", "makes an expired result look like one that is gone"),
    (
        "Admin",
        "*/authority/",
        "secretsmanager:PutSecretValue",
        "after a repeated CreateSecret whose first answer was lost",
    ),
    ("Admin", "*/profile-signer/", "secretsmanager:PutSecretValue", "the same"),
    ("Admin", "*/data-key", "secretsmanager:PutSecretValue", "the same"),
    ("Admin", "*/removal-password/", "secretsmanager:PutSecretValue", "the same"),
    ("Admin", "*/scep-secret/", "secretsmanager:PutSecretValue", "the same"),
    ("Admin", "*/openid-secret/", "secretsmanager:PutSecretValue", "the same"),
    ("Console", "*/openid-secret/", "secretsmanager:PutSecretValue", "the same"),
    ("Certificate", "*/push-key/", "secretsmanager:PutSecretValue", "the same"),
    ("Console", "*/authority/", "secretsmanager:PutSecretValue", "the same"),
    ("Console", "*/data-key", "secretsmanager:PutSecretValue", "the same"),
    ("Console", "*/profile-signer/", "secretsmanager:PutSecretValue", "the same"),
    ("Console", "*/removal-password/", "secretsmanager:PutSecretValue", "the same"),
    ("Console", "*/signing-key/", "secretsmanager:PutSecretValue", "the same"),
    ("Console", "*/scep-secret/", "secretsmanager:CreateSecret", "as Admin: the same form of the settings"),
    ("Console", "*/scep-secret/", "secretsmanager:PutSecretValue", "the same"),
    ("Console", "vendor", "secretsmanager:PutSecretValue", "as Certificate: one that was deleted comes back"),
    ("Console", "vendor", "secretsmanager:RestoreSecret", "the same"),
    ("Console", "Results", "s3:ListBucket", "makes an expired result look like one that is gone"),
    ("Console", "EventBuses", "events:PutEvents", "as Admin: a bus is tested like another webhook"),
    ("Console", "*/push-key/", "secretsmanager:PutSecretValue", "the same"),
    ("Console", "*/push-export/", "secretsmanager:PutSecretValue", "the same"),
    ("Certificate", "*/signing-key/", "secretsmanager:PutSecretValue", "the same"),
    ("Certificate", "*/push-export/", "secretsmanager:PutSecretValue", "the same"),
    ("TrustStore", "TrustStoreBucket", "s3:GetObjectVersion", "API Gateway reads in the name of its caller"),
    ("TrustStore", "TrustStoreBucket", "s3:ListBucket", "makes a file that is not there look like one"),
    ("TrustStore", "apigateway", "apigateway:AddCertificateToDomain", "asked for beside PATCH"),
    ("TrustStore", "apigateway", "apigateway:RemoveCertificateFromDomain", "asked for beside PATCH"),
];

#[tokio::test]
async fn every_call_of_the_story_is_allowed_every_right_is_used_and_every_change_is_written_down() {
    let app = Arc::new(TestApp::start().await);
    let played = story::play(&app, None).await;
    crate::audited::compare(&played.written);
    let used = played.rights;
    let declared = policies::declared();
    let mut missing = Vec::new();
    for (place, actions) in &used {
        let allowed = declared.get(place).cloned().unwrap_or_default();
        missing
            .extend(actions.difference(&allowed).map(|action| format!("{} {} {action}", place.0, place.1)));
    }
    assert!(missing.is_empty(), "not allowed by template.yaml: {missing:#?}");

    let mut unused = BTreeSet::new();
    for (place, actions) in &declared {
        let seen = used.get(place).cloned().unwrap_or_default();
        unused.extend(
            actions.difference(&seen).map(|action| (place.0.clone(), place.1.clone(), action.clone())),
        );
    }
    let expected = UNSEEN.iter().map(|(function, resource, action, _)| {
        ((*function).to_owned(), (*resource).to_owned(), (*action).to_owned())
    });
    assert_eq!(unused, expected.collect(), "allowed by template.yaml and never used");
}
