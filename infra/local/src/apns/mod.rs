//! Stands for Apple's push service: HTTP/2 over mutual TLS, with Apple's checks, reasons and habits.

mod devices;
mod judge;
mod script;
mod server;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use openssl::x509::X509;
use shared::time::Clock;
use shared::{Error, Result};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::portal::authority::Authority;
use devices::Devices;
use script::Script;

pub use devices::WakeUps;
pub use judge::ReceivedPush;
pub use script::Answer;

/// The name in the simulator's certificate.
pub const HOST: &str = "localhost";

/// A running simulator; dropping it closes its port and every connection.
pub struct ApnsSimulator {
    address: SocketAddr,
    root: X509,
    state: Arc<State>,
    task: AbortHandle,
}

struct State {
    clock: Clock,
    devices: Devices,
    script: Script,
    pushes: Mutex<Vec<ReceivedPush>>,
    connections: AtomicU64,
    cut: Notify,
}

impl ApnsSimulator {
    /// Listens on `listen` (port 0: any free one) for clients whose certificate chains to `issuers` and is valid by
    /// `clock`.
    ///
    /// # Errors
    /// Internal when the port is taken.
    pub async fn start(listen: SocketAddr, issuers: &[X509], clock: Clock) -> Result<Self> {
        let root = Authority::root("Pomarium Test APNs Root").map_err(Error::internal)?;
        let acceptor = server::acceptor(&root, issuers).map_err(Error::internal)?;
        let listener = TcpListener::bind(listen).await.map_err(Error::internal)?;
        let address = listener.local_addr().map_err(Error::internal)?;
        let state = Arc::new(State {
            clock,
            devices: Devices::default(),
            script: Script::default(),
            pushes: Mutex::default(),
            connections: AtomicU64::new(0),
            cut: Notify::new(),
        });
        let task = tokio::spawn(server::serve(listener, acceptor, Arc::clone(&state))).abort_handle();
        Ok(Self { address, root: root.certificate, state, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The root of its server certificate.
    pub fn root(&self) -> &X509 {
        &self.root
    }

    /// A device gets a push token for `topic`; it wakes for `magic` only.
    pub fn register(&self, token: &[u8], topic: &str, magic: &str) -> WakeUps {
        self.state.devices.register(token, topic, magic)
    }

    /// The device removes its enrollment: 410 from now on.
    pub fn unregister(&self, token: &[u8]) {
        self.state.devices.unregister(token, self.state.clock.now());
    }

    /// The device goes out of reach; the latest push waits for it until it expires.
    pub fn sleep(&self, token: &[u8]) {
        self.state.devices.sleep(token);
    }

    /// The device is in reach again.
    pub fn wake(&self, token: &[u8]) {
        self.state.devices.wake(token, self.state.clock.now());
    }

    /// Prescribes the answers to the next pushes for `key`, a topic or a token in hex.
    pub fn script(&self, key: &str, answers: impl IntoIterator<Item = Answer>) {
        self.state.script.add(key, answers);
    }

    /// Closes every connection without a word, as happens to a client that was frozen.
    pub fn cut_connections(&self) {
        self.state.cut.notify_waiters();
    }

    /// How many connections were opened so far.
    pub fn connections(&self) -> u64 {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// Every push to a device so far, oldest first.
    pub fn pushes(&self) -> Vec<ReceivedPush> {
        self.received(|push| !push.is_trial())
    }

    /// Every trial of a certificate so far, oldest first.
    pub fn trials(&self) -> Vec<ReceivedPush> {
        self.received(ReceivedPush::is_trial)
    }

    fn received(&self, wanted: impl Fn(&ReceivedPush) -> bool) -> Vec<ReceivedPush> {
        let all = self.state.pushes.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter(|push| wanted(push)).cloned().collect()
    }
}

impl Drop for ApnsSimulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl State {
    /// The number of the connection that was just opened.
    fn count_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn log(&self, push: ReceivedPush) {
        self.pushes.lock().unwrap_or_else(PoisonError::into_inner).push(push);
    }
}
