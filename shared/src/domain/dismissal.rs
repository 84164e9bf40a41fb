//! A device that is told to remove its enrollment. Its next message is answered with the code that makes it do so, and
//! nothing else ever is.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::applicability::{Platform, version};
use crate::domain::enrollment::{DeviceFacts, Enrollment, EnrollmentState};
use crate::error::{Error, Result};
use crate::id::Fingerprint;

/// Characters of a reason.
const REASON: usize = 200;

/// That an administrator unenrolls a device, and whom to tell so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dismissal {
    /// The identities the device signed with. They are told as often as they ask, because an answer may be lost.
    #[serde(default, with = "serde_dynamo::string_set", skip_serializing_if = "BTreeSet::is_empty")]
    pub certificates: BTreeSet<Fingerprint>,
    /// Why, for the device's user and for the log.
    pub reason: Reason,
}

/// Why a device is unenrolled, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason(String);

impl Reason {
    /// A reason as an administrator writes it.
    ///
    /// # Errors
    /// Malformed when it is empty, too long or not text.
    pub fn new(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > REASON || text.chars().any(char::is_control) {
            return Err(Error::malformed(
                "unenroll-reason",
                format!("A reason has 1 to {REASON} characters on one line."),
            )
            .at("reason")
            .next("Say in a sentence why the device is unenrolled: its user may read it."));
        }
        Ok(Self(text.to_owned()))
    }

    /// The sentence.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How a device is told, which depends on its system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Farewell {
    /// 403 with the code `com.apple.unrecognized.device` (`mdm/errors/unrecognized.device.yaml`).
    UnrecognizedDevice(Reason),
    /// 401: what systems understand that are older than the code, or of which nothing is known.
    Unauthorized,
}

impl Enrollment {
    /// The same device after an administrator unenrolled it: ended but for the address where it is woken to be told.
    #[must_use]
    pub fn dismissed(self, reason: Reason) -> Self {
        let certificates = self.certificates.clone();
        let push = self.push.clone();
        Self {
            state: EnrollmentState::Unenrolling,
            push,
            dismissal: Some(Dismissal { certificates, reason }),
            ..self.ended()
        }
    }

    /// What to tell a device that signs with `signer`, if it is one that was dismissed.
    pub fn farewell(&self, signer: &Fingerprint) -> Option<Farewell> {
        let dismissal = self.dismissal.as_ref().filter(|told| told.certificates.contains(signer))?;
        Some(if knows_the_code(&self.facts) {
            Farewell::UnrecognizedDevice(dismissal.reason.clone())
        } else {
            Farewell::Unauthorized
        })
    }
}

/// Whether a device's system, as it last said, knows errors by code: those of 2023 and later.
fn knows_the_code(facts: &DeviceFacts) -> bool {
    let since = Platform::of(facts).map(|platform| match platform {
        Platform::Ios | Platform::TvOs => 17,
        Platform::MacOs => 14,
        Platform::VisionOs => 1,
        Platform::WatchOs => 10,
    });
    let installed = facts.os_version.as_deref().and_then(version);
    since.zip(installed).is_some_and(|(since, (major, _))| major >= since)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::enrollment::{PushAddress, fixture};
    use crate::time::from_unix;

    #[test]
    fn each_system_hears_the_word_it_knows() {
        let signer = Fingerprint::of(b"signer");
        let reason = Reason::new(" Sold. ").unwrap();
        for (product, os, knows) in [
            (Some("iPad13,1"), Some("17.0"), true),
            (Some("iPad13,1"), Some("16.7.2"), false),
            (Some("Mac14,2"), Some("14.0"), true),
            (Some("Mac14,2"), Some("13.6"), false),
            (Some("AppleTV11,1"), Some("17.1"), true),
            (Some("Watch7,1"), Some("9.6"), false),
            (Some("RealityDevice14,1"), Some("1.0"), true),
            (Some("iPad13,1"), None, false),
            (None, Some("18.0"), false),
        ] {
            let mut device = fixture("D-1", from_unix(0));
            device.certificates.insert(signer);
            device.facts.product_name = product.map(str::to_owned);
            device.facts.os_version = os.map(str::to_owned);
            let told = device.dismissed(reason.clone()).farewell(&signer);
            let expected =
                if knows { Farewell::UnrecognizedDevice(reason.clone()) } else { Farewell::Unauthorized };
            assert_eq!(told, Some(expected), "{product:?} {os:?}");
        }
    }

    #[test]
    fn only_the_dismissed_identity_is_told_and_it_is_woken_for_it() {
        let (signer, other) = (Fingerprint::of(b"signer"), Fingerprint::of(b"other"));
        let mut device = fixture("D-1", from_unix(0));
        assert_eq!(device.farewell(&signer), None, "nobody dismissed it");
        device.certificates.insert(signer);
        device.push = Some(PushAddress { topic: "t".into(), token: "00".into(), magic: "m".into() });
        let device = device.dismissed(Reason::new("Sold.").unwrap());
        assert_eq!(device.farewell(&other), None);
        assert!(device.certificates.is_empty() && !device.is_managed());
        assert!(device.to_be_woken(false, from_unix(1)).is_some());
        let ended = device.ended();
        assert!(ended.farewell(&signer).is_some(), "the answer may have been lost");
        assert!(ended.to_be_woken(false, from_unix(1)).is_none());
    }

    #[test]
    fn a_reason_is_a_sentence() {
        for bad in ["", "  ", "one\ntwo", &"x".repeat(201)] {
            let error = Reason::new(bad).unwrap_err();
            assert_eq!(error.code(), "unenroll-reason");
            assert_eq!(error.to_string(), "A reason has 1 to 200 characters on one line.");
        }
        assert_eq!(Reason::new(" Sold. ").unwrap().as_str(), "Sold.");
    }
}
