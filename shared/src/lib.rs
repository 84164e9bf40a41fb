//! The common crate of Pomarium: everything the functions share.
//!
//! Layers, lowest first: the typed basics; `protocol` and `pki` (pure); `domain` (pure); `port` and `store` (the
//! world outside); `state`; `service` (one use case per file); `http`. A module uses only what is below it.

pub mod error;
pub mod id;
pub mod secret;
pub mod time;

pub mod pki;
pub mod port;
pub mod protocol;

pub use error::{Error, Kind, Result};
