//! The operator's MDM vendor certificates: several may be installed, one signs.

use serde::{Deserialize, Serialize};

use crate::id::Fingerprint;
use crate::pki::push_request::Digest;
use crate::time::Timestamp;

/// An installed vendor certificate; its key is in the secret store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VendorRecord {
    /// The certificate, and its name in the API.
    pub fingerprint: Fingerprint,
    /// Its common name.
    pub name: String,
    /// From then on it signs nothing.
    pub not_after: Timestamp,
    /// The digest it signs with.
    #[serde(default)]
    pub digest: Digest,
    /// When it was installed.
    pub installed_at: Timestamp,
}

/// Which vendor certificate signs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActiveVendor {
    /// The certificate.
    pub fingerprint: Fingerprint,
    /// Counts the changes, so that of two concurrent ones one wins.
    pub version: u64,
}

/// Everything the operator has in vendor certificates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VendorCertificates {
    /// The pointer to the one that signs.
    pub active: Option<ActiveVendor>,
    /// Every installed one.
    pub installed: Vec<VendorRecord>,
}

impl VendorCertificates {
    /// The one that signs.
    pub fn active(&self) -> Option<&VendorRecord> {
        self.find(&self.active.as_ref()?.fingerprint)
    }

    /// Whether this is the one that signs.
    pub fn is_active(&self, fingerprint: &Fingerprint) -> bool {
        self.active.as_ref().is_some_and(|active| active.fingerprint == *fingerprint)
    }

    /// An installed one.
    pub fn find(&self, fingerprint: &Fingerprint) -> Option<&VendorRecord> {
        self.installed.iter().find(|record| record.fingerprint == *fingerprint)
    }

    /// The one that could sign longest in place of the active one, if any has not ended.
    pub fn substitute(&self, now: Timestamp) -> Option<&VendorRecord> {
        let others = self.installed.iter().filter(|record| !self.is_active(&record.fingerprint));
        others.filter(|record| record.not_after > now).max_by_key(|record| record.not_after)
    }

    /// The pointer once this one signs.
    pub fn pointing_at(&self, fingerprint: Fingerprint) -> ActiveVendor {
        ActiveVendor { fingerprint, version: self.active.as_ref().map_or(0, |active| active.version) + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_unix;

    fn record(name: &str, end: i64) -> VendorRecord {
        VendorRecord {
            fingerprint: Fingerprint::of(name.as_bytes()),
            name: name.to_owned(),
            not_after: from_unix(end),
            digest: Digest::default(),
            installed_at: from_unix(0),
        }
    }

    #[test]
    fn the_substitute_is_another_that_lasts() {
        let mut all = VendorCertificates {
            active: None,
            installed: vec![record("a", 100), record("b", 10), record("c", 50)],
        };
        all.active = Some(all.pointing_at(Fingerprint::of(b"a")));
        assert_eq!(all.active().unwrap().name, "a");
        assert_eq!(all.substitute(from_unix(20)).unwrap().name, "c");
        assert_eq!(all.substitute(from_unix(50)), None);
        assert_eq!(all.pointing_at(Fingerprint::of(b"c")).version, 2);
    }
}
