//! One guest from beginning to end: everything that is needed is opened, the process splits into monitor and warden, the
//! monitor is locked up, and serves until its guest has ended. What an earlier monitor left behind is cleared first.
use crate::{
    bell::Bell,
    bus::End,
    config::{Config, Jail, Seccomp, SnapshotName, Start, Unfit},
    control::Server,
    jail::{
        cgroup,
        enter::{self, JailError, Side},
        filters::{Class, Program},
        nobody::{Way, Word},
        warden::{self, Over, Reading, Shelf, Warden, heed_signals},
    },
    listening::{Place, bound},
    machine::{self, MachineError, Parts, Vm},
};
use kvm_ioctls::Kvm;
use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    os::{
        fd::OwnedFd,
        unix::{fs::OpenOptionsExt, net::UnixListener},
    },
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

/// Why a guest did not run, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The configuration.
    #[error("the configuration cannot be run")]
    Unfit(#[from] Unfit),
    /// Something that it names.
    #[error("`{key}`: cannot {step} {}", path.display())]
    Open {
        /// The key of the configuration.
        key: &'static str,
        /// What was attempted.
        step: &'static str,
        /// What was to be opened.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// Somebody else has it.
    #[error("`{key}`: a monitor is running at {}: stop it, or name another socket", path.display())]
    Taken {
        /// The key of the configuration.
        key: &'static str,
        /// The socket.
        path: PathBuf,
    },
    /// No KVM.
    #[error("cannot use /dev/kvm: see `oxydra-vmm probe`")]
    Kvm(#[source] kvm_ioctls::Error),
    /// The jail.
    #[error(transparent)]
    Jail(#[from] JailError),
    /// The machine.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// Threads, descriptors, the fork.
    #[error("cannot set the monitor up")]
    Setup(#[from] io::Error),
    /// A filter of ours.
    #[error("cannot make a filter of system calls")]
    Filter(#[source] seccompiler::Error),
}

impl RunError {
    /// The exit code: 2 where the caller can mend it, 1 where not.
    pub fn code(&self) -> u8 {
        match self {
            RunError::Unfit(_) | RunError::Open { .. } | RunError::Taken { .. } => 2,
            RunError::Kvm(_)
            | RunError::Jail(_)
            | RunError::Machine(_)
            | RunError::Setup(_)
            | RunError::Filter(_) => 1,
        }
    }
}

/// How it came out, for the exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The guest ended in this way.
    Ended(End),
    /// As seen by the warden: the monitor, which has said why, exited with this code.
    Exited(i32),
    /// As seen by the warden: a signal killed the monitor.
    Killed(i32),
}

/// Runs a guest. Returns twice, once in each process.
pub fn run(config: Config) -> Result<Outcome, RunError> {
    let started = Instant::now();
    let config = config.checked()?;
    let kvm = Kvm::new().map_err(RunError::Kvm)?;
    let images = Images::open(&config)?;
    let (callers, vsock) = bound("vsock", &config.vsock)?;
    let (control, socket) =
        bound("socket", &config.socket).inspect_err(|_| cleared(std::slice::from_ref(&vsock)))?;
    let places = [socket, vsock];
    // What does not begin leaves no sockets that nobody listens at.
    let ends = |_: &RunError| cleared(&places);
    let (parts, files, warden, way) = prepared(config, started, kvm, images, callers).inspect_err(ends)?;
    match enter::split().map_err(RunError::from).inspect_err(ends)? {
        Side::Inside => {
            // The other ends are the warden's: with them open, its death would go unnoticed.
            drop((warden, places));
            inside(parts, files, control, way.map(Way::inside))
        }
        Side::Outside(child) => {
            let seccomp = parts.config.seccomp;
            drop((parts, files, control));
            way.map_or(Ok(()), |way| way.outside().tell(child))?;
            outside(seccomp, warden, &places, child)
        }
    }
}

/// The files that a guest boots from.
struct Images {
    kernel: File,
    initrd: Option<File>,
    disks: Vec<File>,
}

impl Images {
    fn open(config: &Config) -> Result<Images, RunError> {
        Ok(Images {
            kernel: opened("kernel", &config.kernel)?,
            initrd: config.initrd.as_deref().map(|path| opened("initrd", path)).transpose()?,
            disks: config.disks.iter().map(|disk| opened("disks", &disk.image)).collect::<Result<_, _>>()?,
        })
    }
}

/// Everything that is needed before the process splits.
fn prepared(
    config: Config,
    started: Instant,
    kvm: Kvm,
    images: Images,
    callers: UnixListener,
) -> Result<(Parts, Reading, Warden, Option<Way>), RunError> {
    let ((dial, files), ends) = warden::links()?;
    let shelf = shelf(&config)?;
    let warden = Warden { ends, vsock: config.vsock.clone(), ports: config.guest_ports.clone(), shelf };
    let Images { kernel, initrd, disks } = images;
    let parts = Parts {
        kvm,
        kernel,
        initrd,
        disks,
        log: config.log.as_deref().map(created).transpose()?,
        callers,
        dial: Arc::new(dial),
        bell: Arc::new(Bell::new()?),
        started,
        jailed: started,
        config,
    };
    if !parts.config.cgroups.is_empty() {
        grouped(&parts.config)?;
    }
    machine::prepare()?;
    let way = match parts.config.jail {
        Jail::On => Some(Way::find()?),
        Jail::Off => None,
    };
    way.as_ref().map_or(Ok(()), enter::unshare_processes)?;
    Ok((parts, files, warden, way))
}

fn inside(
    mut parts: Parts,
    files: Reading,
    control: UnixListener,
    jail: Option<Word>,
) -> Result<Outcome, RunError> {
    if let Some(word) = jail {
        // Any directory will do: what is mounted there is seen by this process alone, and becomes its root.
        enter::lock_up(Path::new("/proc"), word)?;
        if files.is_alone() {
            return Err(RunError::Setup(io::Error::other("the warden died while the monitor went to jail")));
        }
    }
    parts.jailed = Instant::now();
    let start = parts.config.start.clone();
    let filter = Program::of(Class::Main, parts.config.seccomp).map_err(RunError::Filter)?;
    let server = Server::new(control, parts.bell.clone(), Vm::new(parts, files), filter);
    Ok(Outcome::Ended(server.serve(&start)?))
}

fn outside(
    seccomp: Seccomp,
    mut warden: Warden,
    places: &[Place],
    child: rustix::process::Pid,
) -> Result<Outcome, RunError> {
    heed_signals()?;
    enter::ordinary()?;
    Program::of(Class::Warden, seccomp).and_then(|filter| filter.apply()).map_err(RunError::Filter)?;
    let over = warden.serve();
    let ended = match over {
        Over::MonitorGone => enter::wait(child)?,
        // The monitor dies with this process; nobody is left who would wait for it.
        Over::Asked => Ok(0),
    };
    cleared(places);
    Ok(ended.map_or_else(Outcome::Killed, Outcome::Exited))
}

/// Removes the sockets that are still ours.
fn cleared(places: &[Place]) {
    // One that stays is replaced by the next monitor.
    places.iter().for_each(|place| drop(place.cleared()));
}

fn opened(key: &'static str, path: &Path) -> Result<File, RunError> {
    let failed = |source| RunError::Open { key, step: "read", path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    match file.metadata().map_err(failed)?.is_file() {
        true => Ok(file),
        false => Err(failed(io::Error::new(ErrorKind::InvalidInput, "it is no file"))),
    }
}

fn created(path: &Path) -> Result<File, RunError> {
    let failed = |source| RunError::Open { key: "log", step: "write", path: path.to_owned(), source };
    // A link may lead to any file of whoever starts us, and its directory may have come with a checkout. Nor may it be a pipe
    // whose other end nobody opens.
    let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits().cast_signed();
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600).custom_flags(flags);
    let file = options.open(path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(failed(io::Error::new(ErrorKind::InvalidInput, "it is no file")));
    }
    file.set_len(0).map_err(failed)?;
    Ok(file)
}

/// Where snapshots come from and go to.
fn shelf(config: &Config) -> Result<Shelf, RunError> {
    let opened =
        |key, place: &Option<PathBuf>| place.as_deref().map(|place| directory(key, place)).transpose();
    let into = match config.outbox {
        Some(_) => opened("outbox", &config.outbox)?,
        None => opened("snapshots", &config.snapshots)?,
    };
    let golden: Option<SnapshotName> = match &config.start {
        Start::Golden(name) => Some(name.clone()),
        Start::Wait | Start::Boot | Start::Restore(_) => None,
    };
    Ok(Shelf::new(opened("snapshots", &config.snapshots)?, into, golden))
}

fn directory(key: &'static str, path: &Path) -> Result<OwnedFd, RunError> {
    let failed = |source| RunError::Open { key, step: "use", path: path.to_owned(), source };
    fs::create_dir_all(path).map_err(failed)?;
    let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::CLOEXEC;
    rustix::fs::open(path, flags, rustix::fs::Mode::empty()).map_err(|errno| failed(errno.into()))
}

/// What a monitor needs besides its guest's memory: itself, page tables, buffers of conversations.
const OVERHEAD_BYTES: u64 = 96 << 20;
/// Monitor, warden, and the threads of both.
const PROCESSES_EXTRA: u32 = 8;

fn grouped(config: &Config) -> Result<(), RunError> {
    let limits = cgroup::Limits {
        // Twice: a snapshot under way counts here, where its file is in memory, and is as large as the guest.
        memory_bytes: (config.memory_mib << 21) + OVERHEAD_BYTES,
        processes: u32::from(config.vcpus) + PROCESSES_EXTRA,
        cpus: config.vcpus.into(),
    };
    let missing = cgroup::join(&config.cgroups, limits).map_err(|(path, source)| RunError::Open {
        key: "cgroups",
        step: "join",
        path,
        source,
    })?;
    for what in missing {
        eprintln!("oxydra-vmm: nothing limits the guest's {what}: no control group has a file for it");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_not_written_through_a_link_or_into_a_pipe() {
        let home = tempfile::tempdir().unwrap();
        let (precious, log) = (home.path().join("precious"), home.path().join("serial"));
        fs::write(&precious, "mine").unwrap();
        std::os::unix::fs::symlink(&precious, &log).unwrap();
        assert!(matches!(created(&log), Err(RunError::Open { key: "log", .. })));
        assert_eq!(fs::read_to_string(&precious).unwrap(), "mine");
        assert_eq!(created(&precious).unwrap().metadata().unwrap().len(), 0);
        let pipe = home.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
        // With a reader it would open.
        let _reader = fs::OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
        assert!(matches!(created(&pipe), Err(RunError::Open { key: "log", .. })));
    }
}
