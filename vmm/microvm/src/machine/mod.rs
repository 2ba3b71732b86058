//! A machine: what it is made of, and why there may be none. `core` puts it together, `life` says what may be done with it
//! when, `saving` turns it into bytes and back; `vcpu` and `watch` are its threads, `thread` is what becomes of them; `slots` and `state` speak to KVM.
#[cfg(test)]
mod bare;
#[cfg(test)]
mod code;
mod core;
#[cfg(test)]
mod hostile;
mod life;
mod saving;
mod slots;
mod state;
mod thread;
mod vcpu;
mod watch;

pub use life::{AgentReady, Booted, Configured, Paused, Running, Vm};
pub(crate) use slots::{Noting, attach};
#[cfg(any(test, feature = "testing"))]
pub(crate) use state::read_processor;
pub use vcpu::VcpuError;
pub(crate) use vcpu::prepare;

use crate::{
    bell::Bell, boot::BootError, bytes::Unreadable, config::Config, jail::warden::DialLink,
    kernel::KernelError, memory::MemoryError, snapshot::SnapshotError,
};
use kvm_ioctls::Kvm;
use std::{fs::File, io, os::unix::net::UnixListener, sync::Arc, time::Instant};

/// Everything that a machine is made of, opened.
pub(crate) struct Parts {
    pub(crate) config: Config,
    pub(crate) kvm: Kvm,
    pub(crate) kernel: File,
    pub(crate) initrd: Option<File>,
    pub(crate) disks: Vec<File>,
    pub(crate) log: Option<File>,
    pub(crate) callers: UnixListener,
    pub(crate) dial: Arc<DialLink>,
    /// Rings when the agent knocked, forgot or the guest ended.
    pub(crate) bell: Arc<Bell>,
    /// When the process began, and when it was locked up.
    pub(crate) started: Instant,
    pub(crate) jailed: Instant,
}

/// Why a machine is not there.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// KVM said no.
    #[error("KVM refused: {step}")]
    Kvm {
        /// What was attempted.
        step: &'static str,
        /// What it said.
        #[source]
        source: kvm_ioctls::Error,
    },
    /// No memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// No kernel.
    #[error("cannot boot {}", path.display())]
    Kernel {
        /// The image, or the initramfs.
        path: std::path::PathBuf,
        /// What is wrong with it.
        #[source]
        source: KernelError,
    },
    /// Ours.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// A processor.
    #[error(transparent)]
    Vcpu(#[from] VcpuError),
    /// A snapshot that cannot be restored or written.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A list of system calls that does not compile: ours.
    #[error("cannot make a filter of system calls")]
    Filter(#[source] seccompiler::Error),
    /// Threads, event descriptors, disks.
    #[error("cannot set the machine up: {step}")]
    Setup {
        /// What was attempted.
        step: &'static str,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
}

impl From<Unreadable> for MachineError {
    fn from(error: Unreadable) -> MachineError {
        MachineError::Snapshot(SnapshotError::Damaged(error.to_string()))
    }
}

fn kvm(step: &'static str) -> impl FnOnce(kvm_ioctls::Error) -> MachineError {
    move |source| MachineError::Kvm { step, source }
}

fn setup<E: Into<io::Error>>(step: &'static str) -> impl FnOnce(E) -> MachineError {
    move |error| MachineError::Setup { step, source: error.into() }
}
