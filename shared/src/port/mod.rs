//! The world outside, other than the store: concrete types over real AWS clients, and Apple's push service.
//!
//! There is one implementation of each. On one machine and in the tests only the endpoint differs.

pub mod apns;
pub mod blob;
pub mod dead_letters;
pub mod event_bus;
pub mod mailer;
pub mod outbound;
pub mod own_address;
pub mod queue;
pub mod random;
pub mod secrets;
pub mod server_certificate;
pub mod trust_store;
