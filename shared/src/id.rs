//! Typed identifiers: parsed once at the edge, never a bare `String` after that.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Lower-case base 32 (RFC 4648 alphabet): safe in URLs, keys and file names.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Declares an opaque identifier of 16 base-32 characters (80 random bits).
macro_rules! opaque_id {
    ($(#[$doc:meta])* $name:ident, $noun:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<[u8; 10]> for $name {
            fn from(entropy: [u8; 10]) -> Self {
                Self(base32(&entropy))
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                if text.len() == 16 && text.bytes().all(|byte| ALPHABET.contains(&byte)) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(Error::not_found($noun))
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

opaque_id!(
    /// A customer. Stands in device URLs for ever, so it says nothing about the customer.
    TenantId,
    "tenant"
);
opaque_id!(
    /// An API token's public half.
    TokenId,
    "token"
);
opaque_id!(
    /// An enrollment link.
    LinkId,
    "enrollment link"
);
opaque_id!(
    /// An identity authority: a tenant's own CA, or one it trusts.
    AuthorityId,
    "identity authority"
);
opaque_id!(
    /// The challenge by which a device renews its identity.
    RenewalId,
    "renewal"
);
opaque_id!(
    /// The name that one profile asks another authority for: nobody can guess it.
    PromiseId,
    "promised identity"
);
opaque_id!(
    /// An entry of the audit log.
    AuditId,
    "audit entry"
);
opaque_id!(
    /// A webhook.
    WebhookId,
    "webhook"
);
opaque_id!(
    /// A private key in the secret store.
    KeyId,
    "key"
);

opaque_id!(
    /// A group of enrollments.
    GroupId,
    "group"
);

fn base32(entropy: &[u8; 10]) -> String {
    let mut text = String::with_capacity(16);
    for chunk in entropy.chunks(5) {
        let bits = chunk.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
        for place in (0..8).rev() {
            let index = (bits >> (place * 5)) & 31;
            text.push(char::from(ALPHABET[index as usize]));
        }
    }
    text
}

/// A certificate's SHA-256 over its DER, shown as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of DER bytes.
    pub fn of(der: &[u8]) -> Self {
        Self(openssl::sha::sha256(der))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| Error::not_found("certificate"))?;
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> String {
        fingerprint.to_string()
    }
}

/// A command's identifier: an upper-case UUID, as Apple's servers write it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommandUuid(String);

impl CommandUuid {
    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<uuid::Uuid> for CommandUuid {
    fn from(uuid: uuid::Uuid) -> Self {
        Self(uuid.to_string().to_uppercase())
    }
}

impl FromStr for CommandUuid {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        uuid::Uuid::try_parse(text).map(Self::from).map_err(|_| Error::not_found("command"))
    }
}

impl TryFrom<String> for CommandUuid {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<CommandUuid> for String {
    fn from(uuid: CommandUuid) -> String {
        uuid.0
    }
}

impl fmt::Display for CommandUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One channel of one device: the device itself, or a user on it.
///
/// Written `UDID`, `UDID:UserID`, `EnrollmentID` or `EnrollmentID:EnrollmentUserID`, as in nanomdm's vocabulary.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EnrollmentId {
    device: String,
    user: Option<String>,
}

impl EnrollmentId {
    /// The device channel of a UDID or a User Enrollment's EnrollmentID.
    ///
    /// # Errors
    /// Malformed when the identifier is empty, over 64 characters, or not letters, digits and dashes.
    pub fn device(device: &str) -> Result<Self> {
        let fits = (1..=64).contains(&device.len());
        if fits && device.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            Ok(Self { device: device.to_owned(), user: None })
        } else {
            Err(Error::malformed(
                "enrollment-id",
                "A device identifier is 1 to 64 letters, digits and dashes.",
            ))
        }
    }

    /// The channel of a user on this device.
    ///
    /// # Errors
    /// Malformed when the user is empty, over 128 characters, or holds control characters.
    pub fn with_user(self, user: &str) -> Result<Self> {
        if user.is_empty() || user.len() > 128 || user.chars().any(char::is_control) {
            return Err(Error::malformed(
                "enrollment-id",
                "A user identifier is 1 to 128 printable characters.",
            ));
        }
        Ok(Self { user: Some(user.to_owned()), ..self })
    }

    /// The device's part: UDID or EnrollmentID.
    pub fn device_id(&self) -> &str {
        &self.device
    }

    /// The user's part, on a user channel.
    pub fn user_id(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The device channel of the same device.
    pub fn device_channel(&self) -> Self {
        Self { device: self.device.clone(), user: None }
    }
}

impl FromStr for EnrollmentId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once(':') {
            Some((device, user)) => Self::device(device)?.with_user(user),
            None => Self::device(text),
        }
    }
}

impl TryFrom<String> for EnrollmentId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<EnrollmentId> for String {
    fn from(id: EnrollmentId) -> String {
        id.to_string()
    }
}

impl fmt::Display for EnrollmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.user {
            Some(user) => write!(f, "{}:{user}", self.device),
            None => f.write_str(&self.device),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opaque_id_survives_its_text_and_refuses_anything_else() {
        let id = TenantId::from([0xff; 10]);
        assert_eq!(id.as_str(), "7777777777777777");
        assert_eq!(id.as_str().parse::<TenantId>().unwrap(), id);
        for bad in ["", "7777", "AAAAAAAAAAAAAAAA", "../../etc/passwd", "aaaaaaaaaaaaaaa#"] {
            assert!(bad.parse::<TenantId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn enrollment_ids_carry_their_channel() {
        let user: EnrollmentId = "ABC-1:jane@example.org".parse().unwrap();
        assert_eq!(user.device_channel().to_string(), "ABC-1");
        assert_eq!(user.user_id(), Some("jane@example.org"));
        for bad in ["", "a#b", "a b", "abc:", &"x".repeat(65)] {
            assert!(bad.parse::<EnrollmentId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn command_uuids_are_upper_case() {
        let uuid: CommandUuid = "0a0a0a0a-0000-4000-8000-00000000000b".parse().unwrap();
        assert_eq!(uuid.as_str(), "0A0A0A0A-0000-4000-8000-00000000000B");
    }
}
