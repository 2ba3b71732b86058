//! Configuration: defaults, files, environment and flags, in this order; and the home, the one directory where Oxydra
//! keeps what is its own.
//!
//! It reads no environment and finds no directory by itself: its caller hands it [`Sources`], so that a test owns them
//! all. A key that nobody knows is an error that names the key, the place and the nearest known key; a key that this
//! version does not use is accepted with a [`Notice`]. No value of a secret key is ever printed.
//!
//! - [`Config::load`] reads all of it; everything that is wrong is said at once.
//! - [`Server`] is an entry of the registry, resolved; [`Selection`] says which model answers.
//! - [`standing`] says whether a home may be trusted; [`schema`] and [`described`] say what there is to set.
//! - [`Home`] is the directory.
mod api;
mod check;
mod credential;
mod error;
mod home;
mod keys;
mod layer;
mod load;
mod migrate;
mod near;
mod place;
mod plain;
mod registry;
mod reliability;
mod schema;
mod selection;
mod server;
mod settings;
mod shown;
mod sources;
mod thinking;
mod trust;
mod user;
mod written;

pub use api::Api;
pub use error::{ConfigError, Problem};
pub use home::{Home, HomeError, Workspace};
pub use keys::FileKind;
pub use load::Loaded;
pub use migrate::{MigrateError, Migration};
pub use near::nearest_of;
pub use place::{Notice, Place};
pub use plain::{plain_bytes, plain_text};
pub use reliability::Reliability;
pub use schema::schema;
pub use selection::{Provider, Selection};
pub use server::{Caps, Server, Timeouts};
pub use settings::{CatalogRules, Config, Runtime};
pub use shown::{Described, Shown, described};
pub use sources::Sources;
pub use trust::{Brought, Fingerprint, Ledger, LedgerError, Standing, begin, brought, fingerprint, standing};
