//! The private keys of push certificates: read, and deleted where nothing needs them any more.

use openssl::pkey::{PKey, Private};

use super::secret_path;
use crate::error::Result;
use crate::id::KeyId;
use crate::pki::key;
use crate::scope::Scope;
use crate::state::State;

/// Reads a push certificate's key.
///
/// # Errors
/// Internal when it is missing or damaged; Unavailable when the secret store does not answer.
pub(super) async fn read(state: &State, scope: &Scope, id: &KeyId) -> Result<PKey<Private>> {
    let path = secret_path::push_key(scope.tenant(), id);
    let pem = state.secrets.required(&path).await?;
    key::read(pem.expose(), None)
}

/// Deletes a key unless a request, an upload or a certificate names it. It looks after the change that gave the key up:
/// what was read before it may have been activated meanwhile.
///
/// A key that is left over harms nobody, while the change stands: a failure is logged and no more.
pub(super) async fn delete_unless_needed(state: &State, scope: &Scope, key: &KeyId) {
    if let Err(error) = try_delete(state, scope, key).await {
        tracing::warn!(tenant = %scope.tenant(), %key, error = %error.chain(), "a given-up key is left over");
    }
}

async fn try_delete(state: &State, scope: &Scope, key: &KeyId) -> Result<()> {
    if state.store.push_certificates(scope).await?.needs(key) {
        return Ok(());
    }
    state.secrets.delete(&secret_path::push_key(scope.tenant(), key)).await
}
