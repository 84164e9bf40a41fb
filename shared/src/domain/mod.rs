//! What the product is about: states with data, and transitions as pure functions.

pub mod apns_status;
pub mod audit;
pub mod calendar;
pub mod command;
pub mod contact;
pub mod credential;
pub mod enrollment;
pub mod expiry;
pub mod expiry_mail;
pub mod expiry_words;
pub mod export_tries;
pub mod identity;
pub mod link;
pub mod link_challenge;
pub mod link_terms;
pub mod ownership;
pub mod profile_signer;
pub mod push_certificates;
pub mod push_verdict;
pub mod server_address;
pub mod snooze;
pub mod tenant;
pub mod token;
pub mod vendor_certificates;
pub mod wake;
