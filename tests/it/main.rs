//! The integration tests: one binary, one server per test.

mod device_life;
mod push_certificate;
mod story;
