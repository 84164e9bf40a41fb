//! What a deployment sets: environment variables, read once at start.

use crate::error::{Error, Result};

/// Every variable the functions read. `template.yaml` sets exactly these, and a test compares the two.
pub const NAMES: [&str; 27] = [
    "TABLE_CORE",
    "TABLE_PKI",
    "TABLE_EPHEMERAL",
    "QUEUE_WAKE_URL",
    "QUEUE_SWEEP_URL",
    "QUEUE_JOBS_URL",
    "QUEUE_EVENTS_URL",
    "QUEUE_WAKE_DEAD_LETTERS_URL",
    "QUEUE_SWEEP_DEAD_LETTERS_URL",
    "QUEUE_JOBS_DEAD_LETTERS_URL",
    "QUEUE_EVENTS_DEAD_LETTERS_URL",
    "QUEUE_EXPIRY_NOTIFIER_DEAD_LETTERS_URL",
    "BUCKET_RESULTS",
    "SECRET_PREFIX",
    "KMS_KEY",
    "METRICS",
    "BASE_URL",
    "MUTUAL_TLS_BASE_URL",
    "BUCKET_TRUST_STORE",
    "MAIL_FROM",
    "MAIL_CONFIGURATION_SET",
    "OPERATOR_MAIL",
    "APNS_HOST",
    "APNS_PORT",
    "APNS_ROOTS_FILE",
    "PUSH_ROOTS_FILE",
    "LOG",
];

/// A deployment's settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// The table of tenants, enrollments and commands.
    pub table_core: String,
    /// The table of certificates.
    pub table_pki: String,
    /// The table of what ends by itself.
    pub table_ephemeral: String,
    /// The queue of wake-up hints.
    pub queue_wake_url: String,
    /// The queue of the sweep's pages.
    pub queue_sweep_url: String,
    /// The queue of jobs: commands to many devices.
    pub queue_jobs_url: String,
    /// The queue of the function `events`.
    pub queue_events_url: String,
    /// Hints that were set aside.
    pub queue_wake_dead_letters_url: String,
    /// The sweep's pages that were set aside.
    pub queue_sweep_dead_letters_url: String,
    /// Pages of jobs that were set aside.
    pub queue_jobs_dead_letters_url: String,
    /// What the function `events` could not do.
    pub queue_events_dead_letters_url: String,
    /// Daily runs that failed to the end.
    pub queue_expiry_notifier_dead_letters_url: String,
    /// The bucket of large results.
    pub bucket_results: String,
    /// What every secret's name begins with.
    pub secret_prefix: String,
    /// The key that encrypts new secrets; AWS's own where there is none.
    pub kms_key: Option<String>,
    /// The namespace of metrics; nothing is counted where there is none.
    pub metrics: Option<String>,
    /// Where devices and people reach this server: `https://host`, without a slash at the end. It goes into enrollment
    /// profiles, whose URLs can never change.
    pub base_url: String,
    /// The host that asks devices for certificates, where there is one.
    pub mutual_tls: Option<MutualTls>,
    /// The sender of mails.
    pub mail_from: String,
    /// The SES configuration set that reports what becomes of mails.
    pub mail_configuration_set: String,
    /// Who hears of what ends for the whole server: addresses, separated by commas.
    pub operator_mail: Vec<String>,
    /// The push service's host name.
    pub apns_host: String,
    /// The push service's port.
    pub apns_port: u16,
    /// A PEM file of roots to trust the push service by; the built-in ones where empty.
    pub apns_roots_file: Option<String>,
    /// A PEM file of roots that push certificates may come from; Apple's where empty.
    pub push_roots_file: Option<String>,
    /// The log filter, such as `info`.
    pub log: String,
    /// Whether `?unsigned=1` may serve an enrollment profile without signature. Only the local runner sets it.
    pub unsigned_profiles: bool,
    /// Whether webhooks may go to this machine, and there without TLS. Only the local runner sets it.
    pub loopback_calls: bool,
    /// Where push certificates come from: Apple's portal, which only the local runner replaces.
    pub portal_url: String,
}

/// The host that asks devices for their certificates.
#[derive(Clone, Debug)]
pub struct MutualTls {
    /// Its address: `https://host`, without a slash at the end. It goes into enrollment profiles and can never change.
    pub base_url: String,
    /// The bucket of the authorities that it accepts certificates from.
    pub bucket: String,
}

impl MutualTls {
    /// The host's name, without a port.
    pub fn host(&self) -> &str {
        let host = self.base_url.split_once("://").map_or(self.base_url.as_str(), |(_, host)| host);
        host.split_once(':').map_or(host, |(name, _)| name)
    }
}

impl Config {
    /// Reads the settings through `variable`, which is `std::env::var` in a function.
    ///
    /// # Errors
    /// Internal, naming the variable that is missing or wrong.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let optional = |name: &str| variable(name).filter(|value| !value.is_empty());
        let required = |name: &str| {
            optional(name)
                .ok_or_else(|| Error::internal(format!("the environment variable {name} is not set")))
        };
        Ok(Self {
            table_core: required("TABLE_CORE")?,
            table_pki: required("TABLE_PKI")?,
            table_ephemeral: required("TABLE_EPHEMERAL")?,
            queue_wake_url: required("QUEUE_WAKE_URL")?,
            queue_sweep_url: required("QUEUE_SWEEP_URL")?,
            queue_jobs_url: required("QUEUE_JOBS_URL")?,
            queue_events_url: required("QUEUE_EVENTS_URL")?,
            queue_wake_dead_letters_url: required("QUEUE_WAKE_DEAD_LETTERS_URL")?,
            queue_sweep_dead_letters_url: required("QUEUE_SWEEP_DEAD_LETTERS_URL")?,
            queue_jobs_dead_letters_url: required("QUEUE_JOBS_DEAD_LETTERS_URL")?,
            queue_events_dead_letters_url: required("QUEUE_EVENTS_DEAD_LETTERS_URL")?,
            queue_expiry_notifier_dead_letters_url: required("QUEUE_EXPIRY_NOTIFIER_DEAD_LETTERS_URL")?,
            bucket_results: required("BUCKET_RESULTS")?,
            secret_prefix: required("SECRET_PREFIX")?,
            kms_key: optional("KMS_KEY"),
            metrics: optional("METRICS"),
            base_url: https("BASE_URL", &required("BASE_URL")?)?,
            mutual_tls: match optional("MUTUAL_TLS_BASE_URL") {
                None => None,
                Some(url) => Some(MutualTls {
                    base_url: https("MUTUAL_TLS_BASE_URL", &url)?,
                    bucket: required("BUCKET_TRUST_STORE")?,
                }),
            },
            mail_from: required("MAIL_FROM")?,
            mail_configuration_set: required("MAIL_CONFIGURATION_SET")?,
            operator_mail: required("OPERATOR_MAIL")?.split(',').map(|text| text.trim().to_owned()).collect(),
            apns_host: required("APNS_HOST")?,
            apns_port: required("APNS_PORT")?
                .parse()
                .map_err(|_| Error::internal("the environment variable APNS_PORT is not a port"))?,
            apns_roots_file: optional("APNS_ROOTS_FILE"),
            push_roots_file: optional("PUSH_ROOTS_FILE"),
            log: optional("LOG").unwrap_or_else(|| "info".to_owned()),
            unsigned_profiles: false,
            loopback_calls: false,
            portal_url: "https://identity.apple.com/pushcert".to_owned(),
        })
    }

    /// The host of [`Config::base_url`], with its port where it has one.
    pub fn host(&self) -> &str {
        self.base_url.split_once("://").map_or(&self.base_url, |(_, host)| host)
    }
}

/// A base URL without the slash at its end.
fn https(name: &str, url: &str) -> Result<String> {
    let url = url.trim_end_matches('/');
    https_host(url).map(|_| url.to_owned()).ok_or_else(|| {
        Error::internal(format!("the environment variable {name} is not https:// and a host name: {url}"))
    })
}

/// The host of a base URL, if it is `https://` and a host name alone: devices refuse to enroll with anything else.
pub fn https_host(url: &str) -> Option<&str> {
    let host = url.strip_prefix("https://")?;
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    (!host.is_empty() && host.bytes().all(fits)).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_and_no_other() {
        let asked = std::cell::RefCell::new(std::collections::BTreeSet::new());
        let config = Config::read(|name| {
            asked.borrow_mut().insert(name.to_owned());
            Some(match name {
                "APNS_PORT" => "443".into(),
                "BASE_URL" => "https://mdm.school.example/".into(),
                "MUTUAL_TLS_BASE_URL" => "https://devices.school.example/".into(),
                "OPERATOR_MAIL" => "a@s.example, b@s.example".into(),
                name => name.into(),
            })
        })
        .unwrap();
        assert_eq!(*asked.borrow(), NAMES.iter().map(ToString::to_string).collect());
        assert_eq!(
            (config.base_url.as_str(), config.host()),
            ("https://mdm.school.example", "mdm.school.example")
        );
        let mutual_tls = config.mutual_tls.unwrap();
        assert_eq!(
            (mutual_tls.base_url.as_str(), mutual_tls.host()),
            ("https://devices.school.example", "devices.school.example")
        );
        assert_eq!(config.operator_mail, ["a@s.example", "b@s.example"]);
        assert!(!config.unsigned_profiles && !config.loopback_calls);
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = Config::read(|name| match name {
            "MAIL_FROM" | "MUTUAL_TLS_BASE_URL" => None,
            "BASE_URL" => Some("https://mdm.school.example".into()),
            _ => Some("1".into()),
        })
        .unwrap_err();
        assert!(error.chain().contains("MAIL_FROM"));
        let error = Config::read(|name| {
            Some(if name.ends_with("BASE_URL") { "https://mdm.school.example".into() } else { "x".into() })
        });
        assert!(error.unwrap_err().chain().contains("APNS_PORT"));
        let error = Config::read(|name| match name {
            "BUCKET_TRUST_STORE" => None,
            name if name.ends_with("BASE_URL") => Some("https://mdm.school.example".into()),
            _ => Some("1".into()),
        });
        assert!(error.unwrap_err().chain().contains("BUCKET_TRUST_STORE"));
    }

    #[test]
    fn a_base_url_is_https_and_a_host_name() {
        for url in
            ["http://mdm.school.example", "mdm.school.example", "https://", "https://mdm.school.example/mdm"]
        {
            assert_eq!(https_host(url), None, "{url}");
            for wrong in ["BASE_URL", "MUTUAL_TLS_BASE_URL"] {
                let error = Config::read(|name| match name {
                    name if name == wrong => Some(url.into()),
                    name if name.ends_with("BASE_URL") => Some("https://mdm.school.example".into()),
                    _ => Some("1".into()),
                });
                assert!(error.unwrap_err().chain().contains(&format!("variable {wrong} is not")), "{url}");
            }
        }
    }
}
