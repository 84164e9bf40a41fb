//! The queues of dead letters, through SQS.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata as _;
use aws_sdk_sqs::types::{
    ListMessageMoveTasksResultEntry, Message, MessageSystemAttributeName, QueueAttributeName,
};

use crate::aws::failure;
use crate::config::Config;
use crate::domain::dead_letter::{About, DeadLetter, DeadLetterQueue, error};
use crate::error::{Error, Result};
use crate::time::Timestamp;

/// So many letters are shown: what one call brings.
const SHOWN: i32 = 10;
/// In which attribute a schedule says why it could not start a function.
const SCHEDULE_ERROR: &str = "ERROR_MESSAGE";
/// What SQS calls a move beside another one.
const BUSY: [&str; 3] =
    ["UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation", "InvalidParameterValue"];

/// All queues of dead letters.
#[derive(Clone, Debug)]
pub struct DeadLetters {
    client: Client,
    urls: [String; DeadLetterQueue::ALL.len()],
}

/// How a queue of dead letters stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// About how many letters lie there.
    pub letters: u64,
    /// Its name in moves.
    arn: String,
}

/// The last move of letters back to where they came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LettersMove {
    /// How far it is.
    pub state: MoveState,
    /// About how many letters it has moved.
    pub moved: u64,
    /// When it began.
    pub started_at: Timestamp,
}

/// How far a move is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MoveState {
    /// It goes on.
    Running,
    /// It is over.
    Done,
    /// It ended before its time, and why.
    Failed(String),
}

impl DeadLetters {
    /// The queues that the settings name.
    pub fn new(client: Client, config: &Config) -> Self {
        let urls = DeadLetterQueue::ALL.map(|queue| match queue {
            DeadLetterQueue::Wake => config.queue_wake_dead_letters_url.clone(),
            DeadLetterQueue::Jobs => config.queue_jobs_dead_letters_url.clone(),
            DeadLetterQueue::Sweep => config.queue_sweep_dead_letters_url.clone(),
            DeadLetterQueue::Events => config.queue_events_dead_letters_url.clone(),
            DeadLetterQueue::ExpiryNotifier => config.queue_expiry_notifier_dead_letters_url.clone(),
        });
        Self { client, urls }
    }

    fn url(&self, queue: DeadLetterQueue) -> Result<&str> {
        let index = DeadLetterQueue::ALL.iter().position(|known| *known == queue);
        let url = index.and_then(|index| self.urls.get(index));
        url.map(String::as_str).ok_or_else(|| Error::internal("a queue without an address"))
    }

    /// How a queue stands.
    ///
    /// # Errors
    /// Unavailable when SQS does not answer.
    pub async fn standing(&self, queue: DeadLetterQueue) -> Result<Standing> {
        let asked = [QueueAttributeName::ApproximateNumberOfMessages, QueueAttributeName::QueueArn];
        let request = self.client.get_queue_attributes().queue_url(self.url(queue)?);
        let answer = request.set_attribute_names(Some(asked.to_vec())).send().await.map_err(failure)?;
        let attribute = |name: &QueueAttributeName| {
            let found = answer.attributes().and_then(|attributes| attributes.get(name));
            found.ok_or_else(|| Error::internal(format!("SQS says no {name} of {}", queue.name())))
        };
        let [letters, arn] = &asked;
        Ok(Standing {
            letters: attribute(letters)?.parse().map_err(Error::internal)?,
            arn: attribute(arn)?.clone(),
        })
    }

    /// Some of a queue's letters. They stay where they are and are visible to everybody else.
    ///
    /// # Errors
    /// Unavailable when SQS does not answer.
    pub async fn some(&self, queue: DeadLetterQueue) -> Result<Vec<DeadLetter>> {
        let request = self.client.receive_message().queue_url(self.url(queue)?);
        let answer = request
            .max_number_of_messages(SHOWN)
            .visibility_timeout(0)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .message_attribute_names(SCHEDULE_ERROR)
            .send()
            .await
            .map_err(failure)?;
        let mut letters = Vec::new();
        for message in answer.messages() {
            let letter = letter(queue, message)?;
            if letters.iter().all(|known: &DeadLetter| known.id != letter.id) {
                letters.push(letter);
            }
        }
        letters.sort_by_key(|letter| letter.sent_at);
        Ok(letters)
    }

    /// The last move out of a queue, if there was one.
    ///
    /// # Errors
    /// Unavailable when SQS does not answer.
    pub async fn last_move(&self, standing: &Standing) -> Result<Option<LettersMove>> {
        let request = self.client.list_message_move_tasks().source_arn(&standing.arn);
        let answer = request.send().await.map_err(failure)?;
        answer.results().first().map(letters_move).transpose()
    }

    /// Begins to move a queue's letters back to where they came from. They go by themselves.
    ///
    /// # Errors
    /// Conflict when they are moved already; Unavailable when SQS does not answer.
    pub async fn send_back(&self, standing: &Standing) -> Result<()> {
        let request = self.client.start_message_move_task().source_arn(&standing.arn);
        match request.send().await {
            Ok(_) => Ok(()),
            Err(refused) if refused.code().is_some_and(|code| BUSY.contains(&code)) => {
                Err(moving().because(refused))
            }
            Err(error) => Err(failure(error)),
        }
    }

    /// Deletes a queue's letters.
    ///
    /// # Errors
    /// Conflict within a minute of the last time; Unavailable when SQS does not answer.
    pub async fn discard(&self, queue: DeadLetterQueue) -> Result<()> {
        match self.client.purge_queue().queue_url(self.url(queue)?).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_purge_queue_in_progress()) => {
                // The answer to this very call may have been lost, and the client called again.
                if self.standing(queue).await?.letters == 0 {
                    return Ok(());
                }
                let message = "This queue was emptied within the last minute.";
                Err(Error::conflict("dead-letters-discarded", message)
                    .next("Wait a minute, look what lies there, and discard it then."))
            }
            Err(error) => Err(failure(error)),
        }
    }
}

/// Letters are on their way back already.
pub fn moving() -> Error {
    Error::conflict("dead-letters-moving", "These letters are being sent back already.")
        .next("Wait until that is done, and look again.")
}

fn letter(queue: DeadLetterQueue, message: &Message) -> Result<DeadLetter> {
    let sent = message
        .attributes()
        .and_then(|attributes| attributes.get(&MessageSystemAttributeName::SentTimestamp))
        .ok_or_else(|| Error::internal("SQS does not say when a message was sent"))?;
    let body = message.body().unwrap_or_default();
    let attribute = message.message_attributes().and_then(|attributes| attributes.get(SCHEDULE_ERROR));
    Ok(DeadLetter {
        id: message.message_id().unwrap_or_default().to_owned(),
        about: About::read(queue, body),
        sent_at: at(sent.parse().map_err(Error::internal)?)?,
        error: error(queue, body, attribute.and_then(|value| value.string_value())),
    })
}

fn letters_move(task: &ListMessageMoveTasksResultEntry) -> Result<LettersMove> {
    let state = match task.status() {
        Some("RUNNING" | "CANCELLING") => MoveState::Running,
        Some("FAILED") => MoveState::Failed(task.failure_reason().unwrap_or("unknown").to_owned()),
        Some(_) | None => MoveState::Done,
    };
    Ok(LettersMove {
        state,
        moved: u64::try_from(task.approximate_number_of_messages_moved()).unwrap_or_default(),
        started_at: at(task.started_timestamp())?,
    })
}

fn at(milliseconds: i64) -> Result<Timestamp> {
    Timestamp::from_millisecond(milliseconds).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::scripted::{Answer, Requests, script};

    fn letters(answers: impl IntoIterator<Item = Answer>) -> (DeadLetters, Requests) {
        let (config, requests) = script(answers);
        let urls = DeadLetterQueue::ALL.map(|queue| format!("http://127.0.0.1:9/0/{}", queue.name()));
        (DeadLetters { client: Client::new(&config), urls }, requests)
    }

    fn standing() -> Standing {
        Standing { letters: 1, arn: "arn:aws:sqs:us-east-1:0:wake".into() }
    }

    #[tokio::test]
    async fn a_look_hides_nothing_from_others_and_shows_each_letter_once() {
        let message = |id: &str, sent: i64, body: &str| {
            format!(r#"{{"MessageId":"{id}","Body":{body:?},"Attributes":{{"SentTimestamp":"{sent}"}}}}"#)
        };
        let (late, early) = (message("b", 2_000, "{}"), message("a", 1_000, "nonsense"));
        let (port, requests) = letters([Answer::ok(&format!(r#"{{"Messages":[{late},{early},{late}]}}"#))]);
        let found = port.some(DeadLetterQueue::Wake).await.unwrap();
        let ids: Vec<_> = found.iter().map(|letter| letter.id.as_str()).collect();
        assert_eq!(ids, ["a", "b"]);
        let request = requests.take().remove(0);
        assert!(request.contains(r#""VisibilityTimeout":0"#) && request.contains("/0/wake"), "{request}");
    }

    #[tokio::test]
    async fn a_run_says_why_it_failed() {
        let attributes = r#"{"ERROR_MESSAGE":{"DataType":"String","StringValue":"No role"}}"#;
        let (port, _) = letters([Answer::ok(&format!(
            r#"{{"Messages":[{{"MessageId":"a","Body":"{{}}","Attributes":{{"SentTimestamp":"1000"}},"MessageAttributes":{attributes}}}]}}"#
        ))]);
        let found = port.some(DeadLetterQueue::ExpiryNotifier).await.unwrap();
        assert_eq!(found[0].error.as_deref(), Some("No role"));
    }

    #[tokio::test]
    async fn a_move_is_told_of_while_it_runs_and_after() {
        let task = |status: &str| {
            let reason = if status == "FAILED" { r#","FailureReason":"AccessDenied""# } else { "" };
            Answer::ok(&format!(
                r#"{{"Results":[{{"Status":"{status}","ApproximateNumberOfMessagesMoved":7,"StartedTimestamp":1000{reason}}}]}}"#
            ))
        };
        let (port, _) = letters([task("RUNNING"), task("COMPLETED"), task("FAILED"), Answer::ok("{}")]);
        for state in [MoveState::Running, MoveState::Done, MoveState::Failed("AccessDenied".into())] {
            let told = port.last_move(&standing()).await.unwrap().unwrap();
            assert_eq!((told.state, told.moved), (state, 7));
        }
        assert_eq!(port.last_move(&standing()).await.unwrap(), None);
    }

    /// A queue that was emptied just now, and in which so many letters lie.
    fn emptied_with(letters_left: u32) -> (DeadLetters, Requests) {
        let in_progress = Answer::error(400, "AWS.SimpleQueueService.PurgeQueueInProgress");
        let standing = format!(
            r#"{{"Attributes":{{"ApproximateNumberOfMessages":"{letters_left}","QueueArn":"arn:aws:sqs:us-east-1:0:jobs"}}}}"#
        );
        letters([in_progress, Answer::ok(&standing)])
    }

    #[tokio::test]
    async fn whoever_repeats_a_call_whose_answer_was_lost_finds_the_queue_empty_and_is_done() {
        let (port, _) = emptied_with(0);
        port.discard(DeadLetterQueue::Jobs).await.unwrap();
    }

    #[tokio::test]
    async fn two_at_once_are_a_conflict() {
        let (port, _) = letters([Answer::error(400, "UnsupportedOperation")]);
        let refused = port.send_back(&standing()).await.unwrap_err();
        assert_eq!((refused.kind(), refused.code()), (Kind::Conflict, "dead-letters-moving"));
        let (port, _) = emptied_with(1);
        let refused = port.discard(DeadLetterQueue::Jobs).await.unwrap_err();
        assert_eq!((refused.kind(), refused.code()), (Kind::Conflict, "dead-letters-discarded"));
        let (port, _) = letters([Answer::NoConnection]);
        assert_eq!(port.send_back(&standing()).await.unwrap_err().kind(), Kind::Unavailable);
    }
}
