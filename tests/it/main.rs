//! The integration tests: one binary, one server per test.

mod calls;
mod crypto;
mod device_life;
mod errors;
mod layers;
mod openapi;
mod push_certificate;
mod refusals;
mod repository;
mod routes;
mod stored;
mod template;
mod uploads;
mod vendor;
