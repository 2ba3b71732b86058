//! Workspace paths, resolved beneath their root by the kernel (`openat2`), and what the file tools do with them. Nothing
//! here compares paths as text to decide what is inside: a symlink that stays inside is followed, one that leaves is
//! refused, and what is swapped between a check and its use is caught because there is no such gap.
//!
//! All of it blocks: callers run it where blocking is allowed.
mod address;
mod draft;
mod error;
mod fingerprint;
mod list;
mod remove;
mod root;
mod walk;

pub use address::{Mount, VirtualPath};
pub use draft::Draft;
pub use error::FileError;
pub use fingerprint::{ABSENT, fingerprint_of};
pub use list::{Entry, Kind, Listing};
pub use root::Workspace;
pub use walk::{Visit, Walked};

#[cfg(test)]
mod tests;
