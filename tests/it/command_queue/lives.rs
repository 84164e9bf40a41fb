//! The lives of 500 random devices at once, each against the model: no command is lost, doubled or raised from the dead,
//! whatever the others do meanwhile.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use openssl::x509::X509;
use pomarium_tests::{Tenant, TestApp};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use shared::domain::identity::DeviceIdentity;
use shared::id::{CommandUuid, EnrollmentId, Fingerprint};
use shared::protocol::checkin::{Authenticate, CheckIn, CheckInMessage, TokenUpdate};
use shared::protocol::command::Command;
use shared::protocol::report::{Report, Status};
use shared::scope::Scope;
use shared::secret::Secret;
use shared::service::authenticate_device::Signer;
use shared::service::check_in::{Answer, check_in};
use shared::service::enqueue_command::{NewCommand, enqueue_command};
use shared::service::next_command::next_command;
use shared::service::withdraw_command::{cancel_on_target, clear_queue, retry_command};
use shared::state::State;
use shared::time::from_unix;
use tokio::runtime::Runtime;

use super::model::{Model, Word, word};
use crate::devices::{enrolled, pass_seconds};
use crate::fleet::topic;
use crate::killed::scope;

const DEVICES: usize = 500;
/// Between two steps of everybody, in seconds: a command that waits for a minute ends after the third.
const ROUND: u8 = 20;
/// Targets of one call, and devices that act at a time.
const AT_ONCE: usize = 100;

/// What happens to one device, or is done by it, in one round.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A command comes, the same one that many others get.
    Order(Kind),
    Cancel(Index),
    Clear,
    Retry(Index),
    Idle,
    Answer(Word),
    /// The device speaks about any command, be it served, answered, dropped or neither.
    Any(Index, Word),
    /// It enrolls anew, with the same identity or another one.
    Reenroll {
        by_a_new_identity: bool,
    },
    /// It has a new push token.
    TokenUpdate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Urgent,
    Usual,
    ForAMinute,
    Question,
}

impl Kind {
    fn priority(self) -> u8 {
        if self == Self::Urgent { 7 } else { 1 }
    }

    fn lasts(self) -> Option<u32> {
        (self == Self::ForAMinute).then_some(60)
    }

    fn command(self) -> Command {
        let request_type = if self == Self::Question { "ProfileList" } else { "RestartDevice" };
        Command::from_json(&json!({"RequestType": request_type})).unwrap()
    }
}

fn step() -> impl Strategy<Value = Step> {
    let kind =
        prop_oneof![Just(Kind::Urgent), Just(Kind::Usual), Just(Kind::ForAMinute), Just(Kind::Question)];
    prop_oneof![
        6 => kind.prop_map(Step::Order),
        1 => any::<Index>().prop_map(Step::Cancel),
        1 => Just(Step::Clear),
        1 => any::<Index>().prop_map(Step::Retry),
        3 => Just(Step::Idle),
        5 => word().prop_map(Step::Answer),
        2 => (any::<Index>(), word()).prop_map(|(which, word)| Step::Any(which, word)),
        1 => any::<bool>().prop_map(|by_a_new_identity| Step::Reenroll { by_a_new_identity }),
        1 => Just(Step::TokenUpdate),
    ]
}

/// An identity of its own for each name; making so many keys would take too long.
fn signer(scope: &Scope, certificate: &X509, name: &str) -> Signer {
    let fingerprint = Fingerprint::of(name.as_bytes());
    let (not_before, not_after) = (from_unix(0), from_unix(2_000_000_000));
    let authority = Fingerprint::of(b"authority");
    let identity = DeviceIdentity { fingerprint, authority, not_before, not_after };
    Signer {
        scope: scope.clone(),
        certificate: certificate.clone(),
        fingerprint,
        identity,
        is_ours: true,
        mutual_tls: false,
        is_external: false,
    }
}

/// A device, and what the server should think of it.
struct Device {
    id: EnrollmentId,
    signer: Signer,
    model: Model,
    served: Option<String>,
    life: Vec<Step>,
}

impl Device {
    async fn enroll(&self, state: &State, topic: &str) {
        let begins = CheckInMessage::Authenticate(Authenticate {
            topic: topic.to_owned(),
            device_name: None,
            model_name: None,
            model: None,
            product_name: None,
            os_version: None,
            build_version: None,
            serial_number: None,
            imei: None,
            meid: None,
            user_enrollment: false,
        });
        self.check_in(state, begins).await;
        self.update_token(state, topic).await;
    }

    async fn update_token(&self, state: &State, topic: &str) {
        let update = CheckInMessage::TokenUpdate(TokenUpdate {
            topic: topic.to_owned(),
            token: vec![7; 32],
            push_magic: Secret::new("magic".to_owned()),
            unlock_token: None,
            awaiting_configuration: None,
            user_short_name: None,
            user_long_name: None,
        });
        self.check_in(state, update).await;
    }

    async fn check_in(&self, state: &State, message: CheckInMessage) {
        let said = CheckIn { enrollment: self.id.clone(), message };
        assert_eq!(check_in(state, &self.signer, said).await.unwrap(), Answer::Done);
    }

    /// Polls, and holds what is served against the model.
    async fn poll(&mut self, state: &State, about: Option<(String, Word)>) {
        let status = match &about {
            None => Status::Idle,
            Some((_, Word::Acknowledged)) => Status::Acknowledged,
            Some((_, Word::Error)) => Status::Error,
            Some((_, Word::NotNow)) => Status::NotNow,
        };
        let report = Report {
            enrollment: self.id.clone(),
            status,
            command_uuid: about.as_ref().map(|(uuid, _)| uuid.clone()),
            error_chain: Vec::new(),
            inventory: None,
        };
        self.served = match next_command(state, &self.signer, &report, b"the report").await.unwrap() {
            Answer::PropertyList(command) => {
                let command = plist::Value::from_reader_xml(command.as_slice()).unwrap();
                let uuid = command.as_dictionary().unwrap()["CommandUUID"].as_string().unwrap();
                Some(uuid.to_owned())
            }
            other @ (Answer::Done
            | Answer::Json(_)
            | Answer::NotManaged
            | Answer::NoSuchDeclaration
            | Answer::Unenroll(_)) => {
                assert_eq!(other, Answer::Done);
                None
            }
        };
        let expected = match &about {
            None => self.model.idle(),
            Some((uuid, word)) => {
                let waited = self.model.waiting();
                self.model.heard(uuid, *word);
                self.model.next(uuid, waited)
            }
        };
        assert_eq!(self.served, expected, "{} after {about:?}: {:?}", self.id, self.life);
    }

    fn pick(&self, which: Index) -> Option<usize> {
        (!self.model.commands.is_empty()).then(|| which.index(self.model.commands.len()))
    }

    async fn act(&mut self, state: &State, scope: &Scope, topic: &str, round: usize) {
        let uuid =
            |model: &Model, index: usize| -> CommandUuid { model.commands[index].uuid.parse().unwrap() };
        match self.life.get(round).copied() {
            // The order was given to all who get it, before.
            None | Some(Step::Order(_)) => {}
            Some(Step::Cancel(which)) => {
                let Some(index) = self.pick(which) else { return };
                cancel_on_target(state, scope, &uuid(&self.model, index), &self.id).await.unwrap();
                self.model.withdrawn(index, "Cancelled");
            }
            Some(Step::Clear) => {
                clear_queue(state, scope, &self.id).await.unwrap();
                (0..self.model.commands.len()).for_each(|index| self.model.withdrawn(index, "Cancelled"));
            }
            Some(Step::Retry(which)) => {
                let Some(index) = self.pick(which) else { return };
                let retried = retry_command(state, scope, &uuid(&self.model, index), &self.id).await;
                assert_eq!(retried.is_ok(), self.model.retried(index));
            }
            Some(Step::Idle) => self.poll(state, None).await,
            Some(Step::Answer(word)) => {
                let about = self.served.clone().map(|uuid| (uuid, word));
                self.poll(state, about).await;
            }
            Some(Step::Any(which, word)) => {
                let about = self.pick(which).map(|index| (self.model.commands[index].uuid.clone(), word));
                self.poll(state, about).await;
            }
            Some(Step::Reenroll { by_a_new_identity }) => {
                if by_a_new_identity {
                    self.signer = signer(scope, &self.signer.certificate, &format!("{} {round}", self.id));
                }
                self.model.restarted();
                self.enroll(state, topic).await;
            }
            Some(Step::TokenUpdate) => self.update_token(state, topic).await,
        }
    }

    /// Everything that waits is served once more, and then nothing.
    async fn drain(&mut self, state: &State) {
        self.poll(state, None).await;
        while let Some(uuid) = self.served.clone() {
            self.poll(state, Some((uuid, Word::Acknowledged))).await;
        }
        assert_eq!(self.model.waiting(), 0, "{}: {:?}", self.id, self.life);
    }
}

/// The orders of a round: one command for all who get the same.
async fn order(state: &State, scope: &Scope, devices: &mut [Device], round: usize) {
    let mut groups: BTreeMap<Kind, Vec<&mut Device>> = BTreeMap::new();
    for device in devices {
        if let Some(Step::Order(kind)) = device.life.get(round) {
            groups.entry(*kind).or_default().push(device);
        }
    }
    for (kind, mut targets) in groups {
        for targets in targets.chunks_mut(AT_ONCE) {
            let new = NewCommand {
                command: kind.command(),
                targets: targets.iter().map(|device| device.id.clone()).collect(),
                priority: kind.priority(),
                uuid: None,
                expires_in: kind.lasts().map(u64::from),
                random_pin: false,
            };
            let sent = enqueue_command(state, scope, new).await.unwrap().batch.uuid.to_string();
            for device in targets {
                let ends = kind.lasts().map(|seconds| device.model.clock + seconds);
                device.model.queued(sent.clone(), kind.priority(), kind == Kind::Question, ends);
            }
        }
    }
}

/// Does the same with every device, many at a time.
async fn each(devices: &mut [Device], what: impl AsyncFn(&mut Device)) {
    stream::iter(devices).for_each_concurrent(AT_ONCE, |device| what(device)).await;
}

/// Every device's counter and every command's status are what the model says.
async fn check(state: &State, scope: &Scope, devices: &[Device]) {
    for some in devices.chunks(AT_ONCE) {
        let ids: Vec<_> = some.iter().map(|device| device.id.clone()).collect();
        let stored = state.store.enrollments(scope, &ids).await.unwrap();
        let stored: BTreeMap<_, _> = stored.into_iter().map(|device| (device.id.clone(), device)).collect();
        let mut by_command: BTreeMap<&str, Vec<&Device>> = BTreeMap::new();
        for device in some {
            let waiting = usize::try_from(stored[&device.id].waiting).unwrap();
            assert_eq!(waiting, device.model.waiting(), "{}: {:?}", device.id, device.life);
            for command in &device.model.commands {
                by_command.entry(&command.uuid).or_default().push(device);
            }
        }
        for (uuid, targets) in by_command {
            let ids: Vec<_> = targets.iter().map(|device| device.id.clone()).collect();
            let commands =
                state.store.commands(scope, &uuid.parse().unwrap(), &ids, state.clock.now()).await.unwrap();
            assert_eq!(commands.len(), targets.len(), "{uuid} was lost");
            for device in targets {
                let known = device.model.commands.iter().find(|known| known.uuid == uuid).unwrap();
                let command = commands.iter().find(|command| command.enrollment == device.id).unwrap();
                let status = command.status_in(stored[&device.id].generation, state.clock.now());
                let expected = known.status(device.model.clock);
                assert_eq!(format!("{status:?}"), expected, "{uuid} on {}: {:?}", device.id, device.life);
            }
        }
    }
}

async fn play(app: &TestApp, tenant: &Tenant, certificate: &X509, lives: Vec<Vec<Step>>) {
    let (state, scope, topic) = (&app.runner.state, scope(tenant), topic(app, tenant).await);
    let begins = |(number, life): (usize, Vec<Step>)| {
        let id: EnrollmentId = format!("D-{number}").parse().unwrap();
        let signer = signer(&scope, certificate, &id.to_string());
        Device { id, signer, model: Model::default(), served: None, life }
    };
    let rounds = lives.iter().map(Vec::len).max().unwrap_or_default();
    let mut devices: Vec<_> = lives.into_iter().enumerate().map(begins).collect();
    each(&mut devices, async |device| device.enroll(state, &topic).await).await;
    for round in 0..rounds {
        order(state, &scope, &mut devices, round).await;
        each(&mut devices, async |device| device.act(state, &scope, &topic, round).await).await;
        pass_seconds(app, i64::from(ROUND));
        devices.iter_mut().for_each(|device| device.model.clock += u32::from(ROUND));
    }
    check(state, &scope, &devices).await;
    each(&mut devices, async |device| device.drain(state).await).await;
    check(state, &scope, &devices).await;
}

#[test]
fn five_hundred_lives_are_as_the_model_says() {
    let runtime = Runtime::new().expect("a runtime");
    let app = runtime.block_on(TestApp::start());
    // Each try at a simpler failure takes as long as the first.
    let config = Config { cases: 1, max_shrink_iters: 16, failure_persistence: None, ..Config::default() };
    let lives = proptest::collection::vec(proptest::collection::vec(step(), 1..9), DEVICES);
    TestRunner::new(config)
        .run(&lives, |lives| {
            runtime.block_on(async {
                let tenant = app.ready_tenant("Green School").await;
                let identity = enrolled(&app, &tenant, "D-first").await.identity().unwrap().clone();
                play(&app, &tenant, &identity.certificate, lives).await;
            });
            Ok(())
        })
        .expect("the server and the model agree");
}
