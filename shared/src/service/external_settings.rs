//! Settings of a SCEP server of the tenant's own: checked, and tried where this server can.

use openssl::x509::X509;

use super::create_identity_authority::foreign_authority;
use super::fetch_challenge::fetch;
use super::limits::count;
use crate::domain::external_scep::{
    ChallengeSource, ExternalAuthority, ExternalScep, check_text, check_url, fingerprint, wrong,
};
use crate::domain::identity::IdentityAuthority;
use crate::domain::limit::{Counted, Limit};
use crate::error::{Error, Kind, Result};
use crate::pki::certificate;
use crate::scope::Scope;
use crate::secret::Secret;
use crate::state::State;

/// The most certificates that may come as the authority.
const MOST_AUTHORITIES: usize = 5;

/// Such settings as an administrator gives them.
#[derive(Clone, Debug)]
pub struct NewExternalScep {
    /// Where devices ask.
    pub url: String,
    /// Which of the server's authorities.
    pub name: Option<String>,
    /// SHA-1 or MD5 of the authority's certificate, in hex; none: SHA-1 of the first one in `authority`.
    pub ca_fingerprint: Option<String>,
    /// The certificates of those who issue, in PEM.
    pub authority: String,
    /// Where challenges come from.
    pub challenge: NewChallenge,
}

/// Where challenges come from, as an administrator says it. A secret that is left out is the one that is kept.
#[derive(Clone, Debug)]
pub enum NewChallenge {
    /// This one.
    Static(Option<Secret<String>>),
    /// NDES's page for administrators.
    Fetched {
        /// The page.
        url: String,
        /// Who asks for it.
        user: String,
        /// The user's password.
        password: Option<Secret<String>>,
    },
}

/// Such settings, checked.
pub(super) struct CheckedExternal {
    /// What is kept.
    pub(super) external: ExternalScep,
    /// Whom the tenant trusts from then on.
    pub(super) authorities: Vec<IdentityAuthority>,
    /// A secret that is yet to be kept.
    pub(super) secret: Option<Secret<String>>,
}

/// Checks new settings against those before. A page that hands out challenges is asked for one.
///
/// # Errors
/// Malformed, naming the field; RateLimited when the tenant has had servers of its own called too often.
pub(super) async fn check(
    state: &State,
    scope: &Scope,
    before: Option<&ExternalScep>,
    new: NewExternalScep,
) -> Result<CheckedExternal> {
    check_url(&new.url)?;
    if let Some(name) = &new.name {
        check_text("name", name)?;
    }
    let authorities = authorities(state, &new.authority)?;
    let ders: Vec<Vec<u8>> = authorities.iter().map(|authority| authority.certificate.to_vec()).collect();
    let ca_fingerprint = fingerprint(new.ca_fingerprint.as_deref(), &ders)?;
    let (challenge, secret) = source(state, scope, before, new.challenge).await?;
    let shown = authorities.iter().map(|authority| ExternalAuthority {
        common_name: authority.common_name.clone(),
        fingerprint: authority.fingerprint(),
        not_after: authority.not_after,
    });
    let external = ExternalScep {
        url: new.url,
        name: new.name,
        ca_fingerprint,
        authorities: shown.collect(),
        challenge,
    };
    Ok(CheckedExternal { external, authorities, secret })
}

fn authorities(state: &State, pem: &str) -> Result<Vec<IdentityAuthority>> {
    let refuse = |message: String| {
        wrong("authority", message).next(
            "Give the PEM certificate of the authority that issues, and of no other but those above it.",
        )
    };
    let certificates = X509::stack_from_pem(pem.as_bytes())
        .map_err(|cause| refuse("This is not a certificate in PEM.".to_owned()).because(cause))?;
    if !(1..=MOST_AUTHORITIES).contains(&certificates.len()) {
        return Err(refuse(format!("1 to {MOST_AUTHORITIES} certificates are needed.")));
    }
    let now = state.clock.now();
    let mut authorities = Vec::new();
    for found in &certificates {
        let name = certificate::display_name(found.subject_name());
        if !certificate::is_authority(found) {
            return Err(refuse(format!("\"{name}\" is not the certificate of an authority.")));
        }
        let authority = IdentityAuthority { external: true, ..foreign_authority(state, found)? };
        if authority.not_after <= now {
            return Err(refuse(format!("The certificate of \"{name}\" ended on {}.", authority.not_after)));
        }
        authorities.push(authority);
    }
    Ok(authorities)
}

/// The source, and a secret that is yet to be kept. A kept password goes only where it went before.
async fn source(
    state: &State,
    scope: &Scope,
    before: Option<&ExternalScep>,
    new: NewChallenge,
) -> Result<(ChallengeSource, Option<Secret<String>>)> {
    let kept = before.map(|before| &before.challenge);
    match new {
        NewChallenge::Static(Some(challenge)) => {
            check_text("challenge.secret", challenge.expose())?;
            Ok((ChallengeSource::Static { secret: state.random.id() }, Some(challenge)))
        }
        NewChallenge::Static(None) => match kept {
            Some(kept @ ChallengeSource::Static { .. }) => Ok((kept.clone(), None)),
            Some(ChallengeSource::Fetched { .. }) | None => {
                Err(wrong("challenge.secret", "The challenge is missing."))
            }
        },
        NewChallenge::Fetched { url, user, password } => {
            state.outbound.url(&url).map_err(|error| error.at("external_scep.challenge.url"))?;
            check_text("challenge.user", &user)?;
            if user.contains(':') {
                return Err(wrong("challenge.user", "HTTP Basic allows no colon in a user's name."));
            }
            let Some(password) = password else {
                return match kept {
                    Some(kept @ ChallengeSource::Fetched { url: before, user: who, .. })
                        if *before == url && *who == user =>
                    {
                        Ok((kept.clone(), None))
                    }
                    Some(ChallengeSource::Fetched { .. } | ChallengeSource::Static { .. }) | None => {
                        Err(wrong("challenge.password", "The user's password is missing."))
                    }
                };
            };
            check_text("challenge.password", password.expose())?;
            count(state, Limit::OutsideCalls, Counted::tenant(scope.tenant())).await?;
            fetch(state, &url, &user, &password).await.map_err(untried)?;
            Ok((ChallengeSource::Fetched { url, user, secret: state.random.id() }, Some(password)))
        }
    }
}

/// What is unavailable to a device is a mistake of who sets it up.
fn untried(error: Error) -> Error {
    if error.kind() == Kind::Internal {
        return error;
    }
    let refused =
        Error::malformed("external-challenge-refused", error.to_string()).at("external_scep.challenge");
    match error.next_step().map(str::to_owned) {
        Some(next) => refused.next(next).because(error),
        None => refused.because(error),
    }
}
