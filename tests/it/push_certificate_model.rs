//! Any sequence of what people do with push certificates: no enrolled device loses the certificate of its topic, and none
//! finds its topic abandoned, unless somebody typed how many devices that silences.

use std::collections::BTreeMap;

use pomarium_local::portal::Issued;
use pomarium_tests::actors::subject;
use pomarium_tests::{Answer, Tenant, TestApp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};
use shared::domain::push_certificates::PushCertificates;
use shared::pki::key;
use tokio::runtime::Runtime;

use crate::devices::enrolled;
use crate::killed::scope;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Makes a request, or another in place of the first.
    Request,
    /// Apple's *Create* for the pending request.
    Create,
    /// Apple's *Renew* of any certificate so far for the pending request.
    Renew(prop::sample::Index),
    /// Uploads anything that Apple ever returned.
    Upload(prop::sample::Index),
    Discard,
    Activate(Typed),
    RollBack(Typed),
    Enroll,
    /// Half a year goes by.
    Wait,
    /// Deletes everything.
    Delete(Typed),
}

/// What a person types as the number of silenced devices.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Typed {
    Nothing,
    TheNumber,
    AnotherNumber,
}

fn step() -> impl Strategy<Value = Step> {
    let typed = || prop_oneof![Just(Typed::Nothing), Just(Typed::TheNumber), Just(Typed::AnotherNumber)];
    let index = any::<prop::sample::Index>;
    prop_oneof![
        3 => Just(Step::Request),
        2 => Just(Step::Create),
        2 => index().prop_map(Step::Renew),
        5 => index().prop_map(Step::Upload),
        1 => Just(Step::Discard),
        5 => typed().prop_map(Step::Activate),
        2 => typed().prop_map(Step::RollBack),
        2 => Just(Step::Enroll),
        1 => Just(Step::Wait),
        1 => typed().prop_map(Step::Delete),
    ]
}

/// One tenant's case: what Apple returned, and which topic each device listens on.
struct World<'a> {
    app: &'a TestApp,
    tenant: Tenant,
    issued: Vec<Issued>,
    devices: BTreeMap<String, String>,
}

impl World<'_> {
    async fn certificates(&self) -> PushCertificates {
        self.app.runner.state.store.push_certificates(&scope(&self.tenant)).await.unwrap()
    }

    fn listeners(&self, topic: &str) -> usize {
        self.devices.values().filter(|listened| *listened == topic).count()
    }

    /// The body that confirms the silencing of `topic`'s devices, as a person types it.
    fn confirmation(&self, typed: Typed, topic: Option<&str>) -> Value {
        let number = topic.map_or(0, |topic| self.listeners(topic));
        match typed {
            Typed::Nothing => json!({}),
            Typed::TheNumber => json!({"confirm_orphaned": number}),
            Typed::AnotherNumber => json!({"confirm_orphaned": number + 1}),
        }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Request => {
                let request = json!({"subject": subject(), "replace": true});
                self.tenant.post("push-certificate/request", request).await.expect(201);
            }
            Step::Create => {
                let Some(file) = self.file().await else { return };
                self.issued.extend(self.app.runner.portal.issue(&file).ok());
            }
            Step::Renew(which) => {
                let Some(file) = self.file().await.filter(|_| !self.issued.is_empty()) else { return };
                let topic = &which.get(&self.issued).uid;
                self.issued.extend(self.app.runner.portal.renew(topic, &file).ok());
            }
            Step::Upload(which) => {
                if !self.issued.is_empty() {
                    let upload = json!({"certificate": which.get(&self.issued).pem});
                    decided(&self.tenant.post("push-certificate/staged", upload).await);
                }
            }
            Step::Discard => {
                let path = self.tenant.path("push-certificate/staged");
                self.tenant.admin.call(reqwest::Method::DELETE, &path, Vec::new()).await.expect(204);
            }
            Step::Activate(typed) => self.change("activate", typed).await,
            Step::RollBack(typed) => self.change("rollback", typed).await,
            Step::Enroll => {
                let all = self.certificates().await;
                if all.usable(self.app.clock.now()).is_ok() {
                    let udid = format!("D-{}", self.devices.len());
                    enrolled(self.app, &self.tenant, &udid).await;
                    self.devices.insert(udid, all.active().unwrap().certificate.topic.clone());
                }
            }
            Step::Wait => self.app.pass_days(180),
            Step::Delete(typed) => self.delete(typed).await,
        }
    }

    /// Changes the active certificate, and sees to it that nobody's topic was abandoned by mistake.
    async fn change(&self, how: &str, typed: Typed) {
        let topic = |all: &PushCertificates| all.active().map(|active| active.certificate.topic.clone());
        let before = topic(&self.certificates().await);
        let confirmation = self.confirmation(typed, before.as_deref());
        let answer = self.tenant.post(&format!("push-certificate/{how}"), confirmation).await;
        decided(&answer);
        let after = topic(&self.certificates().await);
        if answer.status != 200 {
            assert_eq!(after, before, "a refused {how} changed the topic");
        } else if before != after && before.is_some_and(|topic| self.listeners(&topic) > 0) {
            assert_eq!(typed, Typed::TheNumber, "{how} silenced devices and nobody had said so");
        }
    }

    /// Deletes all, after which every device must enroll again.
    async fn delete(&mut self, typed: Typed) {
        let number = self.devices.len();
        let typed_number = match typed {
            Typed::Nothing => json!({"confirm": "Green School"}),
            Typed::TheNumber => json!({"confirm": "Green School", "confirm_orphaned": number}),
            Typed::AnotherNumber => json!({"confirm": "Green School", "confirm_orphaned": number + 1}),
        };
        let path = self.tenant.path("push-certificate");
        let api = &self.tenant.admin;
        let answer = api.call(reqwest::Method::DELETE, &path, typed_number.to_string().into()).await;
        decided(&answer);
        if answer.status == 200 {
            assert_eq!(typed, Typed::TheNumber, "certificates were deleted and nobody had said so");
            self.devices.clear();
        }
    }

    async fn file(&self) -> Option<String> {
        let file = self.tenant.get("push-certificate/request/file").await;
        (file.status == 200).then(|| file.text())
    }

    /// Every topic that a device listens on has its certificate and the key that fits, and so has what is staged.
    async fn check(&self) -> Result<(), TestCaseError> {
        let all = self.certificates().await;
        let mut needed = Vec::new();
        for topic in self.devices.values() {
            let installed = all.for_topic(topic);
            prop_assert!(installed.is_some(), "the certificate of {topic} is gone");
            needed.extend(installed.map(|installed| (&installed.certificate, &installed.key)));
        }
        needed.extend(all.staged.as_ref().map(|staged| (&staged.certificate, &staged.key)));
        for (certificate, id) in needed {
            let path = format!("{}/push-key/{id}", self.tenant.id);
            let pem = self.app.runner.state.secrets.get(&path).await.unwrap();
            prop_assert!(pem.is_some(), "the key of {} is gone", certificate.topic);
            let private = key::read(pem.unwrap().expose(), None).unwrap();
            prop_assert!(certificate.check_key(&private).is_ok());
        }
        Ok(())
    }
}

/// Whatever is asked is done or refused; nothing fails.
#[track_caller]
fn decided(answer: &Answer) {
    assert!([200, 201, 400, 409].contains(&answer.status), "{}", answer.text());
}

async fn play(app: &TestApp, steps: &[Step]) -> Result<(), TestCaseError> {
    let tenant = app.tenant("Green School").await;
    tenant.create_authority().await;
    let mut world = World { app, tenant, issued: Vec::new(), devices: BTreeMap::new() };
    for step in [Step::Request, Step::Create].iter().chain(steps) {
        world.take(*step).await;
        world.check().await?;
    }
    Ok(())
}

#[test]
fn no_sequence_loses_the_certificate_that_a_device_depends_on() {
    let runtime = Runtime::new().expect("a runtime");
    let app = runtime.block_on(TestApp::start());
    let start = app.clock.now();
    let config = Config { cases: 40, failure_persistence: None, ..Config::default() };
    let steps = proptest::collection::vec(step(), 5..13);
    TestRunner::new(config)
        .run(&steps, |steps| {
            app.clock.set(start);
            runtime.block_on(play(&app, &steps))
        })
        .expect("nothing is lost");
}
