//! Simulated devices that live in the background. They end with the process; their enrollments stay in the store.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use shared::error::{Error, Result};
use shared::port::random::Random;
use shared::time::{Clock, Timestamp};
use tokio::sync::{mpsc, oneshot};

use super::Task;
use crate::apns::ApnsSimulator;
use crate::device::{Answered, DeviceError, SimDevice};

/// How many of its doings a device remembers.
const REMEMBERED: usize = 20;

/// The devices of this process. Clones are the same devices.
#[derive(Clone)]
pub(crate) struct Devices(Arc<Inner>);

struct Inner {
    apns: Arc<ApnsSimulator>,
    clock: Clock,
    random: Random,
    running: Mutex<Vec<Running>>,
}

struct Running {
    diary: Diary,
    orders: mpsc::UnboundedSender<Order>,
    _task: Task,
}

/// What to do, and whom to tell that it is done.
type Order = (Action, oneshot::Sender<()>);

/// What a person does with a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// It goes out of reach; the push service keeps one push for it.
    Sleep,
    /// It is in reach again and looks in at its server.
    Wake,
    /// Its user removes the enrollment.
    CheckOut,
}

/// How a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Condition {
    Awake,
    Asleep,
    CheckedOut,
}

/// A device as it is shown.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Shown {
    pub(crate) udid: String,
    pub(crate) serial: String,
    pub(crate) name: String,
    pub(crate) state: Condition,
    /// What it did, latest first.
    pub(crate) lately: VecDeque<Doing>,
}

/// One thing that a device did.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Doing {
    pub(crate) at: Timestamp,
    pub(crate) what: String,
}

/// A new device.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDevice {
    /// The enrollment link.
    pub(crate) enroll: String,
    #[serde(default)]
    pub(crate) name: String,
    /// The UDID of a device that was here before, to enroll the same one again.
    #[serde(default)]
    pub(crate) udid: String,
}

impl Devices {
    pub(super) fn new(apns: Arc<ApnsSimulator>, clock: Clock, random: Random) -> Self {
        Self(Arc::new(Inner { apns, clock, random, running: Mutex::default() }))
    }

    /// Enrolls a device, and lets it live.
    ///
    /// # Errors
    /// Conflict (`device-enrollment`) with the step at which the device got no further.
    pub(crate) async fn start(&self, new: NewDevice) -> Result<Shown> {
        let Inner { apns, clock, random, .. } = &*self.0;
        let udid = if new.udid.is_empty() { udid(random) } else { new.udid.trim().to_uppercase() };
        let serial = serial(&udid);
        let name = if new.name.is_empty() { format!("iPad {serial}") } else { new.name };
        let mut device = SimDevice::new(&udid, &serial, &name);
        device.enroll(new.enroll.trim(), apns).await.map_err(not_enrolled)?;
        let state = Condition::Awake;
        let diary = Diary {
            clock: clock.clone(),
            shown: Arc::new(Mutex::new(Shown { udid, serial, name, state, lately: VecDeque::new() })),
        };
        diary.note("enrolled");
        let shown = diary.read().clone();
        let (orders, received) = mpsc::unbounded_channel();
        let life = live(device, Arc::clone(apns), diary.clone(), received);
        let mut running = self.running();
        running.retain(|other| other.diary.read().udid != shown.udid);
        running.push(Running { diary, orders, _task: Task(tokio::spawn(life)) });
        Ok(shown)
    }

    /// Every device, latest first.
    pub(crate) fn list(&self) -> Vec<Shown> {
        self.running().iter().rev().map(|device| device.diary.read().clone()).collect()
    }

    /// Makes a device do something, and returns how it is then.
    ///
    /// # Errors
    /// NotFound when no such device runs here; Conflict (`device-checked-out`) when it has left.
    pub(crate) async fn act(&self, udid: &str, action: Action) -> Result<Shown> {
        let (diary, orders) = self
            .running()
            .iter()
            .find(|device| device.diary.read().udid == udid)
            .map(|device| (device.diary.clone(), device.orders.clone()))
            .ok_or_else(|| {
                Error::not_found("simulated device").next(
                    "GET /_local/devices lists them. After a restart, enroll them again with a new link.",
                )
            })?;
        let left = || {
            Error::conflict("device-checked-out", "This device has removed its enrollment.")
                .next("Enroll it again with a new link.")
        };
        let (done, told) = oneshot::channel();
        orders.send((action, done)).map_err(|_| left())?;
        told.await.map_err(|_| left())?;
        Ok(diary.read().clone())
    }

    /// Switches all of them off.
    pub(super) fn stop(&self) {
        self.running().clear();
    }

    fn running(&self) -> MutexGuard<'_, Vec<Running>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A life: wake for pushes, do what a person wants, until the enrollment is removed.
async fn live(
    mut device: SimDevice,
    apns: Arc<ApnsSimulator>,
    diary: Diary,
    mut orders: mpsc::UnboundedReceiver<Order>,
) {
    loop {
        let (action, done) = tokio::select! {
            pushed = device.wait_for_push() => {
                if !pushed {
                    return;
                }
                let looked_in = device.answer_all().await;
                diary.note(&format!("was woken by a push and {}", did(looked_in)));
                continue;
            }
            order = orders.recv() => match order {
                Some(order) => order,
                None => return,
            },
        };
        match action {
            Action::Sleep => {
                apns.sleep(device.push_token());
                diary.change(Condition::Asleep, "went out of reach");
            }
            Action::Wake => {
                apns.wake(device.push_token());
                let looked_in = device.answer_all().await;
                diary.change(Condition::Awake, &format!("came back, looked in and {}", did(looked_in)));
            }
            Action::CheckOut => {
                let outcome = device
                    .check_out()
                    .await
                    .map_or_else(|error| error.to_string(), |()| "told the server".into());
                apns.unregister(device.push_token());
                diary.change(Condition::CheckedOut, &format!("removed its enrollment and {outcome}"));
            }
        }
        // Whoever asked may have gone.
        let _ = done.send(());
        if action == Action::CheckOut {
            return;
        }
    }
}

/// What looking in at the server came to, in words.
fn did(looked_in: Result<Vec<Answered>, DeviceError>) -> String {
    match looked_in {
        Ok(done) if done.is_empty() => "found nothing to do".to_owned(),
        Ok(done) => {
            let answers: Vec<String> =
                done.iter().map(|one| format!("{} ({:?})", one.request_type, one.status)).collect();
            format!("answered {}", answers.join(", "))
        }
        Err(error) => format!("got no further: {error}"),
    }
}

/// What is known of a device. Clones are the same diary.
#[derive(Clone)]
struct Diary {
    clock: Clock,
    shown: Arc<Mutex<Shown>>,
}

impl Diary {
    fn read(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, what: &str) {
        let at = self.clock.now();
        let mut shown = self.read();
        shown.lately.push_front(Doing { at, what: what.to_owned() });
        shown.lately.truncate(REMEMBERED);
    }

    fn change(&self, state: Condition, what: &str) {
        self.read().state = state;
        self.note(what);
    }
}

/// A UDID of today's form.
fn udid(random: &Random) -> String {
    format!("00008120-{}", hex::encode_upper(random.bytes::<8>()))
}

/// The same serial number for the same UDID.
fn serial(udid: &str) -> String {
    let characters: Vec<char> = udid.chars().filter(char::is_ascii_alphanumeric).collect();
    let last = characters.len().saturating_sub(9);
    format!("SIM{}", characters.iter().skip(last).collect::<String>())
}

fn not_enrolled(error: DeviceError) -> Error {
    Error::conflict("device-enrollment", format!("The device could not enroll: {error}."))
        .at("enroll")
        .next("Make a new link with POST /v1/tenants/{tenant}/enrollment-links: each enrolls one device.")
        .because(error)
}
