//! A device that knows nothing of the server but what a device knows: a link, and then HTTP and pushes.

mod answers;
mod check_in;
mod error;
mod factory;
mod identity;
mod life;
mod message;
mod over_the_air;
mod profile;
mod refresh;
mod script;
mod tls;
mod wire;

use openssl::x509::X509;
use plist::{Dictionary, Value};
use shared::pki::Credential;
use shared::port::random::Random;
use shared::time::{Clock, Timestamp};

use crate::apns::{ApnsSimulator, WakeUps};
use script::Script;
use wire::Wire;

pub use error::{DeviceError, Result};
pub use factory::Factory;
pub use identity::{Ask, ScepClient, distinguished_name};
pub use life::Answered;
pub use message::{Digest, sign};
pub use over_the_air::ProfileService;
pub use profile::{IdentityPayload, Pkcs12Payload, ScepPayload, ServedProfile};
pub use script::Reply;
pub use tls::TlsClient;
pub use wire::{Command, Response, Url};

/// A simulated device, or one user on it.
pub struct SimDevice {
    udid: String,
    serial: String,
    name: String,
    os_version: String,
    user: Option<User>,
    wire: Wire,
    digest: Digest,
    profile: Option<ServedProfile>,
    identity: Option<Credential>,
    made_as: Option<Credential>,
    push: PushTarget,
    wake_ups: Option<WakeUps>,
    unlock_token: Vec<u8>,
    script: Script,
    /// Whether it begins anew when it installs its enrollment profile once more.
    begins_anew: bool,
    clock: Clock,
    random: Random,
}

/// The UserID of every user of a shared iPad.
pub const SHARED_IPAD_USER: &str = "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF";

#[derive(Clone)]
struct User {
    id: String,
    short_name: String,
}

/// What the device tells in TokenUpdate, and listens for.
#[derive(Clone)]
struct PushTarget {
    token: Vec<u8>,
    magic: String,
}

impl PushTarget {
    fn new(random: &Random) -> Self {
        Self { token: random.bytes::<32>().to_vec(), magic: random.uuid_string() }
    }
}

impl SimDevice {
    /// A device fresh from its box.
    pub fn new(udid: &str, serial: &str, name: &str) -> Self {
        let random = Random::system();
        Self {
            udid: udid.to_owned(),
            serial: serial.to_owned(),
            name: name.to_owned(),
            os_version: "26.1".to_owned(),
            user: None,
            wire: Wire::default(),
            digest: Digest::Sha256,
            profile: None,
            identity: None,
            made_as: None,
            push: PushTarget::new(&random),
            wake_ups: None,
            unlock_token: random.bytes::<32>().to_vec(),
            script: Script::default(),
            begins_anew: true,
            clock: Clock::system(),
            random,
        }
    }

    /// Signs its messages with this digest.
    #[must_use]
    pub fn signing(self, digest: Digest) -> Self {
        Self { digest, ..self }
    }

    /// Has a certificate of this maker.
    ///
    /// # Errors
    /// When OpenSSL fails.
    pub fn made_by(mut self, factory: &Factory) -> Result<Self> {
        self.made_as = Some(factory.certify(&self.udid)?);
        Ok(self)
    }

    /// Accepts certificates of this authority from servers.
    #[must_use]
    pub fn trusting(mut self, root: &X509) -> Self {
        self.wire.roots.push(root.clone());
        self
    }

    /// Runs this version of its system.
    #[must_use]
    pub fn running(self, os_version: &str) -> Self {
        Self { os_version: os_version.to_owned(), ..self }
    }

    /// Sends no Content-Type, as some clients do.
    #[must_use]
    pub fn without_content_type(mut self) -> Self {
        self.wire.content_type = false;
        self
    }

    /// Believes that it is `now`: so it dates its SCEP requests, and its signatures with [`Digest::Sha256`].
    #[must_use]
    pub fn believing(self, now: Timestamp) -> Self {
        Self { clock: Clock::fixed(now), ..self }
    }

    /// Only tells where pushes go when it installs its enrollment profile once more, and does not begin anew.
    #[must_use]
    pub fn without_beginning_anew(self) -> Self {
        Self { begins_anew: false, ..self }
    }

    /// Uses one URL for check-ins and polls, as a profile without `CheckInURL` has it.
    #[must_use]
    pub fn with_one_url(mut self) -> Self {
        self.wire.one_url = true;
        self
    }

    /// A user who logs in on this device: a channel of its own, over the device's identity.
    pub fn user(&self, id: &str, short_name: &str) -> Self {
        Self {
            user: Some(User { id: id.to_owned(), short_name: short_name.to_owned() }),
            wire: self.wire.clone(),
            profile: self.profile.clone(),
            identity: self.identity.clone(),
            digest: self.digest,
            ..Self::new(&self.udid, &self.serial, &self.name)
        }
    }

    /// The enrollment's name on the server: `UDID`, or `UDID:UserID`. In User Enrollment, what stands for the UDID is the
    /// EnrollmentID; users of a shared iPad go by their short names.
    pub fn id(&self) -> String {
        match &self.user {
            Some(user) if user.id == SHARED_IPAD_USER => format!("{}:{}", self.udid, user.short_name),
            Some(user) => format!("{}:{}", self.udid, user.id),
            None => self.udid.clone(),
        }
    }

    /// The token that APNs knows the device by.
    pub fn push_token(&self) -> &[u8] {
        &self.push.token
    }

    /// The word that a push must bring.
    pub fn push_magic(&self) -> &str {
        &self.push.magic
    }

    /// What clears the device's passcode.
    pub fn unlock_token(&self) -> &[u8] {
        &self.unlock_token
    }

    /// The enrollment profile it installed.
    ///
    /// # Errors
    /// Before it installed one.
    pub fn profile(&self) -> Result<&ServedProfile> {
        self.profile.as_ref().ok_or(DeviceError::TooEarly("a profile"))
    }

    /// What it signs with.
    ///
    /// # Errors
    /// Before it has an identity.
    pub fn identity(&self) -> Result<&Credential> {
        self.identity.as_ref().ok_or(DeviceError::TooEarly("an identity"))
    }

    /// Signs with this identity from now on.
    pub fn set_identity(&mut self, identity: Credential) {
        self.identity = Some(identity);
    }

    /// Installs a profile without acting on it.
    pub fn set_profile(&mut self, profile: ServedProfile) {
        self.profile = Some(profile);
    }

    /// Gets a new push token from APNs, and a new magic word; the next TokenUpdate tells the server.
    ///
    /// # Errors
    /// Before it installed a profile, which says the topic.
    pub fn listen(&mut self, apns: &ApnsSimulator) -> Result<()> {
        let topic = self.profile()?.topic.clone();
        self.push = PushTarget::new(&self.random);
        self.wake_ups = Some(apns.register(&self.push.token, &topic, &self.push.magic));
        Ok(())
    }

    /// How many pushes wait for it.
    pub fn pushes_waiting(&self) -> usize {
        self.wake_ups.as_ref().map_or(0, WakeUps::waiting)
    }

    /// Waits for a push; false when none can come any more.
    pub async fn wait_for_push(&mut self) -> bool {
        match &mut self.wake_ups {
            Some(wake_ups) => wake_ups.next().await.is_some(),
            None => false,
        }
    }

    /// Whether it stays its owner's, and tells nobody its UDID and serial number.
    fn is_owners(&self) -> bool {
        self.profile.as_ref().is_some_and(ServedProfile::is_user_enrollment)
    }

    /// The keys by which every message says who speaks.
    fn introduction(&self) -> Dictionary {
        let mut keys = Dictionary::new();
        let (device, users) =
            if self.is_owners() { ("EnrollmentID", "EnrollmentUserID") } else { ("UDID", "UserID") };
        keys.insert(device.to_owned(), self.udid.as_str().into());
        if let Some(user) = &self.user {
            keys.insert(users.to_owned(), user.id.as_str().into());
            keys.insert("UserShortName".to_owned(), user.short_name.as_str().into());
        }
        keys
    }
}

/// A dictionary of these keys.
fn dictionary<const N: usize>(keys: [(&str, Value); N]) -> Dictionary {
    keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
