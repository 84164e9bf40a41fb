//! What was used, and what that costs.

use std::collections::BTreeMap;
use std::ops::{Add, Mul, Sub};

use serde::Deserialize;

/// Numbers of things used. They are fractions where they are an average.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Used {
    /// Requests through API Gateway.
    pub(crate) requests: f64,
    /// Invocations of functions, those for requests included.
    pub(crate) invocations: f64,
    /// Calls to AWS, all services.
    pub(crate) calls: f64,
    /// What functions took, in GB x ms.
    pub(crate) gb_ms: f64,
    /// DynamoDB's read request units.
    pub(crate) reads: f64,
    /// DynamoDB's write request units.
    pub(crate) writes: f64,
    /// Requests to SQS.
    pub(crate) messages: f64,
    /// Requests to Secrets Manager.
    pub(crate) secret_calls: f64,
    /// Secrets made, less those deleted.
    pub(crate) secrets: f64,
    /// Mails.
    pub(crate) mails: f64,
    /// Requests to S3.
    pub(crate) objects: f64,
}

impl Used {
    fn with(self, other: Self, combine: impl Fn(f64, f64) -> f64) -> Self {
        Self {
            requests: combine(self.requests, other.requests),
            invocations: combine(self.invocations, other.invocations),
            calls: combine(self.calls, other.calls),
            gb_ms: combine(self.gb_ms, other.gb_ms),
            reads: combine(self.reads, other.reads),
            writes: combine(self.writes, other.writes),
            messages: combine(self.messages, other.messages),
            secret_calls: combine(self.secret_calls, other.secret_calls),
            secrets: combine(self.secrets, other.secrets),
            mails: combine(self.mails, other.mails),
            objects: combine(self.objects, other.objects),
        }
    }
}

impl Add for Used {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.with(other, |one, other| one + other)
    }
}

impl Sub for Used {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.with(other, |one, other| one - other)
    }
}

impl Mul<f64> for Used {
    type Output = Self;

    fn mul(self, times: f64) -> Self {
        self.with(self, |one, _| one * times)
    }
}

/// `infra/prices.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sheet {
    /// The day of the prices.
    pub(crate) as_of: String,
    pub(crate) prices: Prices,
    pub(crate) assumed: Assumed,
    pub(crate) usage: Usage,
}

/// Dollars.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prices {
    gateway_per_million: f64,
    lambda_per_million: f64,
    lambda_per_gb_second: f64,
    dynamodb_reads_per_million: f64,
    dynamodb_writes_per_million: f64,
    sqs_per_million: f64,
    sqs_polls_per_queue: f64,
    secrets_per_secret: f64,
    secrets_per_million: f64,
    kms_per_key: f64,
    kms_per_million: f64,
    mail_per_thousand: f64,
    s3_per_million: f64,
    alarm: f64,
    dashboard: f64,
    metric: f64,
    logs_per_gb: f64,
}

/// What could not be measured.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Assumed {
    pub(crate) call_ms: f64,
    pub(crate) own_ms: f64,
    log_bytes: f64,
}

/// Times a month.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Usage {
    pub(crate) enrolls_per_device: f64,
    pub(crate) commands_per_device: f64,
    pub(crate) idle_polls_per_device: f64,
    pub(crate) token_updates_per_device: f64,
    pub(crate) looks_per_tenant: f64,
    pub(crate) mails_per_tenant: f64,
}

/// What is there whether anybody uses it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    /// Queues from which functions take work.
    pub(crate) queues: usize,
    pub(crate) alarms: usize,
    pub(crate) metrics: usize,
}

impl Sheet {
    /// Dollars by service, for what was used in a month.
    pub(crate) fn bill(&self, used: &Used, standing: Standing) -> BTreeMap<&'static str, f64> {
        let prices = &self.prices;
        let millions = |number: f64, price: f64| number / 1e6 * price;
        let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        let polls = prices.sqs_polls_per_queue * number(standing.queues);
        let logs = used.invocations * self.assumed.log_bytes / 1e9 * prices.logs_per_gb;
        let watching = number(standing.alarms) * prices.alarm + number(standing.metrics) * prices.metric;
        BTreeMap::from([
            ("API Gateway", millions(used.requests, prices.gateway_per_million)),
            (
                "Lambda",
                millions(used.invocations, prices.lambda_per_million)
                    + used.gb_ms / 1e3 * prices.lambda_per_gb_second,
            ),
            (
                "DynamoDB",
                millions(used.reads, prices.dynamodb_reads_per_million)
                    + millions(used.writes, prices.dynamodb_writes_per_million),
            ),
            ("SQS", millions(used.messages + polls, prices.sqs_per_million)),
            (
                "Secrets Manager",
                used.secrets * prices.secrets_per_secret
                    + millions(used.secret_calls, prices.secrets_per_million),
            ),
            ("KMS", prices.kms_per_key + millions(used.secret_calls, prices.kms_per_million)),
            ("SES", used.mails / 1e3 * prices.mail_per_thousand),
            ("S3", millions(used.objects, prices.s3_per_million)),
            ("CloudWatch", logs + watching + prices.dashboard),
        ])
    }
}
