//! `oxydra guest` finds guests whose starter is gone, ends them, clears away what killed ones left, and says what mends a
//! machine that cannot run any. Guests are a few instructions long, so that they run wherever `/dev/kvm` opens.
use std::{
    fs::{self, File},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
};
use tests::{Done, Place, monitor};

/// An ELF kernel with one segment at 16 MiB, which writes to the serial port for ever.
fn kernel() -> Vec<u8> {
    let code = [0xff, 0xc3, 0x88, 0xd8, 0x66, 0xba, 0xf8, 0x03, 0xee, 0xeb, 0xf5];
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0".to_vec();
    bytes.extend([0x100_0000u64, 64, 0].iter().flat_map(|number| number.to_le_bytes()));
    bytes.extend([0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0]);
    let segment = [0x1000, 0x100_0000, 0x100_0000, 11, 11, 0x1000u64];
    bytes.extend(segment.iter().flat_map(|number| number.to_le_bytes()));
    bytes.resize(0x1000, 0);
    bytes.extend(code);
    bytes
}

/// A guest that somebody started who is gone.
struct Guest(Child);

impl Guest {
    /// Starts it where `oxydra guest boot NAME` would; `None` where there is no KVM at all.
    fn start(place: &Place, name: &str) -> Option<Guest> {
        if let Err(error) = File::options().read(true).write(true).open("/dev/kvm") {
            tests::skipped(format!("/dev/kvm does not open: {error}"));
            return None;
        }
        let dir = machine(place, name);
        fs::create_dir_all(&dir).expect("the guest's directory is made");
        let at = |file: &str| dir.join(file);
        fs::write(at("kernel"), kernel()).expect("the kernel is written");
        fs::write(at("settings"), "/k\n/i\nimage\n48\n1\n").expect("the settings are written");
        let mut command = Command::new(monitor());
        command.arg("run").args(["--memory", "48"]);
        for (flag, path) in [
            ("--kernel", at("kernel")),
            ("--socket", at("control")),
            ("--vsock", at("vsock")),
            ("--outbox", at("outbox")),
        ] {
            command.arg(flag).arg(path);
        }
        let err = File::create(at("monitor")).expect("its words have a file");
        let guest = Guest(command.stdin(Stdio::null()).stderr(err).spawn().expect("the monitor starts"));
        // Bounded by the test's own patience: a monitor that does not start says so in its file.
        for _ in 0..10_000_000 {
            if UnixStream::connect(at("control")).is_ok() {
                return Some(guest);
            }
            std::thread::yield_now();
        }
        panic!("no monitor listens: {}", fs::read_to_string(at("monitor")).unwrap_or_default());
    }

    /// Waits for its end, and returns the exit code.
    fn ended(mut self) -> Option<i32> {
        self.0.wait().expect("it can be waited for").code()
    }

    /// Kills it, so that it clears nothing away.
    fn kill(mut self) {
        self.0.kill().expect("it runs");
        self.0.wait().expect("it can be waited for");
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // Both fail when it has ended, as it should have.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn machine(place: &Place, name: &str) -> PathBuf {
    place.home().join("guest/machines").join(name)
}

fn guest(place: &Place, words: &[&str]) -> Done {
    let args: Vec<_> = ["guest"].iter().chain(words).copied().collect();
    place.oxydra(&args).env("OXYDRA_VMM", monitor().to_str().expect("a plain path")).done()
}

#[test]
fn a_guest_whose_starter_is_gone_is_found_written_down_and_ended() {
    let place = Place::new();
    let Some(one) = Guest::start(&place, "one") else { return };
    assert_eq!(guest(&place, &["list"]).ended(0).text(), "one  booted, 48 MiB, 1 vCPU\n");
    let json: serde_json::Value =
        serde_json::from_str(&guest(&place, &["list", "--json"]).ended(0).text()).expect("one object");
    assert_eq!(json["guests"][0]["standing"], "running");
    assert_eq!(json["guests"][0]["stats"]["vcpus"], 1);

    guest(&place, &["snapshot", "one", "gold"]).ended(0);
    let twice = guest(&place, &["snapshot", "one", "gold"]).ended(1);
    assert!(twice.err.contains("there is a snapshot `gold` already"), "{}", twice.err);
    let listed = guest(&place, &["list"]).ended(0).text();
    assert!(listed.contains("one  booted") && listed.contains("gold  snapshot, "), "{listed}");
    let unreached = guest(&place, &["exec", "one", "ls"]).ended(125);
    assert!(
        unreached.err.contains("the guest `one` is booted, and only an agent that is ready listens"),
        "{}",
        unreached.err
    );

    assert_eq!(guest(&place, &["stop", "one"]).ended(0).text(), "the guest `one` is off\n");
    assert_eq!(one.ended(), Some(0));
    let removed = guest(&place, &["remove", "gold", "--json"]).ended(0).text();
    assert_eq!(removed, "{\"removed\":true,\"snapshot\":\"gold\"}\n");
    assert_eq!(guest(&place, &["list"]).ended(0).text(), "");
    let none = guest(&place, &["remove", "gold"]).ended(1);
    assert!(none.err.contains("there is no snapshot `gold`: there are none"), "{}", none.err);
    let gone = guest(&place, &["stop", "one"]).ended(1);
    assert!(gone.err.contains("no guest `one` runs: `guest list` shows what does"), "{}", gone.err);
}

#[test]
fn what_a_killed_guest_left_is_listed_and_cleared_away() {
    let place = Place::new();
    let Some(two) = Guest::start(&place, "two") else { return };
    two.kill();
    let killed = "two  killed: `stop two` clears away what it left\n";
    // The monitor dies with its helper, which the kernel tells it a moment later.
    let mut said = guest(&place, &["list"]).ended(0).text();
    for _ in 0..1000 {
        if said == killed {
            break;
        }
        said = guest(&place, &["list"]).ended(0).text();
    }
    assert_eq!(said, killed);
    let unreached = guest(&place, &["exec", "two", "ls"]).ended(125);
    assert!(unreached.err.contains("`guest stop two` clears it away"), "{}", unreached.err);
    let stopped = guest(&place, &["stop", "two", "--json"]).ended(0).text();
    assert_eq!(stopped, "{\"guest\":\"two\",\"ran\":false}\n");
    assert!(
        !machine(&place, "two").join("control").exists() && !machine(&place, "two").join("vsock").exists()
    );
    assert_eq!(guest(&place, &["list"]).ended(0).text(), "");
}

#[test]
fn what_is_missing_is_named_with_what_mends_it() {
    let place = Place::new();
    let put = |name: &str, text: &str| {
        let path = place.root().join(name);
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a program");
        path.display().to_string()
    };
    let refused = |words: &[&str], variables: &[(&str, &str)], code, expected: &[&str]| {
        let args: Vec<_> = ["guest"].iter().chain(words).copied().collect();
        let run = place.oxydra(&args);
        let said =
            variables.iter().fold(run, |run, (name, value)| run.env(name, value)).done().ended(code).err;
        assert!(expected.iter().all(|words| said.contains(words)), "{words:?}: {said}");
    };
    let old = put("old", "#!/bin/sh\necho '{\"verdict\":\"real\",\"version\":\"0.0.1\"}'\n");
    refused(
        &["boot", "a"],
        &[("OXYDRA_VMM", "/nowhere/vmm")],
        1,
        &["OXYDRA_VMM names `/nowhere/vmm`", "unset OXYDRA_VMM"],
    );
    refused(
        &["boot", "a"],
        &[("OXYDRA_VMM", &old)],
        1,
        &["is of version 0.0.1", "install both from one version"],
    );
    refused(&["boot", "a/b"], &[], 2, &["`a/b` is no name"]);
    for (flag, value) in [
        ("--memory", "0"),
        ("--memory", "1"),
        ("--memory", "1048576"),
        ("--memory", "x"),
        ("--vcpus", "0"),
        ("--vcpus", "17"),
    ] {
        refused(
            &["boot", "a", flag, value],
            &[],
            2,
            &[&bounds(flag), &format!("{flag}: `{value}` is no number")],
        );
    }
    let closed = put(
        "closed",
        &format!(
            "#!/bin/sh\necho '{{\"verdict\":\"no_permission\",\"why\":\"this user may not open /dev/kvm\",\"remedy\":\"join the group\",\"version\":\"{}\"}}'\n",
            env!("CARGO_PKG_VERSION")
        ),
    );
    refused(
        &["boot", "a"],
        &[("OXYDRA_VMM", &closed)],
        1,
        &["cannot run guests: this user may not open /dev/kvm; join the group"],
    );
    refused(&["restore", "a", "b"], &[("OXYDRA_VMM", &closed)], 1, &["cannot run guests"]);

    // No package, no kernel, and one that is none.
    let agent = put("agent", "an agent that is linked to nothing");
    let agent = [("OXYDRA_AGENT", agent.as_str())];
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("a kernel has a release");
    // Where this machine's own kernel may be read, it is the one that is taken.
    if File::open(format!("/boot/vmlinuz-{}", release.trim())).is_err() {
        let ways_out = ["there is no kernel: ", "--kernel FILE --modules DIRECTORY"];
        // Without a search path there is one all the same.
        refused(&["build", "--root", "."], &[agent[0], ("PATH", "/nowhere")], 1, &ways_out);
    }
    fs::create_dir_all(place.root().join("6.1")).expect("modules");
    fs::create_dir_all(place.root().join("root")).expect("a root");
    let build = ["build", "--root", "root", "--modules", "6.1", "--kernel"];
    fs::write(place.root().join("kernel"), kernel()).expect("a kernel");
    refused(&[&build[..], &["kernel"]].concat(), &agent, 1, &["the kernel 6.1 has no module `virtio_mmio`"]);
    // One that has the modules in itself.
    let built_in = "kernel/virtio_mmio.ko\nkernel/vmw_vsock_virtio_transport.ko\nkernel/overlay.ko\n";
    fs::write(place.root().join("6.1/modules.builtin"), built_in).expect("a list");
    let mut foreign = kernel();
    foreign[18] = 183;
    let arm = [&[0; 56][..], b"ARM\x64", &[0; 4000]].concat();
    for (bytes, why) in [
        (b"no kernel".to_vec(), "is no kernel for a guest: it is neither a bzImage nor an ELF program"),
        (kernel()[..40].to_vec(), "it is cut off"),
        (
            foreign,
            "it is for another machine than x86-64; name a bzImage or a vmlinux for x86-64 with `--kernel`",
        ),
        (arm, "it is for another machine than x86-64"),
    ] {
        fs::write(place.root().join("kernel"), bytes).expect("a kernel");
        refused(&[&build[..], &["kernel"]].concat(), &agent, 1, &[why]);
    }
    assert_eq!(
        fs::read_dir(place.home().join("guest/images")).map_or(0, Iterator::count),
        0,
        "no half image stays"
    );
    fs::write(place.root().join("kernel"), kernel()).expect("a kernel");
    // Somebody was interrupted here.
    let images = place.home().join("guest/images");
    fs::create_dir_all(images.join("abc.new-4711/half")).expect("half an image");
    let built = place.oxydra(&[&["guest"], &build[..], &["kernel", "--json"]].concat());
    let built = built.env("OXYDRA_AGENT", agent[0].1).done().ended(0);
    let json: serde_json::Value = serde_json::from_str(&built.text()).expect("one object");
    assert_eq!((&json["release"], &json["was_cached"]), (&"6.1".into(), &false.into()));
    assert!(built.err.contains("unpacking the kernel 6.1"), "{}", built.err);
    let left: Vec<_> =
        fs::read_dir(images).expect("images").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, [json["image"].as_str().expect("a name")], "only what is whole stays");
}

/// What the monitor itself says of a flag's bounds, so that whoever starts it says the same.
fn bounds(flag: &str) -> String {
    let run = ["run", "--kernel", "k", "--socket", "s", "--vsock", "v", flag, "99999"];
    let run = if flag == "--vcpus" { [&run[..8], &["99"]].concat() } else { run.to_vec() };
    let output = Command::new(monitor()).args(run).output().expect("the monitor starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let (_, bounds) =
        said.lines().next().and_then(|line| line.split_once(" is not ")).expect("it says what is");
    bounds.to_owned()
}

#[test]
fn doctor_says_how_guests_stand_and_makes_nothing() {
    let place = Place::new();
    let said = guest(&place, &["doctor"]);
    let text = said.text();
    assert!(
        ["kvm", "monitor", "agent", "kernel", "room"].iter().all(|subject| text.contains(subject)),
        "{text}"
    );
    assert!(text.contains("→"), "an agent that is linked to libraries is something to mend: {text}");
    assert_eq!(said.code(), 1);
    assert!(!place.home().exists());
}
