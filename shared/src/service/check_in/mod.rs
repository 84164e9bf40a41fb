//! Check-in messages, once their signer is proven. Apple: "Check-in Protocol", `mdm/checkin/*.yaml`.

mod authenticate;
mod bootstrap_token;
mod check_out;
mod declarative_management;
mod token_update;

use super::authenticate_device::Signer;
use super::device_heard::note_heard;
use super::{external_identity, refuse_duplicate, unenroll_device};
use crate::domain::dismissal::Farewell;
use crate::error::{Error, Result};
use crate::id::EnrollmentId;
use crate::protocol::checkin::{CheckIn, CheckInMessage};
use crate::protocol::{answer, body};
use crate::state::State;

/// What a device is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200 with an empty body.
    Done,
    /// 200 with a property list.
    PropertyList(Vec<u8>),
    /// 200 with JSON.
    Json(Vec<u8>),
    /// 410: this user is not managed (UserAuthenticate).
    NotManaged,
    /// 404: there is no such declaration.
    NoSuchDeclaration,
    /// 401 or 403 with a code: the device removes its enrollment.
    Unenroll(Farewell),
}

/// Does what a check-in says.
///
/// # Errors
/// Forbidden when the signer may not speak for this enrollment; Unavailable when the device should try again.
pub async fn check_in(state: &State, signer: &Signer, check_in: CheckIn) -> Result<Answer> {
    let CheckIn { enrollment: id, message } = check_in;
    let again = signer.is_external.then(|| message.clone());
    let mut answer = answer_to(state, signer, &id, message).await;
    if let (Some(message), Err(refused)) = (again, &answer)
        && external_identity::accepts_renewal(state, signer, &id, refused).await?
    {
        answer = answer_to(state, signer, &id, message).await;
    }
    let answer = unenroll_device::told(state, signer, &id, answer).await;
    refuse_duplicate::told(state, signer, &id, answer).await
}

async fn answer_to(
    state: &State,
    signer: &Signer,
    id: &EnrollmentId,
    message: CheckInMessage,
) -> Result<Answer> {
    match message {
        CheckInMessage::Authenticate(message) => authenticate::run(state, signer, id, message).await,
        CheckInMessage::TokenUpdate(message) => token_update::run(state, signer, id, message).await,
        CheckInMessage::CheckOut => check_out::run(state, signer, id).await,
        CheckInMessage::UserAuthenticate => Ok(Answer::NotManaged),
        CheckInMessage::SetBootstrapToken(token) => bootstrap_token::set(state, signer, id, token).await,
        CheckInMessage::GetBootstrapToken => {
            let token = bootstrap_token::get(state, signer, id).await?;
            answer::bootstrap_token(token.as_ref()).map(property_list)
        }
        CheckInMessage::DeclarativeManagement(message) => {
            let enrollment = seen(state, signer, id).await?;
            declarative_management::answer(
                &message.endpoint,
                enrollment.enrolled_at.unwrap_or(enrollment.last_seen),
            )
        }
        CheckInMessage::GetToken { service_type } => {
            seen(state, signer, id).await?;
            Err(Error::malformed(
                "get-token-unsupported",
                format!("This server issues no token for {service_type}."),
            ))
        }
        CheckInMessage::ReturnToService => {
            seen(state, signer, id).await?;
            let off = plist::Dictionary::from_iter([("Enabled", plist::Value::from(false))]);
            let answer = plist::Dictionary::from_iter([("ReturnToService", plist::Value::from(off))]);
            body::to_xml(&answer.into()).map(property_list)
        }
    }
}

async fn seen(
    state: &State,
    signer: &Signer,
    id: &EnrollmentId,
) -> Result<crate::domain::enrollment::Enrollment> {
    let seen = state.store.seen(&signer.scope, id, signer.fingerprint, state.clock.now(), false).await?;
    note_heard(state, signer, &seen).await;
    Ok(seen)
}

fn property_list(bytes: Vec<u8>) -> Answer {
    if bytes.is_empty() { Answer::Done } else { Answer::PropertyList(bytes) }
}
