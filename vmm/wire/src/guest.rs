//! What a guest says to the host. The host trusts none of it: a guest may say anything at any time.
use crate::{CallId, Data, Entry, Exit, List, SessionId, Stream, Text, Words, frame::speaks};

/// More sessions than a guest opens.
pub const SESSIONS_MAX: usize = 64;

wire_structs! {
    /// The first words of a guest.
    struct Welcome {
        /// The agent's version.
        agent: Text<64>,
        /// The kernel's boot: another one after a restart, the same after a restore.
        boot: u128,
    }

    /// Why something was not done.
    struct Refused {
        /// What the host can do about it.
        kind: Refusal,
        /// In words.
        why: Words,
    }

    /// A command runs.
    struct Started {
        /// Which call.
        call: CallId,
        /// Its process, which is its process group.
        process: u32,
    }

    /// Output of a command.
    struct StreamOutput {
        /// Which output.
        stream: Stream,
        /// How many bytes came before these. A gap says that the guest no longer has what was there.
        offset: u64,
        /// The bytes.
        data: Data,
    }

    /// A push, or a list of changes, is whole.
    struct Tally {
        /// How many entries.
        entries: u64,
        /// How many bytes of files.
        bytes: u64,
    }

    /// How a guest is.
    struct GuestStatus {
        /// How long it has been running, in milliseconds.
        up_millis: u64,
        /// Its memory, in KiB.
        memory_kib: u64,
        /// How much of it is free or can be freed.
        memory_free_kib: u64,
        /// How many processes it has besides the kernel's.
        processes: u32,
        /// How many of them ended and were not reaped.
        zombies: u32,
        /// What is open.
        sessions: List<SessionId, SESSIONS_MAX>,
        /// What runs, or ended and was not forgotten.
        calls: List<CallId, 256>,
    }

    /// Asks for a connection to the outside.
    struct Egress {
        /// A name or an address, as the command wrote it.
        host: Text<255>,
        /// The port.
        port: u16,
    }
}

wire_tags! {
    /// What the host can do about a refusal.
    enum Refusal {
        /// The request cannot be understood here: a mistake of the host.
        1 Misplaced,
        /// There is no such session or call.
        2 Unknown,
        /// Something runs that must end first.
        3 Busy,
        /// A bound is reached.
        4 Full,
        /// The guest tried, and failed.
        5 Failed,
    }
}

wire_enum! {
    /// A frame from a guest to the host.
    enum GuestFrame {
        /// Answers `Hello`.
        1 Welcome(Welcome),
        /// Done, and there is nothing to say about it.
        2 Done(()),
        /// Not done.
        3 Refused(Refused),
        /// The command runs.
        4 Started(Started),
        /// It printed something.
        5 Output(StreamOutput),
        /// It ended. The last frame of its call.
        6 Exited(Exit),
        /// The push is whole.
        7 Pushed(Tally),
        /// An entry of the changes, in the order of their names and each behind the directory that it is in.
        8 Change(Entry),
        /// Bytes of the file that was named last.
        9 ChangeData(Data),
        /// The changes are whole.
        10 ChangesEnd(Tally),
        /// Answers `Status`.
        11 Status(GuestStatus),
        /// The agent listens. Sent once, on a connection of its own.
        12 Ready(Welcome),
        /// Asks for a way out, on a connection of its own.
        13 Egress(Egress),
    }
}
speaks!(GuestFrame);
