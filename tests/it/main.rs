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
mod export;
mod idle_cost;
mod input;
mod killed;
mod lambda_events;
mod layers;
mod local_pages;
mod openapi;
mod operator_token;
mod ownership;
mod push;
mod push_certificate;
mod push_certificate_deletion;
mod push_certificate_model;
mod readme;
mod refusals;
mod repository;
mod review;
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
mod vendor;
