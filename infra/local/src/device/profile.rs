//! Reads an enrollment profile as a device does.

use openssl::pkcs12::Pkcs12;
use openssl::sha::sha1;
use openssl::x509::X509;
use plist::{Dictionary, Value};
use shared::pki::{Credential, profile_signature, trust};
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
    /// Whether its messages are signed; if not, both URLs ask for its identity.
    pub sign_messages: bool,
    /// Its identity, or how to get one.
    pub identity: IdentityPayload,
    /// Apple's access rights; `None` in User Enrollment.
    pub access_rights: Option<u64>,
    /// The Managed Apple Account that the person is to sign in with.
    pub managed_apple_account: Option<String>,
    /// Who signed it; `None` where it came unsigned.
    pub signer: Option<X509>,
}

/// The payload that the MDM payload names as its identity.
#[derive(Clone, Debug)]
pub enum IdentityPayload {
    /// The device asks for it.
    Scep(ScepPayload),
    /// Here it is.
    Pkcs12(Pkcs12Payload),
}

/// The PKCS#12 payload.
#[derive(Clone, Debug)]
pub struct Pkcs12Payload {
    file: Vec<u8>,
    password: Secret<String>,
}

/// The SCEP payload.
#[derive(Clone, Debug)]
pub struct ScepPayload {
    /// The server.
    pub url: String,
    /// Which of its authorities, if the profile says so.
    pub name: Option<String>,
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
        let (value, signer) = content(file)?;
        let root =
            Keys(value.as_dictionary().ok_or_else(|| DeviceError::unreadable(PROFILE, "no dictionary"))?);
        let mdm = root.payload("com.apple.mdm")?;
        let identity = root.identity(&mdm.text("IdentityCertificateUUID")?)?;
        let sign_messages = mdm.get("SignMessage")?.as_boolean().unwrap_or_default();
        let (server_url, check_in_url) = (mdm.text("ServerURL")?, mdm.text("CheckInURL")?);
        if !sign_messages && ![&server_url, &check_in_url].iter().all(|url| url.starts_with("https://")) {
            return Err(DeviceError::unreadable(PROFILE, "nothing would prove whose the messages are"));
        }
        let access_rights = mdm.0.get("AccessRights").and_then(Value::as_unsigned_integer);
        let mode = mdm.0.get("EnrollmentMode").and_then(Value::as_string);
        if access_rights.is_none() != (mode == Some("BYOD")) {
            return Err(DeviceError::unreadable(PROFILE, "it must ask for rights, or be a User Enrollment"));
        }
        Ok(Self {
            access_rights,
            managed_apple_account: mdm.text("AssignedManagedAppleID").ok(),
            identifier: root.text("PayloadIdentifier")?,
            display_name: root.text("PayloadDisplayName")?,
            topic: mdm.text("Topic")?,
            server_url,
            check_in_url,
            sign_messages,
            identity,
            signer,
        })
    }

    /// Whether the device stays its owner's.
    pub fn is_user_enrollment(&self) -> bool {
        self.access_rights.is_none()
    }

    /// The SCEP payload.
    ///
    /// # Errors
    /// When the identity comes in another way.
    pub fn scep(&self) -> Result<&ScepPayload> {
        match &self.identity {
            IdentityPayload::Scep(scep) => Ok(scep),
            IdentityPayload::Pkcs12(_) => Err(DeviceError::unreadable(PROFILE, "no SCEP payload")),
        }
    }

    /// Whether this authority is the profile's: the SCEP payload names it, and, where the SCEP server is the management server, it
    /// issued the signer.
    ///
    /// # Errors
    /// When it is another.
    pub fn check(&self, authority: &X509) -> Result<()> {
        let der = authority.to_der().map_err(|source| DeviceError::unreadable(AUTHORITY, source))?;
        let scep = self.scep()?;
        if scep.ca_fingerprint != sha1(&der) {
            return Err(DeviceError::unreadable(AUTHORITY, "it is not the one that the profile names"));
        }
        let is_ours = |signer: &X509| trust::chains_to(signer, std::slice::from_ref(authority)).is_some();
        let same_server = origin(&scep.url) == origin(&self.server_url);
        if same_server && self.signer.as_ref().is_some_and(|signer| !is_ours(signer)) {
            return Err(DeviceError::unreadable(PROFILE, "it is signed by a stranger"));
        }
        Ok(())
    }
}

/// Scheme, host and port.
fn origin(url: &str) -> Option<reqwest::Url> {
    reqwest::Url::parse(url).ok()?.join("/").ok()
}

const PROFILE: &str = "the enrollment profile";
const AUTHORITY: &str = "the authority's certificate";

/// What is in a profile, and who signed it, if anybody did.
pub(super) fn content(file: &[u8]) -> Result<(Value, Option<X509>)> {
    let (content, signer) = if file.starts_with(b"<?xml") {
        (file.to_vec(), None)
    } else {
        let (content, signer) =
            profile_signature::open(file).map_err(|source| DeviceError::unreadable(PROFILE, source))?;
        (content, Some(signer))
    };
    let value = body::parse(&content).map_err(|source| DeviceError::unreadable(PROFILE, source))?;
    Ok((value, signer))
}

pub(super) fn scep_payload(payload: &Keys<'_>) -> Result<ScepPayload> {
    let content = payload.get("PayloadContent")?.as_dictionary();
    let content = Keys(content.ok_or_else(|| DeviceError::unreadable(PROFILE, "no SCEP payload"))?);
    let names = content.get("Subject")?.as_array().into_iter().flatten();
    let subject = names.map(relative_name).collect::<Option<Vec<_>>>();
    Ok(ScepPayload {
        url: content.text("URL")?,
        name: content.text("Name").ok(),
        subject: subject.ok_or_else(|| DeviceError::unreadable(PROFILE, "an odd Subject"))?,
        challenge: Secret::new(content.text("Challenge")?),
        ca_fingerprint: content.get("CAFingerprint")?.as_data().unwrap_or_default().to_vec(),
        key_size: content.get("Keysize")?.as_unsigned_integer().unwrap_or_default(),
    })
}

impl Pkcs12Payload {
    fn read(payload: &Keys<'_>) -> Result<Self> {
        let file = payload.get("PayloadContent")?.as_data().unwrap_or_default().to_vec();
        Ok(Self { file, password: Secret::new(payload.text("Password")?) })
    }

    /// Key and certificate.
    pub(super) fn open(&self) -> Result<Credential> {
        const WHAT: &str = "the PKCS#12 payload";
        let content = Pkcs12::from_der(&self.file).and_then(|file| file.parse2(self.password.expose()));
        let content = content.map_err(|source| DeviceError::unreadable(WHAT, source))?;
        match (content.cert, content.pkey) {
            (Some(certificate), Some(key)) => Ok(Credential { certificate, key }),
            (_, _) => Err(DeviceError::unreadable(WHAT, "it holds no certificate or no key")),
        }
    }
}

/// `[["CN", "name"]]`: one attribute in each relative name.
fn relative_name(value: &Value) -> Option<(String, String)> {
    let [pair] = value.as_array()?.as_slice() else { return None };
    let [attribute, value] = pair.as_array()?.as_slice() else { return None };
    Some((attribute.as_string()?.to_owned(), value.as_string()?.to_owned()))
}

/// The keys of a dictionary, with errors that name them.
pub(super) struct Keys<'a>(pub(super) &'a Dictionary);

impl<'a> Keys<'a> {
    pub(super) fn get(&self, key: &str) -> Result<&'a Value> {
        self.0.get(key).ok_or_else(|| DeviceError::unreadable(PROFILE, format!("{key} is missing")))
    }

    pub(super) fn text(&self, key: &str) -> Result<String> {
        let text = self.get(key)?.as_string().map(str::to_owned);
        text.ok_or_else(|| DeviceError::unreadable(PROFILE, format!("{key} is not a text")))
    }

    /// The identity with this PayloadUUID.
    fn identity(&self, uuid: &str) -> Result<IdentityPayload> {
        let payloads = self.get("PayloadContent")?.as_array().into_iter().flatten();
        let is_wanted =
            |payload: &&Dictionary| payload.get("PayloadUUID").and_then(Value::as_string) == Some(uuid);
        let found = payloads.filter_map(Value::as_dictionary).find(is_wanted).map(Keys);
        let found = found.ok_or_else(|| DeviceError::unreadable(PROFILE, "the identity is not in it"))?;
        match found.text("PayloadType")?.as_str() {
            "com.apple.security.scep" => scep_payload(&found).map(IdentityPayload::Scep),
            "com.apple.security.pkcs12" => Pkcs12Payload::read(&found).map(IdentityPayload::Pkcs12),
            other => Err(DeviceError::unreadable(PROFILE, format!("{other} is no identity"))),
        }
    }

    /// The payload of this type.
    pub(super) fn payload(&self, payload_type: &str) -> Result<Keys<'a>> {
        let payloads = self.get("PayloadContent")?.as_array().into_iter().flatten();
        let mut dictionaries = payloads.filter_map(Value::as_dictionary);
        let is_wanted = |payload: &&Dictionary| {
            payload.get("PayloadType").and_then(Value::as_string) == Some(payload_type)
        };
        let found = dictionaries.find(is_wanted).map(Keys);
        found.ok_or_else(|| DeviceError::unreadable(PROFILE, format!("no {payload_type}")))
    }
}

#[cfg(test)]
mod tests {
    use shared::pki::authority::{self, AuthoritySubject};
    use shared::pki::key;
    use shared::protocol::enrollment_profile::{
        EnrollmentProfile, Identity, ProfileOptions, ProfileUuids, Scep,
    };
    use shared::time::from_unix;
    use uuid::Uuid;

    use super::*;

    fn authority() -> Credential {
        let name = "School".to_owned();
        let subject = AuthoritySubject { common_name: name.clone(), organization: name, country: None };
        let key = key::generate().unwrap();
        let certificate = authority::create(&subject, &key, [1; 16], from_unix(1_800_000_000)).unwrap();
        Credential { certificate, key }
    }

    fn file(authority: &Credential) -> String {
        let uuid = Uuid::from_u128;
        let profile = EnrollmentProfile {
            identifier: "org.example.enrollment".to_owned(),
            display_name: "School".to_owned(),
            organization: "School".to_owned(),
            description: String::new(),
            topic: "com.apple.mgmt.External.1".to_owned(),
            server_url: "http://server/command".to_owned(),
            check_in_url: "http://server/checkin".to_owned(),
            identity: Identity::Scep(Scep {
                url: "http://server/scep".to_owned(),
                name: Some("first".to_owned()),
                subject: vec![("O".to_owned(), "School".to_owned()), ("CN".to_owned(), "1".to_owned())],
                challenge: Secret::new("one-time".to_owned()),
                ca_fingerprint: sha1(&authority.certificate.to_der().unwrap()).to_vec(),
            }),
            options: ProfileOptions::default(),
            uuids: ProfileUuids {
                profile: uuid(1),
                identity: uuid(2),
                mdm: uuid(3),
                trust: uuid(4),
                removal: uuid(5),
            },
        };
        String::from_utf8(profile.to_plist().unwrap()).unwrap()
    }

    #[test]
    fn a_profile_is_good_when_its_own_authority_signed_it() {
        let (authority, stranger) = (authority(), authority());
        let file = file(&authority);
        for (signer, good) in [(&authority, true), (&stranger, false)] {
            let signed = profile_signature::sign(file.as_bytes(), signer, &[]).unwrap();
            let profile = ServedProfile::read(&signed).unwrap();
            assert_eq!(profile.check(&authority.certificate).is_ok(), good);
        }
        let unsigned = ServedProfile::read(file.as_bytes()).unwrap();
        assert_eq!((unsigned.scep().unwrap().key_size, unsigned.scep().unwrap().subject.len()), (2048, 2));
        assert!(unsigned.check(&authority.certificate).is_ok());
        assert!(unsigned.check(&stranger.certificate).is_err());
    }

    #[test]
    fn a_profile_that_a_device_cannot_use_is_refused() {
        let file = file(&authority());
        for (old, new) in [
            ("com.apple.mdm<", "com.apple.mail<"),
            ("<key>SignMessage</key>\n\t\t\t<true/>", "<key>SignMessage</key>\n\t\t\t<false/>"),
            ("<key>Topic</key>", "<key>Tropic</key>"),
            (
                "<key>IdentityCertificateUUID</key>\n\t\t\t<string>",
                "<key>IdentityCertificateUUID</key>\n\t\t\t<string>X",
            ),
            ("<string>CN</string>", "<string>CN</string><string>more</string>"),
        ] {
            let changed = file.replace(old, new);
            assert_ne!(changed, file, "{old}");
            assert!(ServedProfile::read(changed.as_bytes()).is_err(), "{new}");
        }
    }
}
