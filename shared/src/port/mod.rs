//! The world outside: what the product asks of other services, behind types of its own.

pub mod apns;
