//! Everything of Pomarium on one machine: AWS's services, Apple's simulators and the functions themselves.

pub mod aws;
pub mod tables;
