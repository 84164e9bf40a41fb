//! What a deployment's template would set, for one machine.

use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use shared::config::{Config, MutualTls};
use shared::error::{Error, Result};
use shared::port::apns::ApnsEndpoint;
use shared::secret::Secret;

use crate::apns::{ApnsSimulator, HOST};
use crate::aws::{LocalAws, QueueSettings, Redrive};
use crate::tables::create_tables;

/// The deployment's own definition, so that the local tables cannot differ from it.
const TEMPLATE: &str = include_str!("../../../../template.yaml");
/// The wake queue; its settings stand in the template as well, and a test compares them.
pub(super) const WAKE_QUEUE: &str = "wake";
const WAKE_DEAD_LETTERS: &str = "wake-dead-letter";
/// For how long a hint is hidden while it is handled, in seconds.
pub const WAKE_VISIBILITY: u32 = 90;
/// How often a hint is tried before it is a dead letter.
pub const WAKE_TRIES: u32 = 5;
/// The configuration set of mails; here also the queue in which reports about them wait for their function.
pub(super) const MAIL_REPORTS: &str = "mail-reports";
/// The bucket of large results.
pub const BUCKET: &str = "results";
/// What the names of all secrets begin with.
pub const SECRET_PREFIX: &str = "pomarium-local";
const TRUST_STORE: &str = "trust-store";
/// The host that asks for client certificates.
pub(super) const MUTUAL_TLS_HOST: &str = "127.0.0.1";
/// Holds the operator's token between starts.
const TOKEN_FILE: &str = "operator-token";

/// The sweep queue.
pub(super) const SWEEP_QUEUE: &str = "sweep";
const SWEEP_DEAD_LETTERS: &str = "sweep-dead-letter";
/// For how long a page is hidden while it is swept, in seconds.
pub const SWEEP_VISIBILITY: u32 = 360;
/// How often a page is tried before it is a dead letter.
pub const SWEEP_TRIES: u32 = 5;

/// The queue of jobs.
pub(super) const JOBS_QUEUE: &str = "jobs";
const JOBS_DEAD_LETTERS: &str = "jobs-dead-letter";
/// For how long a job's message is hidden while its page is done, in seconds.
pub const JOBS_VISIBILITY: u32 = 360;
/// How often a page is tried before its message is a dead letter.
pub const JOBS_TRIES: u32 = 5;

/// The queue of the function `events`.
pub(super) const EVENTS_QUEUE: &str = "events";
const EVENTS_DEAD_LETTERS: &str = "events-dead-letter";
/// For how long a turn's message is hidden while it is taken, in seconds.
pub const EVENTS_VISIBILITY: u32 = 540;
/// How often a turn's message is tried before it is a dead letter.
pub const EVENTS_TRIES: u32 = 5;

/// Where daily runs of the expiry mails lie that failed to the end.
const EXPIRY_DEAD_LETTERS: &str = "expiry-notifier-dead-letter";

/// Makes tables, queues and bucket, where they are missing.
pub(super) async fn prepare(aws: &LocalAws) -> Result<()> {
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws.sdk_config());
    create_tables(&dynamodb, TEMPLATE, "").await?;
    create_queue(aws, WAKE_QUEUE, WAKE_DEAD_LETTERS, WAKE_VISIBILITY, WAKE_TRIES)?;
    create_queue(aws, SWEEP_QUEUE, SWEEP_DEAD_LETTERS, SWEEP_VISIBILITY, SWEEP_TRIES)?;
    create_queue(aws, JOBS_QUEUE, JOBS_DEAD_LETTERS, JOBS_VISIBILITY, JOBS_TRIES)?;
    create_queue(aws, EVENTS_QUEUE, EVENTS_DEAD_LETTERS, EVENTS_VISIBILITY, EVENTS_TRIES)?;
    let reports = QueueSettings { visibility_timeout: WAKE_VISIBILITY, redrive: None };
    for name in [MAIL_REPORTS, EXPIRY_DEAD_LETTERS] {
        aws.queues().create(name, &reports).map_err(Error::internal)?;
    }
    aws.create_bucket(BUCKET).map_err(Error::internal)?;
    aws.create_versioned_bucket(TRUST_STORE).map_err(Error::internal)?;
    aws.create_domain(MUTUAL_TLS_HOST).map_err(Error::internal)
}

/// A queue, and where its dead letters go.
fn create_queue(
    aws: &LocalAws,
    name: &str,
    dead_letters: &str,
    visibility_timeout: u32,
    tries: u32,
) -> Result<()> {
    let dead = QueueSettings { visibility_timeout, redrive: None };
    aws.queues().create(dead_letters, &dead).map_err(Error::internal)?;
    let redrive = Some(Redrive { max_receive_count: tries, dead_letter_queue: dead_letters.to_owned() });
    aws.queues().create(name, &QueueSettings { redrive, ..dead }).map_err(Error::internal)
}

pub(super) fn config(
    aws: &LocalAws,
    address: SocketAddr,
    mutual_tls: SocketAddr,
    apns: &ApnsSimulator,
) -> Config {
    Config {
        mutual_tls: Some(MutualTls {
            base_url: format!("https://{MUTUAL_TLS_HOST}:{}", mutual_tls.port()),
            bucket: TRUST_STORE.into(),
        }),
        table_core: "core".into(),
        table_pki: "pki".into(),
        table_ephemeral: "ephemeral".into(),
        queue_wake_url: aws.queue_url(WAKE_QUEUE),
        queue_sweep_url: aws.queue_url(SWEEP_QUEUE),
        queue_jobs_url: aws.queue_url(JOBS_QUEUE),
        queue_events_url: aws.queue_url(EVENTS_QUEUE),
        queue_wake_dead_letters_url: aws.queue_url(WAKE_DEAD_LETTERS),
        queue_sweep_dead_letters_url: aws.queue_url(SWEEP_DEAD_LETTERS),
        queue_jobs_dead_letters_url: aws.queue_url(JOBS_DEAD_LETTERS),
        queue_events_dead_letters_url: aws.queue_url(EVENTS_DEAD_LETTERS),
        queue_expiry_notifier_dead_letters_url: aws.queue_url(EXPIRY_DEAD_LETTERS),
        bucket_results: BUCKET.into(),
        secret_prefix: SECRET_PREFIX.into(),
        kms_key: None,
        metrics: None,
        base_url: format!("http://{address}"),
        mail_from: "pomarium@localhost.example".into(),
        mail_configuration_set: MAIL_REPORTS.into(),
        operator_mail: vec!["operator@localhost.example".into()],
        apns_host: HOST.into(),
        apns_port: apns.address().port(),
        apns_roots_file: None,
        push_roots_file: None,
        log: "info".into(),
        unsigned_profiles: true,
        loopback_calls: true,
        portal_url: format!("http://{address}/_local/portal"),
    }
}

/// The same settings over other services.
pub(super) fn with_queues(aws: &LocalAws, config: Config) -> Config {
    Config {
        queue_wake_url: aws.queue_url(WAKE_QUEUE),
        queue_sweep_url: aws.queue_url(SWEEP_QUEUE),
        queue_jobs_url: aws.queue_url(JOBS_QUEUE),
        queue_events_url: aws.queue_url(EVENTS_QUEUE),
        queue_wake_dead_letters_url: aws.queue_url(WAKE_DEAD_LETTERS),
        queue_sweep_dead_letters_url: aws.queue_url(SWEEP_DEAD_LETTERS),
        queue_jobs_dead_letters_url: aws.queue_url(JOBS_DEAD_LETTERS),
        queue_events_dead_letters_url: aws.queue_url(EVENTS_DEAD_LETTERS),
        queue_expiry_notifier_dead_letters_url: aws.queue_url(EXPIRY_DEAD_LETTERS),
        ..config
    }
}

pub(super) fn apns(apns: &ApnsSimulator) -> ApnsEndpoint {
    ApnsEndpoint {
        host: HOST.into(),
        port: apns.address().port(),
        address: Some(apns.address()),
        roots: vec![apns.root().clone()],
    }
}

/// The operator's token: the one in the data directory, or a new one.
pub(super) async fn operator_token(
    directory: Option<&Path>,
    create: impl AsyncFnOnce() -> Result<Secret<String>>,
) -> Result<Secret<String>> {
    let Some(file) = directory.map(|directory| directory.join(TOKEN_FILE)) else {
        return create().await;
    };
    if let Ok(kept) = std::fs::read_to_string(&file) {
        return Ok(Secret::new(kept.trim().to_owned()));
    }
    let token = create().await?;
    let mut open = std::fs::OpenOptions::new();
    let mut opened =
        open.create(true).write(true).truncate(true).mode(0o600).open(&file).map_err(Error::internal)?;
    writeln!(opened, "{}", token.expose()).map_err(Error::internal)?;
    Ok(token)
}
