//! Simulated devices that live in the background. They end with the process; their enrollments stay in the store.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use openssl::x509::X509;
use serde::Deserialize;
use shared::error::{Error, Result};
use shared::port::random::Random;
use shared::time::Clock;
use tokio::sync::{mpsc, oneshot};

use super::Task;
use super::device_life::{Action, Diary, Order, Shown, live};
use crate::apns::ApnsSimulator;
use crate::device::{DeviceError, Factory, SimDevice};

/// The devices of this process. Clones are the same devices.
#[derive(Clone)]
pub(crate) struct Devices(Arc<Inner>);

struct Inner {
    apns: Arc<ApnsSimulator>,
    factory: Arc<Factory>,
    clock: Clock,
    random: Random,
    root: X509,
    running: Mutex<Vec<Running>>,
}

struct Running {
    diary: Diary,
    orders: mpsc::UnboundedSender<Order>,
    _task: Task,
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
    /// Devices that accept certificates of `root` from servers.
    pub(super) fn new(
        apns: Arc<ApnsSimulator>,
        factory: Arc<Factory>,
        root: X509,
        clock: Clock,
        random: Random,
    ) -> Self {
        Self(Arc::new(Inner { apns, factory, clock, random, root, running: Mutex::default() }))
    }

    /// Enrolls a device, and lets it live.
    ///
    /// # Errors
    /// Conflict (`device-enrollment`) with the step at which the device got no further.
    pub(crate) async fn start(&self, new: NewDevice) -> Result<Shown> {
        let Inner { apns, factory, clock, random, root, .. } = &*self.0;
        let udid = if new.udid.is_empty() { udid(random) } else { new.udid.trim().to_uppercase() };
        let serial = serial(&udid);
        let name = if new.name.is_empty() { format!("iPad {serial}") } else { new.name };
        let device = SimDevice::new(&udid, &serial, &name).trusting(root);
        let mut device = device.made_by(factory).map_err(Error::internal)?;
        device.enroll(new.enroll.trim(), apns).await.map_err(not_enrolled)?;
        let diary = Diary::begin(clock.clone(), udid, serial, name);
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
