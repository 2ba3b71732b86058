//! What one guest is made of, from a JSON file and flags, checked once: from here on every size is in its bounds. It opens
//! nothing.
use serde::{Deserialize, Serialize};
use std::{fmt, path::PathBuf, str::FromStr};

/// Less holds no distribution kernel with its initramfs.
pub const MEMORY_MIB_MIN: u64 = 48;
/// More than any tool needs; page tables of the boot map 512 GiB, the dirty log of this much is 2 MiB.
pub const MEMORY_MIB_MAX: u64 = 65_536;
/// Interrupts and the tables of processors have been tried up to here.
pub const VCPUS_MAX: u8 = 16;
/// Each disk takes an interrupt; four stand beside vsock, entropy and balloon in any layout that was thought of.
pub const DISKS_MAX: usize = 4;
/// What Linux takes on x86-64, with its final zero.
pub const CMDLINE_MAX: usize = 2048;
/// Ports of the host that a guest may dial. One is egress; the rest is room.
pub const GUEST_PORTS_MAX: usize = 16;
/// The port of the host that the agent dials to say that it listens. The attempt is the message, whether or not somebody on
/// the host picks up. `wire::place::READY_PORT` is the same number.
pub const KNOCK_PORT: u32 = 1025;

/// A guest, as a file says it. Flags of the same names override it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// An uncompressed ELF kernel (mapped, not copied), or a bzImage.
    pub kernel: PathBuf,
    /// The initramfs, if the kernel wants one.
    pub initrd: Option<PathBuf>,
    /// The kernel's command line.
    pub cmdline: String,
    /// Memory of the guest, in MiB.
    pub memory_mib: u64,
    /// Processors of the guest.
    pub vcpus: u8,
    /// Block devices, in the order of `/dev/vda`, `/dev/vdb`, …
    pub disks: Vec<Disk>,
    /// The control socket.
    pub socket: PathBuf,
    /// The socket on which the host dials the guest. The guest dials `<vsock>_<port>`.
    pub vsock: PathBuf,
    /// The ports of the host that the guest may dial.
    pub guest_ports: Vec<u32>,
    /// Where the beginning of the serial log goes, besides the ring that `log` shows.
    pub log: Option<PathBuf>,
    /// The directory of snapshots. Without one there are none to restore.
    pub snapshots: Option<PathBuf>,
    /// The directory into which this guest's snapshots are written; without one they go where they are restored from. A guest
    /// that owns its monitor can write no other.
    pub outbox: Option<PathBuf>,
    /// Whatever says which agent is in the initramfs: part of what a golden snapshot must agree on.
    pub agent: String,
    /// Namespaces, an empty root, no capabilities, limits.
    pub jail: Jail,
    /// What happens when a thread makes a system call that is not on its list.
    pub seccomp: Seccomp,
    /// Directories of the cgroup file system that this process may fill: one, or one of each hierarchy of version 1.
    pub cgroups: Vec<PathBuf>,
    /// What happens without being asked.
    pub start: Start,
}

/// A block device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disk {
    /// The image. It is never written.
    pub image: PathBuf,
    /// Whether the guest may write. What it writes stays in this process and goes with it, or into a snapshot.
    #[serde(default)]
    pub writable: bool,
}

/// Whether to lock the process up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Jail {
    /// Always, unless one is debugging the monitor itself.
    On,
    /// Never with a guest that is not one's own.
    Off,
}

/// What a forbidden system call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seccomp {
    /// It kills the process.
    Kill,
    /// The kernel's log names it, and it is made: for finding out what a list lacks.
    Log,
    /// There are no lists.
    Off,
}

/// What a monitor does by itself once it is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// It waits for `boot` or `restore`.
    Wait,
    /// It boots.
    Boot,
    /// It restores a snapshot.
    Restore(SnapshotName),
    /// It restores a snapshot if there is one that fits; else it boots, and writes one down when the agent is there.
    Golden(SnapshotName),
}

/// The name of a snapshot, which is the name of a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SnapshotName(String);

/// A configuration that cannot be run: the key, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}`: {why}")]
pub struct Unfit {
    /// The key, as it is written in the file.
    pub key: &'static str,
    /// What is wrong, and what would be right.
    pub why: String,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            kernel: PathBuf::new(),
            initrd: None,
            cmdline: "console=ttyS0 panic=-1 quiet".to_owned(),
            memory_mib: 256,
            vcpus: 1,
            disks: Vec::new(),
            socket: PathBuf::new(),
            vsock: PathBuf::new(),
            guest_ports: Vec::new(),
            log: None,
            snapshots: None,
            outbox: None,
            agent: String::new(),
            jail: Jail::On,
            seccomp: Seccomp::Kill,
            cgroups: Vec::new(),
            start: Start::Boot,
        }
    }
}

impl Config {
    /// Reads the text of a file.
    pub fn parse(text: &str) -> Result<Config, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Checks every bound. What comes back as it went in can be opened and run.
    pub fn checked(self) -> Result<Config, Unfit> {
        let fit = |holds: bool, key: &'static str, why: String| match holds {
            true => Ok(()),
            false => Err(Unfit { key, why }),
        };
        let named = |path: &PathBuf| !path.as_os_str().is_empty();
        fit(named(&self.kernel), "kernel", "name a kernel image".to_owned())?;
        fit(named(&self.socket), "socket", "name the control socket".to_owned())?;
        fit(named(&self.vsock), "vsock", "name the socket of the guest's vsock".to_owned())?;
        let (least, most) = (MEMORY_MIB_MIN, MEMORY_MIB_MAX);
        let memory = format!("{} MiB is not between {least} and {most}", self.memory_mib);
        fit((least..=most).contains(&self.memory_mib), "memory_mib", memory)?;
        let vcpus = format!("{} is not between 1 and {VCPUS_MAX}", self.vcpus);
        fit((1..=VCPUS_MAX).contains(&self.vcpus), "vcpus", vcpus)?;
        let disks = format!("{} disks are more than {DISKS_MAX}", self.disks.len());
        fit(self.disks.len() <= DISKS_MAX, "disks", disks)?;
        let ports = format!("{} ports are more than {GUEST_PORTS_MAX}", self.guest_ports.len());
        fit(self.guest_ports.len() <= GUEST_PORTS_MAX, "guest_ports", ports)?;
        let plain = self.cmdline.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        fit(plain, "cmdline", "it holds what is not printable ASCII".to_owned())?;
        let room = CMDLINE_MAX - 1;
        let long = format!("{} bytes are more than {room}", self.cmdline.len());
        fit(self.cmdline.len() <= room, "cmdline", long)?;
        let restores = matches!(self.start, Start::Restore(_) | Start::Golden(_));
        let nowhere = "name the directory of the snapshot that is to be restored".to_owned();
        fit(!restores || self.snapshots.is_some(), "snapshots", nowhere)?;
        let lost = matches!(self.start, Start::Golden(_)) && self.outbox.is_some();
        let same = "a golden snapshot is written where it is restored from: leave this out".to_owned();
        fit(!lost, "outbox", same)?;
        Ok(self)
    }
}

impl SnapshotName {
    const LENGTH_MAX: usize = 64;
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SnapshotName {
    type Err = String;
    fn from_str(text: &str) -> Result<SnapshotName, String> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        let good = (1..=SnapshotName::LENGTH_MAX).contains(&text.len()) && text.bytes().all(plain);
        good.then(|| SnapshotName(text.to_owned()))
            .ok_or_else(|| format!("`{text}` is no name of a snapshot: use 1 to 64 of a-z, 0-9, `-` and `_`"))
    }
}

impl TryFrom<String> for SnapshotName {
    type Error = String;
    fn try_from(text: String) -> Result<SnapshotName, String> {
        text.parse()
    }
}

impl From<SnapshotName> for String {
    fn from(name: SnapshotName) -> String {
        name.0
    }
}

impl fmt::Display for SnapshotName {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(more: &str, expected: Expect) {
        let text = format!(r#"{{"kernel":"k","socket":"s","vsock":"v"{more}}}"#);
        let said = match Config::parse(&text) {
            Err(error) => error.to_string(),
            Ok(config) => config
                .checked()
                .map_or_else(|unfit| unfit.to_string(), |config| format!("{:?}", config.start)),
        };
        expected.assert_eq(&said);
    }

    #[test]
    fn a_guest_is_checked_before_anything_is_opened() {
        check("", expect!["Boot"]);
        check(
            r#","start":{"restore":"golden"},"snapshots":"d""#,
            expect![[r#"Restore(SnapshotName("golden"))"#]],
        );
        check(
            r#","start":{"golden":"golden"},"snapshots":"d","outbox":"o""#,
            expect!["`outbox`: a golden snapshot is written where it is restored from: leave this out"],
        );
        check(
            r#","start":{"restore":"golden"}"#,
            expect!["`snapshots`: name the directory of the snapshot that is to be restored"],
        );
        check(r#","memory_mib":0"#, expect!["`memory_mib`: 0 MiB is not between 48 and 65536"]);
        check(r#","memory_mib":1"#, expect!["`memory_mib`: 1 MiB is not between 48 and 65536"]);
        check(r#","memory_mib":1048576"#, expect!["`memory_mib`: 1048576 MiB is not between 48 and 65536"]);
        check(r#","vcpus":0"#, expect!["`vcpus`: 0 is not between 1 and 16"]);
        check(r#","kernel":"""#, expect!["duplicate field `kernel` at line 1 column 47"]);
        check(
            r#","guest_ports":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]"#,
            expect!["`guest_ports`: 17 ports are more than 16"],
        );
        check(r#","cmdline":"a\u0000b""#, expect!["`cmdline`: it holds what is not printable ASCII"]);
        check(
            r#","memroy_mib":1"#,
            expect![
                "unknown field `memroy_mib`, expected one of `kernel`, `initrd`, `cmdline`, `memory_mib`, `vcpus`, `disks`, `socket`, `vsock`, `guest_ports`, `log`, `snapshots`, `outbox`, `agent`, `jail`, `seccomp`, `cgroups`, `start` at line 1 column 51"
            ],
        );
    }

    #[test]
    fn a_name_of_a_snapshot_is_no_path() {
        for name in ["golden", "a-1_b"] {
            assert!(name.parse::<SnapshotName>().is_ok(), "{name}");
        }
        for name in ["", ".", "..", "a/b", "A", "a b", &"a".repeat(65)] {
            assert!(name.parse::<SnapshotName>().is_err(), "{name}");
        }
    }
}
