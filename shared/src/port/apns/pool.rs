//! The slots of the certificates this process pushes with.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::id::Fingerprint;

use super::slot::Slot;

/// How many certificates keep their connection; one more and the least recently used is closed.
const CAPACITY: usize = 256;

/// One slot per certificate, bounded. A slot that leaves the pool lives on until its last push has ended.
#[derive(Default)]
pub(super) struct Pool(Mutex<Slots>);

#[derive(Default)]
struct Slots {
    by_certificate: HashMap<Fingerprint, (Arc<Slot>, u64)>,
    uses: u64,
}

impl Pool {
    /// The certificate's slot, new if it has none.
    pub(super) fn slot(&self, fingerprint: Fingerprint) -> Arc<Slot> {
        // A panic elsewhere cannot leave the map half changed, so a poisoned lock is still good.
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slots.uses += 1;
        let now = slots.uses;
        if !slots.by_certificate.contains_key(&fingerprint) && slots.by_certificate.len() >= CAPACITY {
            let oldest = slots.by_certificate.iter().min_by_key(|(_, (_, used))| *used);
            if let Some(fingerprint) = oldest.map(|(fingerprint, _)| *fingerprint) {
                slots.by_certificate.remove(&fingerprint);
            }
        }
        let (slot, used) = slots.by_certificate.entry(fingerprint).or_default();
        *used = now;
        Arc::clone(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(number: usize) -> Fingerprint {
        Fingerprint::of(&number.to_be_bytes())
    }

    #[test]
    fn a_certificate_has_one_slot() {
        let pool = Pool::default();
        assert!(Arc::ptr_eq(&pool.slot(fingerprint(1)), &pool.slot(fingerprint(1))));
        assert!(!Arc::ptr_eq(&pool.slot(fingerprint(1)), &pool.slot(fingerprint(2))));
    }

    #[test]
    fn a_full_pool_lets_go_of_the_least_recently_used() {
        let pool = Pool::default();
        let slots: Vec<_> = (0..CAPACITY).map(|number| pool.slot(fingerprint(number))).collect();
        pool.slot(fingerprint(0));
        pool.slot(fingerprint(CAPACITY));
        assert!(Arc::ptr_eq(&slots[0], &pool.slot(fingerprint(0))), "used again just before");
        assert!(!Arc::ptr_eq(&slots[1], &pool.slot(fingerprint(1))), "the oldest");
    }
}
