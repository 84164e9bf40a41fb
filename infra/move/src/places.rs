//! Where one installation keeps what belongs to its tenants.

use aws_config::SdkConfig;
use pomarium_local::runner::{BUCKET, SECRET_PREFIX};
use shared::domain::audit::{AuditAction, AuditEntry};
use shared::id::TenantId;
use shared::port::blob::Blobs;
use shared::port::random::Random;
use shared::port::secrets::Secrets;
use shared::scope::{Operator, Realm, Scope};
use shared::store::{Store, Tables};
use shared::time::Clock;

/// What an installation's parts are called.
#[derive(Clone, Debug)]
pub struct Names {
    table_prefix: String,
    secret_prefix: String,
    key: Option<String>,
    bucket: String,
}

impl Names {
    /// Those of a stage of AWS, as `template.yaml` has them. The bucket's is an output of its stack.
    pub fn stage(stage: &str, bucket: &str) -> Self {
        Self {
            table_prefix: format!("pomarium-{stage}-"),
            secret_prefix: format!("pomarium-{stage}"),
            key: Some(format!("alias/pomarium-{stage}")),
            bucket: bucket.to_owned(),
        }
    }

    /// Those on one machine.
    pub fn local() -> Self {
        Self {
            table_prefix: String::new(),
            secret_prefix: SECRET_PREFIX.to_owned(),
            key: None,
            bucket: BUCKET.to_owned(),
        }
    }
}

/// The tables, the bucket and the secrets of one installation.
#[derive(Clone, Debug)]
pub struct Places {
    pub(crate) store: Store,
    pub(crate) secrets: Secrets,
    pub(crate) results: Blobs,
    pub(crate) secrets_manager: aws_sdk_secretsmanager::Client,
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) bucket: String,
    secret_prefix: String,
    clock: Clock,
    pub(crate) random: Random,
}

impl Places {
    /// The parts with these names, through these clients.
    pub fn new(config: &SdkConfig, names: Names, clock: Clock, random: Random) -> Self {
        let Names { table_prefix, secret_prefix, key, bucket } = names;
        let table = |name: &str| format!("{table_prefix}{name}");
        let tables = Tables { core: table("core"), pki: table("pki"), ephemeral: table("ephemeral") };
        let secrets_manager = aws_sdk_secretsmanager::Client::new(config);
        let s3 = aws_sdk_s3::Client::new(config);
        Self {
            store: Store::new(aws_sdk_dynamodb::Client::new(config), tables),
            secrets: Secrets::new(secrets_manager.clone(), secret_prefix.clone(), clock.clone()).under(key),
            results: Blobs::new(s3.clone(), bucket.clone()),
            secrets_manager,
            s3,
            bucket,
            secret_prefix,
            clock,
            random,
        }
    }

    /// What the names of a tenant's secrets begin with.
    pub(crate) fn secrets_of(&self, tenant: &TenantId) -> String {
        format!("{}/{tenant}/", self.secret_prefix)
    }

    /// An audit entry about what is done now.
    pub(crate) fn audit<'a>(&self, realm: impl Into<Realm<'a>>, action: AuditAction) -> AuditEntry {
        AuditEntry::new(self.random.id(), self.clock.now(), realm, action)
    }
}

/// Why whoever runs this program may act within the tenant, and for the whole installation: they have the rights on its
/// tables and secrets.
pub(crate) fn rights(tenant: &TenantId, why: &'static str) -> (Scope, Operator) {
    #[expect(clippy::disallowed_methods, reason = "AWS has authenticated who runs this")]
    let scope = Scope::system(tenant.clone(), why);
    (scope, Operator::system(why))
}
