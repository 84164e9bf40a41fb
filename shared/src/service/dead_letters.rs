//! Messages that were set aside after many tries: looking at them, sending them back, discarding them. What they ask for is
//! in the store all the same; they are only hints.

use futures_util::future::try_join_all;

use crate::domain::audit::AuditAction;
use crate::domain::dead_letter::{DeadLetter, DeadLetterQueue};
use crate::error::{Error, Result};
use crate::port::dead_letters::{LettersMove, MoveState, Standing, moving};
use crate::scope::Operator;
use crate::state::State;

/// A queue of dead letters, as it stands.
#[derive(Clone, Debug)]
pub struct DeadLettersShown {
    /// Which.
    pub queue: DeadLetterQueue,
    /// About how many letters lie there.
    pub letters: u64,
    /// Some of them, the oldest first.
    pub some: Vec<DeadLetter>,
    /// The last time that letters were sent back.
    pub last_move: Option<LettersMove>,
}

impl DeadLettersShown {
    /// Whether letters are being sent back now.
    pub fn is_moving(&self) -> bool {
        self.last_move.as_ref().is_some_and(|one| one.state == MoveState::Running)
    }
}

/// All queues of dead letters. Looking changes nothing.
///
/// # Errors
/// Unavailable when SQS does not answer.
pub async fn dead_letters(state: &State, _: &Operator) -> Result<Vec<DeadLettersShown>> {
    try_join_all(DeadLetterQueue::ALL.map(|queue| shown(state, queue))).await
}

async fn shown(state: &State, queue: DeadLetterQueue) -> Result<DeadLettersShown> {
    let port = &state.dead_letters;
    let standing = port.standing(queue).await?;
    let some = match standing.letters {
        0 => Vec::new(),
        _ => port.some(queue).await?,
    };
    let last_move = last_move(state, queue, &standing).await?;
    Ok(DeadLettersShown { queue, letters: standing.letters, some, last_move })
}

async fn last_move(
    state: &State,
    queue: DeadLetterQueue,
    standing: &Standing,
) -> Result<Option<LettersMove>> {
    if queue.goes_back() { state.dead_letters.last_move(standing).await } else { Ok(None) }
}

/// Sends a queue's letters back to where they came from, to be tried anew. It goes on by itself. Who did it is written down
/// first.
///
/// # Errors
/// Conflict when there are none, they are on their way already, or they came from no queue.
pub async fn send_dead_letters_back(
    state: &State,
    operator: &Operator,
    queue: DeadLetterQueue,
) -> Result<u64> {
    if !queue.goes_back() {
        return Err(Error::conflict(
            "dead-letters-no-way-back",
            "These letters came from no queue: each stands for a daily run.",
        )
        .next("Start a run by hand, as the runbook says, and discard the letters."));
    }
    let standing = filled(state, queue).await?;
    if last_move(state, queue, &standing).await?.is_some_and(|one| one.state == MoveState::Running) {
        return Err(moving());
    }
    note(state, operator, AuditAction::DeadLettersSentBack, queue, standing.letters).await?;
    state.dead_letters.send_back(&standing).await?;
    tracing::info!(actor = %operator.actor(), queue = queue.name(), "dead letters were sent back");
    Ok(standing.letters)
}

/// Deletes a queue's letters. Who did it is written down first.
///
/// # Errors
/// Conflict when there are none, or within a minute of the last time.
pub async fn discard_dead_letters(state: &State, operator: &Operator, queue: DeadLetterQueue) -> Result<()> {
    let standing = filled(state, queue).await?;
    note(state, operator, AuditAction::DeadLettersDiscarded, queue, standing.letters).await?;
    state.dead_letters.discard(queue).await?;
    tracing::info!(actor = %operator.actor(), queue = queue.name(), "dead letters were discarded");
    Ok(())
}

async fn filled(state: &State, queue: DeadLetterQueue) -> Result<Standing> {
    let standing = state.dead_letters.standing(queue).await?;
    if standing.letters == 0 {
        return Err(Error::conflict("dead-letters-none", "There are no dead letters in this queue.")
            .next("Look again: somebody else was faster."));
    }
    Ok(standing)
}

async fn note(
    state: &State,
    operator: &Operator,
    action: AuditAction,
    queue: DeadLetterQueue,
    letters: u64,
) -> Result<()> {
    let audit = state.audit(operator, action).with("queue", queue.name()).with("letters", letters);
    state.store.note(operator, &audit).await
}
