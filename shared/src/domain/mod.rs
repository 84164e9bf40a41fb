//! What the product is about: states with data, and transitions as pure functions.

pub mod audit;
pub mod command;
pub mod contact;
pub mod enrollment;
pub mod expiry;
pub mod export_tries;
pub mod identity;
pub mod link;
pub mod ownership;
pub mod push_certificates;
pub mod tenant;
pub mod token;
pub mod wake;
