//! Says what was measured on: without it, no absolute number means anything. Nothing here judges.
use crate::table::quoted;
use std::{fs, path::Path, thread};

/// The machine, the file system of the benches and the build.
#[derive(Debug)]
pub(crate) struct Machine {
    cpu: String,
    cores: usize,
    kernel: String,
    disk: String,
    load: String,
    build: &'static str,
}

impl Machine {
    /// Looks at the machine; what cannot be seen is a question mark.
    pub(crate) fn look(dir: &Path) -> Machine {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let unknown = || "?".to_owned();
        let cpu = read("/proc/cpuinfo");
        let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Machine {
            cpu: cpu.map_or_else(unknown, |(_, name)| name.to_owned()),
            cores: thread::available_parallelism().map_or(0, usize::from),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            disk: mount(&read("/proc/mounts"), dir).unwrap_or_else(unknown),
            load: read("/proc/loadavg").split(' ').next().map_or_else(unknown, str::to_owned),
            build: if cfg!(debug_assertions) {
                "debug: numbers mean nothing"
            } else {
                "optimised, without LTO"
            },
        }
    }

    /// A line for people.
    pub(crate) fn line(&self) -> String {
        let Machine { cpu, cores, kernel, disk, load, build } = self;
        format!("machine: {cpu}, {cores} cores, load {load}, Linux {kernel}, {disk}; build: {build}")
    }

    /// A line for tools.
    pub(crate) fn json(&self) -> String {
        let text = |name: &str, value: &str| format!("{}:{}", quoted(name), quoted(value));
        let Machine { cpu, cores, kernel, disk, load, build } = self;
        let texts =
            [("cpu", cpu), ("kernel", kernel), ("disk", disk), ("load", load)].map(|(n, v)| text(n, v));
        format!("{{\"machine\":{{{},{},\"cores\":{cores}}}}}", texts.join(","), text("build", build))
    }
}

/// The file system that `dir` lies on: the longest mount point that is a beginning of it.
fn mount(mounts: &str, dir: &Path) -> Option<String> {
    let lines = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ');
        Some((words.next()?, words.next()?, words.next()?))
    });
    let above = lines.filter(|(_, point, _)| dir.starts_with(point));
    let (device, _, kind) = above.max_by_key(|(_, point, _)| point.len())?;
    Some(format!("{kind} on {device}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_mount_counts() {
        let mounts = "/dev/vda / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/vdb /tmpest xfs rw 0 0\n";
        assert_eq!(mount(mounts, Path::new("/tmp/x")).unwrap(), "tmpfs on tmpfs");
        assert_eq!(mount(mounts, Path::new("/home")).unwrap(), "ext4 on /dev/vda");
        assert_eq!(mount("", Path::new("/")), None);
    }
}
