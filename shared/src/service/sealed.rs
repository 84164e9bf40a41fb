//! Values that devices deposit, sealed with the tenant's data key before they reach a table.
//!
//! There may be two for each of 100,000 devices, so they are not secrets of their own in Secrets Manager; docs/adr says
//! more.

use bytes::Bytes;

use super::secret_path;
use crate::error::{Error, Result};
use crate::id::EnrollmentId;
use crate::pki::seal;
use crate::scope::Scope;
use crate::secret::Secret;
use crate::state::State;

/// What a sealed value is for: part of the seal, so that one cannot stand in for another.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    UnlockToken,
    BootstrapToken,
}

pub(super) async fn seal(
    state: &State,
    scope: &Scope,
    id: &EnrollmentId,
    purpose: Purpose,
    value: &Secret<Vec<u8>>,
) -> Result<Bytes> {
    let key = data_key(state, scope).await?;
    seal::seal(&key, state.random.bytes(), &context(scope, id, purpose), value.expose()).map(Bytes::from)
}

pub(super) async fn open(
    state: &State,
    scope: &Scope,
    id: &EnrollmentId,
    purpose: Purpose,
    sealed: &[u8],
) -> Result<Secret<Vec<u8>>> {
    let key = data_key(state, scope).await?;
    seal::open(&key, &context(scope, id, purpose), sealed)
}

async fn data_key(state: &State, scope: &Scope) -> Result<Secret<[u8; 32]>> {
    let path = secret_path::data_key(scope.tenant());
    let bytes = state.secrets.required(&path).await?;
    let key = bytes
        .expose()
        .as_slice()
        .try_into()
        .map_err(|_| Error::internal(format!("{path} is not 32 bytes")))?;
    Ok(Secret::new(key))
}

fn context(scope: &Scope, id: &EnrollmentId, purpose: Purpose) -> String {
    format!("{}/{}/{purpose:?}", scope.tenant(), id.device_id())
}
