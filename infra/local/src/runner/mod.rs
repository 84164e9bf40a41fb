//! One process that runs every function: the same routers and handlers as on Lambda, over local services.

mod clock;
mod data;
mod device_life;
mod devices;
mod hints;
mod load;
mod lock;
mod mutual_tls;
mod reports;
mod routes;
mod schedule;
mod settings;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use load::{Places, bounded};
use lock::DataLock;
use mutual_tls::MutualTls;
use openssl::x509::X509;
use shared::error::{Error, Result};
use shared::pki::push_request::Digest;
use shared::port::random::Random;
use shared::scope::Operator;
use shared::secret::Secret;
use shared::service::create_token::create_operator_token;
use shared::service::install_vendor_certificate::{VendorFiles, install_vendor_certificate};
use shared::service::manage_members::install_operator;
use shared::service::vendor_certificate::{activate_vendor_certificate, signing_vendor};
use shared::state::{AppState, State, Surroundings};
use shared::time::Clock;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::apns::ApnsSimulator;
use crate::aws::{LocalAws, Storage};
use crate::device::Factory;
use crate::pages::{self, Local};
use crate::portal::Portal;

pub use clock::MovableClock;
pub(crate) use clock::advanced;
pub use data::Data;
pub(crate) use device_life::{Action, Condition, Shown};
pub(crate) use devices::{Devices, NewDevice};
pub use hints::{QUEUES, QueueFunction, deliver_all, deliver_backwards};
pub use reports::deliver_reports;
pub use routes::{PUBLIC_ROUTE, function_routes, functions, openapi};
pub use schedule::{SCHEDULED, begin_seals, run};
pub use settings::{
    BUCKET, EVENTS_TRIES, EVENTS_VISIBILITY, JOBS_TRIES, JOBS_VISIBILITY, SECRET_PREFIX, SWEEP_TRIES,
    SWEEP_VISIBILITY, WAKE_TRIES, WAKE_VISIBILITY,
};

/// Whoever runs this signs in to the console with this address; its mails are on the page of mails.
pub const OPERATOR: &str = "operator@pomarium.example";

/// How long a request under way may take to finish when the server stops.
const PATIENCE: Duration = Duration::from_secs(3);

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

/// The running server. Dropping it stops everything at once; [`Runner::stop`] lets what is under way finish.
pub struct Runner {
    /// What the functions hold.
    pub state: AppState,
    /// AWS's services.
    pub aws: LocalAws,
    /// Apple's push service.
    pub apns: Arc<ApnsSimulator>,
    /// Apple's push certificate portal.
    pub portal: Portal,
    /// Where devices come from.
    pub factory: Arc<Factory>,
    /// A token of the operator.
    pub operator_token: Secret<String>,
    /// The clock, which people move.
    pub clock: MovableClock,
    /// The authority of the certificate that devices see on the host for mutual TLS.
    pub tls_root: X509,
    devices: Devices,
    address: SocketAddr,
    stop_serving: oneshot::Sender<()>,
    server: Task,
    loops: Vec<Task>,
    /// Freed last.
    _lock: Option<DataLock>,
}

/// A task that ends with its owner.
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Runner {
    /// Starts the services, makes what is missing in them, and listens.
    ///
    /// # Errors
    /// Conflict, in words for the person who starts it, when the data or the address is taken or may not be used;
    /// Internal when the data is damaged.
    pub async fn start(options: Options) -> Result<Self> {
        let Options { storage, listen, clock, random, by_itself } = options;
        let directory = match &storage {
            Storage::Memory => None,
            Storage::Directory(directory) => Some(directory.clone()),
        };
        let mut lock = directory.as_deref().map(DataLock::take).transpose()?;
        let (listener, address) = bind(listen).await?;
        // The next port, so that the addresses in devices' profiles outlive a restart.
        let next = if listen.port() == 0 { 0 } else { listen.port().checked_add(1).unwrap_or_default() };
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let (tls_listener, tls_address) = bind(SocketAddr::new(loopback.ip(), next)).await?;
        if let Some(lock) = &mut lock {
            lock.sign(address)?;
        }
        let movable = MovableClock::restore(clock.clone(), directory.clone())?;
        let aws = LocalAws::start(storage, clock.clone()).await?;
        let portal =
            Portal::create(directory.as_ref().map(|directory| directory.join("portal")), clock.clone())?;
        let issuers = portal.issuer_roots();
        let apns = Arc::new(ApnsSimulator::start(loopback, &issuers, clock.clone()).await?);
        let factory = Arc::new(Factory::new().map_err(Error::internal)?);
        settings::prepare(&aws).await?;
        let state = State::new(
            settings::config(&aws, address, tls_address, &apns),
            Surroundings {
                aws: aws.sdk_config(),
                apns: settings::apns(&apns),
                push_issuers: issuers.into(),
                device_makers: factory.authority().clone().into(),
                clock,
                random,
            },
        );
        install_vendor(&state, &portal).await?;
        let operator_token = settings::operator_token(directory.as_deref(), async || {
            create_operator_token(&state, "local operator").await
        })
        .await?;
        install_operator(&state, OPERATOR.parse()?).await?;
        let mutual_tls = MutualTls::new(aws.trust(settings::MUTUAL_TLS_HOST), state.clock.clone())?;
        let tls_root = mutual_tls.root().clone();
        let devices = Devices::new(
            Arc::clone(&apns),
            Arc::clone(&factory),
            tls_root.clone(),
            state.clock.clone(),
            state.random.clone(),
        );
        let mut loops = Vec::new();
        if by_itself {
            for queue in QUEUES {
                loops.push(Task(hints::spawn(queue, state.clone(), aws.queues().clone())));
            }
            loops.push(Task(reports::spawn(state.clone(), aws.queues().clone())));
            loops.push(Task(schedule::spawn(state.clone())));
        }
        let pages = pages::router(Local {
            state: state.clone(),
            clock: movable.clone(),
            queues: aws.queues().clone(),
            mailbox: aws.mailbox().clone(),
            devices: devices.clone(),
            portal: portal.clone(),
            end: aws.end().clone(),
            directory,
        });
        let functions = shared::http::app(function_routes(), state.clone())
            .layer(from_fn_with_state(Places::default(), bounded));
        loops.push(Task(tokio::spawn(mutual_tls.serve(tls_listener, functions.clone()))));
        let app = functions.merge(pages);
        let (stop_serving, stopped) = oneshot::channel();
        let server = Task(tokio::spawn(serve(listener, app, stopped)));
        Ok(Self {
            state,
            aws,
            apns,
            portal,
            factory,
            operator_token,
            clock: movable,
            tls_root,
            devices,
            address,
            stop_serving,
            server,
            loops,
            _lock: lock,
        })
    }

    /// Where it listens, as `http://host:port`.
    pub fn base_url(&self) -> &str {
        &self.state.config.base_url
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops: requests under way are answered, then the services end.
    pub async fn stop(self) {
        let Self { aws, devices, stop_serving, mut server, mut loops, .. } = self;
        devices.stop();
        // An error means that the server has ended by itself.
        let _ = stop_serving.send(());
        if tokio::time::timeout(PATIENCE, &mut server.0).await.is_err() {
            tracing::warn!("some requests were cut off");
        }
        for task in &mut loops {
            task.0.abort();
            // It was aborted: how it ended says nothing.
            let _ = (&mut task.0).await;
        }
        aws.stop().await;
    }
}

async fn bind(listen: SocketAddr) -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(listen).await.map_err(|error| cannot_listen(listen, &error))?;
    let address = listener.local_addr().map_err(Error::internal)?;
    Ok((listener, address))
}

/// Nobody here has Apple's vendor certificate: the simulator makes a test one, which goes in by the operator's own way.
/// One that an operator installed stays.
async fn install_vendor(state: &State, portal: &Portal) -> Result<()> {
    if signing_vendor(state).await.is_ok() {
        return Ok(());
    }
    let vendor = portal.make_vendor()?;
    let files = VendorFiles::Apart {
        certificate: vendor.certificate.into(),
        key: vendor.key.expose().clone().into(),
        chain: vendor.chain.into(),
    };
    let operator = Operator::system("the simulated portal's vendor");
    let installed = install_vendor_certificate(state, &operator, &files, None, Digest::default()).await?;
    activate_vendor_certificate(state, &operator, &installed.fingerprint).await.map(drop)
}

async fn serve(listener: TcpListener, app: Router, stopped: oneshot::Receiver<()>) {
    let listener = axum::serve::ListenerExt::tap_io(listener, no_delay);
    // With each caller's address, as API Gateway passes it on.
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, app).with_graceful_shutdown(async {
        // An error means that the owner is gone, which also stops.
        let _ = stopped.await;
    });
    if let Err(error) = served.await {
        tracing::error!(%error, "the server ended");
    }
}

/// Small answers must not wait for the client's acknowledgement of the one before.
fn no_delay(stream: &mut tokio::net::TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY was refused");
    }
}

fn cannot_listen(listen: SocketAddr, error: &std::io::Error) -> Error {
    let message = if error.kind() == ErrorKind::AddrInUse {
        format!("Another program listens on {listen} already.")
    } else {
        format!("Listening on {listen} is not possible: {error}.")
    };
    let other = listen.port().checked_add(1).unwrap_or(8080);
    Error::conflict("listen-address", message)
        .next(format!("Stop it, or choose another address: POMARIUM_LISTEN=127.0.0.1:{other}"))
}
