//! Carries out what was typed, one function for each command.
use crate::{
    Fallible, direct, failed, inside,
    machine::{Home, Machine, Settings, probe, program},
    nested,
    order::{Command, HELP, Name, Order},
    shell,
};
use guest::GuestError;
use image::{Image, KernelSource, MODULES, Recipe, Root, build, find_busybox};
use std::{
    ffi::OsString,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};
use wire::{
    Arguments, CallId, Chunk, Ending, ExecCommand, Exit, HostFrame, List, Program, SessionId, SpawnSession,
    Stream, Words,
};

/// The session in which people work; a script's state stays in it.
const PEOPLE: SessionId = SessionId(0x7065_6f70_6c65);

/// Does what was ordered.
pub(crate) fn obey(order: Order) -> Fallible<ExitCode> {
    let home = Home { root: order.home.clone(), jail: order.jail.clone(), user: None };
    match &order.command {
        Command::Help => say(HELP),
        Command::Doctor => doctor(),
        Command::Build => {
            let image = make(&order)?;
            say(&format!("{}\nkernel {}\n", image.kernel.with_file_name("").display(), image.release))
        }
        Command::Boot(name) => {
            probe()?;
            let image = make(&order)?;
            let settings = settings(&image, order.memory_mib, order.vcpus);
            home.boot(name, &settings)?;
            say(&format!("the guest `{}` runs\n", name.as_str()))
        }
        Command::Exec(name, program) => exec(&home.machine(name), arguments(program)?),
        Command::Script(name, script) => exec(&home.machine(name), script_of(script)?),
        Command::Shell(name) => shell::shell(home.machine(name).converse()?, PEOPLE),
        Command::List => {
            let lines: Vec<_> =
                home.running().iter().map(|(name, stats)| format!("{name} {stats}\n")).collect();
            say(&lines.concat())
        }
        Command::Snapshot(name, snapshot) => {
            home.machine(name).snapshot(&home, snapshot, order.extent).and_then(|_| {
                say(&format!("`guest restore {} NAME` starts a guest from it\n", snapshot.as_str()))
            })
        }
        Command::Restore(snapshot, name) => {
            probe()?;
            home.restore(snapshot, name)?;
            say(&format!("the guest `{}` runs\n", name.as_str()))
        }
        Command::Stop(name) => stop(&home.machine(name), name),
        Command::LaneDirect => direct::lane(&order.home, &order.kernel),
        Command::LaneNested => nested::lane(&order.home, &order.kernel),
        Command::Inside => inside::run(),
    }
}

fn say(text: &str) -> Fallible<ExitCode> {
    io::stdout().write_all(text.as_bytes()).map_err(failed("print"))?;
    Ok(ExitCode::SUCCESS)
}

/// Builds the image that an order wants.
fn make(order: &Order) -> Fallible<Image> {
    let root = match &order.root {
        None => Root::Minimal { busybox: find_busybox(&order.home).map_err(failed("make a root"))? },
        Some(place) if place.is_dir() => Root::Directory(place.clone()),
        Some(place) => Root::Tar(place.clone()),
    };
    let recipe = Recipe {
        kernel: order.kernel.clone(),
        root,
        init: program("OXYDRA_AGENT", "oxydra-agent"),
        modules: MODULES.to_vec(),
        files: Vec::new(),
    };
    build(&recipe, &order.home).map_err(failed("build an image"))
}

/// What a guest of an image is started with.
pub(crate) fn settings(image: &Image, memory_mib: u64, vcpus: u8) -> Settings {
    Settings {
        kernel: image.kernel.clone(),
        initrd: image.initrd.clone(),
        image: image.id.clone(),
        memory_mib,
        vcpus,
    }
}

/// Builds the image that lanes use: the agent as process 1, and busybox.
pub(crate) fn lane_image(home: &Path, kernel: &KernelSource, more: &[image::Wanted]) -> Fallible<Image> {
    let busybox = find_busybox(home).map_err(failed("make a root"))?;
    let recipe = Recipe {
        kernel: kernel.clone(),
        root: Root::Minimal { busybox },
        init: program("OXYDRA_AGENT", "oxydra-agent"),
        modules: [MODULES, more].concat(),
        files: Vec::new(),
    };
    build(&recipe, home).map_err(failed("build an image"))
}

fn arguments(program: &[OsString]) -> Fallible<Program> {
    Arguments::new(program).map(Program::Arguments).map_err(failed("send the command"))
}

fn script_of(script: &str) -> Fallible<Program> {
    Chunk::new(script).map(Program::Script).map_err(failed("send the script"))
}

/// Opens a session without limits.
pub(crate) fn session(session: SessionId) -> HostFrame {
    HostFrame::SpawnSession(SpawnSession {
        session,
        directory: None,
        variables: List::default(),
        memory_bytes_max: None,
        processes_max: None,
    })
}

/// A command with nothing but what to run.
pub(crate) fn plain(session: SessionId, program: Program) -> Fallible<ExecCommand> {
    let mut call = [0; 16];
    rustix::rand::getrandom(&mut call, rustix::rand::GetRandomFlags::empty())
        .map_err(failed("draw a name"))?;
    Ok(ExecCommand {
        session,
        call: CallId(u128::from_le_bytes(call)),
        program,
        variables: List::default(),
        terminal: None,
        has_input: false,
        millis_max: None,
    })
}

/// What a shell would say of an ending.
pub(crate) fn exit_code(exit: &Exit) -> ExitCode {
    const SIGNALLED: u8 = 128;
    const NOT_STARTED: u8 = 126;
    const TIMED_OUT: u8 = 124;
    match &exit.how {
        Ending::Status(status) => ExitCode::from(*status),
        Ending::Signal(signal) => ExitCode::from(SIGNALLED.saturating_add(*signal)),
        Ending::NotStarted(why) => {
            eprintln!("guest: the command did not start: {}", Words::as_str(why));
            ExitCode::from(NOT_STARTED)
        }
        Ending::TimedOut(()) => ExitCode::from(TIMED_OUT),
    }
}

fn exec(machine: &Machine, program: Program) -> Fallible<ExitCode> {
    let mut conversation = machine.converse()?;
    conversation.ask(&session(PEOPLE)).map_err(failed("open a session"))?;
    let exit = conversation.exec(plain(PEOPLE, program)?, |stream, bytes| {
        // Who closed our output wants no more of it; the command goes on.
        let _unwanted = match stream {
            Stream::Out => io::stdout().write_all(bytes),
            Stream::Err => io::stderr().write_all(bytes),
        };
    });
    Ok(exit_code(&exit.map_err(failed("run the command"))?))
}

fn stop(machine: &Machine, name: &Name) -> Fallible<ExitCode> {
    let stats = machine.ask(&["stats"])?;
    // Only an agent that came up can power off; before, its monitor ends the guest.
    let is_up = stats.contains("\"phase\":\"agent_ready\"");
    let asked = is_up.then(|| {
        let mut conversation = machine.converse()?;
        conversation.ask(&HostFrame::PowerOff(())).map_err(|error: GuestError| error.to_string())
    });
    if !matches!(asked, Some(Ok(()))) {
        machine.ask(&["stop"])?;
    }
    machine.wait_for_end()?;
    say(&format!("the guest `{}` is off\n", name.as_str()))
}

/// Says what this machine has and lacks.
fn doctor() -> Fallible<ExitCode> {
    let kvm = match fs::File::options().read(true).write(true).open("/dev/kvm") {
        Ok(_) => "opens".to_owned(),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            "is not yours: add yourself to the group `kvm`, and log in again".to_owned()
        }
        Err(error) => format!("{error}: enable virtualization, or use the container tier"),
    };
    // What only trying can tell is the monitor's to tell.
    let probed = probe();
    let mut text = format!("/dev/kvm: {kvm}\n{}\n", probed.as_ref().unwrap_or_else(|why| why));
    for (tool, why) in [
        ("apt-get", "fetches kernels; without it name one with --kernel and --modules"),
        ("dpkg-deb", "unpacks them"),
        ("qemu-system-x86_64", "runs the lanes; guests need none"),
    ] {
        let found = find(tool).map_or("missing".to_owned(), |place| place.display().to_string());
        text += &format!("{tool}: {found} ({why})\n");
    }
    say(&text)?;
    Ok(if probed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn find(tool: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|place| place.join(tool)).find(|place| place.is_file())
}
