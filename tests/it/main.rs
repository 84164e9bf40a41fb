//! The integration tests: one binary, one server per test.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without fails it, in its helpers as well")]

mod audit;
mod aws_proxy;
mod calls;
mod captures;
mod check_in_messages;
mod command_queue;
mod crypto;
mod device_life;
mod devices;
mod documents;
mod errors;
mod expiry;
mod idle_cost;
mod input;
mod key_custody;
mod lambda_events;
mod layers;
mod local_pages;
mod openapi;
mod operator_token;
mod own_request;
mod push;
mod push_certificate;
mod readme;
mod refusals;
mod repository;
mod rights;
mod routes;
mod scep;
mod secrets_in_logs;
mod store_contract;
mod stored;
mod story;
mod template;
mod tenancy;
mod uploads;
mod vendor_certificates;
