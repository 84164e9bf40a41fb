//! Telling the host for mutual TLS which authorities there are.

use crate::domain::identity::IdentityAuthority;
use crate::error::{Error, Result};
use crate::pki::authority::{self, AuthoritySubject};
use crate::pki::key;
use crate::pki::trust_bundle::{LIMITS, Limits, TrustBundle};
use crate::port::trust_store::{Kept, TrustStore};
use crate::scope::Scope;
use crate::state::State;

/// Tenants that are listed at once.
const PAGE: i32 = 100;

/// How far a round has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Progress {
    /// There is no host for mutual TLS.
    Off,
    /// The file is kept; the gateway does not have the host yet.
    NoHost,
    /// The gateway takes up what it was told before.
    Waits,
    /// The gateway was told of a new version of the file.
    Told,
    /// The gateway has taken up everything.
    Settled,
}

/// What a round found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Round {
    /// How far it has come.
    pub progress: Progress,
    /// Authorities in the file.
    pub authorities: usize,
    /// Authorities without room in it.
    pub left_out: usize,
    /// Authorities that the gateway is known to know since this round.
    pub noted: usize,
}

/// Writes the authorities of all tenants with mutual TLS into the file of the host, and has the host use it. That it does is noted
/// by a later round, on each authority: from then on profiles depend on it.
///
/// A round that dies anywhere is repeated by the next one. An authority that was noted stays in the file until it is retired or ends.
///
/// # Errors
/// Unavailable when something does not answer: the next round goes on.
pub async fn refresh_trust_store(state: &State) -> Result<Round> {
    refresh_within(state, LIMITS).await
}

/// The same with other limits.
///
/// # Errors
/// As [`refresh_trust_store`].
pub async fn refresh_within(state: &State, limits: Limits) -> Result<Round> {
    let Some(store) = &state.trust_store else {
        return Ok(Round { progress: Progress::Off, authorities: 0, left_out: 0, noted: 0 });
    };
    let wanted = wanted(state).await?;
    let ders = wanted.iter().map(|(_, authority)| authority.certificate.as_ref());
    let bundle = TrustBundle::build(ders, limits)?;
    let left_out = bundle.left_out();
    if left_out > 0 {
        tracing::error!(event = "trust-store-full", left_out, "authorities find no room in the trust store");
    } else if bundle.is_filling(limits) {
        tracing::warn!(
            event = "trust-store-filling",
            authorities = bundle.count,
            bytes = bundle.pem.len(),
            "the trust store is nearly full"
        );
    }
    let round = Round { progress: Progress::NoHost, authorities: bundle.count, left_out, noted: 0 };
    let version = keep(state, store, bundle.pem).await?;
    let Some(host) = store.host().await? else { return Ok(round) };
    if !host.warnings.is_empty() {
        tracing::error!(event = "trust-store-warnings", warnings = ?host.warnings,
            "the gateway finds fault with the trust store");
    }
    if !host.is_settled {
        return Ok(Round { progress: Progress::Waits, ..round });
    }
    if host.version.as_ref() != Some(&version) {
        store.use_version(&version).await?;
        tracing::info!(version, authorities = round.authorities, "the gateway was told of the trust store");
        return Ok(Round { progress: Progress::Told, ..round });
    }
    let taken = wanted.iter().zip(&bundle.taken).filter(|(_, taken)| **taken).map(|(each, _)| each);
    let mut noted = 0;
    for (scope, authority) in taken.filter(|(_, authority)| authority.tls_since.is_none()) {
        if state.store.note_gateway_knows(scope, authority, state.clock.now()).await? {
            state.authorities.forget(scope.tenant());
            tracing::info!(tenant = %scope.tenant(), authority = %authority.id, "the gateway knows an authority");
            noted += 1;
        }
    }
    Ok(Round { progress: Progress::Settled, noted, ..round })
}

/// The authorities of all tenants whose devices may depend on mutual TLS: those that this server made, because nobody else makes
/// profiles with this host. Those that devices depend on already come first.
async fn wanted(state: &State) -> Result<Vec<(Scope, IdentityAuthority)>> {
    let now = state.clock.now();
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = state.store.mutual_tls_tenants(after.as_ref(), PAGE).await?;
        for tenant in &page {
            #[expect(clippy::disallowed_methods, reason = "the schedule looks at every tenant in turn")]
            let scope = Scope::system(tenant.clone(), "the trust store holds every tenant's authorities");
            let mut own = state.store.authorities(&scope).await?;
            own.retain(|each| each.is_own() && each.is_accepted() && each.not_after > now);
            found.extend(own.into_iter().map(|authority| (scope.clone(), authority)));
        }
        match page.last() {
            Some(last) => after = Some(last.clone()),
            None => break,
        }
    }
    found.sort_by_key(|(_, authority)| (authority.tls_since.is_none(), authority.tls_since));
    Ok(found)
}

/// The version of the file that holds exactly this. A gateway wants at least one certificate: where there is none, it is that of
/// an authority whose key nobody has.
async fn keep(state: &State, store: &TrustStore, pem: Vec<u8>) -> Result<String> {
    let present = store.kept().await?;
    let pem = match &present {
        Some(Kept { version, .. }) if pem.is_empty() => return Ok(version.clone()),
        Some(Kept { version, pem: kept, .. }) if *kept == pem => return Ok(version.clone()),
        Some(_) | None if pem.is_empty() => nobody(state)?,
        Some(_) | None => pem,
    };
    store.keep(pem, present.as_ref()).await
}

fn nobody(state: &State) -> Result<Vec<u8>> {
    let name = "Nobody".to_owned();
    let subject = AuthoritySubject { common_name: name.clone(), organization: name, country: None };
    let made = authority::create(&subject, &key::generate()?, state.random.bytes(), state.clock.now())?;
    made.to_pem().map_err(Error::internal)
}
