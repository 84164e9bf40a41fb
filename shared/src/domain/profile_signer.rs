//! Which certificate signs the profiles that devices install.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::{Fingerprint, KeyId};
use crate::scope::{Realm, Scope};
use crate::time::Timestamp;

/// Whose profiles a certificate signs.
#[derive(Clone, Copy, Debug)]
pub enum Whose<'a> {
    /// One tenant's.
    Tenant(&'a Scope),
    /// Those of every tenant that has none of its own.
    Server,
}

impl<'a> From<Realm<'a>> for Whose<'a> {
    fn from(realm: Realm<'a>) -> Self {
        match realm {
            Realm::Tenant(scope) => Self::Tenant(scope),
            Realm::Operator(_) => Self::Server,
        }
    }
}

/// A signing certificate that an administrator brought along.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstalledSigner {
    /// The private key's place in the secret store.
    pub key_id: KeyId,
    /// SHA-256 of the certificate.
    pub fingerprint: Fingerprint,
    /// The certificate's name for people.
    pub common_name: String,
    /// Its issuer's name for people.
    pub issuer: String,
    /// The certificate's DER.
    pub certificate: Bytes,
    /// The certificates that lead from it towards a root, DER, its issuer first.
    pub chain: Vec<Bytes>,
    /// The first moment of validity.
    pub not_before: Timestamp,
    /// The last moment of validity.
    pub not_after: Timestamp,
    /// When it was installed.
    pub installed_at: Timestamp,
}

impl InstalledSigner {
    /// Whether devices accept its signature at this moment.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        (self.not_before..self.not_after).contains(&now)
    }
}

/// What profiles are signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignedWith {
    /// The organization's own signing certificate.
    Organization,
    /// The signing certificate of the whole server.
    Server,
    /// The certificate that the tenant's identity authority issued for it.
    Authority,
}

/// The signing certificates that a tenant may fall back on, best first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProfileSigners {
    /// The tenant's own.
    pub own: Option<InstalledSigner>,
    /// The server's.
    pub server: Option<InstalledSigner>,
}

impl ProfileSigners {
    /// The certificate to sign with now; none means the identity authority's. One that is over is passed by, because a
    /// profile that shows as "Not verified" still enrolls and none at all does not.
    pub fn chosen(&self, now: Timestamp) -> (SignedWith, Option<&InstalledSigner>) {
        let valid = |signer: &'_ &InstalledSigner| signer.is_valid(now);
        if let Some(own) = self.own.as_ref().filter(valid) {
            return (SignedWith::Organization, Some(own));
        }
        match self.server.as_ref().filter(valid) {
            Some(server) => (SignedWith::Server, Some(server)),
            None => (SignedWith::Authority, None),
        }
    }

    /// The choice in words, with what is to be done about it.
    pub fn meaning(&self, now: Timestamp) -> String {
        let (with, _) = self.chosen(now);
        let words = match with {
            SignedWith::Organization => "Profiles are signed with your organization's certificate.",
            SignedWith::Server => "Profiles are signed with this server's certificate.",
            SignedWith::Authority => {
                "Profiles are signed by your identity authority, which devices do not know before they are enrolled: \
                 they show the profile as \"Not verified\"."
            }
        };
        match &self.own {
            Some(own) if !own.is_valid(now) => {
                let day = own.not_after.strftime("%Y-%m-%d");
                format!(
                    "Your organization's certificate is not valid now (it ends on {day}): upload a new one. {words}"
                )
            }
            Some(_) | None => words.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_unix;

    fn signer(name: &str, days: std::ops::Range<i64>) -> Option<InstalledSigner> {
        Some(InstalledSigner {
            key_id: KeyId::from([1; 10]),
            fingerprint: Fingerprint::of(name.as_bytes()),
            common_name: name.to_owned(),
            issuer: "Root".to_owned(),
            certificate: Bytes::new(),
            chain: Vec::new(),
            not_before: from_unix(days.start),
            not_after: from_unix(days.end),
            installed_at: from_unix(0),
        })
    }

    #[test]
    fn the_best_certificate_that_is_valid_signs() {
        let both = ProfileSigners { own: signer("own", 0..10), server: signer("server", 0..20) };
        let chosen = |at| {
            let (with, signer) = both.chosen(from_unix(at));
            (with, signer.map(|signer| signer.common_name.as_str()))
        };
        assert_eq!(chosen(9), (SignedWith::Organization, Some("own")));
        assert_eq!(chosen(10), (SignedWith::Server, Some("server")));
        assert_eq!(chosen(20), (SignedWith::Authority, None));
        assert_eq!(chosen(-1), (SignedWith::Authority, None));
        assert_eq!(ProfileSigners::default().chosen(from_unix(0)), (SignedWith::Authority, None));
    }

    #[test]
    fn a_certificate_that_is_over_is_spoken_of() {
        let own = ProfileSigners { own: signer("own", 0..10), server: None };
        assert_eq!(own.meaning(from_unix(5)), "Profiles are signed with your organization's certificate.");
        let over = own.meaning(from_unix(10));
        assert!(over.contains("upload a new one") && over.contains("Not verified"), "{over}");
        let servers = ProfileSigners { own: None, server: signer("server", 0..10) };
        assert_eq!(servers.meaning(from_unix(5)), "Profiles are signed with this server's certificate.");
    }
}
