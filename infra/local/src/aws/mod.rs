//! AWS on one machine: the same wire as the real services, for the same clients, kept in two SQLite files.

mod database;
mod dynamodb;
mod error;
mod event_bridge;
mod gateway;
mod mail_report;
mod mailbox;
mod mime;
mod queues;
mod s3;
mod secrets_manager;
mod server;
mod ses;
mod sqs;

#[cfg(test)]
mod tests;

use std::fs;
use std::path::PathBuf;

use aws_config::SdkConfig;
use shared::aws::local_sdk_config;
use shared::time::Clock;
use shared::{Error, Result};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::database::Database;
use self::dynamodb::{DynamoDb, without_travelling};
pub use self::error::Refusal;
pub use self::event_bridge::{BusEvent, Buses, Refused};
use self::gateway::Domains;
pub use self::gateway::TrustStoreVersion;
pub use self::mailbox::{Mailbox, SentMail};
pub use self::queues::{Counts, Message, QueueSettings, Queues, Redrive};
use self::s3::Objects;
use self::secrets_manager::SecretsManager;
use self::server::{Services, listen, router};
use self::sqs::Sqs;

/// Where the data is.
#[derive(Clone, Debug)]
pub enum Storage {
    /// Nowhere: it ends with the process.
    Memory,
    /// In this directory, which is made if need be: `dynamodb.sqlite`, `aws.sqlite` and `mail/*.eml`.
    Directory(PathBuf),
}

/// The running services. Dropping this stops them; [`LocalAws::stop`] also waits until they have stopped.
#[derive(Debug)]
pub struct LocalAws {
    endpoint: String,
    services: Services,
    closing: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl LocalAws {
    /// Starts the services on free ports of the loopback address.
    ///
    /// Visibility, delays and recovery windows follow `clock`; after setting it, call [`Queues::look_again`].
    ///
    /// # Errors
    /// Internal when the directory cannot be written or no port is free.
    pub async fn start(storage: Storage, clock: Clock) -> Result<Self> {
        let directory = match storage {
            Storage::Memory => None,
            Storage::Directory(directory) => Some(directory),
        };
        let mail = directory.as_ref().map(|directory| directory.join("mail"));
        if let Some(mail) = &mail {
            fs::create_dir_all(mail).map_err(Error::internal)?;
        }
        let file = |name: &str| directory.as_ref().map(|directory| directory.join(name));
        let database = match file("aws.sqlite") {
            Some(file) => Database::open(&file),
            None => Database::memory(),
        }
        .map_err(Error::internal)?;

        let (closing, closed) = watch::channel(false);
        let services = Services {
            dynamodb: DynamoDb::open(file("dynamodb.sqlite").as_deref())?,
            secrets_manager: SecretsManager::new(database.clone(), clock.clone()),
            buses: Buses::new(),
            sqs: Sqs(Queues::new(database.clone(), clock.clone(), closed.clone())),
            mailbox: Mailbox::new(database.clone(), clock, mail),
            domains: Domains::new(database.clone()),
            objects: Objects::new(database),
        };
        let (endpoint, task) = serve(services.clone(), closed)?;
        Ok(Self { endpoint, services, closing, task })
    }

    /// The configuration with which every AWS client in this process reaches these services.
    pub fn sdk_config(&self) -> SdkConfig {
        let tables = self.services.dynamodb.clone();
        without_travelling(&local_sdk_config(&self.endpoint), tables, self.closing.subscribe())
    }

    /// The address of the services, for others' clients.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The queues.
    pub fn queues(&self) -> &Queues {
        &self.services.sqs.0
    }

    /// The event buses.
    pub fn buses(&self) -> &Buses {
        &self.services.buses
    }

    /// A queue's URL, for as long as this runs: the port changes with every start.
    pub fn queue_url(&self, queue: &str) -> String {
        sqs::url(self.endpoint.trim_start_matches("http://"), queue)
    }

    /// The mails sent so far.
    pub fn mailbox(&self) -> &Mailbox {
        &self.services.mailbox
    }

    /// Makes a bucket, unless it exists.
    ///
    /// # Errors
    /// When the database fails.
    pub fn create_bucket(&self, bucket: &str) -> Result<(), Refusal> {
        self.services.objects.create_bucket(bucket)
    }

    /// Makes a bucket that keeps the versions of its objects, unless it exists.
    ///
    /// # Errors
    /// When the database fails.
    pub fn create_versioned_bucket(&self, bucket: &str) -> Result<(), Refusal> {
        self.services.objects.create_bucket(bucket)?;
        self.services.objects.keep_versions(bucket)
    }

    /// Makes a custom domain of API Gateway that asks for client certificates, unless it exists.
    ///
    /// # Errors
    /// When the database fails.
    pub fn create_domain(&self, name: &str) -> Result<(), Refusal> {
        self.services.domains.create(name)
    }

    /// Lets a custom domain take its time with what it was told, until it is said to be done.
    ///
    /// # Errors
    /// When the database fails.
    pub fn set_domain_updating(&self, name: &str, updating: bool) -> Result<(), Refusal> {
        self.services.domains.set_updating(name, updating)
    }

    /// What a custom domain accepts certificates from.
    pub fn trust(&self, name: &str) -> Trust {
        Trust { domains: self.services.domains.clone(), name: name.to_owned() }
    }

    /// Stops: no new requests, those that run are finished, long polls return empty.
    pub async fn stop(self) {
        self.closing.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the local AWS did not end well");
        }
    }
}

/// What one custom domain accepts certificates from.
#[derive(Clone, Debug)]
pub struct Trust {
    domains: Domains,
    name: String,
}

impl Trust {
    /// The present version.
    ///
    /// # Errors
    /// When the database fails.
    pub fn now(&self) -> Result<TrustStoreVersion, Refusal> {
        self.domains.trusted(&self.name)
    }
}

fn serve(services: Services, mut closing: watch::Receiver<bool>) -> Result<(String, JoinHandle<()>)> {
    let listener = listen().map_err(Error::internal)?;
    let endpoint = format!("http://{}", listener.local_addr().map_err(Error::internal)?);
    let closed = async move {
        let _ = closing.wait_for(|closing| *closing).await;
    };
    let task = tokio::spawn(async move {
        let server = axum::serve(listener, router(services)).with_graceful_shutdown(closed);
        if let Err(error) = server.await {
            tracing::error!(%error, "the local AWS stopped");
        }
    });
    Ok((endpoint, task))
}
