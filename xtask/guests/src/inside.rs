//! What the nested lane does within its first level, where KVM works: the guests that a user would start, by the same
//! program and with the same filters. It says each step that holds, and stops at the first that does not.
use crate::{
    Fallible,
    bare::bare_guests,
    by_a_user::by_a_user,
    devices::devices,
    failed,
    lane_image::tell,
    place::counted,
    spans::{begin, end},
    step::{Step, next},
    work::{bomb, commands, done, refreshed, require, text, uname},
    workspace::workspace,
};
use guest::{Conversation, carry, egress_socket};
use machines::{Extent, Home, Machine, Name, Settings, doctor::probe};
use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::net::UnixListener,
    path::Path,
    process::{Child, ExitCode},
    thread,
};
use wire::HostFrame;

/// How often that is done, as an argument of the first level's kernel and a variable of its processes.
pub(crate) const ROUNDS: &str = "GUEST_ROUNDS";
/// How many guests run from one snapshot at the same time.
const CLONES: usize = 5;

/// Runs the steps.
pub(crate) fn run() -> Fallible<ExitCode> {
    Ok(said(steps().inspect(|()| println!("LANE whole"))))
}

/// Says why steps did not hold, to whoever started the machine.
pub(crate) fn said(outcome: Fallible<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("LANE FAILED {}", why.replace('\n', "\n  | "));
            ExitCode::FAILURE
        }
    }
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).expect("names in here are plain")
}

/// A guest of the image that the first level brings.
pub(crate) fn settings(vcpus: u8) -> Settings {
    Settings {
        kernel: "/second/vmlinux".into(),
        initrd: "/second/initrd".into(),
        image: "lane".to_owned(),
        memory_mib: 128,
        vcpus,
    }
}

fn steps() -> Fallible<()> {
    fs::metadata("/dev/kvm").map_err(failed("find /dev/kvm in the first level"))?;
    clock()?;
    done("the first level is up, and KVM with it");
    next(Step::Command);
    // It is right to warn: this machine is emulated. What it must not find is anything that KVM cannot do.
    let probed = probe()?;
    require(probed.is_real || probed.why.contains("emulated"), || format!("the probe: {probed:?}"))?;
    done(&format!("the probe: {}", probed.why));
    // A pivot of the root needs one that is a mount: the first file system is none.
    let home = Home::new("/tmp/home".into());
    next(Step::Boot);
    begin("boot");
    let (machine, child) = one_of_two(&home)?;
    done("our monitor boots Debian's kernel to the agent, jailed and filtered");
    limited(&machine)?;
    let mut guest = machine.converse()?;
    uname(&mut guest)?;
    end("boot");
    // The same program is in the second level.
    commands(&mut guest, Path::new("/bin/busybox"))?;
    bomb(&mut guest, &mut machine.converse()?)?;
    next(Step::Command);
    let processors = text(&mut guest, "nproc")?;
    require(processors == "2", || format!("the guest has {processors} processors"))?;
    done("two processors");
    next(Step::Workspace);
    workspace(&mut guest, Path::new("/tmp"))?;
    next(Step::Command);
    way_out(&machine, &mut guest)?;
    drop(guest);

    next(Step::Snapshot);
    let gold = name("gold");
    machine.snapshot(&home, &gold, Extent::Full, &mut tell)?;
    let pages = counted(&machine.control(), "snapshot_pages")?;
    done(&format!("snapshot, {pages} pages"));
    next(Step::PowerOff);
    power_off(&machine, child)?;
    done("powered off");
    restored(&home, &gold, pages)
}

/// Two boot a guest of one name at once: one does, and the other is told while the guest is on its way.
fn one_of_two(home: &Home) -> Fallible<(Machine, Child)> {
    let boot = || home.boot(&name("one"), &settings(2)).map_err(String::from);
    let both: [_; 2] = thread::scope(|scope| {
        let both = [scope.spawn(boot), scope.spawn(boot)];
        both.map(|one| one.join().expect("a boot that fails says so"))
    });
    match both {
        [Ok(guest), Err(why)] | [Err(why), Ok(guest)] => {
            require(why.contains("is just being started"), || format!("the second of two is told: {why}"))?;
            done("of two who boot one name at once, one does and the other is told");
            Ok(guest)
        }
        [Ok(_), Ok(_)] => Err("two booted one name at once".to_owned()),
        [Err(one), Err(other)] => Err(format!("neither of two boots one name: {one}; {other}")),
    }
}

/// The first guest is in a group that limits it: the monitor and its warden, nobody else.
fn limited(machine: &Machine) -> Fallible<()> {
    let noted = machine.control().with_file_name("groups");
    let noted = fs::read_to_string(noted).map_err(failed("read where its control group is"))?;
    let read = |file: &str| {
        let text = fs::read_to_string(Path::new(noted.trim()).join(file));
        text.map(|text| text.trim().to_owned()).map_err(failed(format!("read {file} of the control group")))
    };
    let limits = (read("memory.max")?, read("pids.max")?, read("cpu.max")?);
    let expected = (((2 * 128 + 96) << 20).to_string(), "10".to_owned(), "200000 100000".to_owned());
    require(limits == expected, || format!("the control group says {limits:?}"))?;
    // KVM may put a thread of its own beside the two.
    let names = read("cgroup.procs")?;
    let names = names.lines().map(|id| fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default());
    let (ours, others): (Vec<_>, Vec<_>) = names.partition(|name| name.trim() == "oxydra-vmm");
    let are_kvms = others.iter().all(|name| name.starts_with("kvm"));
    require(ours.len() == 2 && are_kvms, || format!("{ours:?} and {others:?} are in the control group"))?;
    done("a control group limits its memory, processes and processor time");
    Ok(())
}

/// A command reaches what the host decides, and nothing else.
fn way_out(machine: &Machine, guest: &mut Conversation) -> Fallible<()> {
    let outside = TcpListener::bind("127.0.0.1:0").map_err(failed("listen on the loopback"))?;
    let address = outside.local_addr().map_err(failed("listen on the loopback"))?;
    thread::spawn(move || {
        for mut stream in outside.incoming().flatten() {
            let mut said = [0; 4];
            // A caller that says less is answered less, and the step fails.
            let _cut = stream.read_exact(&mut said).and_then(|()| stream.write_all(b"pong"));
        }
    });
    let requests =
        UnixListener::bind(egress_socket(&machine.vsock())).map_err(failed("wait for requests"))?;
    thread::spawn(move || {
        for stream in requests.incoming().flatten() {
            let _ended = carry(stream, |wanted| match wanted.host.as_str() {
                "allowed.example" => TcpStream::connect(address).map_err(|error| error.to_string()),
                other => Err(format!("{other} is not on the list")),
            });
        }
    });
    let ask = |host: &str, more: &str| {
        format!("printf 'CONNECT {host}:443 HTTP/1.1\\r\\n\\r\\n{more}' | nc 127.0.0.1 3128 | tr -d '\\r'")
    };
    let refused = text(guest, &ask("denied.example", ""))?;
    let why = "the host refuses: denied.example is not on the list";
    require(refused.contains("403") && refused.contains(why), || format!("the refusal says {refused}"))?;
    let carried = text(guest, &ask("allowed.example", "ping"))?;
    require(carried.starts_with("HTTP/1.1 200") && carried.ends_with("pong"), || {
        format!("it says {carried}")
    })?;
    let elsewhere = text(guest, "ip route; ls /sys/class/net")?;
    require(elsewhere == "lo", || format!("the guest has a network: {elsewhere}"))?;
    done("no network but the host's decision: one refused, one carried");
    Ok(())
}

fn restored(home: &Home, gold: &Name, pages: u64) -> Fallible<()> {
    next(Step::Restore);
    begin("restore");
    let (machine, child) = home.restore(gold, &name("again"))?;
    let mut guest = machine.converse()?;
    uname(&mut guest)?;
    end("restore");
    let seen = text(&mut guest, "cat /workspace/new/deep/file; exit 0")?;
    require(seen == "new", || format!("the restored guest sees {seen}"))?;
    done("restored in a new process, and a command sees the workspace");
    next(Step::Snapshot);
    difference(home, &machine, guest, child, pages)?;
    by_a_user()?;

    for round in 0..rounds() {
        if round > 0 {
            println!("LANE round {round}");
        }
        clones(home, gold)?;
    }
    devices()?;
    bare_guests()?;
    clock()?;
    done("all powered off");
    Ok(())
}

/// How often clones are started. A lane that has time says so to the first level's kernel, which hands it on.
fn rounds() -> usize {
    std::env::var(ROUNDS).ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1)
}

/// Says no where the first level took its time stamp counter for broken: guests in it crawl then, and what takes its time is
/// no fault of theirs.
fn clock() -> Fallible<()> {
    const SOURCE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    let source = fs::read_to_string(SOURCE).map_err(failed("read the first level's clock"))?;
    // Until it is sure of the rate, it calls it `tsc-early`.
    require(source.starts_with("tsc"), || format!("the first level's clock is {}", source.trim()))
}

/// Several guests from one snapshot at once: each has its own pages, time and random numbers.
fn clones(home: &Home, gold: &Name) -> Fallible<()> {
    let mut clones = Vec::new();
    for number in 0..CLONES {
        next(Step::Restore);
        clones.push(home.restore(gold, &name(&format!("clone-{number}")))?);
        println!("LANE clone {number} is up");
    }
    let mut drawn = BTreeSet::new();
    for (number, (machine, _)) in clones.iter().enumerate() {
        next(Step::Command);
        let mut guest = machine.converse()?;
        let entropy = [u8::try_from(number).expect("there are few"); 64];
        drawn.insert(refreshed(&mut guest, &entropy)?);
        text(&mut guest, &format!("echo {number} > /workspace/mine"))?;
        println!("LANE clone {number} has a mark");
    }
    require(drawn.len() == CLONES, || format!("clones drew the same numbers: {drawn:?}"))?;
    for (number, (machine, _)) in clones.iter().enumerate() {
        let seen = text(&mut machine.converse()?, "cat /workspace/mine")?;
        require(seen == number.to_string(), || format!("clone {number} sees {seen}"))?;
    }
    done("five clones run at once, each with its own pages, time and random numbers");
    for (machine, child) in clones {
        next(Step::PowerOff);
        power_off(&machine, child)?;
    }
    Ok(())
}

/// What one call changed in a whole machine is written down without the rest of it, and comes back.
fn difference(
    home: &Home,
    machine: &Machine,
    mut guest: Conversation,
    child: Child,
    pages: u64,
) -> Fallible<()> {
    text(&mut guest, "echo since > /workspace/since")?;
    drop(guest);
    let since = name("since");
    machine.snapshot(home, &since, Extent::Difference, &mut tell)?;
    let changed = counted(&machine.control(), "snapshot_pages")?;
    next(Step::PowerOff);
    power_off(machine, child)?;
    next(Step::Restore);
    let (machine, child) = home.restore(&since, &name("since"))?;
    let seen = text(&mut machine.converse()?, "cat /workspace/since /workspace/new/deep/file")?;
    require(seen == "since\nnew", || format!("restored from a difference, the guest sees {seen}"))?;
    power_off(&machine, child)?;
    require(changed * 4 < pages, || format!("{changed} of {pages} pages are no difference"))?;
    done(&format!("a difference of {changed} pages, not of {pages}, restored on top of it"));
    Ok(())
}

/// Powers a guest off, and waits for its monitor to end well.
pub(crate) fn power_off(machine: &Machine, mut child: Child) -> Fallible<()> {
    machine.converse()?.ask(&HostFrame::PowerOff(())).map_err(failed("power off"))?;
    let status = child.wait().map_err(failed("wait for the monitor"))?;
    require(status.success(), || format!("the monitor ended with {status}"))
}
