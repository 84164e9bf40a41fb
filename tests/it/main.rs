//! The integration tests: one binary, one server per test.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod apns_status;
mod calls;
mod captures;
mod check_in_messages;
mod command_queue;
mod crypto;
mod device_life;
mod devices;
mod errors;
mod idle_cost;
mod layers;
mod live_check;
mod local_pages;
mod openapi;
mod operator_token;
mod profile_signer;
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
