//! What the lane `clocks` needs: libfaketime, which Debian and Ubuntu have as the package `faketime`. It installs that and
//! nothing else.
use crate::{Fallible, apt};
use std::path::Path;

/// Where Debian puts the library, by architecture.
const LIBRARIES: [&str; 2] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
];

/// How a machine gets what is missing.
const WAY_OUT: &str = "install it with `apt-get install faketime` (Debian, Ubuntu), as root";

/// Installs what is missing.
pub(crate) fn install() -> Fallible<()> {
    if is_there() {
        return Ok(());
    }
    apt::install(&["faketime"]).map_err(|why| format!("{why}: {WAY_OUT}"))?;
    if is_there() { Ok(()) } else { Err(format!("libfaketime is in none of {}", LIBRARIES.join(", "))) }
}

fn is_there() -> bool {
    LIBRARIES.iter().any(|path| Path::new(path).is_file())
}
