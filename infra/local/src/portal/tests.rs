//! The portal as its users meet it.

mod file;
mod http;
