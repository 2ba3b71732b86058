//! The KVM monitor: one process, one guest. So far it says what a guest is made of and what can be asked of a monitor;
//! it runs nothing yet.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
compile_error!("the monitor speaks to KVM on x86-64 Linux; elsewhere there is the container tier");

pub mod config;
pub mod control;
