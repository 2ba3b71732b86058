//! The life of a machine, as types: what cannot be done now cannot be written.
//!
//! ```text
//! Vm<Configured> ── boot ──> Vm<Booted> ── agent_ready ──> Vm<AgentReady>
//!        └────── restore ──> Vm<Paused> <── pause ── Vm<Booted>, Vm<AgentReady>
//!                            Vm<Paused> ── resume ──> Running, snapshot
//! ```
//! Only a machine whose agent listens lets callers through, and only a paused one can be written down:
//!
//! ```compile_fail,E0599
//! fn snapshot_of_a_running_machine(vm: microvm::machine::Vm<microvm::machine::AgentReady>) {
//!     vm.snapshot(&"golden".parse().unwrap(), microvm::control::Extent::Full);
//! }
//! ```
//! ```compile_fail,E0382
//! fn a_machine_is_paused_once(vm: microvm::machine::Vm<microvm::machine::Booted>) {
//!     let paused = vm.pause();
//!     vm.stats();
//! }
//! ```
use super::{
    MachineError, Parts,
    core::{Beginning, Core, Processors, devices},
    saving,
};
use crate::{
    boot,
    bus::End,
    config::SnapshotName,
    control::{Extent, Stats},
    jail::warden::Reading,
    kernel, memory,
};

/// A machine at one point of its life.
pub struct Vm<S> {
    held: S,
}

/// It can be booted, or restored.
pub struct Configured {
    parts: Parts,
    files: Reading,
}

/// Its kernel runs.
pub struct Booted {
    core: Core,
}

/// Its agent listens.
pub struct AgentReady {
    core: Core,
}

/// No instruction of it runs.
pub struct Paused {
    core: Core,
    agent: bool,
}

/// A machine that runs, whichever it is.
pub enum Running {
    /// Without its agent.
    Booted(Vm<Booted>),
    /// With it.
    AgentReady(Vm<AgentReady>),
}

/// What any machine with a core can be asked.
pub trait Held {
    #[doc(hidden)]
    #[expect(private_interfaces, reason = "only this module has a core")]
    fn core(&self) -> &Core;
}

#[expect(private_interfaces, reason = "only this module has a core")]
impl Held for Booted {
    fn core(&self) -> &Core {
        &self.core
    }
}

#[expect(private_interfaces, reason = "only this module has a core")]
impl Held for AgentReady {
    fn core(&self) -> &Core {
        &self.core
    }
}

#[expect(private_interfaces, reason = "only this module has a core")]
impl Held for Paused {
    fn core(&self) -> &Core {
        &self.core
    }
}

impl Vm<Configured> {
    pub(crate) fn new(parts: Parts, files: Reading) -> Vm<Configured> {
        Vm { held: Configured { parts, files } }
    }

    /// Boots the configured kernel. After an error nothing is left: start another monitor.
    pub fn boot(self) -> Result<Vm<Booted>, MachineError> {
        let Configured { parts, files } = self.held;
        let config = &parts.config;
        let memory = memory::fresh(config.memory_mib << 20)?;
        let image = |path: &std::path::Path| {
            let path = path.to_owned();
            move |source| MachineError::Kernel { path, source }
        };
        let loaded = kernel::load(&memory, &parts.kernel).map_err(image(&config.kernel))?;
        let initrd = match (&parts.initrd, &config.initrd) {
            (Some(file), Some(path)) => {
                Some(kernel::load_initrd(&memory, file, loaded.end).map_err(image(path))?)
            }
            (Some(_) | None, _) => None,
        };
        boot::params(&memory, &loaded, initrd, &config.cmdline)?;
        boot::acpi::write(&memory, config.vcpus, devices(config.disks.len()))?;
        boot::cpu::tables(&memory)?;
        let below = Vec::new();
        let core = Core::assemble(
            parts,
            files,
            Beginning { memory, processors: Processors::Entry(loaded.entry), origin: None, below },
        )?;
        core.run()?;
        Ok(Vm { held: Booted { core } })
    }

    /// Whether a snapshot is there, whole, and of this very guest.
    pub fn fits(&self, name: &SnapshotName) -> Result<(), MachineError> {
        saving::fits(&self.held.parts, &self.held.files, name)
    }

    /// Removes a snapshot that does not fit any more, if there is one.
    pub fn remove(&self, name: &SnapshotName) -> Result<(), MachineError> {
        saving::remove(&self.held.files, name)
    }

    /// Brings a snapshot back. Its memory is mapped, not read.
    pub fn restore(self, name: &SnapshotName) -> Result<Vm<Paused>, MachineError> {
        let core = saving::restored(self.held.parts, self.held.files, name)?;
        // The agent counts as there once its guest has forgotten the conversations of its earlier life.
        Ok(Vm { held: Paused { core, agent: false } })
    }
}

impl<S: Held> Vm<S> {
    /// Counts.
    pub fn stats(&self) -> Stats {
        self.held.core().stats()
    }

    /// What each device counted of requests that made no sense.
    #[cfg(test)]
    pub(super) fn faults(&self) -> Vec<u64> {
        self.held.core().faults()
    }

    /// The tail of the serial log.
    pub fn log(&self) -> String {
        self.held.core().log()
    }

    /// The same, byte for byte.
    #[cfg(test)]
    pub(super) fn log_bytes(&self) -> Vec<u8> {
        self.held.core().log_bytes()
    }

    /// How the guest ended, if it did.
    pub fn ended(&self) -> Option<End> {
        self.held.core().ended()
    }

    /// Asks the guest to give memory back.
    pub fn balloon(&self, mib: u32) {
        self.held.core().ask_for_memory(mib);
    }
}

impl Vm<Booted> {
    /// Becomes a machine with an agent, if the agent has knocked.
    pub fn agent_ready(mut self) -> Running {
        if !self.held.core.agent_is_there() {
            return Running::Booted(self);
        }
        self.held.core.open_gate();
        Running::AgentReady(Vm { held: AgentReady { core: self.held.core } })
    }

    /// Stops the guest between two instructions.
    pub fn pause(self) -> Result<Vm<Paused>, MachineError> {
        self.held.core.pause()?;
        Ok(Vm { held: Paused { core: self.held.core, agent: false } })
    }
}

impl Vm<AgentReady> {
    /// Stops the guest between two instructions.
    pub fn pause(self) -> Result<Vm<Paused>, MachineError> {
        self.held.core.pause()?;
        Ok(Vm { held: Paused { core: self.held.core, agent: true } })
    }
}

impl Vm<Paused> {
    /// Lets the guest go on.
    pub fn resume(self) -> Result<Running, MachineError> {
        self.held.core.run()?;
        let core = self.held.core;
        Ok(match self.held.agent {
            true => Running::AgentReady(Vm { held: AgentReady { core } }),
            false => Running::Booted(Vm { held: Booted { core } }),
        })
    }

    /// Writes the machine down. What it says is complete and on disk when this returns.
    pub fn snapshot(&mut self, name: &SnapshotName, extent: Extent) -> Result<(), MachineError> {
        saving::save(&mut self.held.core, name, extent)
    }
}
