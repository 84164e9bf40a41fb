//! A SCEP server of the tenant's own, in the enrollment settings. Secrets go in and never out.

use serde::{Deserialize, Serialize};
use shared::domain::external_scep::{ChallengeSource, ExternalAuthority, ExternalScep};
use shared::secret::Secret;
use shared::service::external_settings::{NewChallenge, NewExternalScep};
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExternalScepBody {
    /// Where devices ask for their identities, with http or https. It need not be reachable from this server.
    url: String,
    /// Which of the server's authorities; sent with GetCACert.
    name: Option<String>,
    /// SHA-1 or MD5 of the authority's certificate, in hex, which devices compare; SHA-1 of the first in `authority` unless you
    /// say otherwise.
    ca_fingerprint: Option<String>,
    /// The certificate of the authority that issues, in PEM; up to five of them.
    authority: String,
    challenge: ChallengeBody,
}

/// Where the challenge in each profile comes from.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub(crate) enum ChallengeBody {
    /// The same in every profile.
    Static {
        /// The challenge; left out: the one that is kept already.
        secret: Option<String>,
    },
    /// A new one for each profile, from NDES.
    Fetched {
        /// `https://.../certsrv/mscep_admin/`. It must be reachable from this server.
        url: String,
        /// Who may ask there, by HTTP Basic; with the domain where one is needed.
        user: String,
        /// The user's password; left out: the one that is kept already, for the same URL and user.
        password: Option<String>,
    },
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ExternalScepView {
    url: String,
    name: Option<String>,
    /// As devices compare it: SHA-1 or MD5, in hex.
    ca_fingerprint: String,
    authorities: Vec<ExternalAuthority>,
    challenge: ChallengeView,
}

/// Where the challenge comes from, without its secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub(crate) enum ChallengeView {
    /// The same in every profile.
    Static,
    /// A new one for each profile, from NDES.
    Fetched {
        /// The page.
        url: String,
        /// Who asks there.
        user: String,
    },
}

impl ExternalScepBody {
    /// For the service.
    pub(crate) fn into_new(self) -> NewExternalScep {
        NewExternalScep {
            url: self.url,
            name: self.name,
            ca_fingerprint: self.ca_fingerprint,
            authority: self.authority,
            challenge: match self.challenge {
                ChallengeBody::Static { secret } => NewChallenge::Static(secret.map(Secret::new)),
                ChallengeBody::Fetched { url, user, password } => {
                    NewChallenge::Fetched { url, user, password: password.map(Secret::new) }
                }
            },
        }
    }
}

impl From<ExternalScep> for ExternalScepView {
    fn from(external: ExternalScep) -> Self {
        Self {
            ca_fingerprint: external.ca_fingerprint_hex(),
            url: external.url,
            name: external.name,
            authorities: external.authorities,
            challenge: match external.challenge {
                ChallengeSource::Static { .. } => ChallengeView::Static,
                ChallengeSource::Fetched { url, user, .. } => ChallengeView::Fetched { url, user },
            },
        }
    }
}
