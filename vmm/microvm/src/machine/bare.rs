//! Guests of a few instructions, run for real where `/dev/kvm` opens. They need no kernel: an image of one segment is
//! entered in long mode, as a kernel would be. Where there is no KVM each test says loudly that it did nothing.
use super::{
    MachineError, Parts, Vm,
    code::{Code, counter, flood, garbage, ports},
    prepare,
};
use crate::{
    bell::Bell,
    bus::End,
    config::{Config, Disk, Seccomp},
    control::Extent,
    jail::warden::{Over, Shelf, Warden, links},
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
        let open = || Some(rustix::fs::open(path, flags, rustix::fs::Mode::empty()).unwrap());
        let shelf = Shelf::new(open(), open(), Some("gold".parse().unwrap()));
        let mut warden = Warden { ends, vsock: path.join("v"), ports: Vec::new(), shelf };
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
        let parts = Parts {
            config: config.checked().unwrap(),
            kvm: Kvm::new().unwrap(),
            kernel: self.kernel.try_clone().unwrap(),
            initrd: None,
            disks: self.disks.iter().map(|disk| disk.try_clone().unwrap()).collect(),
            log: None,
            callers: UnixListener::bind(vsock).unwrap(),
            dial: Arc::new(dial),
            bell: Arc::new(Bell::new().unwrap()),
            started: Instant::now(),
            jailed: Instant::now(),
        };
        Vm::new(parts, files)
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
    let Some((end, stats, log)) = end_of(flood(3000).out(layout::SERIAL, b'!').power_off()) else { return };
    assert_eq!((end, stats.serial_bytes), (End::PoweredOff, 3001));
    assert!(log.ends_with("xxx!"), "{log}");
}

#[test]
fn garbage_in_every_register_of_every_device_hurts_nobody() {
    let Some((end, stats, _)) = end_of(garbage().power_off()) else { return };
    assert_eq!((end, stats.serial_bytes), (End::PoweredOff, 1));
    assert!(stats.mmio_exits > 1000, "{stats:?}");
}

#[test]
fn every_port_that_a_kernel_tries_is_there_or_nothing() {
    let Some((end, stats, _)) = end_of(ports().power_off()) else { return };
    assert_eq!(end, End::PoweredOff);
    // Some are KVM's own.
    assert!(stats.port_exits > 8000, "{stats:?}");
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
    assert_eq!(
        said,
        "the snapshot is damaged: the memory of `first` is cut, or longer than it says: boot, and take a new one"
    );
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
        let fits = place.machine(|config| config.agent = "a".to_owned()).fits(&since).is_ok();
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
    let dir = place.dir.path().to_owned();
    let mut fits = |name| match place.machine(with_disk).fits(name) {
        Ok(()) => true,
        Err(MachineError::Snapshot(why)) => {
            assert!(why.is_lasting(), "{why}");
            false
        }
        Err(other) => panic!("{}", crate::chain(&other)),
    };
    assert!(fits(&gold) && fits(&since));
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
            let found = [&gold, &since].map(&mut fits);
            assert_eq!(found, [!is_bases, is_bases && !of_base], "{file} is {harm}");
            std::fs::copy(&aside, &whole).unwrap();
        }
    }
}
