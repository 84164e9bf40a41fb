//! Enrollment in phases, as a device goes through it.

use plist::{Dictionary, Value};
use reqwest::header;
use shared::pki::{Credential, profile_signature};
use shared::protocol::body;
use shared::secret::Secret;

use super::error::{DeviceError, Result};
use super::identity::requested;
use super::profile::{Keys, content, scep_payload};
use super::wire::{self, Response};
use super::{ServedProfile, SimDevice, dictionary};

/// For errors.
const SERVICE: &str = "the profile service";

/// The profile of the first phase.
#[derive(Clone, Debug)]
pub struct ProfileService {
    /// Where the device answers.
    pub url: String,
    /// What it is asked.
    pub attributes: Vec<String>,
    /// What it answers with.
    pub challenge: Secret<String>,
}

impl ProfileService {
    /// Reads a profile; `None` when it is none of this kind.
    ///
    /// # Errors
    /// When it is of this kind and the device could not use it.
    pub fn read(file: &[u8]) -> Result<Option<Self>> {
        let (value, _) = content(file)?;
        let root =
            Keys(value.as_dictionary().ok_or_else(|| DeviceError::unreadable(SERVICE, "no dictionary"))?);
        if root.text("PayloadType")? != "Profile Service" {
            return Ok(None);
        }
        let asked = root.get("PayloadContent")?.as_dictionary();
        let asked = Keys(asked.ok_or_else(|| DeviceError::unreadable(SERVICE, "it asks nothing"))?);
        let attributes = asked.get("DeviceAttributes")?.as_array().into_iter().flatten();
        Ok(Some(Self {
            url: asked.text("URL")?,
            attributes: attributes.filter_map(|name| name.as_string().map(str::to_owned)).collect(),
            challenge: Secret::new(asked.text("Challenge")?),
        }))
    }
}

impl SimDevice {
    /// The second phase and the third: it tells who it is, gets an identity, tells it again with that, and gets its profile.
    ///
    /// # Errors
    /// At the first step that fails.
    pub async fn answer_service(&self, service: &ProfileService) -> Result<ServedProfile> {
        let identity = self.phase_identity(service).await?;
        let third = self.told(service, &identity).await?.accepted("the third phase")?;
        ServedProfile::read(&third.body)
    }

    /// The second phase: the identity that the third is signed with.
    ///
    /// # Errors
    /// At the first step that fails.
    pub async fn phase_identity(&self, service: &ProfileService) -> Result<Credential> {
        let second = self.told(service, self.made_as()?).await?.accepted("the second phase")?;
        let (value, _) = content(&second.body)?;
        let root = value.as_dictionary().ok_or_else(|| DeviceError::unreadable(SERVICE, "no dictionary"))?;
        requested(&scep_payload(&Keys(root).payload("com.apple.security.scep")?)?, &self.clock).await
    }

    /// Tells the service who it is, signed with any certificate; any answer is good.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn told(&self, service: &ProfileService, signer: &Credential) -> Result<Response> {
        let known = dictionary([
            ("UDID", self.udid.as_str().into()),
            ("SERIAL", self.serial.as_str().into()),
            ("PRODUCT", "iPad13,18".into()),
            ("VERSION", "23B85".into()),
        ]);
        let mut message: Dictionary =
            known.into_iter().filter(|(name, _)| service.attributes.contains(name)).collect();
        message.insert("CHALLENGE".to_owned(), Value::from(service.challenge.expose().as_str()));
        let ours = |source| DeviceError::unreadable("the device's own message", source);
        let message = body::to_xml(&message.into()).map_err(ours)?;
        self.sent(&service.url, profile_signature::sign(&message, signer, &[]).map_err(ours)?).await
    }

    /// Sends any bytes to the service; any answer is good.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn sent(&self, url: &str, message: Vec<u8>) -> Result<Response> {
        let request = self.wire.http.post(url).header(header::CONTENT_TYPE, "application/pkcs7-signature");
        wire::send(request.body(message), url).await
    }

    fn made_as(&self) -> Result<&Credential> {
        self.made_as.as_ref().ok_or(DeviceError::TooEarly("a certificate of its maker"))
    }
}
