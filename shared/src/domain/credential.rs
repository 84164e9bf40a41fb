//! What expires: every credential that the expiry calendar watches.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::expiry::FIRST_DAY;
use crate::domain::identity::IdentityAuthority;
use crate::domain::profile_signer::InstalledSigner;
use crate::domain::push_certificates::InstalledCertificate;
use crate::domain::token::ApiToken;
use crate::domain::vendor_certificates::VendorRecord;
use crate::id::Fingerprint;
use crate::time::{Timestamp, days_until};

/// The kinds of credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialKind {
    /// A tenant's active Apple push certificate.
    PushCertificate,
    /// The operator's MDM vendor certificate, which signs every tenant's requests.
    VendorCertificate,
    /// An authority whose identities a tenant accepts.
    IdentityAuthority,
    /// The certificate that a tenant's authority issued to sign its profiles.
    ProfileSigner,
    /// A certificate for signing profiles that an organization, or the operator, brought along.
    SigningCertificate,
    /// A token of the API that was made for a limited time.
    ApiToken,
    /// The certificate of this server's own host name.
    ServerCertificate,
}

impl CredentialKind {
    /// The kind as it stands in records and addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PushCertificate => "push-certificate",
            Self::VendorCertificate => "vendor-certificate",
            Self::IdentityAuthority => "identity-authority",
            Self::ProfileSigner => "profile-signer",
            Self::SigningCertificate => "signing-certificate",
            Self::ApiToken => "api-token",
            Self::ServerCertificate => "server-certificate",
        }
    }
}

/// How near a credential's end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CredentialState {
    /// More than thirty days are left.
    Ok,
    /// It ends within thirty days: mails go out.
    Soon,
    /// It has ended.
    Expired,
}

/// A credential as the calendar knows it: never its key or secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedCredential {
    /// What it is.
    pub kind: CredentialKind,
    /// Which of its kind: a fingerprint or a token's public half.
    pub reference: String,
    /// Its name for people.
    pub name: String,
    /// More by which people recognize it: label and value.
    pub details: Vec<(&'static str, String)>,
    /// When it ends.
    pub not_after: Timestamp,
}

impl WatchedCredential {
    /// Names the credential in addresses and claims. A renewed one has another name, so that what was said of the
    /// former one, such as a snooze, ends with it.
    pub fn id(&self) -> String {
        format!("{}.{}", self.kind.as_str(), self.reference)
    }

    /// How near the end is.
    pub fn state(&self, now: Timestamp) -> CredentialState {
        match days_until(now, self.not_after) {
            days if days < 0 => CredentialState::Expired,
            days if days <= FIRST_DAY => CredentialState::Soon,
            _ => CredentialState::Ok,
        }
    }

    /// A tenant's active push certificate.
    pub fn push(installed: &InstalledCertificate) -> Self {
        let certificate = &installed.certificate;
        Self {
            kind: CredentialKind::PushCertificate,
            reference: certificate.fingerprint.to_string(),
            name: certificate.common_name.clone().unwrap_or_else(|| certificate.topic.clone()),
            details: vec![
                ("Topic", certificate.topic.clone()),
                ("Serial number", certificate.serial.clone()),
            ],
            not_after: certificate.not_after,
        }
    }

    /// An authority that issues or is trusted.
    pub fn authority(authority: &IdentityAuthority) -> Self {
        let fingerprint = Fingerprint::of(&authority.certificate).to_string();
        Self {
            kind: CredentialKind::IdentityAuthority,
            reference: fingerprint.clone(),
            name: authority.common_name.clone(),
            details: vec![("Fingerprint", fingerprint)],
            not_after: authority.not_after,
        }
    }

    /// The certificate by which an authority signs profiles: issued along with it, for as long.
    pub fn issued_signer(authority: &IdentityAuthority) -> Option<Self> {
        let fingerprint = Fingerprint::of(authority.profile_signer.as_ref()?).to_string();
        Some(Self {
            kind: CredentialKind::ProfileSigner,
            reference: fingerprint.clone(),
            name: format!("{} profiles", authority.organization),
            details: vec![("Fingerprint", fingerprint)],
            not_after: authority.not_after,
        })
    }

    /// A certificate for signing profiles that was brought along.
    pub fn brought_signer(signer: &InstalledSigner) -> Self {
        Self {
            kind: CredentialKind::SigningCertificate,
            reference: signer.fingerprint.to_string(),
            name: signer.common_name.clone(),
            details: vec![("Issuer", signer.issuer.clone()), ("Fingerprint", signer.fingerprint.to_string())],
            not_after: signer.not_after,
        }
    }

    /// A token, if it ends at all.
    pub fn token(token: &ApiToken) -> Option<Self> {
        Some(Self {
            kind: CredentialKind::ApiToken,
            reference: token.id.to_string(),
            name: token.name.clone(),
            details: vec![("Token", token.id.to_string())],
            not_after: token.expires_at?,
        })
    }
}

impl From<&VendorRecord> for WatchedCredential {
    fn from(vendor: &VendorRecord) -> Self {
        Self {
            kind: CredentialKind::VendorCertificate,
            reference: vendor.fingerprint.to_string(),
            name: vendor.name.clone(),
            details: vec![("Fingerprint", vendor.fingerprint.to_string())],
            not_after: vendor.not_after,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{DAY, from_unix};

    #[test]
    fn soon_is_when_mails_begin() {
        let credential = WatchedCredential {
            kind: CredentialKind::ApiToken,
            reference: "aaaaaaaaaaaaaaaa".into(),
            name: "help desk".into(),
            details: Vec::new(),
            not_after: from_unix(100 * DAY),
        };
        let state = |day: i64| credential.state(from_unix(day * DAY));
        assert_eq!(state(69), CredentialState::Ok);
        assert_eq!((state(70), state(100)), (CredentialState::Soon, CredentialState::Soon));
        assert_eq!(state(101), CredentialState::Expired);
        assert_eq!(credential.id(), "api-token.aaaaaaaaaaaaaaaa");
    }

    #[test]
    fn a_kind_reads_in_records_as_in_answers() {
        for kind in [CredentialKind::PushCertificate, CredentialKind::ServerCertificate] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
