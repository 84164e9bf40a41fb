//! The integration tests: one binary, one server per test.

mod calls;
mod crypto;
mod device_life;
mod errors;
mod expiry;
mod input;
mod lambda_events;
mod layers;
mod openapi;
mod push_certificate;
mod refusals;
mod repository;
mod routes;
mod stored;
mod template;
mod tenancy;
mod uploads;
mod vendor;
