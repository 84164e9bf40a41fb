//! The common crate of Pomarium: everything the functions share.
//!
//! Layers, lowest first: the typed basics; `protocol` and `pki` (pure); `domain` (pure); `port` and `store` (the
//! world outside); `state`; `service` (one use case per file); `http`. A module uses only what is below it.

pub mod aws;
pub mod cache;
pub mod config;
pub mod error;
pub mod id;
pub mod metrics;
pub mod scope;
pub mod secret;
pub mod telemetry;
pub mod time;

pub mod pki;
pub mod protocol;

pub mod domain;

pub mod port;
pub mod store;

pub mod state;

pub mod service;

pub mod http;
pub mod lambda;

#[cfg(test)]
mod scripted;

pub use error::{Error, Kind, Result};
