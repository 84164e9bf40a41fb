//! What expires: of a tenant, and of the operator.

use openssl::x509::X509;

use crate::domain::credential::{CredentialKind, WatchedCredential};
use crate::domain::profile_signer::Whose;
use crate::domain::snooze::Snooze;
use crate::domain::token::Owner;
use crate::error::{Error, Result};
use crate::id::Fingerprint;
use crate::pki::{certificate, validity};
use crate::port::server_certificate::server_certificate;
use crate::scope::{Operator, Scope};
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
    let (push, authorities, signer, tokens, snoozes) = tokio::try_join!(
        state.store.push_certificates(scope),
        state.store.authorities(scope),
        state.store.profile_signer(Whose::Tenant(scope)),
        state.store.tokens(&owner),
        state.store.snoozes(scope.into()),
    )?;
    let mut credentials: Vec<WatchedCredential> =
        push.active().map(WatchedCredential::push).into_iter().collect();
    for authority in authorities.iter().filter(|authority| authority.is_accepted()) {
        credentials.push(WatchedCredential::authority(authority));
        credentials.extend(WatchedCredential::issued_signer(authority));
    }
    credentials.extend(signer.as_ref().map(WatchedCredential::brought_signer));
    credentials.extend(tokens.iter().filter_map(WatchedCredential::token));
    Ok(listed(state, &owner, credentials, &snoozes))
}

/// Everything of the operator's that ends, the earliest first; and why something could not be found out.
pub async fn operator_expirations(
    state: &State,
    operator: &Operator,
) -> Result<(Vec<Expiration>, Option<Error>)> {
    let (vendors, signer, snoozes) = tokio::try_join!(
        state.store.vendor_certificates(),
        state.store.profile_signer(Whose::Server),
        state.store.snoozes(operator.into()),
    )?;
    let mut credentials: Vec<WatchedCredential> =
        vendors.active().map(WatchedCredential::from).into_iter().collect();
    credentials.extend(signer.as_ref().map(WatchedCredential::brought_signer));
    let trouble = match server_certificate(&state.config.base_url).await {
        Ok(Some(shown)) => {
            credentials.push(server(state.config.host(), &shown)?);
            None
        }
        Ok(None) => None,
        Err(error) => Some(error),
    };
    Ok((listed(state, &Owner::Operator, credentials, &snoozes), trouble))
}

fn listed(
    state: &State,
    owner: &Owner,
    mut credentials: Vec<WatchedCredential>,
    snoozes: &[Snooze],
) -> Vec<Expiration> {
    let now = state.clock.now();
    credentials.sort_by_key(|credential| (credential.not_after, credential.kind));
    let snooze =
        |id: &str| snoozes.iter().find(|snooze| snooze.credential == id && snooze.holds(now)).cloned();
    credentials
        .into_iter()
        .map(|credential| Expiration {
            page: page(state, owner, &credential),
            snooze: snooze(&credential.id()),
            credential,
        })
        .collect()
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

/// Where somebody deals with a credential: a page of the console.
fn page(state: &State, owner: &Owner, credential: &WatchedCredential) -> String {
    let base = &state.config.base_url;
    let place = match credential.kind {
        CredentialKind::PushCertificate => "push-certificate",
        CredentialKind::VendorCertificate => "vendor-certificates",
        CredentialKind::IdentityAuthority => "enrollment",
        CredentialKind::ProfileSigner => "expirations",
        CredentialKind::SigningCertificate => "signing-certificate",
        CredentialKind::ApiToken => "tokens",
        CredentialKind::ServerCertificate => return base.clone(),
    };
    match (owner, credential.kind) {
        (Owner::Tenant(tenant), CredentialKind::SigningCertificate | CredentialKind::ApiToken) => {
            format!("{base}/console/{tenant}/settings/{place}")
        }
        (Owner::Tenant(tenant), _) => format!("{base}/console/{tenant}/{place}"),
        (Owner::Operator, _) => format!("{base}/console/operator/{place}"),
    }
}
