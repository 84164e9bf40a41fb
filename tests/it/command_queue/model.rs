//! Any sequence of orders and answers against a model that fits on a page: nothing is lost, doubled or raised from the
//! dead.

use plist::Dictionary;
use pomarium_local::device::{Reply, SimDevice};
use pomarium_tests::{Tenant, TestApp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::json;
use tokio::runtime::Runtime;

use super::{idle, pass_seconds, report, status, uuid_of, world};
use crate::devices::enrollment;

#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Somebody sends a command of this priority.
    Enqueue(u8),
    /// Somebody asks a question, which takes the place of the same one that still waits.
    Ask,
    /// Somebody sends a command that waits for a minute.
    EnqueueForAMinute,
    /// Time passes, in seconds.
    Pass(u8),
    /// Somebody takes a command back, in whatever state it is.
    Cancel(prop::sample::Index),
    /// Somebody takes all back that waits.
    Clear,
    /// Somebody tries a command again, in whatever state it is.
    Retry(prop::sample::Index),
    /// The device asks for work, so often in a row.
    Idle(u8),
    /// The device speaks about what it was served last, or asks if that was nothing.
    Answer(Word),
    /// The device speaks about any command, be it served, answered or neither.
    Any(prop::sample::Index, Word),
    /// The device speaks about a command that never was.
    Unknown(Word),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Word {
    Acknowledged,
    Error,
    NotNow,
}

impl Word {
    fn reply(self) -> Reply {
        match self {
            Self::Acknowledged => Reply::Acknowledge(Dictionary::new()),
            Self::Error => Reply::Error(Vec::new()),
            Self::NotNow => Reply::NotNow,
        }
    }
}

pub(super) fn word() -> impl Strategy<Value = Word> {
    prop_oneof![Just(Word::Acknowledged), Just(Word::Error), Just(Word::NotNow), Just(Word::NotNow)]
}

fn step() -> impl Strategy<Value = Step> {
    let any = any::<prop::sample::Index>;
    prop_oneof![
        4 => (0_u8..3).prop_map(Step::Enqueue),
        2 => Just(Step::Ask),
        2 => Just(Step::EnqueueForAMinute),
        1 => (1_u8..70).prop_map(Step::Pass),
        2 => any().prop_map(Step::Cancel),
        1 => Just(Step::Clear),
        1 => any().prop_map(Step::Retry),
        3 => prop_oneof![Just(1_u8), Just(1), Just(12)].prop_map(Step::Idle),
        5 => word().prop_map(Step::Answer),
        3 => (any(), word()).prop_map(|(which, word)| Step::Any(which, word)),
        1 => word().prop_map(Step::Unknown),
    ]
}

/// A command as the model knows it.
pub(super) struct Known {
    pub(super) uuid: String,
    priority: u8,
    is_question: bool,
    /// In seconds of the model's clock.
    ends: Option<u32>,
    word: Option<Word>,
    refused_in: Option<u32>,
    /// How it was taken out of the queue without an answer.
    withdrawn: Option<&'static str>,
    /// Whether it was queued for an earlier enrollment of the device.
    is_former: bool,
}

impl Known {
    fn is_answered(&self) -> bool {
        self.word.is_some_and(|word| word != Word::NotNow)
    }

    /// Whether the store counts it.
    fn waits(&self) -> bool {
        !self.is_answered() && self.withdrawn.is_none()
    }

    fn is_over(&self, clock: u32) -> bool {
        self.ends.is_some_and(|end| end <= clock)
    }

    pub(super) fn status(&self, clock: u32) -> &'static str {
        match (self.withdrawn, self.word) {
            (_, Some(Word::Acknowledged)) => "Acknowledged",
            (_, Some(Word::Error)) => "Error",
            (Some(withdrawn), _) => withdrawn,
            (None, _) if self.is_over(clock) => "Expired",
            (None, Some(Word::NotNow)) => "NotNow",
            (None, None) => "Pending",
        }
    }
}

/// What the server should think, oldest command first.
#[derive(Default)]
pub(super) struct Model {
    pub(super) commands: Vec<Known>,
    session: u32,
    pub(super) clock: u32,
    unanswered: u32,
}

impl Model {
    pub(super) fn queued(&mut self, uuid: String, priority: u8, is_question: bool, ends: Option<u32>) {
        let former = self.commands.iter_mut().filter(|former| is_question && former.is_question);
        former.filter(|former| former.waits()).for_each(|former| former.withdrawn = Some("Superseded"));
        self.commands.push(Known {
            uuid,
            priority,
            is_question,
            ends,
            word: None,
            refused_in: None,
            withdrawn: None,
            is_former: false,
        });
        self.unanswered = 0;
    }

    /// The device begins a new enrollment: what was left is dropped for ever.
    pub(super) fn restarted(&mut self) {
        for command in &mut self.commands {
            command.is_former = true;
            if !command.is_answered() && (command.waits() || command.withdrawn == Some("Stuck")) {
                command.withdrawn = Some("Dropped");
            }
        }
        self.unanswered = 0;
    }

    pub(super) fn withdrawn(&mut self, index: usize, status: &'static str) {
        if self.commands[index].waits() {
            self.commands[index].withdrawn = Some(status);
            self.unanswered = 0;
        }
    }

    pub(super) fn retried(&mut self, index: usize) -> bool {
        let command = &mut self.commands[index];
        let stuck = command.withdrawn == Some("Stuck") && !command.is_answered();
        if stuck {
            command.withdrawn = None;
            command.word = None;
            self.unanswered = 0;
        }
        stuck
    }

    /// The device says a word; one on what is not known, or was answered, changes nothing.
    pub(super) fn heard(&mut self, uuid: &str, word: Word) {
        self.unanswered = 0;
        let session = self.session;
        if let Some(command) = self.commands.iter_mut().find(|command| command.uuid == uuid)
            && !command.is_answered()
            && !command.is_former
            && (command.withdrawn.is_none() || word != Word::NotNow)
        {
            command.word = Some(word);
            if word == Word::NotNow {
                command.refused_in = Some(session);
            }
        }
    }

    pub(super) fn idle(&mut self) -> Option<String> {
        self.session += 1;
        self.unanswered += 1;
        let stuck = self.unanswered > 10;
        let next = self.search(None, true)?;
        if !stuck {
            return Some(self.commands[next].uuid.clone());
        }
        self.withdrawn(next, "Stuck");
        self.search(None, false).map(|next| self.commands[next].uuid.clone())
    }

    /// What is served after a word on `reported`.
    pub(super) fn next(&mut self, reported: &str, waited: usize) -> Option<String> {
        // The answer to the only one that waits leaves nothing to search in.
        if waited == 1 && self.waiting() == 0 {
            return None;
        }
        self.search(Some(reported), true).map(|next| self.commands[next].uuid.clone())
    }

    /// The most urgent and then oldest command that waits and was not refused in this session. What is met on the way and
    /// is over is written down as such.
    fn search(&mut self, reported: Option<&str>, writes: bool) -> Option<usize> {
        let mut order: Vec<usize> =
            (0..self.commands.len()).filter(|index| self.commands[*index].waits()).collect();
        order.sort_by_key(|index| 9 - self.commands[*index].priority);
        for index in order {
            let command = &self.commands[index];
            if reported == Some(command.uuid.as_str()) {
                continue;
            }
            if command.is_over(self.clock) {
                if writes {
                    self.withdrawn(index, "Expired");
                }
            } else if command.refused_in != Some(self.session) {
                return Some(index);
            }
        }
        None
    }

    pub(super) fn waiting(&self) -> usize {
        self.commands.iter().filter(|command| command.waits()).count()
    }
}

/// A server, a tenant and one device that follow the model.
struct Play<'a> {
    app: &'a TestApp,
    tenant: &'a Tenant,
    device: &'a SimDevice,
    model: Model,
    served: Option<String>,
}

impl Play<'_> {
    async fn send(&mut self, request_type: &str, priority: u8, expires_in: Option<u32>) {
        let command = json!({"RequestType": request_type});
        let order = json!({"targets": [self.device.id()], "command": command, "priority": priority, "expires_in": expires_in});
        let uuid = uuid_of(&self.tenant.post("commands", order).await.expect(201));
        let ends = expires_in.map(|seconds| self.model.clock + seconds);
        self.model.queued(uuid, priority, request_type == "ProfileList", ends);
        self.model.clock += 1;
        pass_seconds(self.app, 1);
    }

    fn pick(&self, which: prop::sample::Index) -> Option<usize> {
        (!self.model.commands.is_empty()).then(|| which.index(self.model.commands.len()))
    }

    async fn administrate(&mut self, step: Step) -> bool {
        let id = self.device.id();
        match step {
            Step::Enqueue(priority) => self.send("RestartDevice", priority, None).await,
            Step::Ask => self.send("ProfileList", 1, None).await,
            Step::EnqueueForAMinute => self.send("RestartDevice", 1, Some(60)).await,
            Step::Pass(seconds) => {
                pass_seconds(self.app, i64::from(seconds));
                self.model.clock += u32::from(seconds);
            }
            Step::Cancel(which) => {
                let Some(index) = self.pick(which) else { return true };
                let path = format!("commands/{}/targets/{id}", self.model.commands[index].uuid);
                let path = self.tenant.path(&path);
                self.tenant.admin.call(reqwest::Method::DELETE, &path, Vec::new()).await.expect(204);
                self.model.withdrawn(index, "Cancelled");
            }
            Step::Clear => {
                let path = self.tenant.path(&format!("enrollments/{id}/commands"));
                self.tenant.admin.call(reqwest::Method::DELETE, &path, Vec::new()).await.expect(200);
                (0..self.model.commands.len()).for_each(|index| self.model.withdrawn(index, "Cancelled"));
            }
            Step::Retry(which) => {
                let Some(index) = self.pick(which) else { return true };
                let path = format!("commands/{}/targets/{id}/retry", self.model.commands[index].uuid);
                let expected = if self.model.retried(index) { 204 } else { 409 };
                self.tenant.post(&path, json!({})).await.expect(expected);
            }
            Step::Idle(_) | Step::Answer(_) | Step::Any(_, _) | Step::Unknown(_) => return false,
        }
        true
    }

    async fn poll(&mut self, about: Option<(String, Word)>) -> Option<String> {
        match about {
            None => {
                self.served = idle(self.device).await;
                self.model.idle()
            }
            Some((uuid, word)) => {
                let waited = self.model.waiting();
                self.model.heard(&uuid, word);
                self.served = report(self.device, &uuid, word.reply()).await;
                self.model.next(&uuid, waited)
            }
        }
    }

    async fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        if self.administrate(step).await {
            return Ok(());
        }
        let (times, about) = match step {
            Step::Idle(times) => (times, None),
            Step::Answer(word) => (1, self.served.clone().map(|uuid| (uuid, word))),
            Step::Any(which, word) => {
                (1, self.pick(which).map(|index| (self.model.commands[index].uuid.clone(), word)))
            }
            Step::Unknown(word) => (1, Some(("6B2F1D0A-0000-4000-8000-000000000001".to_owned(), word))),
            other @ (Step::Enqueue(_)
            | Step::Ask
            | Step::EnqueueForAMinute
            | Step::Pass(_)
            | Step::Cancel(_)
            | Step::Clear
            | Step::Retry(_)) => unreachable!("{other:?} is an administrator's"),
        };
        for _ in 0..times {
            let expected = self.poll(about.clone()).await;
            prop_assert_eq!(&self.served, &expected, "after {:?}", step);
        }
        Ok(())
    }

    /// Everything that waits is served once more, and then nothing.
    async fn drain(&mut self) {
        let mut next = self.poll(None).await;
        while let Some(uuid) = next {
            next = self.poll(Some((uuid, Word::Acknowledged))).await;
            assert_eq!(self.served, next);
        }
        assert_eq!(self.model.waiting(), 0);
    }

    async fn check(&self) -> Result<(), TestCaseError> {
        let shown = enrollment(self.tenant, &self.device.id()).await;
        prop_assert_eq!(&shown["waiting_commands"], &json!(self.model.waiting()));
        for command in &self.model.commands {
            prop_assert_eq!(status(self.tenant, &command.uuid).await, command.status(self.model.clock));
        }
        Ok(())
    }
}

async fn play(
    app: &TestApp,
    tenant: &Tenant,
    device: &SimDevice,
    steps: &[Step],
) -> Result<(), TestCaseError> {
    device.authenticate().await.expect("a new enrollment");
    device.token_update(None).await.expect("a new enrollment");
    let mut play = Play { app, tenant, device, model: Model::default(), served: None };
    for step in steps {
        play.step(*step).await?;
    }
    play.check().await?;
    play.drain().await;
    play.check().await
}

#[test]
fn the_queue_does_what_the_model_says() {
    let runtime = Runtime::new().expect("a runtime");
    let (app, tenant, device) = runtime.block_on(world());
    let config = Config { cases: 12, failure_persistence: None, ..Config::default() };
    let steps = proptest::collection::vec(step(), 1..40);
    TestRunner::new(config)
        .run(&steps, |steps| runtime.block_on(play(&app, &tenant, &device, &steps)))
        .expect("the server and the model agree");
}
