//! What a warm process remembers, for a stated time.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use crate::error::Result;
use crate::time::{Clock, Timestamp};

/// Values by key, each good for a fixed number of seconds and then read again.
#[derive(Debug)]
pub struct Cache<K, V> {
    entries: Mutex<HashMap<K, (Timestamp, V)>>,
    life_seconds: i64,
    clock: Clock,
}

impl<K: Eq + Hash + Clone, V: Clone> Cache<K, V> {
    /// Most entries kept; at the next one, all are forgotten. A process serves few tenants between two freezes.
    const CAPACITY: usize = 1_000;

    /// An empty cache whose entries live for `life_seconds`.
    pub fn new(life_seconds: i64, clock: Clock) -> Self {
        Self { entries: Mutex::default(), life_seconds, clock }
    }

    /// The remembered value, or what `load` gives. An error is not remembered.
    ///
    /// # Errors
    /// Those of `load`.
    pub async fn get_or_load(&self, key: &K, load: impl Future<Output = Result<V>>) -> Result<V> {
        if let Some(value) = self.get(key) {
            return Ok(value);
        }
        let before = self.clock.now();
        let value = load.await?;
        self.keep(key.clone(), before, value.clone());
        Ok(value)
    }

    /// The remembered value.
    pub fn get(&self, key: &K) -> Option<V> {
        let now = self.clock.now();
        let entries = self.entries();
        let (since, value) = entries.get(key)?;
        // A clock that was set back must not make an entry live for ever.
        (0..self.life_seconds).contains(&(now.as_second() - since.as_second())).then(|| value.clone())
    }

    /// Remembers a value from now on.
    pub fn put(&self, key: K, value: V) {
        self.keep(key, self.clock.now(), value);
    }

    fn keep(&self, key: K, since: Timestamp, value: V) {
        let mut entries = self.entries();
        if entries.len() >= Self::CAPACITY {
            entries.clear();
        }
        entries.insert(key, (since, value));
    }

    /// Forgets a key, because this process has just changed what it stands for.
    pub fn forget(&self, key: &K) {
        self.entries().remove(key);
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, HashMap<K, (Timestamp, V)>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What stays true once it is known, and no more of it than fits: nothing here is ever read again.
#[derive(Debug)]
pub struct Facts<K, V>(Mutex<HashMap<K, V>>);

impl<K: Eq + Hash, V: Clone> Facts<K, V> {
    /// Most facts kept; at the next one, all are forgotten and found out again.
    const CAPACITY: usize = 2_000;

    /// What is known of a key.
    pub fn get(&self, key: &K) -> Option<V> {
        self.facts().get(key).cloned()
    }

    /// Keeps a fact.
    pub fn keep(&self, key: K, value: V) {
        let mut facts = self.facts();
        if facts.len() >= Self::CAPACITY {
            facts.clear();
        }
        facts.insert(key, value);
    }

    fn facts(&self) -> std::sync::MutexGuard<'_, HashMap<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> Default for Facts<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_unix;

    #[tokio::test]
    async fn a_value_lives_for_its_time_and_no_longer() {
        let clock = Clock::fixed(from_unix(1_000));
        let cache = Cache::new(60, clock.clone());
        assert_eq!(cache.get_or_load(&"k", async { Ok(1) }).await.unwrap(), 1);
        clock.set(from_unix(1_059));
        assert_eq!(cache.get_or_load(&"k", async { Ok(2) }).await.unwrap(), 1);
        clock.set(from_unix(1_060));
        assert_eq!(cache.get_or_load(&"k", async { Ok(3) }).await.unwrap(), 3);
        clock.set(from_unix(10));
        assert_eq!(cache.get_or_load(&"k", async { Ok(4) }).await.unwrap(), 4);
        cache.forget(&"k");
        assert_eq!(cache.get_or_load(&"k", async { Ok(5) }).await.unwrap(), 5);
    }

    #[test]
    fn no_more_facts_are_kept_than_fit() {
        let facts = Facts::default();
        for number in 0..Facts::<usize, usize>::CAPACITY {
            facts.keep(number, number + 1);
        }
        assert_eq!(facts.get(&7), Some(8));
        facts.keep(usize::MAX, 0);
        assert_eq!((facts.get(&7), facts.get(&usize::MAX)), (None, Some(0)));
    }
}
