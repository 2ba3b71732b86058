//! The KVM monitor: one process, one guest. It boots an unmodified distribution kernel and gives it a vsock, disks, entropy
//! and a balloon, and nothing else: no network, no PCI, no file of the host.
//!
//! Nothing links this library but the program `oxydra-vmm` and its tests: whoever wants a guest starts the program and
//! talks to its control socket ([`control`]).
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
compile_error!("the monitor speaks to KVM on x86-64 Linux, and there is none for other systems");

mod bell;
mod boot;
mod bus;
mod bytes;
pub mod config;
pub mod control;
#[cfg(any(test, feature = "testing"))]
pub mod fuzz;
mod jail;
mod kernel;
mod layout;
mod listening;
mod lock;
pub mod machine;
mod memory;
pub mod probe;
pub mod run;
mod serial;
mod snapshot;
mod virtio;

pub use bus::End;
pub use jail::{enter::alone, filters::lists, inspect::inspect};

/// An error with all its causes, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

/// Says that a test did nothing, past the harness, which keeps to itself what a test that passes says; `cargo xtask test`
/// counts it.
#[cfg(test)]
fn skipped(why: &str) {
    use std::io::Write;
    writeln!(std::io::stdout(), "SKIPPED, nothing was tested: {why}").expect("there is a standard output");
}
