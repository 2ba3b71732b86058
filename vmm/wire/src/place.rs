//! What host, monitor and guest agree on before the first frame: addresses, ports, and keys of the kernel's command line.
//! Nothing here is negotiated; a change is a new version of the protocol.

/// The address of the host on the socket, as the kernel defines it.
pub const HOST_CID: u32 = 2;
/// The address of every guest: each monitor has one guest, so no two meet.
pub const GUEST_CID: u32 = 3;

/// Where the agent listens in the guest. The host reaches it by `CONNECT 1024` on the monitor's socket.
pub const AGENT_PORT: u32 = 1024;
/// Where the agent knocks on the host once it listens: it connects, sends [`crate::GuestFrame::Ready`], and closes.
pub const READY_PORT: u32 = 1025;
/// Where the guest asks the host for a way out: [`crate::GuestFrame::Egress`], an answer, then raw bytes.
pub const EGRESS_PORT: u32 = 1026;
/// The only ports of the host that a guest may connect to.
pub const HOST_PORTS: [u32; 2] = [READY_PORT, EGRESS_PORT];

/// The agent's path in the guest's first file system, which the kernel starts as process 1.
pub const AGENT_PATH: &str = "/init";
/// Where the agent finds the modules to load, one file name per line, in this order.
pub const MODULES_LIST: &str = "/oxydra/modules";
/// Where the workspace is seen by commands.
pub const WORKSPACE: &str = "/workspace";

/// What every kernel is told. A dead guest must end its monitor instead of hanging in a panic.
pub const KERNEL_ARGUMENTS: &str =
    "console=ttyS0 panic=-1 reboot=t quiet loglevel=3 pci=off 8250.nr_uarts=1 random.trust_cpu=on";

/// How large the workspace's file system in memory may become, in MiB. Without it: half the guest's memory.
pub const KEY_WORKSPACE_MIB: &str = "oxydra.workspace_mib";
/// A device in the guest that carries one conversation instead of the socket, for monitors without one.
pub const KEY_CHANNEL: &str = "oxydra.channel";
/// Returns the value of a key on a kernel's command line; the last one wins.
pub fn argument<'line>(line: &'line str, key: &str) -> Option<&'line str> {
    line.split_ascii_whitespace()
        .filter_map(|word| word.split_once('='))
        .rfind(|(name, _)| *name == key)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_key_wins() {
        let line =
            "console=ttyS0 quiet oxydra.workspace_mib=64 oxydra.workspace_mibs=7 oxydra.workspace_mib=96\n";
        assert_eq!(argument(line, KEY_WORKSPACE_MIB), Some("96"));
        assert_eq!(argument(line, KEY_CHANNEL), None);
        assert_eq!(argument("oxydra.channel", KEY_CHANNEL), None);
    }
}
