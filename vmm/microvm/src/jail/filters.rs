//! The system calls that each thread may make. A call that is on no list kills the process: nothing in a running monitor is
//! worth guessing about what a guest made it do.
//!
//! Each line says what needs the call. `ioctl`, `mmap`, `madvise`, `socket` and the like are narrowed to arguments.
use crate::config::Seccomp;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter,
};
use std::collections::BTreeMap;
// The lists below are read as sentences.
use self::With::{Anything, OneOf, Only, Without};

/// A class of threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Runs the guest.
    Vcpu,
    /// Serves its queues.
    Devices,
    /// Listens to the control socket, saves and stops.
    Main,
    /// Outside of the jail: opens files of snapshots and dials ports.
    Warden,
}

/// What a call is allowed with.
enum With {
    Anything,
    /// One of these values in this argument.
    OneOf(u8, &'static [u64]),
    /// None of these bits in this argument.
    Without(u8, u64),
    /// All of these bits in this argument.
    Only(u8, u64),
}

/// A call, what it is allowed with, and what needs it.
type Call = (i64, With, &'static str);

const KVM_RUN: u64 = 0xae80;
/// What reads and writes the state of a processor: between two instructions, for a snapshot.
const VCPU_CONTROLS: &[u64] = &[
    KVM_RUN,
    0x8090_ae81, // KVM_GET_REGS
    0x8138_ae83, // KVM_GET_SREGS
    0xc008_ae88, // KVM_GET_MSRS
    0x8400_ae8e, // KVM_GET_LAPIC
    0xc008_ae91, // KVM_GET_CPUID2
    0x8004_ae98, // KVM_GET_MP_STATE
    0x8040_ae9f, // KVM_GET_VCPU_EVENTS
    0x8080_aea1, // KVM_GET_DEBUGREGS
    0xae_a3,     // KVM_GET_TSC_KHZ
    0x9000_aea4, // KVM_GET_XSAVE
    0x8188_aea6, // KVM_GET_XCRS
    0xae_ad,     // KVM_KVMCLOCK_CTRL
];
const MAIN_CONTROLS: &[u64] = &[
    0x4010_ae42, // KVM_GET_DIRTY_LOG
    0xc208_ae62, // KVM_GET_IRQCHIP
    0x8030_ae7c, // KVM_GET_CLOCK
];

const PROT_EXEC: u64 = 4;
const MADV_DONTNEED: u64 = 4;

/// What every thread of a Rust program needs to allocate, lock, and end.
const COMMON: &[Call] = &[
    (libc::SYS_futex, Anything, "locks and channels"),
    (libc::SYS_sched_yield, Anything, "a channel whose other end was interrupted in the middle of it"),
    (libc::SYS_restart_syscall, Anything, "a wait goes on after the process was stopped or frozen"),
    (libc::SYS_mmap, Without(2, PROT_EXEC), "the allocator grows"),
    (libc::SYS_munmap, Anything, "the allocator and a thread's stack shrink"),
    (libc::SYS_mremap, Anything, "the allocator moves a large buffer"),
    (libc::SYS_mprotect, Without(2, PROT_EXEC), "the allocator opens a thread's heap"),
    (
        libc::SYS_madvise,
        OneOf(2, &[MADV_DONTNEED]),
        "a thread's stack goes, and the balloon gives pages back",
    ),
    (libc::SYS_brk, Anything, "the allocator grows"),
    (libc::SYS_rt_sigprocmask, Anything, "a thread ends, a signal is sent"),
    (libc::SYS_rt_sigreturn, Anything, "the signal that calls a processor returns"),
    (libc::SYS_sigaltstack, Anything, "a thread ends"),
    (libc::SYS_write, Anything, "events, logs, sockets"),
    (libc::SYS_close, Anything, "descriptors end"),
    (libc::SYS_fcntl, OneOf(1, &[libc::F_GETFD as u64]), "a debug build looks before it closes"),
    (libc::SYS_gettid, Anything, "a panic says in which thread, a processor is called by a signal"),
    (libc::SYS_exit, Anything, "a thread ends"),
    (libc::SYS_exit_group, Anything, "the process ends"),
    (libc::SYS_clock_gettime, Anything, "waiting for a time, where the clock is no page of the process"),
];

const VCPU: &[Call] = &[(libc::SYS_ioctl, OneOf(1, VCPU_CONTROLS), "the guest runs, and is saved")];

const DEVICES: &[Call] = &[
    (libc::SYS_epoll_wait, Anything, "waiting for events"),
    (libc::SYS_epoll_pwait, Anything, "waiting for events, by its other name"),
    (libc::SYS_epoll_ctl, Anything, "conversations come and go"),
    (libc::SYS_read, Anything, "events, sockets"),
    (libc::SYS_pread64, Anything, "disks"),
    (libc::SYS_pwrite64, Anything, "disks"),
    (libc::SYS_accept4, Anything, "callers"),
    (libc::SYS_recvfrom, Anything, "a caller's first line"),
    (libc::SYS_recvmsg, Anything, "a socket from the warden"),
    (libc::SYS_sendto, Anything, "a question to the warden, data of the guest"),
    (libc::SYS_shutdown, Anything, "the guest ended its half of a conversation"),
    (libc::SYS_getrandom, Anything, "entropy for the guest"),
];

const MAIN: &[Call] = &[
    (libc::SYS_ioctl, OneOf(1, MAIN_CONTROLS), "the machine is saved"),
    (libc::SYS_poll, Anything, "waiting for clients"),
    (libc::SYS_ppoll, Anything, "waiting for clients, by its other name"),
    (libc::SYS_read, Anything, "clients, events"),
    (libc::SYS_accept4, Anything, "clients"),
    (libc::SYS_recvfrom, Anything, "clients"),
    (libc::SYS_sendto, Anything, "clients, questions to the warden"),
    (libc::SYS_recvmsg, Anything, "files from the warden"),
    (libc::SYS_pwrite64, Anything, "a snapshot is written"),
    (libc::SYS_pread64, Anything, "disks are read into a snapshot"),
    (libc::SYS_ftruncate, Anything, "a snapshot gets its length"),
    (libc::SYS_fstat, Anything, "the length of a file"),
    (libc::SYS_statx, Anything, "the length of a file, by its other name"),
    (libc::SYS_fsync, Anything, "a snapshot is on disk"),
    (libc::SYS_getpid, Anything, "a processor is called by a signal"),
    (libc::SYS_tgkill, Anything, "a processor is called by a signal"),
    (libc::SYS_getrandom, Anything, "the seed of a table, the mark of a snapshot"),
];

const WARDEN: &[Call] = &[
    (libc::SYS_poll, Anything, "waiting for questions"),
    (libc::SYS_ppoll, Anything, "waiting for questions, by its other name"),
    (libc::SYS_recvfrom, Anything, "questions"),
    (libc::SYS_sendmsg, Anything, "answers, with a descriptor"),
    (libc::SYS_socket, OneOf(0, &[libc::AF_UNIX as u64]), "a port is dialled"),
    (libc::SYS_connect, Anything, "a port is dialled"),
    (libc::SYS_openat, Only(2, libc::O_NOFOLLOW as u64), "files of snapshots, over no link"),
    (libc::SYS_fstat, Anything, "whether that is a file"),
    (libc::SYS_mkdirat, Anything, "a snapshot begins"),
    (libc::SYS_renameat, Anything, "a snapshot is whole"),
    (libc::SYS_renameat2, Anything, "a snapshot is whole"),
    (libc::SYS_unlinkat, Anything, "a snapshot that failed, sockets at the end"),
    (libc::SYS_unlink, Anything, "sockets at the end"),
    (libc::SYS_fsync, Anything, "a snapshot is on disk"),
    (libc::SYS_newfstatat, Anything, "whether a snapshot is there already"),
    (libc::SYS_wait4, Anything, "the monitor ended"),
    (libc::SYS_waitid, Anything, "the monitor ended"),
];

impl Class {
    fn calls(self) -> impl Iterator<Item = &'static Call> {
        let own = match self {
            Class::Vcpu => VCPU,
            Class::Devices => DEVICES,
            Class::Main => MAIN,
            Class::Warden => WARDEN,
        };
        COMMON.iter().chain(own)
    }
}

/// Every list, for those who audit it: class, number of the call, and what needs it.
pub fn lists() -> String {
    let classes = [
        ("vcpu", Class::Vcpu),
        ("devices", Class::Devices),
        ("main", Class::Main),
        ("warden", Class::Warden),
    ];
    let lines = classes.into_iter().flat_map(|(name, class)| {
        class.calls().map(move |(call, with, why)| {
            let narrowed = if matches!(with, Anything) { "" } else { " (some arguments)" };
            format!("{name} {call}{narrowed}: {why}\n")
        })
    });
    lines.collect()
}

/// A filter, ready to be applied by the thread that it is for.
#[derive(Debug, Clone)]
pub(crate) struct Program(Option<BpfProgram>);

impl Program {
    /// Compiles the list of a class.
    pub(crate) fn of(class: Class, seccomp: Seccomp) -> Result<Program, seccompiler::Error> {
        let otherwise = match seccomp {
            Seccomp::Kill => SeccompAction::KillProcess,
            Seccomp::Log => SeccompAction::Log,
            Seccomp::Off => return Ok(Program(None)),
        };
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
        for (call, with, _why) in class.calls() {
            rules.insert(*call, with.rules()?);
        }
        let arch = std::env::consts::ARCH.try_into().map_err(seccompiler::Error::Backend)?;
        let filter = SeccompFilter::new(rules, otherwise, SeccompAction::Allow, arch)
            .map_err(seccompiler::Error::Backend)?;
        Ok(Program(Some(filter.try_into().map_err(seccompiler::Error::Backend)?)))
    }

    /// One that the kernel does not take.
    #[cfg(test)]
    pub(crate) fn unusable() -> Program {
        Program(Some(Vec::new()))
    }

    /// From here on this thread makes no other call.
    pub(crate) fn apply(&self) -> Result<(), seccompiler::Error> {
        self.0.as_ref().map_or(Ok(()), |program| apply_filter(program))
    }
}

impl With {
    fn rules(&self) -> Result<Vec<SeccompRule>, seccompiler::Error> {
        let condition = |argument: u8, op, value| {
            SeccompCondition::new(argument, SeccompCmpArgLen::Dword, op, value)
                .and_then(|condition| SeccompRule::new(vec![condition]))
                .map_err(seccompiler::Error::Backend)
        };
        match self {
            Anything => Ok(Vec::new()),
            OneOf(argument, values) => {
                values.iter().map(|value| condition(*argument, SeccompCmpOp::Eq, *value)).collect()
            }
            Without(argument, bits) => Ok(vec![condition(*argument, SeccompCmpOp::MaskedEq(*bits), 0)?]),
            Only(argument, bits) => Ok(vec![condition(*argument, SeccompCmpOp::MaskedEq(*bits), *bits)?]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thread_that_runs_the_guest_has_a_short_list() {
        let calls: Vec<_> = Class::Vcpu.calls().map(|(call, _, _)| *call).collect();
        assert!(calls.len() <= 25, "{}", calls.len());
    }

    #[test]
    fn no_list_opens_executes_or_traces_and_none_says_a_call_twice() {
        let never = [
            libc::SYS_execve,
            libc::SYS_execveat,
            libc::SYS_ptrace,
            libc::SYS_fork,
            libc::SYS_vfork,
            libc::SYS_clone,
            libc::SYS_clone3,
            libc::SYS_open,
            libc::SYS_openat2,
            libc::SYS_bpf,
            libc::SYS_process_vm_writev,
        ];
        for class in [Class::Vcpu, Class::Devices, Class::Main, Class::Warden] {
            let calls: Vec<_> = class.calls().map(|(call, _, _)| *call).collect();
            assert!(never.iter().all(|call| !calls.contains(call)), "{class:?}");
            let mut once = calls.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(once.len(), calls.len(), "{class:?}");
            let jailed = class != Class::Warden;
            assert!(
                !jailed || !calls.contains(&libc::SYS_openat) && !calls.contains(&libc::SYS_socket),
                "{class:?}"
            );
            Program::of(class, Seccomp::Kill).unwrap();
        }
    }

    /// Not a test by itself: another one runs it as a program, which is to die.
    #[test]
    #[ignore = "a victim of the test below"]
    fn victim() {
        let Ok(crime) = std::env::var("OXYDRA_TEST_CRIME") else { return };
        let (class, crime) = crime.split_once(' ').unwrap();
        let classes = [
            ("vcpu", Class::Vcpu),
            ("devices", Class::Devices),
            ("main", Class::Main),
            ("warden", Class::Warden),
        ];
        let (_, class) = classes.into_iter().find(|(name, _)| *name == class).unwrap();
        Program::of(class, Seccomp::Kill).unwrap().apply().unwrap();
        match crime {
            "nothing" => {}
            "open" => drop(std::fs::File::open("/etc/passwd")),
            "open beneath" => {
                let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::CLOEXEC;
                let mode = rustix::fs::Mode::empty();
                drop(rustix::fs::openat(rustix::fs::CWD, "/etc/passwd", flags, mode));
            }
            "exec" => {
                drop(std::os::unix::process::CommandExt::exec(&mut std::process::Command::new("/bin/true")))
            }
            "unix socket" => drop(std::os::unix::net::UnixStream::connect("/nonexistent")),
            "socket" => drop(std::net::TcpStream::connect("127.0.0.1:1")),
            "signal" => drop(rustix::process::test_kill_process(rustix::process::Pid::INIT)),
            "trace" => crate::jail::enter::tests::trace(),
            "executable memory" => drop(vm_memory::MmapRegion::<()>::build(
                None,
                4096,
                libc::PROT_EXEC,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            )),
            "another machine" => drop(kvm_ioctls::Kvm::new().map(|kvm| kvm.create_vm())),
            other => panic!("{other} is no crime"),
        }
        // A thread that ends lets the harness say so, which takes calls of its own.
        std::process::exit(0);
    }

    #[test]
    fn a_call_that_is_on_no_list_kills_the_process() {
        use std::os::unix::process::ExitStatusExt;
        let fate = |crime: &str| {
            let mut command = std::process::Command::new(std::env::current_exe().unwrap());
            command.args(["--ignored", "--exact", "jail::filters::tests::victim", "--test-threads=1"]);
            let status = command.env("OXYDRA_TEST_CRIME", crime).output().unwrap().status;
            (status.code(), status.signal())
        };
        for class in ["vcpu", "devices", "main", "warden"] {
            assert_eq!(fate(&format!("{class} nothing")), (Some(0), None), "{class}");
            for crime in ["exec", "socket", "signal", "trace", "executable memory"] {
                assert_eq!(fate(&format!("{class} {crime}")), (None, Some(libc::SIGSYS)), "{class} {crime}");
            }
        }
        assert_eq!(fate("warden open"), (None, Some(libc::SIGSYS)), "it opens nothing through a link");
        assert_eq!(fate("warden open beneath"), (Some(0), None));
        for class in ["vcpu", "devices", "main"] {
            for crime in ["open", "unix socket", "another machine"] {
                assert_eq!(fate(&format!("{class} {crime}")), (None, Some(libc::SIGSYS)), "{class} {crime}");
            }
        }
    }
}
