//! Apple's MDM wire, pure: what devices send, what they are answered, and the documents they install.
//!
//! [`message::DeviceMessage`] is the way in, [`command::Command`] and [`answer`] are the way out. Every property list
//! from outside passes [`body::parse`], which bounds it before the decoder sees it.

pub mod answer;
pub mod body;
pub mod challenge_page;
pub mod checkin;
pub mod command;
pub mod decode;
pub mod enrollment_profile;
pub mod identity;
pub mod inventory;
pub mod message;
pub mod over_the_air;
pub mod report;

mod binary_bounds;
mod fields;
mod xml_bounds;

#[cfg(test)]
mod captured;
