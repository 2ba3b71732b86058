//! Makes a system out of a bare kernel: file systems, modules, the console, groups, and the socket. What a guest cannot do
//! without ends it with a word on the console; what it can, it does without, and says so.
use crate::{
    VERSION, egress,
    groups::Groups,
    hands::Hands,
    launch::Launcher,
    reaper::Reaper,
    serve::{Guest, serve, welcome},
    sessions::Sessions,
    sys::{ANY_CID, VsockAddress},
    workspace::Workspace,
};
use rustix::{
    fs::{Mode, OFlags},
    mount::{MountFlags, mount},
    net::{AddressFamily, SocketFlags, SocketType, accept_with, bind, connect, listen, socket_with},
    process::{Pid, Signal, kill_process_group},
    system::{RebootCommand, finit_module, reboot, sethostname},
};
use std::{
    ffi::CString,
    fs::{self, File},
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};
use wire::{GuestFrame, Link, place};

/// A host opens one conversation for each call and a few besides.
const CONVERSATIONS_MAX: usize = 256;
/// As many as the kernel keeps waiting.
const BACKLOG: i32 = 64;
/// How long processes may take to say goodbye at a power-off.
const GOODBYE: Duration = Duration::from_millis(200);

/// What every command finds in its environment.
const VARIABLES: &[(&str, &str)] = &[
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ("HOME", "/root"),
    ("LANG", "C.UTF-8"),
    ("https_proxy", egress::PROXY_URL),
];

/// Boots and serves until the host turns the guest off.
pub fn run() -> io::Result<()> {
    mount_first();
    console();
    println!("oxydra-agent {VERSION}");
    for (what, outcome) in [("modules", modules()), ("host name", sethostname(b"oxydra").map_err(Into::into))]
    {
        if let Err(error) = outcome {
            eprintln!("agent: {what}: {error}");
        }
    }
    let line = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    let guest = Arc::new(guest(&line)?);
    if let Err(error) = egress::start() {
        eprintln!("agent: commands have no way out: {error}");
    }
    match place::argument(&line, place::KEY_CHANNEL) {
        Some(device) => one_conversation(&guest, Path::new(device)),
        None => conversations(&guest),
    }
}

/// Kills everything, writes back what is in memory, and turns the machine off.
pub fn power_off() {
    // A negated 1 is every process but this one.
    for signal in [Signal::TERM, Signal::KILL] {
        let _nobody = kill_process_group(Pid::INIT, signal);
        thread::sleep(GOODBYE);
    }
    rustix::fs::sync();
    if let Err(error) = reboot(RebootCommand::PowerOff) {
        eprintln!("agent: cannot power off: {error}");
    }
}

fn mount_first() {
    let quiet = MountFlags::NOSUID | MountFlags::NOEXEC | MountFlags::NODEV;
    let all = [
        ("proc", "/proc", "proc", quiet, ""),
        ("sysfs", "/sys", "sysfs", quiet, ""),
        ("devtmpfs", "/dev", "devtmpfs", MountFlags::NOSUID, ""),
        ("devpts", "/dev/pts", "devpts", MountFlags::NOSUID | MountFlags::NOEXEC, "mode=0620,ptmxmode=0666"),
        ("tmpfs", "/dev/shm", "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, "mode=1777"),
        ("tmpfs", "/run", "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, "mode=0755"),
        ("tmpfs", "/tmp", "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, "mode=1777"),
    ];
    let said = |target: &str, outcome: io::Result<()>| {
        if let Err(error) = outcome {
            eprintln!("agent: cannot mount {target}: {error}");
        }
    };
    for (source, target, kind, flags, options) in all {
        said(target, mount_at(source, Path::new(target), kind, flags, options));
    }
    // Each command joins a group, which otherwise waits for all processors to have passed through the scheduler. Kernels
    // before 6.0 do not know that.
    let groups =
        |options| mount_at("cgroup2", Path::new("/sys/fs/cgroup"), "cgroup2", MountFlags::empty(), options);
    said("/sys/fs/cgroup", groups("favordynmods").or_else(|_| groups("")));
}

fn mount_at(source: &str, target: &Path, kind: &str, flags: MountFlags, options: &str) -> io::Result<()> {
    if !target.exists() {
        fs::create_dir_all(target)?;
    }
    let options = CString::new(options).expect("options hold no zero byte");
    Ok(mount(source, target, kind, flags, Some(options.as_c_str()))?)
}

/// An agent in a file system without `/dev/console` starts without streams; now there is one.
fn console() {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let Ok(console) = rustix::fs::open("/dev/console", flags, Mode::empty()) else { return };
    let _silent = rustix::stdio::dup2_stdin(&console)
        .and_then(|()| rustix::stdio::dup2_stdout(&console))
        .and_then(|()| rustix::stdio::dup2_stderr(&console));
}

/// Loads modules in the order of the list, which puts what others need first.
fn modules() -> io::Result<()> {
    let list = match fs::read_to_string(place::MODULES_LIST) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    let folder = Path::new(place::MODULES_LIST).parent().expect("the list is in a directory");
    for name in list.lines().filter(|line| !line.is_empty()) {
        let loaded = File::open(folder.join(name))
            .and_then(|file| finit_module(&file, c"", 0).map_err(io::Error::from));
        match loaded {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                eprintln!("agent: module {name}: {error}")
            }
            Err(_) | Ok(()) => {}
        }
    }
    Ok(())
}

fn guest(line: &str) -> io::Result<Guest> {
    let size = place::argument(line, place::KEY_WORKSPACE_MIB).and_then(|size| size.parse::<u64>().ok());
    let options = size.map_or("mode=0755".to_owned(), |mib| format!("mode=0755,size={mib}m"));
    let layers = PathBuf::from("/oxydra/workspace");
    mount_at("workspace", &layers, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, &options)?;
    fs::create_dir_all(place::WORKSPACE)?;
    let workspace = Workspace::new(layers, Some(place::WORKSPACE.into()))?;
    let groups = Groups::begin(Path::new("/sys/fs/cgroup"))
        .map_err(|error| eprintln!("agent: sessions have no limits: {error}"));
    let variables = VARIABLES.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let hands = Hands::ready()?;
    let launcher = Launcher::new(Reaper::start(), "/proc/self/exe".into(), hands, variables);
    // Before the host may save the guest: a restored one finds a helper that stands.
    launcher.standing().stand()?;
    fs::create_dir_all("/root")?;
    Ok(Guest {
        sessions: Sessions::new(
            launcher,
            "/run/oxydra/sessions".into(),
            place::WORKSPACE.into(),
            groups.ok(),
        ),
        workspace: Mutex::new(workspace),
        power_off,
    })
}

fn vsock() -> io::Result<OwnedFd> {
    Ok(socket_with(AddressFamily::VSOCK, SocketType::STREAM, SocketFlags::CLOEXEC, None)?)
}

/// Connects to a port of the host.
pub(crate) fn dial(port: u32) -> io::Result<File> {
    let socket = vsock()?;
    connect(&socket, &VsockAddress { cid: place::HOST_CID, port })?;
    Ok(File::from(socket))
}

fn conversations(guest: &Arc<Guest>) -> io::Result<()> {
    let socket = vsock()?;
    bind(&socket, &VsockAddress { cid: ANY_CID, port: place::AGENT_PORT })?;
    listen(&socket, BACKLOG)?;
    knock();
    let open = Arc::new(AtomicUsize::new(0));
    loop {
        let stream = match accept_with(&socket, SocketFlags::CLOEXEC) {
            Ok(stream) => File::from(stream),
            Err(error) => {
                eprintln!("agent: cannot accept: {error}");
                continue;
            }
        };
        if open.fetch_add(1, Ordering::Relaxed) >= CONVERSATIONS_MAX {
            open.fetch_sub(1, Ordering::Relaxed);
            // Closing it is the answer: the host knows how many it opened.
            continue;
        }
        let (ours, count) = (Arc::clone(guest), Arc::clone(&open));
        let given = guest.sessions.launcher().hands().give(move || {
            if let Err(error) = serve(&ours, stream) {
                eprintln!("agent: a conversation ended: {error}");
            }
            count.fetch_sub(1, Ordering::Relaxed);
        });
        if let Err(error) = given {
            open.fetch_sub(1, Ordering::Relaxed);
            eprintln!("agent: nobody can hold a conversation: {error}");
        }
    }
}

/// Tells the host that the agent listens. A host that does not care refuses the connection, which is fine.
fn knock() {
    let knocked = dial(place::READY_PORT)
        .map_err(wire::LinkError::from)
        .and_then(|stream| Link::new(stream).send(&GuestFrame::Ready(welcome())));
    match knocked {
        Ok(()) => println!("oxydra-agent ready"),
        Err(error) => println!("oxydra-agent ready, and nobody waits for it: {error}"),
    }
}

/// Speaks over a device, one conversation after the other, where there is no socket.
fn one_conversation(guest: &Guest, device: &Path) -> io::Result<()> {
    loop {
        let stream = File::options().read(true).write(true).open(device)?;
        println!("oxydra-agent ready on {}", device.display());
        if let Err(error) = serve(guest, stream) {
            eprintln!("agent: a conversation ended: {error}");
        }
    }
}
