//! Everything of Pomarium on one machine: AWS's services, Apple's simulators and the functions themselves.

pub mod apns;
pub mod aws;
pub mod device;
pub mod ndes;
pub(crate) mod pages;
pub mod portal;
pub mod runner;
pub mod tables;
