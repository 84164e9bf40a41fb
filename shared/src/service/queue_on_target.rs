//! One command into one enrollment's queue.

use std::collections::BTreeMap;

use super::retention::commands_kept;
use super::sealed::{self, Purpose};
use crate::domain::applicability::takes_pin;
use crate::domain::command::{CommandStatus, QueuedCommand};
use crate::domain::enrollment::Enrollment;
use crate::domain::retention::PIN_KEPT;
use crate::error::{Error, Result};
use crate::id::CommandUuid;
use crate::protocol::command::Command;
use crate::protocol::inventory::Section;
use crate::scope::Scope;
use crate::secret::Secret;
use crate::state::State;
use crate::store::Withdrawal;
use crate::time::Timestamp;

/// A command to be queued, the same for every target.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) uuid: CommandUuid,
    pub(super) command: Command,
    /// Whether each Mac gets a random PIN of its own.
    pub(super) random_pin: bool,
    pub(super) priority: u8,
    pub(super) created_at: Timestamp,
    /// When its time is over.
    pub(super) not_after: Option<Timestamp>,
    /// When the enrollment was asked what, to be noted on it.
    pub(super) asked: Option<BTreeMap<Section, Timestamp>>,
}

/// Queues a command and then takes out what it supersedes. Repeating it changes nothing; a process that dies in between
/// leaves both in the queue, where the older one does no harm.
///
/// # Errors
/// Conflict when the device enrolled anew meanwhile, or deposited no unlock token.
pub(super) async fn queue_on_target(
    state: &State,
    scope: &Scope,
    enrollment: &Enrollment,
    order: &Order,
) -> Result<()> {
    let command = filled(state, scope, enrollment, order).await?;
    let plist = command.to_plist()?;
    let sealed = command.may_hold_secret();
    let queued = QueuedCommand {
        uuid: order.uuid.clone(),
        enrollment: enrollment.id.clone(),
        generation: enrollment.generation,
        request_type: command.request_type().to_owned(),
        plist: if sealed {
            sealed::seal_command(state, scope, Some(&enrollment.id), &order.uuid, &plist).await?
        } else {
            plist.into()
        },
        sealed,
        priority: order.priority,
        subject: command.subject(),
        partial: command.asks_for_a_part(),
        not_after: order.not_after,
        status: CommandStatus::Pending,
        created_at: order.created_at,
        not_now_tally: 0,
        first_not_now_at: None,
        not_now_session: None,
        completed_at: None,
        after_cancel: false,
        result: None,
        kept_longer: command.pin().map(|_| PIN_KEPT),
        expires_at: None,
    };
    state.store.enqueue_noting(scope, &queued, order.asked.as_ref()).await?;
    // A question that the server repeats by itself may miss one that somebody asks in the same moment.
    if order.asked.is_some() && enrollment.waiting == 0 {
        return Ok(());
    }
    let earlier = state.store.waiting_about(scope, enrollment, &queued).await?;
    // One by one: that one of them was answered meanwhile is no reason to keep the others.
    for former in earlier {
        let withdrawal = Withdrawal {
            commands: &[former],
            to: CommandStatus::Superseded,
            now: state.clock.now(),
            kept: commands_kept(state, scope).await?,
            audit: None,
        };
        state.store.withdraw(scope, &withdrawal).await?;
    }
    Ok(())
}

/// The command with what only this device has: a ClearPasscode gets the unlock token that it deposited, and a Mac's lock a
/// PIN of its own where that is wanted. Of two that are made for one device because a call is repeated, the first is stored
/// and sent; the other is forgotten.
async fn filled(state: &State, scope: &Scope, enrollment: &Enrollment, order: &Order) -> Result<Command> {
    let command = &order.command;
    if order.random_pin && takes_pin(&enrollment.facts) {
        return Ok(command.with_pin(random_pin(state).expose()));
    }
    if !command.needs_unlock_token() {
        return Ok(command.clone());
    }
    let sealed = enrollment.unlock_token.as_ref();
    let sealed = sealed.ok_or_else(|| Error::internal("an unlock token was there a moment ago"))?;
    let token = sealed::open(state, scope, &enrollment.id, Purpose::UnlockToken, sealed).await?;
    Ok(command.with_unlock_token(token.expose()))
}

/// Six digits, each as likely as any other but for one in 10^13.
fn random_pin(state: &State) -> Secret<String> {
    Secret::new(format!("{:06}", u64::from_be_bytes(state.random.bytes()) % 1_000_000))
}
