//! The integration tests: one binary, one server per test.

mod device_life;
mod layers;
mod push_certificate;
mod repository;
mod template;
