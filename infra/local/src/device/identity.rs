//! A device's identity: its key, and the certificate it gets by SCEP.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509Name, X509NameRef};
use shared::pki::Credential;
use shared::pki::scep::client::{self, Reply, Request};
use shared::pki::scep::{Cipher, MessageType};
use shared::port::random::Random;
use shared::secret::Secret;
use shared::time::Clock;

use super::error::{DeviceError, Result};
use super::wire::{self, Response};
use super::{IdentityPayload, ScepPayload, SimDevice};

/// One SCEP server.
pub struct ScepClient {
    http: reqwest::Client,
    url: String,
    name: Option<String>,
    clock: Clock,
    random: Random,
}

/// What is asked of it.
pub struct Ask<'a> {
    /// PKCSReq or RenewalReq.
    pub message_type: MessageType,
    /// The subject.
    pub subject: &'a X509NameRef,
    /// The key to certify.
    pub key: &'a PKey<Private>,
    /// The one-time password.
    pub challenge: Option<&'a Secret<String>>,
    /// Who signs the message: the certificate to renew; `None` for a self-signed one of the key.
    pub signer: Option<&'a Credential>,
}

impl ScepClient {
    /// The server at `url`.
    pub fn new(url: &str) -> Self {
        Self {
            http: reqwest::Client::new(),
            url: url.to_owned(),
            name: None,
            clock: Clock::system(),
            random: Random::system(),
        }
    }

    /// The server of a profile's SCEP payload, and the authority that the payload names.
    pub fn of(payload: &ScepPayload) -> Self {
        Self { name: payload.name.clone(), ..Self::new(&payload.url) }
    }

    /// Dates its requests by this clock.
    #[must_use]
    pub fn by(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// GetCACaps: what the server can do.
    ///
    /// # Errors
    /// When it does not answer with 200.
    pub async fn capabilities(&self) -> Result<Vec<String>> {
        let answer = self.get("GetCACaps", "").await?.accepted("GetCACaps")?;
        Ok(String::from_utf8_lossy(&answer.body).lines().map(str::to_owned).collect())
    }

    /// GetCACert: the authority.
    ///
    /// # Errors
    /// When it does not answer with one certificate.
    pub async fn authority(&self) -> Result<X509> {
        let named = self.name.as_ref().map(|name| format!("&message={name}")).unwrap_or_default();
        let answer = self.get("GetCACert", &named).await?.accepted("GetCACert")?;
        X509::from_der(&answer.body).map_err(|source| DeviceError::unreadable("GetCACert's answer", source))
    }

    /// PKIOperation by POST, as devices do when the server can.
    ///
    /// # Errors
    /// When no certificate comes of it.
    pub async fn request(&self, ask: &Ask<'_>) -> Result<X509> {
        self.operate(ask, false).await
    }

    /// PKIOperation by GET, with the base64 left unescaped as macOS does.
    ///
    /// # Errors
    /// When no certificate comes of it.
    pub async fn request_by_get(&self, ask: &Ask<'_>) -> Result<X509> {
        self.operate(ask, true).await
    }

    async fn operate(&self, ask: &Ask<'_>, by_get: bool) -> Result<X509> {
        let ours = |source| DeviceError::unreadable("the device's own request", source);
        let authority = self.authority().await?;
        let csr = client::certificate_request(ask.subject, ask.key, ask.challenge).map_err(ours)?;
        let signer = match ask.signer {
            Some(signer) => signer.clone(),
            None => client::self_signed(ask.subject, ask.key.clone(), self.clock.now()).map_err(ours)?,
        };
        let transaction_id = self.random.uuid_string();
        let request = Request {
            message_type: ask.message_type,
            transaction_id: &transaction_id,
            nonce: self.random.bytes(),
            cipher: Cipher::TripleDes,
            csr: &csr,
        };
        let message = client::message(&request, &signer, &authority).map_err(ours)?;
        let answer = if by_get {
            self.get("PKIOperation", &format!("&message={}", STANDARD.encode(message))).await?
        } else {
            self.post(message).await?
        };
        let answer = answer.accepted("PKIOperation")?.body;
        match client::open(&answer, &request, &signer, &authority) {
            Ok(Reply::Issued(certificate)) => Ok(certificate),
            Ok(Reply::Refused(reason)) => Err(DeviceError::IdentityRefused(reason)),
            Err(source) => Err(DeviceError::unreadable("the SCEP server's answer", source)),
        }
    }

    async fn get(&self, operation: &str, more: &str) -> Result<Response> {
        let url = format!("{}?operation={operation}{more}", self.url);
        wire::send(self.http.get(&url), &self.url).await
    }

    async fn post(&self, message: Vec<u8>) -> Result<Response> {
        let url = format!("{}?operation=PKIOperation", self.url);
        wire::send(self.http.post(&url).body(message), &self.url).await
    }
}

impl SimDevice {
    /// Takes the profile's identity, or makes a key and gets the certificate that the SCEP payload promises.
    ///
    /// # Errors
    /// When the authority is not the profile's, or no certificate comes.
    pub async fn obtain_identity(&mut self) -> Result<()> {
        let profile = self.profile()?;
        self.identity = Some(match &profile.identity {
            IdentityPayload::Pkcs12(file) => file.open()?,
            IdentityPayload::Scep(scep) => {
                profile.check(&ScepClient::of(scep).by(self.clock.clone()).authority().await?)?;
                requested(scep, &self.clock).await?
            }
        });
        Ok(())
    }

    /// Renews its identity with a new key, signed by the present one, and tells the server nothing else.
    /// `message_type` is RenewalReq, or PKCSReq as macOS has it.
    ///
    /// # Errors
    /// When no certificate comes.
    pub async fn renew_identity(&mut self, message_type: MessageType) -> Result<()> {
        let (profile, present) = (self.profile()?, self.identity()?);
        let scep = profile.scep()?;
        let key = new_key(scep.key_size)?;
        let ask = Ask {
            message_type,
            subject: present.certificate.subject_name(),
            key: &key,
            challenge: None,
            signer: Some(present),
        };
        let certificate = ScepClient::of(scep).by(self.clock.clone()).request(&ask).await?;
        self.identity = Some(Credential { certificate, key });
        Ok(())
    }
}

/// A new key with the certificate that this payload promises.
pub(super) async fn requested(scep: &ScepPayload, clock: &Clock) -> Result<Credential> {
    let server = ScepClient::of(scep).by(clock.clone());
    server.capabilities().await?;
    let key = new_key(scep.key_size)?;
    let ask = Ask {
        message_type: MessageType::PkcsReq,
        subject: &*distinguished_name(&scep.subject)?,
        key: &key,
        challenge: Some(&scep.challenge),
        signer: None,
    };
    let certificate = server.request(&ask).await?;
    Ok(Credential { certificate, key })
}

fn new_key(bits: u64) -> Result<PKey<Private>> {
    let bits = u32::try_from(bits).map_err(|source| DeviceError::unreadable("Keysize", source))?;
    Rsa::generate(bits)
        .and_then(PKey::from_rsa)
        .map_err(|source| DeviceError::unreadable("the device's own key", source))
}

/// A subject of these attributes and values.
///
/// # Errors
/// When X.520 does not allow one of them.
pub fn distinguished_name(subject: &[(String, String)]) -> Result<X509Name> {
    let build = || -> Result<X509Name, ErrorStack> {
        let mut name = X509Name::builder()?;
        for (attribute, value) in subject {
            name.append_entry_by_text(attribute, value)?;
        }
        Ok(name.build())
    };
    build().map_err(|source| DeviceError::unreadable("Subject", source))
}
