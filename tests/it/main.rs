//! The integration tests: one binary, one server per test.

mod layers;
mod push_certificate;
mod repository;
mod template;
