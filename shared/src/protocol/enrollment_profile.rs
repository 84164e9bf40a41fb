//! The profile that enrolls a device: an identity, and the MDM payload that uses it.

use plist::{Dictionary, Value};
use uuid::Uuid;

use super::body;
use crate::error::Result;
use crate::secret::Secret;

/// Bits of the device's RSA key.
const KEY_SIZE: u16 = 2048;
/// Signing (1) and encryption (4).
const KEY_USAGE: u8 = 5;
/// How often, and after how many seconds, a device asks again when the SCEP server says "pending".
const RETRIES: u8 = 3;
const RETRY_DELAY: u8 = 10;

/// An enrollment profile, as a property list yet to be signed.
///
/// Written byte for byte the same for the same values: a link served twice gives the same profile. An update of an
/// installed profile must keep `identifier`, `topic`, `server_url` and `check_in_url`, or the device refuses it.
/// Apple: `mdm/profiles/com.apple.mdm.yaml`.
#[derive(Clone, Debug)]
pub struct EnrollmentProfile {
    /// Root PayloadIdentifier, in reverse-DNS form; the payloads' identifiers are made from it.
    pub identifier: String,
    /// The profile's name on the device.
    pub display_name: String,
    /// Who manages the device.
    pub organization: String,
    /// What the person installing it reads.
    pub description: String,
    /// The push topic, `com.apple.mgmt.External.<uuid>`.
    pub topic: String,
    /// Where the device polls for commands.
    pub server_url: String,
    /// Where the device checks in.
    pub check_in_url: String,
    /// The device's identity.
    pub identity: Identity,
    /// What the tenant decides.
    pub options: ProfileOptions,
    /// PayloadUUIDs, the same for the same link.
    pub uuids: ProfileUuids,
}

/// What a tenant decides about its profiles.
#[derive(Clone, Debug)]
pub struct ProfileOptions {
    /// Apple's access rights, added up. An installed profile can lose rights by an update but never gain any.
    pub access_rights: u16,
    /// A channel of their own for each user. An update can neither add nor take it back.
    pub per_user_connections: bool,
    /// Whether a Mac deposits its bootstrap token.
    pub bootstrap_token: bool,
    /// The password that removes the profile. Apple: `com.apple.profileRemovalPassword`.
    pub removal_password: Option<Secret<String>>,
    /// The DER of the authority of the server's TLS certificate. Apple: `com.apple.security.root`.
    pub trusted_authority: Option<Vec<u8>>,
    /// Whether the server's certificate must come from that authority.
    pub pinned: bool,
    /// For a device that stays its owner's. It gives no access rights.
    pub user_enrollment: Option<UserEnrollment>,
    /// Whether the device signs its messages; else its URLs must be on a host that asks for its certificate. Apple: `SignMessage`.
    pub sign_messages: bool,
}

/// User Enrollment. Apple: `EnrollmentMode` and `AssignedManagedAppleID` in `mdm/profiles/com.apple.mdm.yaml`.
#[derive(Clone, Debug)]
pub struct UserEnrollment {
    /// The Managed Apple Account that the person is to sign in with.
    pub managed_apple_account: Option<String>,
}

/// All rights, and everything this server can.
impl Default for ProfileOptions {
    fn default() -> Self {
        Self {
            access_rights: 8191,
            per_user_connections: true,
            bootstrap_token: true,
            removal_password: None,
            trusted_authority: None,
            pinned: false,
            user_enrollment: None,
            sign_messages: true,
        }
    }
}

/// How the device gets its identity certificate.
#[derive(Clone, Debug)]
pub enum Identity {
    /// It makes a key and asks for a certificate.
    Scep(Scep),
    /// It comes with the profile.
    Pkcs12(Pkcs12),
}

/// An identity in the profile itself. Apple: `mdm/profiles/com.apple.security.pkcs12.yaml`.
#[derive(Clone, Debug)]
pub struct Pkcs12 {
    /// Key and certificate.
    pub file: Secret<Vec<u8>>,
    /// What opens the file.
    pub password: Secret<String>,
}

/// Where a device asks for a certificate. Apple: `mdm/profiles/com.apple.security.scep.yaml`.
#[derive(Clone, Debug)]
pub struct Scep {
    /// The SCEP server.
    pub url: String,
    /// Which of the server's authorities: the device repeats it when it asks for the authority's certificate.
    pub name: Option<String>,
    /// Subject to ask for, outermost first: attribute (`O`, `CN` or a dotted OID) and value.
    pub subject: Vec<(String, String)>,
    /// One-time password for this enrollment.
    pub challenge: Secret<String>,
    /// SHA-1, or MD5, over the CA certificate's DER. `CAFingerprint` takes SHA-1 or MD5 and nothing newer (Apple's
    /// over-the-air enrollment guide; the 802.1X white paper): the device compares it with GetCACert's answer.
    pub ca_fingerprint: Vec<u8>,
}

/// The PayloadUUIDs of a profile and its two payloads.
#[derive(Clone, Copy, Debug)]
pub struct ProfileUuids {
    /// The profile's own.
    pub profile: Uuid,
    /// The identity payload's, which the MDM payload names.
    pub identity: Uuid,
    /// The MDM payload's.
    pub mdm: Uuid,
    /// That of the payload with the trusted authority, which the MDM payload names to pin it.
    pub trust: Uuid,
    /// That of the payload with the removal password.
    pub removal: Uuid,
}

impl EnrollmentProfile {
    /// The profile as XML.
    ///
    /// `PayloadRemovalDisallowed` is left out: a profile with an MDM payload must be removable unless Apple's
    /// automated enrollment installed it.
    ///
    /// # Errors
    /// Malformed `plist-control-character` when one of the texts holds a control character.
    pub fn to_plist(&self) -> Result<Vec<u8>> {
        // The device installs them in this order: it needs the trust before it calls the server.
        self.around([self.trust(), Some(self.identity()), Some(self.mdm()), self.removal()], "")
    }

    /// The profile with the identity alone, as XML: what a device gets in the second phase of an enrollment in phases.
    ///
    /// # Errors
    /// As [`EnrollmentProfile::to_plist`].
    pub fn identity_to_plist(&self) -> Result<Vec<u8>> {
        self.around([self.trust(), Some(self.identity()), None, None], ".phase")
    }

    fn around(&self, payloads: [Option<Dictionary>; 4], suffix: &str) -> Result<Vec<u8>> {
        let payloads = payloads.into_iter().flatten().map(Value::from).collect();
        let mut profile = self.payload("Configuration", suffix, &self.display_name, self.uuids.profile);
        put(&mut profile, "PayloadContent", Value::Array(payloads));
        put(&mut profile, "PayloadDescription", self.description.as_str());
        put(&mut profile, "PayloadOrganization", self.organization.as_str());
        put(&mut profile, "PayloadScope", "System");
        body::to_xml(&profile.into())
    }

    fn identity(&self) -> Dictionary {
        match &self.identity {
            Identity::Scep(scep) => self.scep(scep),
            Identity::Pkcs12(file) => self.pkcs12(file),
        }
    }

    fn scep(&self, Scep { url, name: authority, subject, challenge, ca_fingerprint }: &Scep) -> Dictionary {
        // Each relative name is an array of its own, although only one attribute fits this product's subjects.
        let name = |(attribute, value): &(String, String)| {
            let pair = vec![attribute.as_str().into(), value.as_str().into()];
            Value::Array(vec![Value::Array(pair)])
        };
        let mut content = Dictionary::new();
        put(&mut content, "URL", url.as_str());
        if let Some(authority) = authority {
            put(&mut content, "Name", authority.as_str());
        }
        put(&mut content, "Subject", Value::Array(subject.iter().map(name).collect()));
        put(&mut content, "Challenge", challenge.expose().as_str());
        put(&mut content, "CAFingerprint", Value::Data(ca_fingerprint.clone()));
        put(&mut content, "Key Type", "RSA");
        put(&mut content, "Keysize", KEY_SIZE);
        put(&mut content, "Key Usage", KEY_USAGE);
        put(&mut content, "KeyIsExtractable", false);
        put(&mut content, "Retries", RETRIES);
        put(&mut content, "RetryDelay", RETRY_DELAY);

        let mut payload =
            self.payload("com.apple.security.scep", ".scep", "Device identity", self.uuids.identity);
        put(&mut payload, "PayloadContent", content);
        payload
    }

    fn pkcs12(&self, Pkcs12 { file, password }: &Pkcs12) -> Dictionary {
        let kind = "com.apple.security.pkcs12";
        let mut payload = self.payload(kind, ".identity", "Device identity", self.uuids.identity);
        put(&mut payload, "KeyIsExtractable", false);
        put(&mut payload, "Password", password.expose().as_str());
        put(&mut payload, "PayloadCertificateFileName", "identity.p12");
        put(&mut payload, "PayloadContent", Value::Data(file.expose().clone()));
        payload
    }

    fn trust(&self) -> Option<Dictionary> {
        let authority = self.options.trusted_authority.clone()?;
        let name = "Trust in the management server";
        let mut payload = self.payload("com.apple.security.root", ".trust", name, self.uuids.trust);
        put(&mut payload, "PayloadContent", Value::Data(authority));
        Some(payload)
    }

    fn removal(&self) -> Option<Dictionary> {
        let password = self.options.removal_password.as_ref()?;
        let kind = "com.apple.profileRemovalPassword";
        let mut payload = self.payload(kind, ".removal", "Removal password", self.uuids.removal);
        put(&mut payload, "RemovalPassword", password.expose().as_str());
        Some(payload)
    }

    fn mdm(&self) -> Dictionary {
        let options = &self.options;
        let capabilities = [
            (options.per_user_connections, "com.apple.mdm.per-user-connections"),
            (options.bootstrap_token, "com.apple.mdm.bootstraptoken"),
        ];
        let capabilities = capabilities.into_iter().filter(|(has, _)| *has);
        let capabilities = capabilities.map(|(_, name)| Value::from(name)).collect();
        let mut payload = self.payload("com.apple.mdm", ".mdm", "Device management", self.uuids.mdm);
        match &options.user_enrollment {
            None => put(&mut payload, "AccessRights", options.access_rights),
            Some(UserEnrollment { managed_apple_account }) => {
                if let Some(account) = managed_apple_account {
                    put(&mut payload, "AssignedManagedAppleID", account.as_str());
                }
                put(&mut payload, "EnrollmentMode", "BYOD");
            }
        }
        put(&mut payload, "CheckInURL", self.check_in_url.as_str());
        put(&mut payload, "CheckOutWhenRemoved", true);
        put(&mut payload, "IdentityCertificateUUID", upper(self.uuids.identity));
        put(&mut payload, "ServerCapabilities", Value::Array(capabilities));
        put(&mut payload, "ServerURL", self.server_url.as_str());
        put(&mut payload, "SignMessage", options.sign_messages);
        put(&mut payload, "Topic", self.topic.as_str());
        if options.pinned && options.trusted_authority.is_some() {
            for key in ["CheckInURLPinningCertificateUUIDs", "ServerURLPinningCertificateUUIDs"] {
                put(&mut payload, key, Value::Array(vec![upper(self.uuids.trust).into()]));
            }
        }
        payload
    }

    /// The keys every payload has, and the profile itself.
    fn payload(&self, payload_type: &str, suffix: &str, display_name: &str, uuid: Uuid) -> Dictionary {
        let mut payload = Dictionary::new();
        put(&mut payload, "PayloadType", payload_type);
        put(&mut payload, "PayloadVersion", 1_u8);
        put(&mut payload, "PayloadIdentifier", format!("{}{suffix}", self.identifier));
        put(&mut payload, "PayloadUUID", upper(uuid));
        put(&mut payload, "PayloadDisplayName", display_name);
        payload
    }
}

fn put(dictionary: &mut Dictionary, key: &str, value: impl Into<Value>) {
    dictionary.insert(key.to_owned(), value.into());
}

/// As Apple's tools write it.
fn upper(uuid: Uuid) -> String {
    uuid.to_string().to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile() -> EnrollmentProfile {
        let uuid = |last: u8| Uuid::from_bytes([0xab, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, last]);
        EnrollmentProfile {
            identifier: "org.example.mdm.aaaaaaaaaaaaaaaa".to_owned(),
            display_name: "Device management of Example & Sons".to_owned(),
            organization: "Example & Sons".to_owned(),
            description: "Lets Example & Sons manage this device.".to_owned(),
            topic: "com.apple.mgmt.External.11111111-2222-3333-4444-555555555555".to_owned(),
            server_url: "https://mdm.example.org/mdm/aaaaaaaaaaaaaaaa/command".to_owned(),
            check_in_url: "https://mdm.example.org/mdm/aaaaaaaaaaaaaaaa/checkin".to_owned(),
            identity: Identity::Scep(Scep {
                url: "https://mdm.example.org/scep/aaaaaaaaaaaaaaaa".to_owned(),
                name: Some("bbbbbbbbbbbbbbbb".to_owned()),
                subject: vec![
                    ("O".to_owned(), "Example & Sons".to_owned()),
                    ("CN".to_owned(), "link-1".to_owned()),
                ],
                challenge: Secret::new("one-time".to_owned()),
                ca_fingerprint: vec![7; 20],
            }),
            options: ProfileOptions::default(),
            uuids: ProfileUuids {
                profile: uuid(1),
                identity: uuid(2),
                mdm: uuid(3),
                trust: uuid(4),
                removal: uuid(5),
            },
        }
    }

    #[test]
    fn the_profile_is_what_apple_documents() {
        let xml = String::from_utf8(profile().to_plist().unwrap()).unwrap();
        insta::assert_snapshot!(xml);
    }

    #[test]
    fn a_tenants_options_change_the_payloads() {
        let options = ProfileOptions {
            access_rights: 19,
            per_user_connections: false,
            bootstrap_token: true,
            removal_password: Some(Secret::new("open sesame".to_owned())),
            trusted_authority: Some(vec![1, 2, 3]),
            pinned: true,
            user_enrollment: None,
            sign_messages: false,
        };
        assert!(!format!("{options:?}").contains("sesame"));
        let xml = EnrollmentProfile { options, ..profile() }.to_plist().unwrap();
        insta::assert_snapshot!(String::from_utf8(xml).unwrap());
    }

    #[test]
    fn an_owners_device_gives_no_rights() {
        let account = "jo@school.example".to_owned();
        let user_enrollment = Some(UserEnrollment { managed_apple_account: Some(account) });
        let options = ProfileOptions { user_enrollment, ..ProfileOptions::default() };
        let xml = EnrollmentProfile { options, ..profile() }.to_plist().unwrap();
        let xml = String::from_utf8(xml).unwrap();
        assert!(!xml.contains("AccessRights"), "{xml}");
        for (key, value) in [("EnrollmentMode", "BYOD"), ("AssignedManagedAppleID", "jo@school.example")] {
            assert!(xml.contains(&format!("<key>{key}</key>\n\t\t\t<string>{value}</string>")), "{xml}");
        }
    }

    #[test]
    fn an_identity_may_come_along() {
        let file =
            Pkcs12 { file: Secret::new(vec![1, 2, 3]), password: Secret::new("open sesame".to_owned()) };
        let profile = EnrollmentProfile { identity: Identity::Pkcs12(file), ..profile() };
        assert!(!format!("{profile:?}").contains("sesame"));
        insta::assert_snapshot!(String::from_utf8(profile.to_plist().unwrap()).unwrap());
    }

    #[test]
    fn a_link_served_twice_gives_the_same_bytes() {
        assert_eq!(profile().to_plist().unwrap(), profile().to_plist().unwrap());
    }

    #[test]
    fn a_name_with_control_characters_is_refused() {
        let organization = "Example\u{0} & Sons".to_owned();
        let error = EnrollmentProfile { organization, ..profile() }.to_plist().unwrap_err();
        assert_eq!(error.code(), "plist-control-character");
    }

    #[test]
    fn debug_hides_the_challenge() {
        assert!(!format!("{:?}", profile()).contains("one-time"));
    }
}
