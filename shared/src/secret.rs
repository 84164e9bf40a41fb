//! A value that must not be printed.

use std::fmt;

use openssl::memcmp;
use zeroize::Zeroize;

/// Holds a secret: `Debug` prints `***`, there is no `Display` and no way to serialize it, reading it is explicit and easy to grep
/// for, it is compared in constant time, and its memory is wiped when it goes. Copies that are made of what
/// [`Self::expose`] gives are not.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Wraps a secret value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Do not log what comes out.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<T: Zeroize + AsRef<[u8]>> PartialEq for Secret<T> {
    fn eq(&self, other: &Self) -> bool {
        is_same(&self.0, &other.0)
    }
}

impl<T: Zeroize + AsRef<[u8]>> Eq for Secret<T> {}

/// Whether two secrets, or their hashes, are the same. Nobody learns from the time it takes how much of them is; of lengths they
/// do.
pub fn is_same(left: impl AsRef<[u8]>, right: impl AsRef<[u8]>) -> bool {
    let (left, right) = (left.as_ref(), right.as_ref());
    left.len() == right.len() && memcmp::eq(left, right)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn debug_hides_the_value() {
        assert_eq!(format!("{:?}", Secret::new("hunter2".to_owned())), "***");
    }

    /// Says how often it was wiped.
    #[derive(Clone)]
    struct Witness(Arc<AtomicUsize>);

    impl Zeroize for Witness {
        fn zeroize(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn every_copy_is_wiped_when_it_goes() {
        let wiped = Arc::new(AtomicUsize::new(0));
        let secret = Secret::new(Witness(wiped.clone()));
        let copy = secret.clone();
        assert_eq!(wiped.load(Ordering::Relaxed), 0);
        drop(secret);
        assert_eq!(wiped.load(Ordering::Relaxed), 1);
        drop(Some(copy));
        assert_eq!(wiped.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn only_the_same_bytes_are_the_same() {
        let secret = |text: &str| Secret::new(text.to_owned());
        assert!(secret("abc") == secret("abc") && is_same("", ""));
        for other in ["", "ab", "abd", "abcd", "ABC"] {
            assert!(secret("abc") != secret(other), "{other}");
        }
    }
}
