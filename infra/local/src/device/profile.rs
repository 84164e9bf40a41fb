//! Reads an enrollment profile as a device does.

use openssl::sha::sha1;
use openssl::x509::X509;
use plist::{Dictionary, Value};
use shared::pki::{profile_signature, trust};
use shared::protocol::body;
use shared::secret::Secret;

use super::error::{DeviceError, Result};

/// What a device needs of an enrollment profile.
#[derive(Clone, Debug)]
pub struct ServedProfile {
    /// The root PayloadIdentifier.
    pub identifier: String,
    /// The name shown on the device.
    pub display_name: String,
    /// The push topic.
    pub topic: String,
    /// Where polls go.
    pub server_url: String,
    /// Where check-ins go.
    pub check_in_url: String,
    /// How to get an identity.
    pub scep: ScepPayload,
    /// Who signed it; `None` where it came unsigned.
    pub signer: Option<X509>,
}

/// The SCEP payload.
#[derive(Clone, Debug)]
pub struct ScepPayload {
    /// The server.
    pub url: String,
    /// The subject to ask for: attribute and value.
    pub subject: Vec<(String, String)>,
    /// The one-time password.
    pub challenge: Secret<String>,
    /// SHA-1 of the authority's certificate.
    pub ca_fingerprint: Vec<u8>,
    /// Bits of the key.
    pub key_size: u64,
}

impl ServedProfile {
    /// Reads a profile, signed or not. A signature must be good; by whom it is, [`ServedProfile::check`] says.
    ///
    /// # Errors
    /// When it is no enrollment profile, or the device could not use it.
    pub fn read(file: &[u8]) -> Result<Self> {
        let (content, signer) = if file.starts_with(b"<?xml") {
            (file.to_vec(), None)
        } else {
            let (content, signer) =
                profile_signature::open(file).map_err(|source| DeviceError::unreadable(PROFILE, source))?;
            (content, Some(signer))
        };
        let value = body::parse(&content).map_err(|source| DeviceError::unreadable(PROFILE, source))?;
        let root =
            Keys(value.as_dictionary().ok_or_else(|| DeviceError::unreadable(PROFILE, "no dictionary"))?);
        let (mdm, scep) = (root.payload("com.apple.mdm")?, root.payload("com.apple.security.scep")?);
        if mdm.text("IdentityCertificateUUID")? != scep.text("PayloadUUID")? {
            return Err(DeviceError::unreadable(PROFILE, "the identity is not the SCEP payload"));
        }
        if !mdm.get("SignMessage")?.as_boolean().unwrap_or_default() {
            return Err(DeviceError::unreadable(PROFILE, "messages would not be signed"));
        }
        Ok(Self {
            identifier: root.text("PayloadIdentifier")?,
            display_name: root.text("PayloadDisplayName")?,
            topic: mdm.text("Topic")?,
            server_url: mdm.text("ServerURL")?,
            check_in_url: mdm.text("CheckInURL")?,
            scep: scep_payload(&scep)?,
            signer,
        })
    }

    /// Whether this authority is the profile's: the SCEP payload names it, and it issued the signer.
    ///
    /// # Errors
    /// When it is another.
    pub fn check(&self, authority: &X509) -> Result<()> {
        let der = authority.to_der().map_err(|source| DeviceError::unreadable(AUTHORITY, source))?;
        if self.scep.ca_fingerprint != sha1(&der) {
            return Err(DeviceError::unreadable(AUTHORITY, "it is not the one that the profile names"));
        }
        let is_ours = |signer: &X509| trust::chains_to(signer, std::slice::from_ref(authority)).is_some();
        if self.signer.as_ref().is_some_and(|signer| !is_ours(signer)) {
            return Err(DeviceError::unreadable(PROFILE, "it is signed by a stranger"));
        }
        Ok(())
    }
}

const PROFILE: &str = "the enrollment profile";
const AUTHORITY: &str = "the authority's certificate";

fn scep_payload(payload: &Keys<'_>) -> Result<ScepPayload> {
    let content = payload.get("PayloadContent")?.as_dictionary();
    let content = Keys(content.ok_or_else(|| DeviceError::unreadable(PROFILE, "no SCEP payload"))?);
    let names = content.get("Subject")?.as_array().into_iter().flatten();
    let subject = names.map(relative_name).collect::<Option<Vec<_>>>();
    Ok(ScepPayload {
        url: content.text("URL")?,
        subject: subject.ok_or_else(|| DeviceError::unreadable(PROFILE, "an odd Subject"))?,
        challenge: Secret::new(content.text("Challenge")?),
        ca_fingerprint: content.get("CAFingerprint")?.as_data().unwrap_or_default().to_vec(),
        key_size: content.get("Keysize")?.as_unsigned_integer().unwrap_or_default(),
    })
}

/// `[["CN", "name"]]`: one attribute in each relative name.
fn relative_name(value: &Value) -> Option<(String, String)> {
    let [pair] = value.as_array()?.as_slice() else { return None };
    let [attribute, value] = pair.as_array()?.as_slice() else { return None };
    Some((attribute.as_string()?.to_owned(), value.as_string()?.to_owned()))
}

struct Keys<'a>(&'a Dictionary);

impl<'a> Keys<'a> {
    fn get(&self, key: &str) -> Result<&'a Value> {
        self.0.get(key).ok_or_else(|| DeviceError::unreadable(PROFILE, format!("{key} is missing")))
    }

    fn text(&self, key: &str) -> Result<String> {
        let text = self.get(key)?.as_string().map(str::to_owned);
        text.ok_or_else(|| DeviceError::unreadable(PROFILE, format!("{key} is not a text")))
    }

    /// The payload of this type.
    fn payload(&self, payload_type: &str) -> Result<Keys<'a>> {
        let payloads = self.get("PayloadContent")?.as_array().into_iter().flatten();
        let mut dictionaries = payloads.filter_map(Value::as_dictionary);
        let is_wanted = |payload: &&Dictionary| {
            payload.get("PayloadType").and_then(Value::as_string) == Some(payload_type)
        };
        let found = dictionaries.find(is_wanted).map(Keys);
        found.ok_or_else(|| DeviceError::unreadable(PROFILE, format!("no {payload_type}")))
    }
}
