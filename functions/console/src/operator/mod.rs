//! The pages of whoever runs this server.

pub(crate) mod operators;
pub(crate) mod tenants;
