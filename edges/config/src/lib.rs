//! Configuration: defaults, files, environment and flags, in this order; and the home, the one directory where Oxydra
//! keeps what is its own.
//!
//! It reads no environment and finds no directory by itself: its caller hands it [`Sources`], so that a test owns them
//! all. A key that nobody knows is an error that names the key, the place and the nearest known key; a key that this
//! version does not use is accepted with a [`Notice`]. No value of a secret key is ever printed.
mod check;
mod error;
mod home;
mod keys;
mod layer;
mod near;
mod place;
mod registry;
mod selection;
mod settings;
mod sources;

pub use error::{ConfigError, Problem};
pub use home::{Home, HomeError, Workspace};
pub use place::{Notice, Place};
pub use registry::OpenAiServer;
pub use selection::{Provider, Selection};
pub use settings::{Config, Runtime};
pub use sources::Sources;
