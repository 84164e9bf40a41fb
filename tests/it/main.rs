//! The integration tests: one binary, one server per test.

mod operator_token;
mod push_certificate;
