//! The devices that the simulated push service can reach.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use shared::time::Timestamp;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Every device by its push token in lower-case hex.
#[derive(Default)]
pub(super) struct Devices(Mutex<BTreeMap<String, Device>>);

struct Device {
    topic: String,
    magic: String,
    wake_ups: UnboundedSender<()>,
    asleep: bool,
    /// The end of life of the one push kept for a sleeping device. Whether its magic was right is known already.
    kept_until: Option<Timestamp>,
    gone_since: Option<Timestamp>,
}

/// A device's end of the push service.
pub struct WakeUps(UnboundedReceiver<()>);

impl WakeUps {
    /// Waits for the next wake-up; `None` once the device is registered anew or the simulator is gone.
    pub async fn next(&mut self) -> Option<()> {
        self.0.recv().await
    }

    /// How many wake-ups wait to be taken.
    pub fn waiting(&self) -> usize {
        self.0.len()
    }
}

/// A push as the devices see it.
pub(super) struct Delivery<'a> {
    pub(super) token: &'a str,
    pub(super) topic: &'a str,
    pub(super) magic: &'a str,
    /// Without one, nothing is kept for a sleeping device.
    pub(super) expires_at: Option<Timestamp>,
    pub(super) now: Timestamp,
}

/// Why a push cannot be delivered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Undeliverable {
    /// No device ever had this token.
    Unknown,
    /// The device has it for another topic.
    OtherTopic,
    /// The device left.
    Gone(Timestamp),
}

impl Devices {
    /// A device that just got this token; it is awake.
    pub(super) fn register(&self, token: &[u8], topic: &str, magic: &str) -> WakeUps {
        let (wake_ups, receiver) = unbounded_channel();
        let device = Device {
            topic: topic.to_owned(),
            magic: magic.to_owned(),
            wake_ups,
            asleep: false,
            kept_until: None,
            gone_since: None,
        };
        self.lock().insert(hex::encode(token), device);
        WakeUps(receiver)
    }

    /// The device removes its enrollment at `now`; its token is dead from then on.
    pub(super) fn unregister(&self, token: &[u8], now: Timestamp) {
        if let Some(device) = self.lock().get_mut(&hex::encode(token)) {
            device.gone_since = Some(now);
        }
    }

    /// The device goes out of reach.
    pub(super) fn sleep(&self, token: &[u8]) {
        if let Some(device) = self.lock().get_mut(&hex::encode(token)) {
            device.asleep = true;
        }
    }

    /// The device is back in reach and gets the push kept for it, unless that has expired.
    pub(super) fn wake(&self, token: &[u8], now: Timestamp) {
        if let Some(device) = self.lock().get_mut(&hex::encode(token)) {
            device.asleep = false;
            if device.kept_until.take().is_some_and(|until| now < until) {
                device.wake_up();
            }
        }
    }

    /// Delivers a push, or keeps it instead of an older one while the device sleeps. A wrong magic is accepted like
    /// any other: it is the device that ignores it.
    pub(super) fn deliver(&self, push: &Delivery<'_>) -> Result<(), Undeliverable> {
        let mut devices = self.lock();
        let device = devices.get_mut(push.token).ok_or(Undeliverable::Unknown)?;
        if device.topic != push.topic {
            return Err(Undeliverable::OtherTopic);
        }
        if let Some(since) = device.gone_since {
            return Err(Undeliverable::Gone(since));
        }
        let heeded = device.magic == push.magic;
        if device.asleep {
            device.kept_until = push.expires_at.filter(|until| heeded && push.now < *until);
        } else if heeded {
            device.wake_up();
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Device>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Device {
    fn wake_up(&self) {
        // A device that stopped listening is a device that is switched off.
        let _ = self.wake_ups.send(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::time::from_unix;

    const TOKEN: &[u8] = &[0xaa, 0x01];

    fn push(magic: &str, expires_at: Option<i64>, now: i64) -> Delivery<'_> {
        let expires_at = expires_at.map(from_unix);
        Delivery { token: "aa01", topic: "topic", magic, expires_at, now: from_unix(now) }
    }

    #[test]
    fn an_awake_device_wakes_for_its_magic_only() {
        let devices = Devices::default();
        let wake_ups = devices.register(TOKEN, "topic", "magic");
        assert_eq!(devices.deliver(&push("magic", None, 0)), Ok(()));
        assert_eq!(devices.deliver(&push("other", None, 0)), Ok(()));
        assert_eq!(wake_ups.waiting(), 1);
    }

    #[test]
    fn a_sleeping_device_finds_one_push_that_has_not_expired() {
        let devices = Devices::default();
        let wake_ups = devices.register(TOKEN, "topic", "magic");
        for (expires_at, woken_at, expected) in
            [(Some(100), 50, 1), (Some(100), 100, 1), (Some(10), 20, 1), (None, 20, 1), (Some(100), 99, 2)]
        {
            devices.sleep(TOKEN);
            for _ in 0..3 {
                devices.deliver(&push("magic", expires_at, 10)).unwrap();
            }
            devices.wake(TOKEN, from_unix(woken_at));
            assert_eq!(wake_ups.waiting(), expected, "{expires_at:?} {woken_at}");
        }
    }

    #[test]
    fn only_the_latest_push_is_kept() {
        let devices = Devices::default();
        let wake_ups = devices.register(TOKEN, "topic", "magic");
        devices.sleep(TOKEN);
        devices.deliver(&push("magic", Some(100), 10)).unwrap();
        devices.deliver(&push("other", Some(100), 10)).unwrap();
        devices.wake(TOKEN, from_unix(20));
        assert_eq!(wake_ups.waiting(), 0, "the push with the wrong magic took the other's place");
    }

    #[test]
    fn foreign_and_dead_tokens_are_told_apart() {
        let devices = Devices::default();
        assert_eq!(devices.deliver(&push("magic", None, 0)), Err(Undeliverable::Unknown));
        let _wake_ups = devices.register(TOKEN, "other topic", "magic");
        assert_eq!(devices.deliver(&push("magic", None, 0)), Err(Undeliverable::OtherTopic));
        let _wake_ups = devices.register(TOKEN, "topic", "magic");
        devices.unregister(TOKEN, from_unix(5));
        assert_eq!(devices.deliver(&push("magic", None, 0)), Err(Undeliverable::Gone(from_unix(5))));
    }
}
