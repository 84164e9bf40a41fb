//! Everything of Pomarium on one machine: the world outside, simulated.

pub mod apns;
pub mod portal;
