//! A machine with all its threads, put together in one place: what comes before what matters.
use super::{
    MachineError, Parts, kvm, setup, slots,
    state::VcpuState,
    thread::Ending,
    vcpu::{FirstRun, Vcpu},
    watch::{Kick, Watch, Watched},
};
use crate::{
    boot,
    bus::{Bus, End},
    control::Stats,
    jail::{
        filters::{Class, Program},
        warden::{Reading, Writing},
    },
    layout,
    lock::lock,
    memory::{self, Memory},
    serial,
    snapshot::format::Origin,
    virtio::{
        Device,
        balloon::Balloon,
        block::Block,
        rng::Rng,
        transport::{Mmio, NOTIFY, Transport},
        vsock::{Knock, Vsock},
    },
};
use kvm_ioctls::{IoEventAddress, VmFd};
use std::{
    fs::File,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};
use vmm_sys_util::eventfd::EventFd;

/// A machine. Fields are dropped in this order: threads first, memory last.
pub(super) struct Core {
    pub(super) vcpus: Vec<Vcpu>,
    pub(super) watch: Watch,
    pub(super) bus: Arc<Bus>,
    vsock: Arc<Mutex<Transport<Vsock>>>,
    balloon: Arc<Mutex<Transport<Balloon>>>,
    pub(super) disks: Vec<Arc<Mutex<Transport<Block>>>>,
    /// The model registers that KVM lists.
    pub(super) registers: Vec<u32>,
    /// The processor of this host.
    pub(super) model: String,
    ending: Ending,
    knock: Knock,
    first: FirstRun,
    ready: Option<Instant>,
    /// The full snapshot that this machine came from.
    pub(super) origin: Option<Origin>,
    /// Pages written since, as far as KVM was asked.
    pub(super) written: Vec<u64>,
    /// How many pages the last snapshot wrote down.
    pub(super) snapshot_pages: u64,
    pub(super) vm: VmFd,
    pub(super) memory: Memory,
    pub(super) parts: Parts,
    /// A machine has this end only: before its first instruction the other was given up.
    pub(super) files: Writing,
}

/// What a machine starts from, besides its parts.
pub(super) struct Beginning {
    pub(super) memory: Memory,
    pub(super) processors: Processors,
    /// The full snapshot behind the memory.
    pub(super) origin: Option<Origin>,
    /// What an earlier life wrote to each disk.
    pub(super) below: Vec<Option<File>>,
}

/// Where processors start.
pub(super) enum Processors {
    /// The first one here; the others when it wakes them.
    Entry(u64),
    /// Each where it stopped.
    States(Vec<VcpuState>),
}

impl Core {
    /// Puts a machine together. Its processors wait for orders, and the warden knows that they may get some: whatever was to
    /// be read was read.
    pub(super) fn assemble(
        mut parts: Parts,
        files: Reading,
        beginning: Beginning,
    ) -> Result<Core, MachineError> {
        let files = files.guest_runs().map_err(setup("the warden hears that the guest runs"))?;
        let Beginning { memory, processors, origin, below } = beginning;
        let seccomp = parts.config.seccomp;
        let program = |class| Program::of(class, seccomp).map_err(MachineError::Filter);
        let vm = parts.kvm.create_vm().map_err(kvm("a machine"))?;
        vm.set_tss_address(layout::TSS).map_err(kvm("the pages that it needs itself"))?;
        vm.create_irq_chip().map_err(kvm("interrupt controllers"))?;
        let noting = if origin.is_some() { slots::Noting::On } else { slots::Noting::Off };
        slots::attach(&vm, &memory, noting).map_err(kvm("memory"))?;

        let wake = Arc::new(event()?);
        let ending = Ending::new(parts.bell.clone());
        let knock = Knock { heard: Arc::new(AtomicBool::new(false)), bell: parts.bell.clone() };
        let mut board = Board { vm: &vm, memory: &memory, devices: Vec::new(), kicks: Vec::new() };
        let ports = parts.config.guest_ports.clone();
        let vsock =
            board.add(Vsock::new(ports, Box::new(parts.dial.clone()), knock.clone(), wake.clone()))?;
        board.add(Rng)?;
        let balloon = board.add(Balloon::default())?;
        let disks = board.add_disks(&parts, below)?;
        let Board { devices, kicks, .. } = board;

        let line = Arc::new(event()?);
        vm.register_irqfd(&line, layout::SERIAL_GSI).map_err(kvm("the interrupt of the serial port"))?;
        let bus = Arc::new(Bus::new(serial::port(line, parts.log.take()), devices));
        let callers = parts.callers.try_clone().map_err(setup("the socket of callers"))?;
        let watched = Watched { kicks, vsock: vsock.clone(), callers, link: parts.dial.clone(), wake };
        let watch = Watch::start(watched, program(Class::Devices)?, ending.clone())
            .map_err(setup("the thread of the devices"))?;

        let first = FirstRun::default();
        let cpuid = boot::cpu::host_cpuid(&parts.kvm).map_err(kvm("what processors can do"))?;
        let registers =
            parts.kvm.get_msr_index_list().map_err(kvm("its model registers"))?.as_slice().to_vec();
        let (count, filter) = (parts.config.vcpus, program(Class::Vcpu)?);
        let processor = |id: u8| {
            let fd = vm.create_vcpu(id.into()).map_err(kvm("a processor"))?;
            boot::cpu::reset(&fd, &boot::cpu::cpuid_of(&cpuid, id, count))
                .map_err(kvm("a processor's first state"))?;
            match &processors {
                Processors::Entry(entry) if id == 0 => {
                    boot::cpu::enter(&fd, *entry).map_err(kvm("the kernel's entry"))?
                }
                Processors::Entry(_) => {}
                Processors::States(states) => {
                    states[usize::from(id)].load(&fd).map_err(kvm("the state of a processor"))?;
                }
            }
            Ok(Vcpu::start(fd, id, bus.clone(), ending.clone(), first.clone(), filter.clone())?)
        };
        let vcpus = (0..count).map(processor).collect::<Result<_, MachineError>>()?;
        let model = boot::cpu::model(&cpuid);
        let written = Vec::new();
        Ok(Core {
            vcpus,
            watch,
            bus,
            vsock,
            balloon,
            disks,
            registers,
            model,
            ending,
            knock,
            first,
            ready: None,
            origin,
            written,
            snapshot_pages: 0,
            vm,
            memory,
            parts,
            files,
        })
    }

    pub(super) fn run(&self) -> Result<(), MachineError> {
        Ok(self.vcpus.iter().try_for_each(Vcpu::run)?)
    }

    pub(super) fn pause(&self) -> Result<(), MachineError> {
        Ok(self.vcpus.iter().try_for_each(Vcpu::pause)?)
    }

    /// Whether the agent knocked, and nothing of an earlier life is left to forget.
    pub(super) fn agent_is_there(&self) -> bool {
        self.knock.heard.load(Ordering::SeqCst) && lock(&self.vsock).device.forgot()
    }

    /// Lets callers through to the agent.
    pub(super) fn open_gate(&mut self) {
        self.ready.get_or_insert_with(Instant::now);
        lock(&self.vsock).device.set_gate(true);
    }

    /// How the guest ended, if it did.
    pub(super) fn ended(&self) -> Option<End> {
        lock(&self.ending.how).clone()
    }

    pub(super) fn ask_for_memory(&self, mib: u32) {
        let mut balloon = lock(&self.balloon);
        balloon.device.ask(mib);
        balloon.config_changed();
    }

    pub(super) fn log(&self) -> String {
        String::from_utf8_lossy(&self.log_bytes()).into_owned()
    }

    pub(super) fn log_bytes(&self) -> Vec<u8> {
        lock(&self.bus.serial).writer().tail()
    }

    pub(super) fn stats(&self) -> Stats {
        let first = *lock(&self.first);
        let since = |from: Option<Instant>, to: Option<Instant>| {
            let span = from.zip(to).map(|(from, to)| to.saturating_duration_since(from));
            span.map_or(0, |span| span.as_micros() as u64)
        };
        let (vsock_connections, vsock_to_guest, vsock_to_host) = lock(&self.vsock).device.counts();
        Stats {
            phase: None,
            memory_mib: memory::size(&self.memory) >> 20,
            vcpus: self.parts.config.vcpus,
            setup_us: since(Some(self.parts.started), first),
            jail_us: since(Some(self.parts.started), Some(self.parts.jailed)),
            ready_us: since(first, self.ready),
            port_exits: self.bus.port_exits.load(Ordering::Relaxed),
            mmio_exits: self.bus.mmio_exits.load(Ordering::Relaxed),
            serial_bytes: lock(&self.bus.serial).writer().total(),
            vsock_connections,
            vsock_to_guest,
            vsock_to_host,
            snapshot_pages: self.snapshot_pages,
            guest_faults: self.faults().iter().sum(),
        }
    }

    /// What each device counted of requests that made no sense.
    pub(super) fn faults(&self) -> Vec<u64> {
        self.bus.devices.iter().map(|device| device.faults()).collect()
    }
}

fn event() -> Result<EventFd, MachineError> {
    EventFd::new(libc::EFD_NONBLOCK | libc::EFD_CLOEXEC).map_err(setup("an event"))
}

/// The virtio devices, as they get their addresses and interrupts.
struct Board<'a> {
    vm: &'a VmFd,
    memory: &'a Memory,
    devices: Vec<Arc<dyn Mmio>>,
    kicks: Vec<Kick>,
}

impl Board<'_> {
    fn add<D: Device + 'static>(&mut self, device: D) -> Result<Arc<Mutex<Transport<D>>>, MachineError> {
        let index = self.devices.len();
        let interrupt = Arc::new(event()?);
        self.vm
            .register_irqfd(&interrupt, layout::virtio_gsi(index))
            .map_err(kvm("the interrupt of a device"))?;
        let transport = Arc::new(Mutex::new(Transport::new(device, self.memory.clone(), interrupt)));
        for queue in 0..D::QUEUES.len() {
            let event = event()?;
            let address = IoEventAddress::Mmio(layout::virtio_base(index) + NOTIFY);
            self.vm.register_ioevent(&event, &address, queue as u32).map_err(kvm("the bell of a queue"))?;
            self.kicks.push(Kick { event, device: transport.clone(), queue });
        }
        self.devices.push(transport.clone());
        Ok(transport)
    }

    fn add_disks(
        &mut self,
        parts: &Parts,
        below: Vec<Option<File>>,
    ) -> Result<Vec<Arc<Mutex<Transport<Block>>>>, MachineError> {
        let mut below = below.into_iter();
        let disk = |(image, disk): (&File, &crate::config::Disk)| {
            let image = image.try_clone().map_err(setup("a disk"))?;
            let mut block = Block::new(image, disk.writable).map_err(setup("a disk"))?;
            if let Some(file) = below.next().flatten() {
                block.on(file);
            }
            self.add(block)
        };
        parts.disks.iter().zip(&parts.config.disks).map(disk).collect()
    }
}

/// How many virtio devices a guest with so many disks has.
pub(super) fn devices(disks: usize) -> usize {
    3 + disks
}
