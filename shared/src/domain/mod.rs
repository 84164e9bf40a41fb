//! What the product is about: states with data, and transitions as pure functions.

pub mod audit;
pub mod command;
pub mod contact;
pub mod enrollment;
pub mod expiry;
pub mod identity;
pub mod link;
pub mod push_certificates;
pub mod tenant;
pub mod token;
pub mod vendor_certificates;
pub mod wake;
