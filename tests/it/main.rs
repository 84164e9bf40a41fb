//! The integration tests: one binary, one server per test.

mod device_life;
mod local_pages;
mod operator_token;
mod push_certificate;
mod story;
