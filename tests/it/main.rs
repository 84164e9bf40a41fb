//! The integration tests: one binary, one server per test.

mod captures;
mod device_life;
mod devices;
mod operator_token;
mod push_certificate;
