//! Stands for an organization's own certificate service: Microsoft's NDES, with the page on which administrators get a challenge
//! (`certsrv/mscep_admin`) and its SCEP server (`certsrv/mscep/mscep.dll`).

mod page;
mod scep;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::routing::get;
use openssl::pkey::{HasPublic, PKeyRef};
use openssl::x509::{X509, X509NameRef};
use shared::pki::authority::{self, AuthoritySubject, Identity};
use shared::pki::{Credential, key};
use shared::port::random::Random;
use shared::time::{Clock, Timestamp};
use shared::{Error, Result};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// How many unused challenges NDES keeps by default.
pub const PASSWORD_MAX: usize = 5;
/// For how long it keeps one, in seconds.
const PASSWORD_LASTS: i64 = 3_600;
/// Days that its certificates live.
const DAYS: u32 = 365;

/// Who may ask for a challenge.
pub const USER: &str = "SCHOOL\\mdm";
/// The user's password.
pub const PASSWORD: &str = "correct horse";

/// A certificate service of its own. Clones are the same service; it ends with the last one.
#[derive(Clone)]
pub struct Ndes(Arc<Inner>);

struct Inner {
    credential: Credential,
    address: SocketAddr,
    server: AbortHandle,
    clock: Clock,
    random: Random,
    desk: Mutex<Desk>,
}

/// What administrators of the service set, and what it remembers.
#[derive(Default)]
struct Desk {
    /// Unused challenges, and when they end.
    challenges: BTreeMap<String, Timestamp>,
    /// A challenge that is good for ever.
    fixed: Option<String>,
    /// Whether the certificates' subjects are what the service likes, not what was asked for.
    rewrites: bool,
    /// Whether it leaves units out of subjects.
    drops_units: bool,
    /// Whether the user may enroll.
    forbids: bool,
    /// Whether it takes no user and password but NTLM.
    ntlm_only: bool,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Ndes {
    /// Starts a service on a free port of this machine, with an authority of its own.
    ///
    /// # Errors
    /// Internal when there is no port, or OpenSSL fails.
    pub async fn start(organization: &str, clock: Clock, random: Random) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(Error::internal)?;
        let address = listener.local_addr().map_err(Error::internal)?;
        let subject = AuthoritySubject {
            common_name: format!("{organization} Issuing CA"),
            organization: organization.to_owned(),
            country: None,
        };
        let key = key::generate()?;
        let certificate = authority::create(&subject, &key, random.bytes(), clock.now())?;
        let credential = Credential { certificate, key };
        Ok(Self(Arc::new_cyclic(|service| {
            let app = Router::new()
                .route("/certsrv/mscep_admin/", get(page::show))
                .route("/certsrv/mscep/mscep.dll", get(scep::tell).post(scep::operate))
                .with_state(service.clone());
            let server = tokio::spawn(async move {
                if let Err(error) = axum::serve(listener, app).await {
                    tracing::error!(%error, "the certificate service ended");
                }
            });
            let server = server.abort_handle();
            Inner { credential, address, server, clock, random, desk: Mutex::default() }
        })))
    }

    /// Where devices ask.
    pub fn scep_url(&self) -> String {
        format!("http://{}/certsrv/mscep/mscep.dll", self.0.address)
    }

    /// Where administrators ask for challenges.
    pub fn admin_url(&self) -> String {
        format!("http://{}/certsrv/mscep_admin/", self.0.address)
    }

    /// The authority.
    pub fn authority(&self) -> &X509 {
        &self.0.credential.certificate
    }

    /// The authority's certificate in PEM.
    ///
    /// # Errors
    /// Internal when OpenSSL fails.
    pub fn authority_pem(&self) -> Result<String> {
        let pem = self.authority().to_pem().map_err(Error::internal)?;
        String::from_utf8(pem).map_err(Error::internal)
    }

    /// A certificate for somebody else: a laptop, a person.
    ///
    /// # Errors
    /// Internal when OpenSSL fails.
    pub fn certify(&self, subject: &X509NameRef, key: &PKeyRef<impl HasPublic>) -> Result<X509> {
        let identity = Identity { key, subject, serial: self.0.random.bytes(), days: DAYS };
        authority::issue(&self.0.credential, &identity, self.0.clock.now())
    }

    /// Takes this challenge for ever.
    pub fn accept_always(&self, challenge: &str) {
        self.desk().fixed = Some(challenge.to_owned());
    }

    /// Writes subjects of its own into certificates from now on, or not any more.
    pub fn rewrite_subjects(&self, rewrites: bool) {
        self.desk().rewrites = rewrites;
    }

    /// Leaves units out of subjects from now on.
    pub fn drop_units(&self) {
        self.desk().drops_units = true;
    }

    /// Lets the user enroll, or not.
    pub fn permit(&self, permits: bool) {
        self.desk().forbids = !permits;
    }

    /// Takes no user and password from now on, only NTLM.
    pub fn speak_ntlm_only(&self) {
        self.desk().ntlm_only = true;
    }

    /// How many challenges are unused.
    pub fn outstanding(&self) -> usize {
        let mut desk = self.desk();
        desk.forget_ended(self.0.clock.now());
        desk.challenges.len()
    }

    /// A new challenge; none while there are too many.
    fn challenge(&self) -> Option<String> {
        let now = self.0.clock.now();
        let mut desk = self.desk();
        desk.forget_ended(now);
        if desk.challenges.len() >= PASSWORD_MAX {
            return None;
        }
        let challenge: String = self.0.random.bytes::<8>().iter().map(|byte| format!("{byte:02X}")).collect();
        let ends = shared::time::from_unix(now.as_second() + PASSWORD_LASTS);
        desk.challenges.insert(challenge.clone(), ends);
        Some(challenge)
    }

    /// Uses a challenge; false when it is none.
    fn takes(&self, challenge: &str) -> bool {
        let mut desk = self.desk();
        desk.forget_ended(self.0.clock.now());
        desk.fixed.as_deref() == Some(challenge) || desk.challenges.remove(challenge).is_some()
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    fn forget_ended(&mut self, now: Timestamp) {
        self.challenges.retain(|_, ends| *ends > now);
    }
}
