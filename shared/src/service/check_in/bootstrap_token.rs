//! The token a Mac deposits so that the server can later authorize it, sealed.

use super::{Answer, seen};
use crate::error::Result;
use crate::id::EnrollmentId;
use crate::secret::Secret;
use crate::service::authenticate_device::Signer;
use crate::service::device_heard::note_heard;
use crate::service::sealed::{self, Purpose};
use crate::state::State;

pub(super) async fn set(
    state: &State,
    signer: &Signer,
    id: &EnrollmentId,
    token: Option<Secret<Vec<u8>>>,
) -> Result<Answer> {
    let sealed = match &token {
        Some(token) => Some(sealed::seal(state, &signer.scope, id, Purpose::BootstrapToken, token).await?),
        None => None,
    };
    let now = state.clock.now();
    let seen = state.store.set_bootstrap_token(&signer.scope, id, signer.fingerprint, sealed, now).await?;
    note_heard(state, signer, &seen).await;
    Ok(Answer::Done)
}

pub(super) async fn get(
    state: &State,
    signer: &Signer,
    id: &EnrollmentId,
) -> Result<Option<Secret<Vec<u8>>>> {
    let device = seen(state, signer, &id.device_channel()).await?;
    match &device.bootstrap_token {
        Some(token) => sealed::open(state, &signer.scope, id, Purpose::BootstrapToken, token).await.map(Some),
        None => Ok(None),
    }
}
