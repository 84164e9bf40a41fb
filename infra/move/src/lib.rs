//! A tenant moves from one store to another: all that stands there goes into one sealed file, and from it into the other.
//!
//! What a tenant is, is copied as it stands, item by item: nobody has to remember here what a new feature keeps.

mod archive;
mod attributes;
mod dump;
mod export;
mod import;
mod nanomdm;
mod places;
mod record;
mod seal;
mod workshop;

pub use dump::Dump;
pub use export::{Export, SETTLE};
pub use import::{Plan, import, look};
pub use nanomdm::{Adopted, Newcomer, adopt};
pub use places::{Names, Places};
pub use record::Tally;
pub use seal::{Passphrase, SHORTEST};
pub use workshop::Workshop;
