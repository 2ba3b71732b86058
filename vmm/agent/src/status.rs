//! How the guest is, as `/proc` says it. It reads and counts; what is missing counts as nothing.
use rustix::process::Pid;
use std::{fs, io, sync::LazyLock};
use wire::{CallId, GuestStatus, List, SessionId};

/// Reads the kernel's files. Helpers that stand ready are nobody's processes.
pub fn status(sessions: Vec<SessionId>, calls: Vec<CallId>, standing: &[Pid]) -> GuestStatus {
    let (processes, zombies) = processes(standing).unwrap_or_default();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let uptime = fs::read_to_string("/proc/uptime").unwrap_or_default();
    GuestStatus {
        up_millis: millis(&uptime).unwrap_or(0),
        memory_kib: field(&memory, "MemTotal:").unwrap_or(0),
        memory_free_kib: field(&memory, "MemAvailable:").unwrap_or(0),
        processes,
        zombies,
        sessions: List::new(sessions).unwrap_or_default(),
        calls: List::new(calls).unwrap_or_default(),
    }
}

/// Returns the kernel's name for this boot, which it is asked for once.
pub fn boot() -> u128 {
    static BOOT: LazyLock<u128> = LazyLock::new(|| {
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let digits: String = id.chars().filter(char::is_ascii_hexdigit).collect();
        u128::from_str_radix(&digits, 16).unwrap_or(0)
    });
    *BOOT
}

fn millis(uptime: &str) -> Option<u64> {
    let (seconds, rest) = uptime.split_once('.')?;
    let hundredths: u64 = rest.split_ascii_whitespace().next()?.parse().ok()?;
    Some(seconds.parse::<u64>().ok()? * 1000 + hundredths * 10)
}

fn field(memory: &str, name: &str) -> Option<u64> {
    let line = memory.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// Counts processes that are not the kernel's, and those that ended and were not reaped.
fn processes(standing: &[Pid]) -> io::Result<(u32, u32)> {
    let standing: Vec<_> = standing.iter().map(|pid| pid.as_raw_nonzero().to_string()).collect();
    const KERNEL_THREADS: &str = "2";
    let (mut all, mut zombies) = (0, 0);
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let is_standing = standing.iter().any(|pid| entry.file_name() == pid.as_str());
        if is_standing || !entry.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit) {
            continue;
        }
        // One that ended since the directory was read is none.
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some((state, parent)) = state_and_parent(&stat) else { continue };
        let is_kernel = parent == KERNEL_THREADS || entry.file_name() == KERNEL_THREADS;
        all += u32::from(!is_kernel);
        zombies += u32::from(state == "Z");
    }
    Ok((all, zombies))
}

/// The name in front may hold anything, spaces and brackets too.
fn state_and_parent(stat: &str) -> Option<(&str, &str)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut words = rest.split_ascii_whitespace();
    Some((words.next()?, words.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_files_are_read() {
        assert_eq!(millis("61.27 100.00\n"), Some(61_270));
        assert_eq!(millis("soon"), None);
        assert_eq!(field("MemTotal:  100 kB\nMemAvailable:     42 kB\n", "MemAvailable:"), Some(42));
        assert_eq!(field("", "MemAvailable:"), None);
        assert_eq!(state_and_parent("7 (a) Z (b) S 2 0"), Some(("S", "2")));
        assert_eq!(state_and_parent("7 a"), None);
        let status = status(Vec::new(), Vec::new(), &[]);
        assert!(status.processes > 0 && status.memory_kib > status.memory_free_kib);
        assert_ne!(boot(), 0);
    }
}
