//! A machine turned into a snapshot, and back. The processors are stopped and the devices held while it is written; a
//! restored machine is told that its conversations are gone before anybody may call its agent.
use super::{
    MachineError, Parts,
    core::{Beginning, Core, Processors},
    kvm, slots,
    state::VcpuState,
};
use crate::{
    boot,
    bytes::{Reader, Writer},
    config::{Config, Disk, SnapshotName},
    control::Extent,
    jail::warden::{Part, Reading},
    lock::lock,
    memory, serial,
    snapshot::{
        SnapshotError,
        format::{self, Identity, Kind, Mark, Origin},
        pages::{self, Changed},
    },
    virtio::block::layer_bytes,
};
use kvm_bindings::{
    KVM_IRQCHIP_IOAPIC, KVM_IRQCHIP_PIC_MASTER, KVM_IRQCHIP_PIC_SLAVE, kvm_clock_data, kvm_irqchip,
};
use std::{fs::File, io, os::unix::fs::MetadataExt};

const CHIPS: [u32; 3] = [KVM_IRQCHIP_PIC_MASTER, KVM_IRQCHIP_PIC_SLAVE, KVM_IRQCHIP_IOAPIC];

/// Writes a paused machine down.
pub(super) fn save(core: &mut Core, name: &SnapshotName, extent: Extent) -> Result<(), MachineError> {
    let kind = match extent {
        Extent::Full => Kind::Whole(Mark::fresh().map_err(file("mark", name))?),
        Extent::Difference => Kind::Difference(core.origin.clone().ok_or(SnapshotError::NoOrigin)?),
    };
    core.files.begin(name).map_err(file("begin", name))?;
    let written = write_parts(core, name, &kind);
    if written.is_err() {
        // The first error is the one that matters.
        let _ = core.files.forget();
    }
    written
}

fn write_parts(core: &mut Core, name: &SnapshotName, kind: &Kind) -> Result<(), MachineError> {
    let files = &core.files;
    let made = |part| files.make(part).map_err(file("make a file of", name));
    let (state, pages_file) = (made(Part::State)?, made(Part::Memory)?);
    let disks = (0..).zip(&core.disks).filter(|(_, disk)| lock(disk).device.written());
    let disks: Vec<_> = disks
        .map(|(index, disk)| Ok((disk, made(Part::Disk(index))?)))
        .collect::<Result<_, SnapshotError>>()?;
    let mut written = std::mem::take(&mut core.written);
    // All of it while no device works: a queue whose memory is older or newer than its registers never moves again.
    let saved = core.watch.quiet(|| {
        let machine = machine(core)?;
        for (disk, to) in &disks {
            lock(disk).device.write_down(to).map_err(file("write a disk of", name))?;
        }
        let pages = match kind {
            Kind::Whole(_) => pages::write_all(&core.memory, &pages_file),
            Kind::Difference(_) => {
                let news = slots::written(&core.vm, &core.memory).map_err(kvm("what the guest wrote"))?;
                written.resize(news.len(), 0);
                written.iter_mut().zip(news).for_each(|(all, news)| *all |= news);
                pages::write_changed(&core.memory, &written, &pages_file)
            }
        };
        Ok::<_, MachineError>((machine, pages.map_err(file("write the memory of", name))?))
    });
    core.written = written;
    let (machine, pages) = saved?;
    let sealed = format::sealed(
        &identity(&core.parts, &core.model).map_err(file("look at the kernel of", name))?,
        kind,
        &machine,
    )?;
    io::Write::write_all(&mut &state, &sealed).map_err(file("write the state of", name))?;
    for to in [&state, &pages_file].into_iter().chain(disks.iter().map(|(_, to)| to)) {
        to.sync_all().map_err(file("keep", name))?;
    }
    core.files.finish().map_err(file("finish", name))?;
    core.snapshot_pages = pages;
    Ok(())
}

fn file(step: &'static str, name: &SnapshotName) -> impl FnOnce(io::Error) -> SnapshotError {
    let name = name.to_string();
    move |source| SnapshotError::File { step, name, source }
}

/// What a snapshot of these parts must agree with.
fn identity(parts: &Parts, model: &str) -> io::Result<Identity> {
    let config = &parts.config;
    Ok(Identity {
        kernel: which(&parts.kernel)?,
        agent: config.agent.clone(),
        model: model.to_owned(),
        monitor: env!("CARGO_PKG_VERSION").to_owned(),
        shape: shape(config, &parts.disks)?,
    })
}

/// An image is told by its length and its time: images lie in a cache and are never changed, and reading one to be surer
/// would cost more than the restore.
fn which(image: &File) -> io::Result<String> {
    let facts = image.metadata()?;
    Ok(format!("{} bytes of {}.{:09}", facts.len(), facts.mtime(), facts.mtime_nsec()))
}

fn shape(config: &Config, images: &[File]) -> io::Result<String> {
    let mut shape = format!("{} MiB, {} processors", config.memory_mib, config.vcpus);
    for (disk, image) in config.disks.iter().zip(images) {
        shape +=
            &format!(", {} disk: {}", if disk.writable { "writable" } else { "read-only" }, which(image)?);
    }
    Ok(shape)
}

/// Everything but memory and disks.
fn machine(core: &Core) -> Result<Vec<u8>, MachineError> {
    let mut writer = Writer::default();
    for vcpu in &core.vcpus {
        let mut state = Writer::default();
        vcpu.save(core.registers.clone())?.write(&mut state);
        writer.bytes(&state.done());
    }
    for id in CHIPS {
        let mut chip = kvm_irqchip { chip_id: id, ..Default::default() };
        core.vm.get_irqchip(&mut chip).map_err(kvm("the state of interrupt controllers"))?;
        writer.put(&chip);
    }
    let clock = core.vm.get_clock().map_err(kvm("its clock"))?;
    writer.put(&clock).put(&serial::save(&lock(&core.bus.serial)));
    for device in &core.bus.devices {
        writer.bytes(&device.save());
    }
    Ok(writer.done())
}

/// Whether a snapshot is there, whole, and of these parts: everything that is looked at before a machine is made of it.
pub(super) fn fits(parts: &Parts, files: &Reading, name: &SnapshotName) -> Result<(), MachineError> {
    found(parts, files, name).map(|_| ())
}

/// Removes a snapshot.
pub(super) fn remove(files: &Reading, name: &SnapshotName) -> Result<(), MachineError> {
    Ok(files.remove(name).map_err(file("remove", name))?)
}

/// A snapshot of which every file is there and as long as it must be.
struct Found {
    /// The whole snapshot behind its memory: itself, or another.
    origin: Origin,
    memory: File,
    /// What lies over that memory.
    changed: Option<Changed>,
    /// What was written to each disk.
    disks: Vec<Option<File>>,
    /// Everything else.
    machine: Vec<u8>,
}

/// Finds a snapshot of these parts.
fn found(parts: &Parts, files: &Reading, name: &SnapshotName) -> Result<Found, MachineError> {
    let sealed = sealed_of(files, name)?;
    let state = format::opened(&sealed)?;
    agrees(parts, name, &state.identity)?;
    let bytes = parts.config.memory_mib << 20;
    let memory = |name: &SnapshotName| -> Result<File, SnapshotError> {
        files.open(name, Part::Memory).map_err(file("open the memory of", name))
    };
    let (origin, memory, changed) = match state.kind {
        Kind::Whole(mark) => (Origin { name: name.clone(), mark }, memory(name)?, None),
        Kind::Difference(origin) => {
            // Memory before the mark: a base that is replaced in between has another one.
            let below = memory(&origin.name)?;
            is_there(files, name, &origin)?;
            (origin, below, Some(Changed::of(memory(name)?, bytes)?))
        }
    };
    is_long(&memory, bytes, "the memory", &origin.name)?;
    let disks = disks(parts, files, name)?;
    Ok(Found { machine: state.machine.to_vec(), origin, memory, changed, disks })
}

fn agrees(parts: &Parts, name: &SnapshotName, then: &Identity) -> Result<(), MachineError> {
    let host = boot::cpu::host_cpuid(&parts.kvm).map_err(kvm("what processors can do"))?;
    let now = identity(parts, &boot::cpu::model(&host)).map_err(file("look at the kernel of", name))?;
    Ok(then.agrees_with(&now)?)
}

/// Whether the snapshot under this name is the one that was differed from: names are used again.
fn is_there(files: &Reading, name: &SnapshotName, origin: &Origin) -> Result<(), SnapshotError> {
    let sealed = sealed_of(files, &origin.name)?;
    match format::opened(&sealed)?.kind {
        Kind::Whole(mark) if mark == origin.mark => Ok(()),
        Kind::Whole(_) | Kind::Difference(_) => {
            Err(SnapshotError::OtherBase { name: name.to_string(), base: origin.name.to_string() })
        }
    }
}

/// What was written to each disk that may be written.
fn disks(parts: &Parts, files: &Reading, name: &SnapshotName) -> Result<Vec<Option<File>>, SnapshotError> {
    let disk = |(index, (disk, image)): (u8, (&Disk, &File))| {
        if !disk.writable {
            return Ok(None);
        }
        let written = files.open(name, Part::Disk(index)).map_err(file("open a disk of", name))?;
        let bytes = layer_bytes(image).map_err(file("look at a disk of", name))?;
        is_long(&written, bytes, &format!("disk {index}"), name)?;
        Ok(Some(written))
    };
    (0..).zip(parts.config.disks.iter().zip(&parts.disks)).map(disk).collect()
}

/// Refuses a file that is cut, which would be found only when somebody reads behind its end.
fn is_long(of: &File, bytes: u64, what: &str, name: &SnapshotName) -> Result<(), SnapshotError> {
    match of.metadata().map_err(file("look at", name))?.len() {
        length if length == bytes => Ok(()),
        _another => Err(SnapshotError::Damaged(format!("{what} of `{name}` is cut, or longer than it says"))),
    }
}

/// The state of a snapshot, as it is on disk.
fn sealed_of(files: &Reading, name: &SnapshotName) -> Result<Vec<u8>, SnapshotError> {
    let state = files.open(name, Part::State).map_err(file("open", name))?;
    read_state(&state).map_err(file("read", name))
}

/// Brings a machine back, paused.
pub(super) fn restored(parts: Parts, files: Reading, name: &SnapshotName) -> Result<Core, MachineError> {
    let Found { origin, memory, changed, disks, machine } = found(&parts, &files, name)?;
    let memory = memory::of_file(parts.config.memory_mib << 20, &memory)?;
    changed.map_or(Ok(()), |changed| changed.put(&memory))?;
    let mut reader = Reader::new(&machine, "a machine");
    let processors = Processors::States(states(&mut reader, parts.config.vcpus)?);
    let beginning = Beginning { memory, processors, origin: Some(origin), below: disks };
    let core = Core::assemble(parts, files, beginning)?;
    load(&core, reader)?;
    Ok(core)
}

fn read_state(file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, format::STATE_MAX), &mut bytes)?;
    Ok(bytes)
}

/// The processors, which have their state before their threads begin: a thread that runs a guest may set nothing.
fn states(reader: &mut Reader<'_>, vcpus: u8) -> Result<Vec<VcpuState>, MachineError> {
    let one = |_| {
        let mut state = Reader::new(reader.bytes()?, "a processor");
        let read = VcpuState::read(&mut state)?;
        state.end()?;
        Ok(read)
    };
    (0..vcpus).map(one).collect()
}

fn load(core: &Core, mut reader: Reader<'_>) -> Result<(), MachineError> {
    let chips = [reader.get::<kvm_irqchip>()?, reader.get()?, reader.get()?];
    let clock: kvm_clock_data = reader.get()?;
    let port: [u8; 9] = reader.get()?;
    for chip in &chips {
        core.vm.set_irqchip(chip).map_err(kvm("the state of interrupt controllers"))?;
    }
    // Its flags say how it was read; none may be given back.
    let clock = kvm_clock_data { flags: 0, ..clock };
    core.vm.set_clock(&clock).map_err(kvm("its clock"))?;
    serial::reload(&mut lock(&core.bus.serial), port);
    for device in &core.bus.devices {
        device.restore(reader.bytes()?)?;
    }
    reader.end()?;
    for device in &core.bus.devices {
        device.revive();
    }
    Ok(())
}
