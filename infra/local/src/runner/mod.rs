//! One process that runs every function: the same routers and handlers as on Lambda, over local services.

mod hints;
mod routes;
mod schedule;
mod settings;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use shared::error::{Error, Result};
use shared::port::random::Random;
use shared::secret::Secret;
use shared::service::create_token::create_operator_token;
use shared::service::install_vendor_certificate::{VendorFiles, install_vendor_certificate};
use shared::state::{AppState, State, Surroundings};
use shared::time::Clock;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use crate::apns::ApnsSimulator;
use crate::aws::{LocalAws, Storage};
use crate::portal::Portal;

pub use hints::{deliver_all, wake_event};
pub use routes::{PUBLIC_ROUTE, function_routes, functions, openapi};
pub use settings::{WAKE_TRIES, WAKE_VISIBILITY};

/// How to run.
pub struct Options {
    /// Where the data is kept.
    pub storage: Storage,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The time.
    pub clock: Clock,
    /// Randomness and identifiers.
    pub random: Random,
    /// Whether hints are delivered and schedules run by themselves; tests do both step by step.
    pub by_itself: bool,
}

/// The running server. Dropping it stops everything.
pub struct Runner {
    /// What the functions hold.
    pub state: AppState,
    /// AWS's services.
    pub aws: LocalAws,
    /// Apple's push service.
    pub apns: Arc<ApnsSimulator>,
    /// Apple's push certificate portal.
    pub portal: Portal,
    /// A token of the operator.
    pub operator_token: Secret<String>,
    address: SocketAddr,
    tasks: Vec<AbortHandle>,
}

impl Runner {
    /// Starts the services, makes what is missing in them, and listens.
    ///
    /// # Errors
    /// Internal when the directory cannot be written or the address is taken.
    pub async fn start(options: Options) -> Result<Self> {
        let Options { storage, listen, clock, random, by_itself } = options;
        let directory = match &storage {
            Storage::Memory => None,
            Storage::Directory(directory) => Some(directory.clone()),
        };
        let listener = TcpListener::bind(listen)
            .await
            .map_err(|error| Error::internal(format!("cannot listen on {listen}: {error}")))?;
        let address = listener.local_addr().map_err(Error::internal)?;
        let aws = LocalAws::start(storage, clock.clone()).await?;
        let portal =
            Portal::create(directory.as_ref().map(|directory| directory.join("portal")), clock.clone())?;
        let issuers = portal.issuer_roots();
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let apns = Arc::new(ApnsSimulator::start(loopback, &issuers, clock.clone()).await?);
        settings::prepare(&aws).await?;
        let state = State::new(
            settings::config(&aws, address, &apns),
            Surroundings {
                aws: aws.sdk_config(),
                apns: settings::apns(&apns),
                push_issuers: issuers.into(),
                clock,
                random,
            },
        );
        install_vendor(&state, &portal).await?;
        let operator_token = settings::operator_token(directory.as_deref(), async || {
            create_operator_token(&state, "local operator").await
        })
        .await?;
        let mut runner = Self { state, aws, apns, portal, operator_token, address, tasks: Vec::new() };
        if by_itself {
            runner.tasks.push(hints::spawn(runner.state.clone(), runner.aws.queues().clone()));
            runner.tasks.push(schedule::spawn(runner.state.clone()));
        }
        let app = runner.app();
        runner.tasks.push(serve(listener, app));
        Ok(runner)
    }

    /// The functions' routes and the local ones, as one service.
    pub fn app(&self) -> Router {
        shared::http::app(function_routes(), self.state.clone())
    }

    /// Where it listens, as `http://host:port`.
    pub fn base_url(&self) -> &str {
        &self.state.config.base_url
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Nobody here has Apple's vendor certificate: the simulator makes a test one, which goes in by the operator's own way.
async fn install_vendor(state: &State, portal: &Portal) -> Result<()> {
    let vendor = portal.make_vendor()?;
    let files = VendorFiles {
        certificate: vendor.certificate,
        key: vendor.key.expose().clone(),
        chain: vendor.chain,
    };
    install_vendor_certificate(state, files, None).await.map(drop)
}

fn serve(listener: TcpListener, app: Router) -> AbortHandle {
    let served = async move {
        if let Err(error) = axum::serve(axum::serve::ListenerExt::tap_io(listener, no_delay), app).await {
            tracing::error!(%error, "the server ended");
        }
    };
    tokio::spawn(served).abort_handle()
}

/// Small answers must not wait for the client's acknowledgement of the one before.
fn no_delay(stream: &mut tokio::net::TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY was refused");
    }
}
