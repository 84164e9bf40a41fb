//! A process that dies while it sends a command, takes it back, approves it or lets a device go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pomarium_tests::{Answer, Api, Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Death, dying};
use crate::devices::{enrollment, uuid_of};
use crate::fleet::{fleet, topic};

/// A tenant that wants a second approval, an administrator besides the first, and a new pair of devices for each death.
struct World {
    app: TestApp,
    tenant: Tenant,
    colleague: String,
    topic: String,
}

/// What is repeated, and by whom.
struct Call {
    method: Method,
    path: String,
    body: Value,
    token: String,
}

impl Call {
    async fn send(&self, address: &str, tenant: &Tenant) -> Answer {
        let api = Api::new(address, Some(&self.token));
        api.call(self.method.clone(), &tenant.path(&self.path), self.body.to_string().into()).await
    }
}

impl World {
    async fn new() -> Self {
        let app = TestApp::start().await;
        let tenant = app.ready_tenant("Green School").await;
        let path = format!("/v1/tenants/{}", tenant.id);
        let setting = json!({"erase_needs_approval": true}).to_string();
        tenant.admin.call(Method::PATCH, &path, setting.into()).await.expect(200);
        let made = tenant.post("tokens", json!({"name": "Kim", "role": "admin"})).await.expect(201);
        let colleague = made.json["token"].as_str().unwrap().to_owned();
        let topic = topic(&app, &tenant).await;
        Self { app, tenant, colleague, topic }
    }

    /// Two devices of their own for each death.
    async fn pair(&self, number: usize) -> [String; 2] {
        let pair = [format!("A-{number}"), format!("B-{number}")];
        fleet(&self.app, &self.tenant, &self.topic, pair.clone(), 0).await;
        pair
    }

    async fn order(&self, pair: &[String; 2], request_type: &str) -> String {
        let order = json!({"targets": pair, "command": {"RequestType": request_type}});
        let sent = self.tenant.post("commands", order).await;
        assert!(sent.status < 300, "{}", sent.text());
        uuid_of(&sent)
    }

    fn call(&self, method: Method, path: String, body: Value) -> Call {
        Call { method, path, body, token: self.tenant.token().to_owned() }
    }

    /// How often an action that names `fact` stands in the audit log.
    async fn written(&self, action: &str, fact: &str) -> usize {
        let page = self.tenant.get(&format!("audit?action={action}")).await.expect(200).json;
        assert!(page["next"].is_null(), "one page is enough");
        let about = |entry: &&Value| entry["facts"].as_object().unwrap().values().any(|value| value == fact);
        page["entries"].as_array().unwrap().iter().filter(about).count()
    }

    /// Where a command stands on both devices, and how many commands wait on each.
    async fn standing(&self, pair: &[String; 2], uuid: &str) -> Vec<(String, u64)> {
        let shown = self.tenant.get(&format!("commands/{uuid}")).await.expect(200).json;
        let mut standing = Vec::new();
        for (device, target) in pair.iter().zip(shown["targets"].as_array().unwrap()) {
            let waiting = enrollment(&self.tenant, device).await["waiting_commands"].as_u64().unwrap();
            standing.push((target["status"].as_str().unwrap_or_default().to_owned(), waiting));
        }
        standing
    }

    /// Plays a call with a death at each of its own calls, before and after it takes effect, and repeats it. `check` is
    /// told where it died.
    async fn dies_everywhere<P>(
        &self,
        prepare: impl AsyncFn(usize) -> (Call, P),
        check: impl AsyncFn(&P, &str),
    ) {
        let mut number = 0;
        for takes_effect in [false, true] {
            for calls in 0.. {
                number += 1;
                let (call, prepared) = prepare(number).await;
                let (left, happened) = (Arc::new(AtomicUsize::new(calls)), Arc::new(AtomicBool::new(false)));
                let address = dying(&self.app, Death::new(&self.app, left, takes_effect, &happened)).await;
                let first = call.send(&address, &self.tenant).await;
                let place = format!("{} died at call {calls}, effect: {takes_effect}", call.path);
                let lived = !happened.load(Ordering::SeqCst);
                let last =
                    if lived { first } else { call.send(self.app.runner.base_url(), &self.tenant).await };
                assert!(last.status < 300, "{place}, then: {}", last.text());
                check(&prepared, &place).await;
                if lived {
                    assert!(calls >= 3, "{place}: it made too few calls to be true");
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_command_that_is_sent_again_is_queued_once() {
    let world = World::new().await;
    let prepare = async |number| {
        let pair = world.pair(number).await;
        let uuid = format!("6B2F1D0A-0000-4000-8000-{number:012}");
        let order =
            json!({"targets": pair, "command": {"RequestType": "RestartDevice"}, "command_uuid": uuid});
        (world.call(Method::POST, "commands".into(), order), (pair, uuid))
    };
    world
        .dies_everywhere(prepare, async |(pair, uuid), place| {
            let queued = ("Pending".to_owned(), 1);
            assert_eq!(world.standing(pair, uuid).await, [queued.clone(), queued], "{place}");
            assert_eq!(world.written("command-sent", uuid).await, 1, "{place}");
        })
        .await;
}

#[tokio::test]
async fn a_command_is_taken_back_everywhere_by_whoever_repeats_it() {
    let world = World::new().await;
    let prepare = async |number| {
        let pair = world.pair(number).await;
        let uuid = world.order(&pair, "RestartDevice").await;
        (world.call(Method::DELETE, format!("commands/{uuid}"), Value::Null), (pair, uuid))
    };
    world
        .dies_everywhere(prepare, async |(pair, uuid), place| {
            let gone = ("Cancelled".to_owned(), 0);
            assert_eq!(world.standing(pair, uuid).await, [gone.clone(), gone], "{place}");
            assert_eq!(world.written("command-cancelled", uuid).await, 1, "{place}");
        })
        .await;
}

#[tokio::test]
async fn an_approved_command_is_queued_once_by_whoever_repeats_the_approval() {
    let world = World::new().await;
    let prepare = async |number| {
        let pair = world.pair(number).await;
        let uuid = world.order(&pair, "EraseDevice").await;
        let approve = world.call(Method::POST, format!("commands/{uuid}/approve"), json!({}));
        (Call { token: world.colleague.clone(), ..approve }, (pair, uuid))
    };
    world
        .dies_everywhere(prepare, async |(pair, uuid), place| {
            let queued = ("Pending".to_owned(), 1);
            assert_eq!(world.standing(pair, uuid).await, [queued.clone(), queued], "{place}");
            assert_eq!(world.written("command-approved", uuid).await, 1, "{place}");
        })
        .await;
}

#[tokio::test]
async fn an_unenrollment_is_whole_or_not_at_all() {
    let world = World::new().await;
    let prepare = async |number| {
        let [device, _] = world.pair(number).await;
        let path = format!("enrollments/{device}/unenroll");
        (world.call(Method::POST, path, json!({"reason": "Sold."})), device)
    };
    world
        .dies_everywhere(prepare, async |device, place| {
            assert_eq!(enrollment(&world.tenant, device).await["state"], "unenrolling", "{place}");
            assert_eq!(world.written("device-dismissed", device).await, 1, "{place}");
        })
        .await;
}
