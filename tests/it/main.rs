//! The integration tests: one binary, one server per test.

mod device_life;
mod operator_token;
mod push_certificate;
