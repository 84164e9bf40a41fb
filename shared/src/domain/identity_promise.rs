//! What makes the certificate of an authority from elsewhere a device's identity: a name that only one profile of ours asked for.
//!
//! Such an authority certifies much else than our devices. So each profile that sends a device to it asks for a common name nobody
//! can guess, and only a certificate with that name begins an enrollment, or takes a former identity's place.

use std::collections::BTreeSet;
use std::fmt;

use openssl::nid::Nid;
use openssl::x509::X509Ref;
use serde::{Deserialize, Serialize};

use super::link_terms::LinkHolder;
use crate::id::{Fingerprint, LinkId, PromiseId, RenewalId};
use crate::pki::certificate::name_value;

/// A common name that a profile asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PromisedName {
    /// To enroll with, from a link.
    Link {
        /// The link.
        link: LinkId,
        /// Which of its profiles.
        promise: PromiseId,
    },
    /// To renew with.
    Renewal(RenewalId),
}

const LINK: &str = "Promised ";
const RENEWAL: &str = "Renewed ";

impl PromisedName {
    /// The name of a certificate's holder; `None` when it is none of these.
    pub fn of(certificate: &X509Ref) -> Option<Self> {
        Self::parse(&name_value(certificate.subject_name(), Nid::COMMONNAME)?)
    }

    /// Reads a common name; `None` when it is none of these.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(renewal) = text.strip_prefix(RENEWAL) {
            return renewal.parse().ok().map(Self::Renewal);
        }
        let (link, promise) = text.strip_prefix(LINK)?.split_once('-')?;
        Some(Self::Link { link: link.parse().ok()?, promise: promise.parse().ok()? })
    }
}

impl fmt::Display for PromisedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link { link, promise } => write!(f, "{LINK}{link}-{promise}"),
            Self::Renewal(renewal) => write!(f, "{RENEWAL}{renewal}"),
        }
    }
}

/// What the store keeps of a name that a link's profile asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IdentityPromise {
    /// Which profile of the link.
    pub id: PromiseId,
    /// The link, which the first device with this name uses once.
    pub link: LinkId,
    /// Whom the link is for.
    #[serde(default)]
    pub holder: LinkHolder,
    /// The serial numbers and UDIDs it is for; empty: any device.
    #[serde(default, with = "serde_dynamo::string_set", skip_serializing_if = "BTreeSet::is_empty")]
    pub devices: BTreeSet<String>,
    /// When it ends, in unix seconds.
    pub expires_at: i64,
    /// The certificate that kept it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_by: Option<Fingerprint>,
}

/// What has to be true, beside the signature, for a device to be bound to the identity that it begins an enrollment with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nothing more.
    None,
    /// It came inside a profile of this link, which it uses once: its record waits.
    Carried(LinkId),
    /// It bears the name that a profile of this link asked for, and uses the link once.
    Promised {
        /// The link.
        link: LinkId,
        /// Which of its profiles.
        promise: PromiseId,
        /// The group in the certificate. Whoever made the request could have written another one.
        group: Option<String>,
    },
    /// It was bound to this device before.
    Bound,
}

impl Claim {
    /// The link that the device uses once.
    pub fn link(&self) -> Option<&LinkId> {
        match self {
            Self::Carried(link) | Self::Promised { link, .. } => Some(link),
            Self::None | Self::Bound => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_was_written_and_fits_a_subject() {
        let link = PromisedName::Link { link: LinkId::from([3; 10]), promise: PromiseId::from([9; 10]) };
        for name in [link, PromisedName::Renewal(RenewalId::from([7; 10]))] {
            let text = name.to_string();
            assert_eq!(PromisedName::parse(&text), Some(name));
            assert!(text.len() <= 64, "{text}");
        }
    }

    #[test]
    fn another_name_is_nobodys() {
        for text in [
            "",
            "Promised ",
            "Promised aaaaaaaaaaaaaaaa",
            "Renewed x",
            "Device aaaaaaaaaaaaaaaa",
            "Jo's laptop",
        ] {
            assert_eq!(PromisedName::parse(text), None, "{text}");
        }
    }
}
