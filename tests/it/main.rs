//! The integration tests: one binary, one server per test.

mod captures;
mod check_in_messages;
mod command_queue;
mod device_life;
mod devices;
mod idle_cost;
mod local_pages;
mod operator_token;
mod push;
mod push_certificate;
mod scep;
mod story;
