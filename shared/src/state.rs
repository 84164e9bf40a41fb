//! What every function holds: the store, the ports, the clock, the settings, and what the warm process remembers.

use std::sync::Arc;

use openssl::x509::X509;

use crate::cache::{Cache, Facts};
use crate::config::Config;
use crate::domain::apns_status::{ApnsStatus, NOTED_EVERY};
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::event::{Event, EventKind};
use crate::domain::identity::IdentityAuthority;
use crate::domain::limit::{self, Counted, Limit};
use crate::domain::openid::KnownProvider;
use crate::domain::push_certificates::PushCertificates;
use crate::domain::retention::CommandsKept;
use crate::domain::token::Owner;
use crate::error::{Error, Result};
use crate::id::{EnrollmentId, Fingerprint, TenantId, TokenId};
use crate::metrics::Metric;
use crate::pki::mdm_signature::KnownSigner;
use crate::pki::trust::{TrustRoots, apns_roots};
use crate::port::apns::{Apns, ApnsEndpoint};
use crate::port::blob::Blobs;
use crate::port::dead_letters::DeadLetters;
use crate::port::event_bus::EventBuses;
use crate::port::mailer::{Mail, Mailer};
use crate::port::outbound::Outbound;
use crate::port::queue::Queue;
use crate::port::random::Random;
use crate::port::secrets::Secrets;
use crate::port::trust_store::TrustStore;
use crate::scope::{Realm, Scope};
use crate::store::{Store, Tables};
use crate::time::Clock;

/// How long a warm process remembers a tenant's authorities and push certificates, in seconds.
pub const CERTIFICATES_LIFE: i64 = 60;
/// How long a warm process remembers an API token: so long may a deleted one still work, in seconds.
pub const TOKEN_LIFE: i64 = 30;

/// How long a warm process remembers whether a tenant lets in devices that are not enrolled, in seconds.
pub const ACCESS_LIFE: i64 = 30;

/// How long a warm process remembers for how long a tenant keeps finished commands, in seconds.
pub const RETENTION_LIFE: i64 = 300;

/// How long a warm process remembers an OpenID provider's description and keys, in seconds.
pub const PROVIDER_LIFE: i64 = 3_600;

/// Shared by all requests of a process.
pub struct State {
    /// DynamoDB.
    pub store: Store,
    /// Secrets Manager.
    pub secrets: Secrets,
    /// The queue of wake-up hints.
    pub wakes: Queue,
    /// The queue of the sweep's pages.
    pub sweeps: Queue,
    /// Hints at jobs: commands to many devices.
    pub jobs: Queue,
    /// The queue of the function `events`.
    pub events: Queue,
    /// What the queues set aside.
    pub dead_letters: DeadLetters,
    /// Event buses that tenants choose.
    pub event_buses: EventBuses,
    /// Addresses that tenants choose.
    pub outbound: Outbound,
    /// SES.
    pub mailer: Mailer,
    /// The bucket of large results.
    pub results: Blobs,
    /// The authorities that the host for mutual TLS accepts, where there is such a host.
    pub trust_store: Option<TrustStore>,
    /// Apple's push service.
    pub apns: Apns,
    /// The time.
    pub clock: Clock,
    /// Randomness and identifiers.
    pub random: Random,
    /// The settings.
    pub config: Config,
    /// Whose signature a push certificate must bear.
    pub push_issuers: TrustRoots,
    /// Who certifies devices when they are made or activated.
    pub device_makers: TrustRoots,
    /// Remembered for [`CERTIFICATES_LIFE`].
    pub authorities: Cache<TenantId, Arc<Vec<IdentityAuthority>>>,
    /// Which of these authorities, by their place, issued a certificate. The key is the digest of both: that a chain holds
    /// never changes.
    pub issuers: Facts<[u8; 32], usize>,
    /// Devices' certificates by their fingerprints, read once.
    pub signers: Facts<Fingerprint, Arc<KnownSigner>>,
    /// Remembered for [`CERTIFICATES_LIFE`].
    pub push_certificates: Cache<TenantId, Arc<PushCertificates>>,
    /// What is known of connections to APNs, remembered for [`NOTED_EVERY`].
    pub apns_statuses: Cache<(TenantId, Fingerprint), Option<ApnsStatus>>,
    /// Whether a tenant lets in devices that are not enrolled, remembered for [`ACCESS_LIFE`].
    pub lets_unenrolled_in: Cache<TenantId, bool>,
    /// For how long a tenant keeps finished commands, remembered for [`RETENTION_LIFE`].
    pub commands_kept: Cache<TenantId, CommandsKept>,
    /// OpenID providers by their issuers, remembered for [`PROVIDER_LIFE`].
    pub openid_providers: Cache<String, Arc<KnownProvider>>,
    /// Remembered for [`TOKEN_LIFE`].
    pub tokens: Cache<(Owner, TokenId), crate::domain::token::ApiToken>,
    /// Limits that were reached, and in which stretch of their time.
    pub exhausted: Cache<(Limit, Counted), i64>,
}

/// What handlers get.
pub type AppState = Arc<State>;

impl State {
    /// An audit entry about what the realm's actor does now; the store writes it together with the change.
    pub fn audit<'a>(&self, realm: impl Into<Realm<'a>>, action: AuditAction) -> AuditEntry {
        AuditEntry::new(self.random.id(), self.clock.now(), realm, action)
    }
}

impl State {
    /// Counts something for CloudWatch.
    pub fn count(&self, metric: Metric) {
        metric.count(self.config.metrics.as_deref(), self.clock.now());
    }

    /// Sends a mail and counts it. Returns SES's name for it.
    ///
    /// # Errors
    /// As [`Mailer::send`].
    pub async fn send_mail(&self, owner: &Owner, mail: &Mail) -> Result<String> {
        let sent = self.mailer.send(owner, mail).await?;
        self.count(Metric::MailsSent);
        Ok(sent)
    }

    /// An event in a device's life that `scope`'s actor causes now; the store writes it together with the change.
    pub fn event(&self, scope: &Scope, kind: EventKind, enrollment: &EnrollmentId) -> Event {
        self.event_of_all(scope, kind).of(enrollment)
    }

    /// The same about all of a tenant's devices.
    pub fn event_of_all(&self, scope: &Scope, kind: EventKind) -> Event {
        Event::new(self.random.id(), self.clock.now(), scope, kind)
    }
}

/// What differs between a deployed function, the local runner and a test: where AWS and Apple are, the time, and chance.
pub struct Surroundings {
    /// How to reach AWS.
    pub aws: aws_config::SdkConfig,
    /// How to reach the push service.
    pub apns: ApnsEndpoint,
    /// Whose signature a push certificate must bear.
    pub push_issuers: TrustRoots,
    /// Who certifies devices when they are made or activated.
    pub device_makers: TrustRoots,
    /// The time.
    pub clock: Clock,
    /// Randomness and identifiers.
    pub random: Random,
}

impl State {
    /// Builds everything from settings and surroundings. Nothing is connected yet.
    pub fn new(config: Config, surroundings: Surroundings) -> AppState {
        let Surroundings { aws, apns, push_issuers, device_makers, clock, random } = surroundings;
        let tables = Tables {
            core: config.table_core.clone(),
            pki: config.table_pki.clone(),
            ephemeral: config.table_ephemeral.clone(),
        };
        let secrets = aws_sdk_secretsmanager::Client::new(&aws);
        Arc::new(Self {
            store: Store::new(aws_sdk_dynamodb::Client::new(&aws), tables),
            secrets: Secrets::new(secrets, config.secret_prefix.clone(), clock.clone())
                .under(config.kms_key.clone()),
            wakes: Queue::new(aws_sdk_sqs::Client::new(&aws), config.queue_wake_url.clone()),
            sweeps: Queue::new(aws_sdk_sqs::Client::new(&aws), config.queue_sweep_url.clone()),
            jobs: Queue::new(aws_sdk_sqs::Client::new(&aws), config.queue_jobs_url.clone()),
            events: Queue::new(aws_sdk_sqs::Client::new(&aws), config.queue_events_url.clone()),
            dead_letters: DeadLetters::new(aws_sdk_sqs::Client::new(&aws), &config),
            event_buses: EventBuses::new(aws_sdk_eventbridge::Client::new(&aws)),
            outbound: if config.loopback_calls {
                Outbound::with_loopback(Vec::new())
            } else {
                Outbound::public()
            },
            mailer: Mailer::new(
                aws_sdk_sesv2::Client::new(&aws),
                config.mail_from.clone(),
                config.mail_configuration_set.clone(),
            ),
            trust_store: config.mutual_tls.as_ref().map(|settings| {
                let gateway = aws_sdk_apigatewayv2::Client::new(&aws);
                TrustStore::new(aws_sdk_s3::Client::new(&aws), gateway, settings)
            }),
            results: Blobs::new(aws_sdk_s3::Client::new(&aws), config.bucket_results.clone()),
            apns: Apns::new(apns),
            random,
            push_issuers,
            device_makers,
            authorities: Cache::new(CERTIFICATES_LIFE, clock.clone()),
            issuers: Facts::default(),
            signers: Facts::default(),
            push_certificates: Cache::new(CERTIFICATES_LIFE, clock.clone()),
            apns_statuses: Cache::new(NOTED_EVERY, clock.clone()),
            lets_unenrolled_in: Cache::new(ACCESS_LIFE, clock.clone()),
            commands_kept: Cache::new(RETENTION_LIFE, clock.clone()),
            openid_providers: Cache::new(PROVIDER_LIFE, clock.clone()),
            tokens: Cache::new(TOKEN_LIFE, clock.clone()),
            exhausted: Cache::new(limit::LONGEST, clock.clone()),
            clock,
            config,
        })
    }

    /// The state of a deployed function, with its first connection open.
    ///
    /// # Errors
    /// Internal, naming the setting or the file that is missing or wrong; Unavailable when DynamoDB does not answer.
    pub async fn from_environment() -> Result<AppState> {
        let config = Config::read(|name| std::env::var(name).ok())?;
        let surroundings = Surroundings {
            aws: crate::aws::sdk_config().await,
            apns: ApnsEndpoint {
                host: config.apns_host.clone(),
                port: config.apns_port,
                address: None,
                roots: match &config.apns_roots_file {
                    Some(path) => X509::stack_from_pem(&file(path)?).map_err(Error::internal)?,
                    None => apns_roots()?,
                },
            },
            push_issuers: match &config.push_roots_file {
                Some(path) => TrustRoots::from_pem(&file(path)?)?,
                None => TrustRoots::apple()?,
            },
            device_makers: TrustRoots::apple_devices()?,
            clock: Clock::system(),
            random: Random::system(),
        };
        let state = Self::new(config, surroundings);
        state.store.warm_up().await?;
        Ok(state)
    }
}

fn file(path: &str) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| Error::internal(format!("{path}: {error}")))
}
