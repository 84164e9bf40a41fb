//! Takes what SES reports of mails: bounces and complaints, which EventBridge hands over one by one.

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use shared::domain::mail_feedback::MailEvent;
use shared::service::take_mail_feedback::take_mail_feedback;
use shared::state::AppState;

/// Takes one report. Any that comes again changes nothing.
///
/// # Errors
/// Unavailable when the store does not answer: Lambda then tries again, twice.
pub async fn handle(state: AppState, event: EventBridgeEvent<MailEvent>) -> shared::Result<()> {
    take_mail_feedback(&state, &event.detail).await
}
