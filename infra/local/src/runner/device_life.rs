//! How a simulated device lives, and the diary it keeps.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use shared::time::{Clock, Timestamp};
use tokio::sync::{mpsc, oneshot};

use crate::apns::ApnsSimulator;
use crate::device::{Answered, DeviceError, SimDevice};

/// How many of its doings a device remembers.
const REMEMBERED: usize = 20;

/// What to do, and whom to tell that it is done.
pub(super) type Order = (Action, oneshot::Sender<()>);

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

/// A life: wake for pushes, do what a person wants, until the enrollment is removed.
pub(super) async fn live(
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
                let must_go = is_unenrolled(&looked_in);
                diary.note(&format!("was woken by a push and {}", did(looked_in)));
                if must_go {
                    leave(&device, &apns, &diary).await;
                    return;
                }
                continue;
            }
            order = orders.recv() => match order {
                Some(order) => order,
                None => return,
            },
        };
        let mut is_over = false;
        match action {
            Action::Sleep => {
                apns.sleep(device.push_token());
                diary.change(Condition::Asleep, "went out of reach");
            }
            Action::Wake => {
                apns.wake(device.push_token());
                let looked_in = device.answer_all().await;
                is_over = is_unenrolled(&looked_in);
                diary.change(Condition::Awake, &format!("came back, looked in and {}", did(looked_in)));
            }
            Action::CheckOut => is_over = true,
        }
        if is_over {
            leave(&device, &apns, &diary).await;
        }
        // Whoever asked may have gone.
        let _ = done.send(());
        if is_over {
            return;
        }
    }
}

/// Removes the enrollment, and says so once.
async fn leave(device: &SimDevice, apns: &ApnsSimulator, diary: &Diary) {
    let outcome =
        device.check_out().await.map_or_else(|error| error.to_string(), |()| "told the server".into());
    apns.unregister(device.push_token());
    diary.change(Condition::CheckedOut, &format!("removed its enrollment and {outcome}"));
}

fn is_unenrolled(looked_in: &Result<Vec<Answered>, DeviceError>) -> bool {
    matches!(looked_in, Err(DeviceError::Unenrolled { .. }))
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
pub(super) struct Diary {
    clock: Clock,
    shown: Arc<Mutex<Shown>>,
}

impl Diary {
    /// A diary whose first line is the enrollment.
    pub(super) fn begin(clock: Clock, udid: String, serial: String, name: String) -> Self {
        let shown = Shown { udid, serial, name, state: Condition::Awake, lately: VecDeque::new() };
        let diary = Self { clock, shown: Arc::new(Mutex::new(shown)) };
        diary.note("enrolled");
        diary
    }

    /// The device as it is now.
    pub(super) fn read(&self) -> MutexGuard<'_, Shown> {
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
