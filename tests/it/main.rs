//! The integration tests: one binary, one server per test.

mod push_certificate;
