//! What an ordinary user of the group that owns `/dev/kvm` can do with guests, in a home of its own and without a power of
//! root, and what one outside of that group is told. The lane starts this program once more as that user; nothing is done for
//! it but what an administrator does.
use crate::{
    Fallible, failed,
    inside::{name, power_off, settings},
    step::{Step, next},
    work::{done, require, text, uname},
};
use machines::{Home, Part, doctor::probe};
use std::{
    env, fs,
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::{Child, Command},
};

const USER: u32 = 1000;
/// The group `kvm` of a distribution.
const KVM: u32 = 107;
/// The user's own directory.
const THEIRS: &str = "/tmp/theirs";
/// What starts the user's part, as an argument.
pub(crate) const WORD: &str = "by-a-user";

/// Root's part: hands `/dev/kvm` to the group, makes a home, and lets the user go.
pub(crate) fn by_a_user() -> Fallible<()> {
    next(Step::Command);
    chown("/dev/kvm", Some(0), Some(KVM)).map_err(failed("give /dev/kvm to a group"))?;
    fs::set_permissions("/dev/kvm", fs::Permissions::from_mode(0o660))
        .map_err(failed("give /dev/kvm to a group"))?;
    let probed = Command::new(Part::Monitor.find()?).arg("probe").uid(USER).gid(USER).output();
    let probed = probed.map_err(failed("start the monitor"))?;
    let said = String::from_utf8_lossy(&probed.stdout).into_owned();
    let is_told = said.contains("may not open /dev/kvm") && said.contains("join the group");
    require(!probed.status.success() && is_told, || format!("a user outside of the group is told: {said}"))?;
    done("a user outside of the group kvm is told to join it");

    fs::create_dir(THEIRS).map_err(failed("make a user's directory"))?;
    chown(THEIRS, Some(USER), Some(USER)).map_err(failed("hand a directory over"))?;
    fs::set_permissions(THEIRS, fs::Permissions::from_mode(0o700))
        .map_err(failed("hand a directory over"))?;
    let ourselves = env::current_exe().map_err(failed("find this program"))?;
    // Whoever changes the user this way leaves root's groups behind as well.
    let status = Command::new(ourselves).arg(WORD).current_dir(THEIRS).uid(USER).gid(KVM).status();
    let status = status.map_err(failed("start this program as a user"))?;
    require(status.success(), || format!("the user's part ended with {status}"))
}

/// The user's part.
pub(crate) fn steps() -> Fallible<()> {
    powerless("self")?;
    let probed = probe()?;
    require(probed.is_real || probed.why.contains("emulated"), || format!("the user's probe: {probed:?}"))?;
    let home = Home::new(Path::new(THEIRS).join("guest"));
    next(Step::Boot);
    let (machine, mut child) = home.boot(&name("own"), &settings(1))?;
    locked_up(&child)?;
    uname(&mut machine.converse()?)?;
    done("an ordinary user of the group kvm boots a guest, jailed and filtered");

    next(Step::Command);
    typed(&home, &["exec", "own", "-c", "echo theirs >/workspace/mine; exit 3"], 3)?;
    let listed = typed(&home, &["list"], 0)?;
    require(listed.starts_with("own  agent ready"), || format!("the user's guests: {listed}"))?;
    next(Step::Snapshot);
    typed(&home, &["snapshot", "own", "gold"], 0)?;
    next(Step::PowerOff);
    typed(&home, &["stop", "own"], 0)?;
    let status = child.wait().map_err(failed("wait for the monitor"))?;
    require(status.success(), || format!("the user's monitor ended with {status}"))?;
    done("its commands run a program, read its exit status, write the guest down and power it off");

    next(Step::Restore);
    let (machine, child) = home.restore(&name("gold"), &name("again"))?;
    locked_up(&child)?;
    let seen = text(&mut machine.converse()?, "cat /workspace/mine")?;
    require(seen == "theirs", || format!("the user's restored guest sees {seen}"))?;
    power_off(&machine, child)?;
    require(home.list()?.is_empty(), || "something is left of the user's guests".to_owned())?;
    done("and another guest goes on from what it wrote down");
    Ok(())
}

/// What a person types, with what it must end with; returns what it printed.
fn typed(home: &Home, words: &[&str], expected: i32) -> Fallible<String> {
    let mut command = Command::new(env::current_exe().map_err(failed("find this program"))?);
    command.args(words).env("OXYDRA_GUEST_HOME", &home.root);
    let output = command.output().map_err(failed(format!("type {words:?}")))?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    require(output.status.code() == Some(expected), || {
        format!("{words:?} ended with {} instead of {expected}: {said}", output.status)
    })?;
    Ok(said)
}

/// Both processes of a guest are the user's, have no capability, and are filtered.
fn locked_up(warden: &Child) -> Fallible<()> {
    let id = warden.id();
    let inside = fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
    let inside = inside.map_err(failed("find the monitor"))?;
    for process in [id.to_string().as_str(), inside.trim()] {
        let status = powerless(process)?;
        let filtered = ["NoNewPrivs:\t1\n", "Seccomp:\t2\n"].iter().all(|line| status.contains(line));
        require(filtered, || format!("the process {process} is not locked up: {status}"))?;
    }
    Ok(())
}

/// Returns the status of a process that must be the user's and have no power of root.
fn powerless(process: &str) -> Fallible<String> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).map_err(failed("read a status"))?;
    let ours = [format!("Uid:\t{USER}\t{USER}\t{USER}\t{USER}\n"), "CapEff:\t0000000000000000\n".to_owned()];
    require(ours.iter().all(|line| status.contains(line)), || {
        format!("the process {process} is not a powerless user's: {status}")
    })?;
    Ok(status)
}
