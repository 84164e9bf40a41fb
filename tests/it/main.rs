//! The integration tests: one binary, one server per test.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod calls;
mod captures;
mod check_in_messages;
mod command_queue;
mod contacts;
mod crypto;
mod device_life;
mod devices;
mod errors;
mod expirations;
mod expiry_scale;
mod idle_cost;
mod layers;
mod local_pages;
mod mails;
mod openapi;
mod operator_token;
mod push;
mod push_certificate;
mod readme;
mod refusals;
mod repository;
mod routes;
mod scep;
mod stored;
mod story;
mod template;
mod uploads;
mod vendor;
