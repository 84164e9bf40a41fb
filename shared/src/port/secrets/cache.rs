//! Secrets that this warm process has read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::secret::Secret;
use crate::time::Timestamp;

/// How long a value serves without being read again, in seconds: so long may a renewed key go unnoticed.
const LIFE: i64 = 300;
/// How many values are kept; the one read longest ago makes place.
const ROOM: usize = 500;

/// Values by path. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Cache(Arc<Mutex<HashMap<String, Entry>>>);

#[derive(Debug)]
struct Entry {
    value: Secret<Vec<u8>>,
    read_at: Timestamp,
}

impl Cache {
    /// The value, if it was read less than [`LIFE`] before `now`.
    pub(super) fn fresh(&self, path: &str, now: Timestamp) -> Option<Secret<Vec<u8>>> {
        let entries = self.entries();
        let entry = entries.get(path)?;
        let age = now.as_second() - entry.read_at.as_second();
        (0..LIFE).contains(&age).then(|| entry.value.clone())
    }

    /// The value, however old.
    pub(super) fn any(&self, path: &str) -> Option<Secret<Vec<u8>>> {
        self.entries().get(path).map(|entry| entry.value.clone())
    }

    /// Keeps a value as read at `now`.
    pub(super) fn keep(&self, path: &str, value: &Secret<Vec<u8>>, now: Timestamp) {
        let mut entries = self.entries();
        if entries.len() >= ROOM && !entries.contains_key(path) {
            let oldest = entries.iter().min_by_key(|(_, entry)| entry.read_at).map(|(path, _)| path.clone());
            if let Some(oldest) = oldest {
                entries.remove(&oldest);
            }
        }
        entries.insert(path.to_owned(), Entry { value: value.clone(), read_at: now });
    }

    /// Drops a value.
    pub(super) fn forget(&self, path: &str) {
        self.entries().remove(path);
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_unix;

    #[test]
    fn the_value_read_longest_ago_makes_place() {
        let cache = Cache::default();
        let value = Secret::new(vec![1]);
        for number in 0..=ROOM {
            cache.keep(&number.to_string(), &value, from_unix(number as i64));
        }
        assert_eq!(cache.any("0"), None);
        assert_eq!(cache.any("1"), Some(value));
        assert_eq!(cache.entries().len(), ROOM);
    }

    #[test]
    fn a_clock_moved_back_does_not_prolong_a_life() {
        let cache = Cache::default();
        cache.keep("a", &Secret::new(vec![1]), from_unix(1_000));
        assert_eq!(cache.fresh("a", from_unix(999)), None);
        assert!(cache.fresh("a", from_unix(1_000)).is_some());
    }
}
