//! The way into the jail, step by step, in the order in which each step still can be made. One of the files with `unsafe`:
//! leaving namespaces and forking are promises about the whole process.
//!
//! what was inherited is closed → limits of the group → fork into a new PID namespace → user, mount, network, IPC, host name and cgroup namespaces → an
//! empty read-only root → limits → no capabilities, nobody instead of root, no new privileges → Landlock without a rule. The
//! virtual machine is created after that: KVM ties it to the process that created it. Filters come last, each on its own
//! thread.
#![allow(unsafe_code, reason = "fork, unshare and the bare Landlock calls have no safe form")]

use super::nobody::{Way, Word};
use rustix::{
    mount::{MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_change, mount_remount, unmount},
    process::{
        DumpableBehavior, Resource, Rlimit, Signal, WaitOptions, chdir, pivot_root, set_dumpable_behavior,
        set_parent_process_death_signal, setrlimit, waitpid,
    },
    thread::{
        CapabilitySet, CapabilitySets, UnshareFlags, clear_ambient_capability_set,
        remove_capability_from_bounding_set, set_capabilities, set_no_new_privs, unshare_unsafe,
    },
};
use std::{fs, io, path::Path};

/// A step that could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot enter the jail: {step}")]
pub struct JailError {
    /// Which.
    pub step: &'static str,
    /// Why not.
    #[source]
    pub source: io::Error,
}

pub(super) fn at<E: Into<io::Error>>(step: &'static str) -> impl FnOnce(E) -> JailError {
    move |error| JailError { step, source: error.into() }
}

/// Closes whatever was inherited besides the standard streams: it would stay open, and of use, in the jail. It is for the first
/// moment of a program, which has opened nothing yet.
///
/// # Errors
/// When that cannot be done; then there is no jail.
pub fn alone() -> Result<(), JailError> {
    const FIRST: u32 = 3;
    // SAFETY: the call takes numbers. Nothing here owns a descriptor yet but the standard streams, which stay.
    if unsafe { libc::syscall(libc::SYS_close_range, FIRST, u32::MAX, 0) } == 0 {
        return Ok(());
    }
    // A kernel or a container that does not know the call yet.
    let listed = fs::read_dir("/proc/self/fd").map_err(at("closing what was inherited"))?;
    let listed: Vec<_> = listed.flatten().map(|entry| entry.file_name()).collect();
    for number in listed.iter().filter_map(|name| name.to_str()?.parse::<i32>().ok()) {
        if number >= FIRST as i32 {
            // SAFETY: as above; of the list itself, which is closed by now, nothing is left to own its number.
            unsafe { libc::close(number) };
        }
    }
    Ok(())
}

/// Which side of a fork this is.
pub(crate) enum Side {
    /// The monitor.
    Inside,
    /// The warden, and the monitor's process id as it sees it.
    Outside(rustix::process::Pid),
}

/// Splits this process in two. It must have one thread only.
pub(crate) fn split() -> Result<Side, JailError> {
    // SAFETY: this process has a single thread here: no lock can be held by a thread that the child has not, so that the
    // child may go on like any program.
    match unsafe { libc::fork() } {
        0 => {
            die_with_warden()?;
            Ok(Side::Inside)
        }
        child => match rustix::process::Pid::from_raw(child) {
            Some(child) => Ok(Side::Outside(child)),
            None => Err(at("fork")(io::Error::last_os_error())),
        },
    }
}

/// Whoever changes its user namespace or its user is asked anew.
fn die_with_warden() -> Result<(), JailError> {
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(at("the warden's death is ours"))
}

/// Waits for the monitor. Returns its exit code, or the signal that killed it.
pub(crate) fn wait(child: rustix::process::Pid) -> Result<Result<i32, i32>, io::Error> {
    loop {
        match waitpid(Some(child), WaitOptions::empty()) {
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
            Ok(None) => return Err(io::Error::other("there was nothing to wait for")),
            Ok(Some((_, status))) => {
                let code = status.exit_status();
                return Ok(code.map_or_else(|| Err(status.terminating_signal().unwrap_or(0)), Ok));
            }
        }
    }
}

/// Makes the namespaces that a later fork enters. An ordinary user may, because the user namespace comes first; who it is
/// inside is the same user. Root needs none for that, and enters its own after the fork, as nobody.
pub(crate) fn unshare_processes(way: &Way) -> Result<(), JailError> {
    if let Way::Same = way {
        // Asked before: within the namespace nobody is anybody until it is said.
        let user = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        unshare_user()?;
        same_user(user)?;
    }
    // SAFETY: unsharing the PID namespace leaves this process's memory and descriptors alone; it has one thread.
    unsafe { unshare_unsafe(UnshareFlags::NEWPID) }.map_err(at("a PID namespace"))
}

fn unshare_user() -> Result<(), JailError> {
    // SAFETY: unsharing the user namespace leaves this process's memory and descriptors alone; it has one thread.
    unsafe { unshare_unsafe(UnshareFlags::NEWUSER) }.map_err(at("a user namespace"))
}

/// Within the namespace whoever it was before is who it is.
fn same_user((uid, gid): (u32, u32)) -> Result<(), JailError> {
    fs::write("/proc/self/setgroups", "deny").map_err(at("the groups of the user namespace"))?;
    fs::write("/proc/self/uid_map", format!("{uid} {uid} 1"))
        .map_err(at("the user of the user namespace"))?;
    fs::write("/proc/self/gid_map", format!("{gid} {gid} 1")).map_err(at("the group of the user namespace"))
}

/// Everything after the fork. Whatever is needed later must be open.
pub(crate) fn lock_up(scratch: &Path, mut word: Word) -> Result<(), JailError> {
    if word.becomes_nobody() {
        unshare_user()?;
        word.wait()?;
    }
    let flags = UnshareFlags::NEWNS
        | UnshareFlags::NEWNET
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS
        | UnshareFlags::NEWCGROUP;
    // SAFETY: none of these namespaces holds memory or descriptors; this process has one thread.
    unsafe { unshare_unsafe(flags) }.map_err(at("namespaces of its own"))?;
    empty_root(scratch)?;
    limits()?;
    powerless(&word)?;
    landlock()?;
    die_with_warden()
}

fn empty_root(scratch: &Path) -> Result<(), JailError> {
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .map_err(at("mounts of its own"))?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("tmpfs", scratch, "tmpfs", flags, c"size=4k,nr_inodes=2,mode=500")
        .map_err(at("an empty file system"))?;
    chdir(scratch).map_err(at("the empty file system"))?;
    match pivot_root(".", ".") {
        Ok(()) => unmount(".", UnmountFlags::DETACH).map_err(at("the old root goes"))?,
        // The root of an initramfs cannot be pivoted away from: the empty file system is moved over it instead.
        Err(rustix::io::Errno::INVAL) => {
            rustix::mount::mount_move(".", "/").map_err(at("the empty file system becomes the root"))?;
            rustix::process::chroot(".").map_err(at("the empty root"))?;
        }
        Err(errno) => return Err(at("pivot_root")(errno)),
    }
    chdir("/").map_err(at("the empty root"))?;
    mount_remount("/", flags | MountFlags::RDONLY, c"").map_err(at("a root that cannot be written"))
}

/// Conversations, kicks and a few.
const FILES_MAX: u64 = 1024;

fn limits() -> Result<(), JailError> {
    for (resource, most) in
        [(Resource::Core, 0), (Resource::Nofile, FILES_MAX), (Resource::Memlock, 64 << 10)]
    {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) }).map_err(at("limits"))?;
    }
    Ok(())
}

/// What the warden gives up: it opens and dials as the user that it is.
pub(crate) fn ordinary() -> Result<(), JailError> {
    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    set_capabilities(None, sets).map_err(at("no capabilities"))
}

fn powerless(word: &Word) -> Result<(), JailError> {
    for bit in 0..64 {
        // Bits that this kernel does not know are refused, and held by nobody.
        let _ = remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << bit));
    }
    let _ = clear_ambient_capability_set();
    word.become_nobody()?;
    ordinary()?;
    set_no_new_privs(true).map_err(at("no new privileges"))?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(at("no memory for others"))
}

const LANDLOCK_CREATE_RULESET: libc::c_long = 444;
const LANDLOCK_RESTRICT_SELF: libc::c_long = 446;
/// Every access to files of the first version: the ones that an empty root leaves anything of.
const LANDLOCK_FILES: u64 = (1 << 13) - 1;

/// A rule set without a rule: no path can be opened any more, whatever is mounted. A kernel without Landlock has the rest.
fn landlock() -> Result<(), JailError> {
    let handled: u64 = LANDLOCK_FILES;
    // SAFETY: the kernel reads the eight bytes of `handled`, which outlives the call.
    let rules = unsafe { libc::syscall(LANDLOCK_CREATE_RULESET, &raw const handled, size_of::<u64>(), 0) };
    if rules < 0 {
        let error = io::Error::last_os_error();
        let absent = [Some(libc::ENOSYS), Some(libc::EOPNOTSUPP)].contains(&error.raw_os_error());
        return if absent { Ok(()) } else { Err(at("Landlock")(error)) };
    }
    // SAFETY: takes a descriptor that the call above returned, and no pointers.
    let done = unsafe { libc::syscall(LANDLOCK_RESTRICT_SELF, rules, 0) };
    // SAFETY: the descriptor is ours and nobody else's.
    unsafe { libc::close(rules as i32) };
    if done == 0 { Ok(()) } else { Err(at("Landlock")(io::Error::last_os_error())) }
}

#[cfg(test)]
pub(crate) mod tests {
    /// A system call that no list has, for the tests of the lists.
    pub(crate) fn trace() {
        // SAFETY: the call has no pointers; it asks to be traced by the parent.
        unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) };
    }
}
