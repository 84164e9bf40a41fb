//! Certificates, keys and signatures, pure: no clock, no network, no store.
