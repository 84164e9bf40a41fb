//! What expires: of a tenant, and of the operator.

use openssl::x509::X509;

use crate::domain::credential::{CredentialKind, WatchedCredential};
use crate::domain::snooze::Snooze;
use crate::domain::token::Owner;
use crate::error::{Error, Result};
use crate::id::Fingerprint;
use crate::pki::{certificate, validity};
use crate::port::server_certificate::server_certificate;
use crate::scope::Scope;
use crate::state::State;

/// A credential in the calendar.
#[derive(Clone, Debug)]
pub struct Expiration {
    /// What ends.
    pub credential: WatchedCredential,
    /// Where it is dealt with.
    pub page: String,
    /// Who put its mails off, while that holds.
    pub snooze: Option<Snooze>,
}

/// Everything of a tenant's that ends, the earliest first. New kinds of credentials are added here, and to the index
/// by expiry where they are stored.
pub async fn tenant_expirations(state: &State, scope: &Scope) -> Result<Vec<Expiration>> {
    let owner = Owner::Tenant(scope.tenant().clone());
    let (push, authorities, tokens, snoozes) = tokio::try_join!(
        state.store.push_certificates(scope),
        state.store.authorities(scope),
        state.store.tokens(&owner),
        state.store.snoozes(scope),
    )?;
    let mut credentials: Vec<WatchedCredential> =
        push.active().map(WatchedCredential::push).into_iter().collect();
    for authority in &authorities {
        credentials.push(WatchedCredential::authority(authority));
        credentials.extend(WatchedCredential::profile_signer(authority));
    }
    credentials.extend(tokens.iter().filter_map(WatchedCredential::token));
    let now = state.clock.now();
    let snooze = |credential: &WatchedCredential| {
        let id = credential.id();
        snoozes.iter().find(|snooze| snooze.credential == id && snooze.holds(now)).cloned()
    };
    Ok(sorted(credentials, |credential| Expiration {
        page: page(state, &owner, credential.kind),
        snooze: snooze(&credential),
        credential,
    }))
}

/// Everything of the operator's that ends, the earliest first; and why something could not be found out.
pub async fn operator_expirations(state: &State) -> Result<(Vec<Expiration>, Option<Error>)> {
    let mut credentials: Vec<WatchedCredential> =
        state.store.vendor_certificates().await?.active().map(WatchedCredential::from).into_iter().collect();
    let trouble = match server_certificate(&state.config.base_url).await {
        Ok(Some(shown)) => {
            credentials.push(server(state.config.host(), &shown)?);
            None
        }
        Ok(None) => None,
        Err(error) => Some(error),
    };
    let list = sorted(credentials, |credential| Expiration {
        page: page(state, &Owner::Operator, credential.kind),
        snooze: None,
        credential,
    });
    Ok((list, trouble))
}

fn sorted(
    mut credentials: Vec<WatchedCredential>,
    expiration: impl Fn(WatchedCredential) -> Expiration,
) -> Vec<Expiration> {
    credentials.sort_by_key(|credential| (credential.not_after, credential.kind));
    credentials.into_iter().map(expiration).collect()
}

fn server(host: &str, shown: &X509) -> Result<WatchedCredential> {
    let fingerprint = Fingerprint::of(&shown.to_der().map_err(Error::internal)?).to_string();
    Ok(WatchedCredential {
        kind: CredentialKind::ServerCertificate,
        reference: fingerprint.clone(),
        name: host.to_owned(),
        details: vec![
            ("Issuer", certificate::display_name(shown.issuer_name())),
            ("Fingerprint", fingerprint),
        ],
        not_after: validity::from_asn1(shown.not_after()).map_err(Error::internal)?,
    })
}

/// Where somebody deals with a credential of this kind.
fn page(state: &State, owner: &Owner, kind: CredentialKind) -> String {
    let base = &state.config.base_url;
    let resource = match kind {
        CredentialKind::PushCertificate => "push-certificate",
        CredentialKind::VendorCertificate => "vendor-certificate",
        CredentialKind::IdentityAuthority | CredentialKind::ProfileSigner => "identity-authority",
        CredentialKind::ApiToken => "tokens",
        CredentialKind::ServerCertificate => return base.clone(),
    };
    match (owner, kind) {
        (Owner::Tenant(tenant), CredentialKind::PushCertificate) => {
            format!("{base}/console/{tenant}/{resource}")
        }
        (Owner::Tenant(tenant), _) => format!("{base}/v1/tenants/{tenant}/{resource}"),
        (Owner::Operator, _) => format!("{base}/v1/{resource}"),
    }
}
