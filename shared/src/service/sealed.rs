//! Values that devices deposit, and commands that may hold a secret, sealed with the tenant's data key before they reach a table.
//!
//! There may be two for each of 100,000 devices, so they are not secrets of their own in Secrets Manager; docs/adr says
//! more.

use bytes::Bytes;

use super::secret_path;
use crate::domain::command::QueuedCommand;
use crate::error::{Error, Result};
use crate::id::{CommandUuid, EnrollmentId, WebhookId};
use crate::pki::seal;
use crate::protocol::command::Command;
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

/// Seals a command's property list for one target, or, while nobody has approved it, for all of them together.
pub(super) async fn seal_command(
    state: &State,
    scope: &Scope,
    target: Option<&EnrollmentId>,
    uuid: &CommandUuid,
    plist: &[u8],
) -> Result<Bytes> {
    let key = data_key(state, scope).await?;
    seal::seal(&key, state.random.bytes(), &command_context(scope, target, uuid), plist).map(Bytes::from)
}

/// Reads what [`seal_command`] sealed.
pub(super) async fn open_command(
    state: &State,
    scope: &Scope,
    target: Option<&EnrollmentId>,
    uuid: &CommandUuid,
    sealed: &[u8],
) -> Result<Command> {
    let key = data_key(state, scope).await?;
    let plist = seal::open(&key, &command_context(scope, target, uuid), sealed)?;
    Command::from_stored(plist.expose())
}

/// A queued command as it was sent, sealed or not.
pub(super) async fn stored_command(state: &State, scope: &Scope, queued: &QueuedCommand) -> Result<Command> {
    if queued.sealed {
        open_command(state, scope, Some(&queued.enrollment), &queued.uuid, &queued.plist).await
    } else {
        Command::from_stored(&queued.plist)
    }
}

/// Seals a webhook's secret.
pub(super) async fn seal_webhook_secret(
    state: &State,
    scope: &Scope,
    webhook: &WebhookId,
    secret: &Secret<Vec<u8>>,
) -> Result<Bytes> {
    let key = data_key(state, scope).await?;
    let context = webhook_context(scope, webhook);
    seal::seal(&key, state.random.bytes(), &context, secret.expose()).map(Bytes::from)
}

/// Reads what [`seal_webhook_secret`] sealed.
pub(super) async fn open_webhook_secret(
    state: &State,
    scope: &Scope,
    webhook: &WebhookId,
    sealed: &[u8],
) -> Result<Secret<Vec<u8>>> {
    seal::open(&data_key(state, scope).await?, &webhook_context(scope, webhook), sealed)
}

fn webhook_context(scope: &Scope, webhook: &WebhookId) -> String {
    format!("{}/Webhook/{webhook}", scope.tenant())
}

fn command_context(scope: &Scope, target: Option<&EnrollmentId>, uuid: &CommandUuid) -> String {
    let target = target.map_or_else(|| "all".to_owned(), ToString::to_string);
    format!("{}/{target}/Command/{uuid}", scope.tenant())
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
