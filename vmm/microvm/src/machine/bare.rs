//! Guests of a few instructions, run for real where `/dev/kvm` opens. They need no kernel: an image of one segment is
//! entered in long mode, as a kernel would be. Where there is no KVM each test says loudly that it did nothing.
use super::{Parts, Vm, prepare};
use crate::{
    bell::Bell,
    bus::End,
    config::{Config, Disk, Seccomp},
    control::Extent,
    jail::warden::{Over, Warden, links},
    kernel::tests::image,
    layout,
};
use kvm_ioctls::Kvm;
use std::{
    fs::File,
    io::Write,
    os::unix::net::UnixListener,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A very small assembler: each method appends one instruction.
#[derive(Default)]
pub(super) struct Code(pub(super) Vec<u8>);

impl Code {
    pub(super) fn raw(mut self, bytes: &[u8]) -> Code {
        self.0.extend(bytes);
        self
    }

    /// `mov dx, port; mov al, value; out dx, al`
    pub(super) fn out(self, port: u16, value: u8) -> Code {
        let [low, high] = port.to_le_bytes();
        self.raw(&[0x66, 0xba, low, high, 0xb0, value, 0xee])
    }

    /// `mov rdi, address`
    pub(super) fn at(self, address: u64) -> Code {
        self.raw(&[0x48, 0xbf]).raw(&address.to_le_bytes())
    }

    /// `mov dword [rdi], value`
    pub(super) fn store32(self, address: u64, value: u32) -> Code {
        self.at(address).raw(&[0xc7, 0x07]).raw(&value.to_le_bytes())
    }

    /// `mov rax, value; mov [rdi], rax`
    pub(super) fn store64(self, address: u64, value: u64) -> Code {
        self.at(address).raw(&[0x48, 0xb8]).raw(&value.to_le_bytes()).raw(&[0x48, 0x89, 0x07])
    }

    /// `mov byte [rdi], value`, `mov word [rdi], value`, and reads of 1, 2, 4 and 8 bytes.
    fn poke(self, address: u64) -> Code {
        self.at(address)
            .raw(&[0xc6, 0x07, 0xa5, 0x66, 0xc7, 0x07, 0x5a, 0xff])
            .raw(&[0x8a, 0x07, 0x66, 0x8b, 0x07, 0x8b, 0x07, 0x48, 0x8b, 0x07])
    }

    /// Maps the 2 MiB around the registers of devices to themselves.
    pub(super) fn with_devices(self) -> Code {
        let (level3, level2) = (layout::PAGE_TABLES.0 + layout::PAGE, 0xc000);
        let index = (layout::VIRTIO - layout::HOLE) >> 21;
        self.store64(level3 + 3 * 8, level2 | 3).store64(level2 + index * 8, layout::VIRTIO | 0x83)
    }

    pub(super) fn power_off(self) -> Code {
        self.out(layout::SLEEP_CONTROL, 1 << 5 | layout::SLEEP_OFF << 2).raw(&[0xeb, 0xfe])
    }

    /// `jmp` to itself.
    pub(super) fn spin(self) -> Code {
        self.raw(&[0xeb, 0xfe])
    }
}

/// A place for one guest, and a warden for it.
pub(super) struct Place {
    dir: TempDir,
    wardens: Vec<JoinHandle<Over>>,
    kernel: File,
    /// What the guest's disks begin with.
    pub(super) disks: Vec<File>,
}

impl Place {
    /// None where there is no KVM.
    pub(super) fn new(code: Code) -> Option<Place> {
        if let Err(error) = Kvm::new() {
            crate::skipped(&format!("/dev/kvm does not open: {error}"));
            return None;
        }
        prepare().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let mut kernel =
            File::options().read(true).write(true).create_new(true).open(dir.path().join("kernel")).unwrap();
        kernel.write_all(&image(&code.0)).unwrap();
        Some(Place { dir, wardens: Vec::new(), kernel, disks: Vec::new() })
    }

    pub(super) fn machine(&mut self, change: impl FnOnce(&mut Config)) -> Vm<super::Configured> {
        let ((dial, files), ends) = links().unwrap();
        let path = self.dir.path();
        let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::DIRECTORY;
        let snapshots = Some(rustix::fs::open(path, flags, rustix::fs::Mode::empty()).unwrap());
        let warden = Warden { ends, vsock: path.join("v"), ports: Vec::new(), snapshots };
        self.wardens.push(std::thread::spawn(move || warden.serve()));
        let vsock = path.join(format!("v{}", self.wardens.len()));
        let mut config = Config {
            kernel: path.join("kernel"),
            socket: path.join("c"),
            vsock: vsock.clone(),
            memory_mib: 48,
            // Filters are for processes; a test is a thread of one that has others.
            seccomp: Seccomp::Off,
            ..Config::default()
        };
        change(&mut config);
        Vm::new(Parts {
            config: config.checked().unwrap(),
            kvm: Kvm::new().unwrap(),
            kernel: self.kernel.try_clone().unwrap(),
            initrd: None,
            disks: self.disks.iter().map(|disk| disk.try_clone().unwrap()).collect(),
            log: None,
            callers: UnixListener::bind(vsock).unwrap(),
            dial: Arc::new(dial),
            files,
            bell: Arc::new(Bell::new().unwrap()),
            started: Instant::now(),
            jailed: Instant::now(),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Machines are gone by now, so that their wardens end.
        for warden in self.wardens.drain(..) {
            warden.join().unwrap();
        }
    }
}

/// A guest that should end has this long: the slowest takes a second where each instruction is emulated.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn until<T>(mut found: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Some(found) = found() {
            return Some(found);
        }
        std::thread::yield_now();
    }
    None
}

fn end_of(code: Code) -> Option<(End, crate::control::Stats, String)> {
    let mut place = Place::new(code)?;
    let vm = place.machine(|_| {}).boot().unwrap();
    let end = until(|| vm.ended()).expect("the guest ends");
    let found = (end, vm.stats(), vm.log());
    drop(vm);
    Some(found)
}

#[test]
fn a_guest_ends_in_its_own_way() {
    let cases = [
        (Code::default().power_off(), End::PoweredOff),
        (Code::default().out(layout::RESET, 1).spin(), End::Reset),
        (Code::default().out(0x64, 0xfe).spin(), End::Reset),
        // An exception without a handler, and so without a handler for that.
        (Code::default().raw(&[0x0f, 0x0b]), End::Crashed("triple fault".to_owned())),
    ];
    for (code, expected) in cases {
        let Some((end, _, _)) = end_of(code) else { return };
        assert_eq!(end, expected);
    }
}

#[test]
fn a_flood_of_the_serial_port_leaves_its_end() {
    // mov ecx, 3000; 1: out 'x'; loop 1
    let flood = Code::default()
        .raw(&[0xb9, 0xb8, 0x0b, 0, 0])
        .out(layout::SERIAL, b'x')
        .raw(&[0xff, 0xc9, 0x75, 0xf5]);
    let Some((end, stats, log)) = end_of(flood.out(layout::SERIAL, b'!').power_off()) else { return };
    assert_eq!((end, stats.serial_bytes), (End::PoweredOff, 3001));
    assert!(log.ends_with("xxx!"), "{log}");
}

#[test]
fn garbage_in_every_register_of_every_device_hurts_nobody() {
    let mut code = Code::default().with_devices();
    for device in 0..4 {
        for register in (0..0x120).step_by(4).chain([0xffc]) {
            let address = layout::virtio_base(device) + register;
            code = code.store32(address, u32::MAX).store32(address, 0x0000_0005).poke(address + 1);
        }
    }
    let Some((end, stats, _)) = end_of(code.out(layout::SERIAL, b'k').power_off()) else { return };
    assert_eq!((end, stats.serial_bytes), (End::PoweredOff, 1));
    assert!(stats.mmio_exits > 1000, "{stats:?}");
}

#[test]
fn a_guest_that_spins_is_paused_goes_on_and_is_let_go() {
    let Some(mut place) = Place::new(Code::default().spin()) else { return };
    let vm = place.machine(|_| {}).boot().unwrap().pause().unwrap();
    let super::Running::Booted(vm) = vm.resume().unwrap() else { panic!("nobody knocked") };
    assert_eq!(vm.ended(), None);
    drop(vm);
    drop(place);
}

#[test]
fn memory_around_the_hole_is_given() {
    for mib in [48, 3072, 3073] {
        let Some(mut place) = Place::new(Code::default().power_off()) else { return };
        let vm = place.machine(|config| config.memory_mib = mib).boot().unwrap();
        assert_eq!(until(|| vm.ended()), Some(End::PoweredOff), "{mib}");
        assert_eq!(vm.stats().memory_mib, mib);
        drop(vm);
    }
}

/// Counts in rbx, in memory and out of the serial port, for ever.
fn counter() -> Code {
    // inc ebx; mov [rdi], ebx; mov al, bl; mov dx, 0x3f8; out dx, al; jmp back
    Code::default()
        .raw(&[0x31, 0xdb])
        .at(0x5000)
        .raw(&[0xff, 0xc3, 0x89, 0x1f, 0x88, 0xd8, 0x66, 0xba, 0xf8, 0x03, 0xee, 0xeb, 0xf3])
}

#[test]
fn a_machine_goes_on_in_another_where_it_was_written_down() {
    let Some(mut place) = Place::new(counter()) else { return };
    let vm = place.machine(|_| {}).boot().unwrap();
    until(|| (vm.stats().serial_bytes > 100).then_some(())).expect("it counts");
    let mut paused = vm.pause().unwrap();
    let counted = paused.stats().serial_bytes;
    paused.snapshot(&"first".parse().unwrap(), Extent::Full).unwrap();
    let said = paused.snapshot(&"more".parse().unwrap(), Extent::Difference).unwrap_err().to_string();
    assert_eq!(said, "a difference needs a guest that was restored from a full snapshot: take a full one");
    drop(paused);

    let next = |place: &mut Place, name: &str| {
        let vm = place.machine(|_| {}).restore(&name.parse().unwrap()).unwrap();
        let super::Running::Booted(vm) = vm.resume().unwrap() else { panic!("nobody knocked") };
        until(|| (vm.stats().serial_bytes > 10).then_some(())).expect("it counts");
        let paused = vm.pause().unwrap();
        let log = paused.log_bytes();
        (paused, log)
    };
    let (mut paused, log) = next(&mut place, "first");
    // The byte that was under way may have gone out before it was written down.
    assert_eq!(log[0], (counted + 1) as u8, "{counted}");
    paused.snapshot(&"second".parse().unwrap(), Extent::Difference).unwrap();
    let counted = counted + paused.stats().serial_bytes;
    drop(paused);
    let (paused, log) = next(&mut place, "second");
    assert_eq!(log[0], (counted + 1) as u8);
    drop(paused);
    let difference = place.dir.path().join("second/memory").metadata().unwrap().len();
    assert!(difference < 64 * layout::PAGE, "{difference}");
}

#[test]
fn a_snapshot_of_something_else_is_refused_by_name() {
    let Some(mut place) = Place::new(counter()) else { return };
    let mut paused = place.machine(|_| {}).boot().unwrap().pause().unwrap();
    let name = "first".parse().unwrap();
    paused.snapshot(&name, Extent::Full).unwrap();
    drop(paused);
    let mut said = |change: &dyn Fn(&mut Config)| {
        place.machine(|config| change(config)).restore(&name).map(|_| ()).map_err(|error| error.to_string())
    };
    let refused = |text: &str| Err(format!("the snapshot was taken with {text}: boot, and take a new one"));
    assert_eq!(said(&|_| {}), Ok(()));
    assert_eq!(said(&|config| config.agent = "b".to_owned()), refused("agent ``, this is `b`"));
    assert_eq!(
        said(&|config| config.memory_mib = 64),
        refused("guest `48 MiB, 1 processors`, this is `64 MiB, 1 processors`")
    );
    std::fs::File::options()
        .write(true)
        .open(place.dir.path().join("first/memory"))
        .unwrap()
        .set_len(4096)
        .unwrap();
    let said = place.machine(|_| {}).restore(&name).map(|_| ()).unwrap_err().to_string();
    assert_eq!(said, "the snapshot is damaged: the memory of `first` is cut, or longer than it says");
}

#[test]
fn a_difference_goes_over_the_very_snapshot_that_it_differs_from() {
    let Some(mut place) = Place::new(counter()) else { return };
    let [gold, since] = ["gold", "since"].map(|name| name.parse().unwrap());
    let taken = |place: &mut Place, change: &dyn Fn(&mut Config)| {
        let vm = place.machine(change);
        vm.remove(&gold).unwrap();
        vm.boot().unwrap().pause().unwrap().snapshot(&gold, Extent::Full).unwrap();
    };
    taken(&mut place, &|config| config.agent = "a".to_owned());
    let mut paused = place.machine(|config| config.agent = "a".to_owned()).restore(&gold).unwrap();
    paused.snapshot(&since, Extent::Difference).unwrap();
    drop(paused);
    let said = |place: &mut Place| {
        let fits = place.machine(|config| config.agent = "a".to_owned()).fits(&since);
        let restored = place.machine(|config| config.agent = "a".to_owned()).restore(&since);
        (fits, restored.map(|_| ()).map_err(|error| error.to_string()))
    };
    assert_eq!(said(&mut place), (true, Ok(())));
    // Of this very guest, or of another: what has the name now is something else.
    let why =
        "the snapshot `since` differs from a `gold` that is not there any more: boot, and take a new one";
    for agent in ["a", "b"] {
        taken(&mut place, &|config| config.agent = agent.to_owned());
        assert_eq!(said(&mut place), (false, Err(why.to_owned())), "{agent}");
    }
}

#[test]
fn a_snapshot_with_a_file_that_is_cut_or_gone_does_not_fit() {
    let Some(mut place) = Place::new(counter()) else { return };
    let image = tempfile::tempfile().unwrap();
    image.set_len(10 << 20).unwrap();
    place.disks.push(image);
    let with_disk = |config: &mut Config| config.disks = vec![Disk { image: "disk".into(), writable: true }];
    let [gold, since] = ["gold", "since"].map(|name| name.parse().unwrap());
    let mut paused = place.machine(with_disk).boot().unwrap().pause().unwrap();
    paused.snapshot(&gold, Extent::Full).unwrap();
    drop(paused);
    place.machine(with_disk).restore(&gold).unwrap().snapshot(&since, Extent::Difference).unwrap();
    let mut fits = |name| place.machine(with_disk).fits(name);
    assert!(fits(&gold) && fits(&since));
    let dir = place.dir.path().to_owned();
    // What a difference lacks, and what its base lacks, is missing.
    for (file, of_base) in [
        ("gold/memory", true),
        ("gold/disk0", false),
        ("gold/state", true),
        ("since/memory", false),
        ("since/disk0", false),
        ("since/state", false),
    ] {
        let (whole, aside) = (dir.join(file), dir.join("aside"));
        std::fs::copy(&whole, &aside).unwrap();
        let bytes = whole.metadata().unwrap().len();
        for harm in ["cut", "longer", "gone"] {
            let length = if harm == "cut" { bytes - 512 } else { bytes + 512 };
            match harm {
                "gone" => std::fs::remove_file(&whole).unwrap(),
                _ => File::options().write(true).open(&whole).unwrap().set_len(length).unwrap(),
            }
            let is_bases = file.starts_with("gold");
            let found = [&gold, &since].map(|name| place.machine(with_disk).fits(name));
            assert_eq!(found, [!is_bases, is_bases && !of_base], "{file} is {harm}");
            std::fs::copy(&aside, &whole).unwrap();
        }
    }
}
