//! Makes what a guest boots: an unpacked kernel that a monitor can map, and a first file system in memory with the agent,
//! the modules it loads, and whatever commands should find. It runs no guest, needs no root, and changes nothing outside
//! its cache.
//!
//! What is built is named by everything it was built from, so that the same order twice is a look into the cache.
mod build;
mod cpio;
mod fresh;
mod kernel;
mod modules;
mod packed;
mod room;
mod root;
mod source;
mod tarred;
mod whole;

pub use build::{Image, Recipe, build};
pub use cpio::{Archive, Kind, Node};
pub use kernel::{NoKernel, unpack_kernel};
pub use modules::{MODULES, Modules, Wanted};
pub use root::Root;
pub use source::{Kernel, KernelSource, find_busybox, find_kernel, package};

use std::{io, path::PathBuf};

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// A file could not be read or written.
    #[error("cannot {what} {}: {why}", .place.display())]
    File {
        /// What was attempted.
        what: &'static str,
        /// With which file.
        place: PathBuf,
        /// Why it failed. Said by the error itself, so that it is no cause that would be said again.
        why: io::Error,
    },
    /// A file is no kernel that a guest could boot.
    #[error(
        "{} is no kernel for a guest: {why}; name a bzImage or a vmlinux for x86-64 with `--kernel`, or none for the \
         distribution's",
        .place.display()
    )]
    Kernel {
        /// Which file.
        place: PathBuf,
        /// What is wrong with it.
        why: NoKernel,
    },
    /// A module that the guest cannot do without is not there.
    #[error("the kernel {release} has no module `{name}`, in itself or in {}", .place.display())]
    Module {
        /// Its name.
        name: String,
        /// The kernel's release.
        release: String,
        /// Where it was looked for.
        place: PathBuf,
    },
    /// Something has to be had first.
    #[error("{what}; {remedy}")]
    Missing {
        /// What is not there, and why not.
        what: String,
        /// What to do.
        remedy: &'static str,
    },
}

/// Says what was attempted when a file fails.
pub(crate) fn failed(what: &'static str, place: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> ImageError {
    let place = place.into();
    move |why| ImageError::File { what, place, why }
}
