//! An installation in memory, in which a tenant is put together before it is written into an archive.

use pomarium_local::runner::{BUCKET, Data, SECRET_PREFIX};
use shared::config::Config;
use shared::error::Result;
use shared::pki::trust::{TrustRoots, apns_roots};
use shared::port::apns::ApnsEndpoint;
use shared::port::random::Random;
use shared::state::{AppState, State, Surroundings};
use shared::time::Clock;

use crate::places::{Names, Places};

/// Such an installation. Apple is the real one: a push certificate is tried with it, if it can be reached.
pub struct Workshop {
    data: Data,
    /// What its functions would hold.
    pub state: AppState,
}

impl Workshop {
    /// Starts it.
    ///
    /// # Errors
    /// Internal when no port is free.
    pub async fn open() -> Result<Self> {
        let clock = Clock::system();
        let data = Data::in_memory(clock.clone()).await?;
        let config = data.settings(&Config::read(|name| setting(name).map(str::to_owned))?);
        let apns = ApnsEndpoint {
            host: config.apns_host.clone(),
            port: config.apns_port,
            address: None,
            roots: apns_roots()?,
        };
        let surroundings = Surroundings {
            aws: data.aws.sdk_config(),
            apns,
            push_issuers: TrustRoots::apple()?,
            device_makers: TrustRoots::apple_devices()?,
            clock,
            random: Random::system(),
        };
        Ok(Self { state: State::new(config, surroundings), data })
    }

    /// Where it keeps everything.
    pub fn places(&self) -> Places {
        let State { clock, random, .. } = &*self.state;
        Places::new(&self.data.aws.sdk_config(), Names::local(), clock.clone(), random.clone())
    }

    /// Lets it end, with all that is in it.
    pub async fn close(self) {
        self.data.close().await;
    }
}

/// Nobody reaches it, and it mails nobody.
fn setting(name: &str) -> Option<&'static str> {
    Some(match name {
        "TABLE_CORE" => "core",
        "TABLE_PKI" => "pki",
        "TABLE_EPHEMERAL" => "ephemeral",
        "BUCKET_RESULTS" => BUCKET,
        "SECRET_PREFIX" => SECRET_PREFIX,
        "BASE_URL" => "https://nowhere.invalid",
        "MAIL_FROM" | "OPERATOR_MAIL" => "nobody@nowhere.invalid",
        "MAIL_CONFIGURATION_SET" => "mail-reports",
        "APNS_HOST" => "api.push.apple.com",
        "APNS_PORT" => "443",
        _ if name.starts_with("QUEUE_") => "the data's own",
        _ => return None,
    })
}
