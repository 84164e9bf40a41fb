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
enum Step {
    /// Somebody sends a command of this priority.
    Enqueue(u8),
    /// The device asks for work.
    Idle,
    /// The device speaks about what it was served last, or asks if that was nothing.
    Answer(Word),
    /// The device speaks about any command, be it served, answered or neither.
    Any(prop::sample::Index, Word),
    /// The device speaks about a command that never was.
    Unknown(Word),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Word {
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

fn word() -> impl Strategy<Value = Word> {
    prop_oneof![Just(Word::Acknowledged), Just(Word::Error), Just(Word::NotNow), Just(Word::NotNow)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0_u8..3).prop_map(Step::Enqueue),
        2 => Just(Step::Idle),
        4 => word().prop_map(Step::Answer),
        2 => (any::<prop::sample::Index>(), word()).prop_map(|(which, word)| Step::Any(which, word)),
        1 => word().prop_map(Step::Unknown),
    ]
}

struct Known {
    uuid: String,
    priority: u8,
    word: Option<Word>,
    refused_in: Option<u32>,
}

impl Known {
    fn is_final(&self) -> bool {
        self.word.is_some_and(|word| word != Word::NotNow)
    }

    fn status(&self) -> &'static str {
        match self.word {
            None => "Pending",
            Some(Word::NotNow) => "NotNow",
            Some(Word::Acknowledged) => "Acknowledged",
            Some(Word::Error) => "Error",
        }
    }
}

/// What the server should think, oldest command first.
#[derive(Default)]
struct Model {
    commands: Vec<Known>,
    session: u32,
}

impl Model {
    fn heard(&mut self, uuid: &str, word: Word) {
        let session = self.session;
        if let Some(command) =
            self.commands.iter_mut().find(|command| command.uuid == uuid && !command.is_final())
        {
            command.word = Some(word);
            command.refused_in = (word == Word::NotNow).then_some(session);
        }
    }

    /// The most urgent and then oldest command that waits and was not refused in this session.
    fn next(&self) -> Option<String> {
        let waiting = self.commands.iter().filter(|command| !command.is_final());
        let mut offered: Vec<&Known> =
            waiting.filter(|command| command.refused_in != Some(self.session)).collect();
        offered.sort_by_key(|command| 9 - command.priority);
        offered.first().map(|command| command.uuid.clone())
    }

    fn waiting(&self) -> usize {
        self.commands.iter().filter(|command| !command.is_final()).count()
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
    let (mut model, mut served) = (Model::default(), None);
    for step in steps {
        let about = match step {
            Step::Enqueue(priority) => {
                let command = json!({"RequestType": "RestartDevice"});
                let order = json!({"targets": ["D-1"], "command": command, "priority": priority});
                let uuid = uuid_of(&tenant.post("commands", order).await.expect(201));
                model.commands.push(Known { uuid, priority: *priority, word: None, refused_in: None });
                pass_seconds(app, 1);
                continue;
            }
            Step::Idle => None,
            Step::Answer(word) => served.clone().map(|uuid: String| (uuid, *word)),
            Step::Any(_, _) if model.commands.is_empty() => None,
            Step::Any(which, word) => Some((which.get(&model.commands).uuid.clone(), *word)),
            Step::Unknown(word) => Some(("6B2F1D0A-0000-4000-8000-000000000001".to_owned(), *word)),
        };
        served = match about {
            None => {
                model.session += 1;
                idle(device).await
            }
            Some((uuid, word)) => {
                model.heard(&uuid, word);
                report(device, &uuid, word.reply()).await
            }
        };
        prop_assert_eq!(&served, &model.next(), "after {:?}", step);
    }
    check(tenant, &model).await?;
    drain(device, &mut model).await;
    check(tenant, &model).await
}

/// Everything that waits is served once more, and then nothing.
async fn drain(device: &SimDevice, model: &mut Model) {
    let mut next = idle(device).await;
    while let Some(uuid) = next {
        model.heard(&uuid, Word::Acknowledged);
        next = report(device, &uuid, Word::Acknowledged.reply()).await;
    }
    assert_eq!(model.waiting(), 0);
}

async fn check(tenant: &Tenant, model: &Model) -> Result<(), TestCaseError> {
    prop_assert_eq!(&enrollment(tenant, "D-1").await["waiting_commands"], &json!(model.waiting()));
    for command in &model.commands {
        prop_assert_eq!(status(tenant, &command.uuid).await, command.status());
    }
    Ok(())
}

#[test]
fn the_queue_does_what_the_model_says() {
    let runtime = Runtime::new().expect("a runtime");
    let (app, tenant, device) = runtime.block_on(world());
    let config = Config { cases: 30, failure_persistence: None, ..Config::default() };
    let steps = proptest::collection::vec(step(), 1..40);
    TestRunner::new(config)
        .run(&steps, |steps| runtime.block_on(play(&app, &tenant, &device, &steps)))
        .expect("the server and the model agree");
}
