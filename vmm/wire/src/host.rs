//! What the host says to a guest. The guest trusts it: whoever holds the socket owns the guest.
use crate::{
    CallId, Chunk, Data, Entry, List, Program, SessionId, Size, Text, TreePath, VARIABLES_MAX, Variable,
    Words, frame::speaks,
};

/// As much entropy as a generator takes at once.
pub const ENTROPY_BYTES_MAX: usize = 512;

wire_structs! {
    /// The first words of a conversation.
    struct Hello {
        /// Who asks, for the guest's log.
        host: Text<64>,
    }

    /// Opens a session, or does nothing if it is open.
    struct SpawnSession {
        /// Which.
        session: SessionId,
        /// Where it begins, within the workspace; without it, the workspace itself.
        directory: Option<TreePath>,
        /// What its commands find in their environment.
        variables: List<Variable, VARIABLES_MAX>,
        /// How much memory its processes may use together, in bytes.
        memory_bytes_max: Option<u64>,
        /// How many processes it may have at once.
        processes_max: Option<u32>,
    }

    /// Runs a command. Answered by `Started`, outputs, and `Exited`.
    struct ExecCommand {
        /// In which session.
        session: SessionId,
        /// Under which name.
        call: CallId,
        /// What.
        program: Program,
        /// Variables besides the session's, for this command.
        variables: List<Variable, VARIABLES_MAX>,
        /// A terminal of this size, if it needs one.
        terminal: Option<Size>,
        /// Whether input will come; without it the command reads an end at once.
        has_input: bool,
        /// How long it may run, in milliseconds of the guest's clock, before its process group is killed.
        millis_max: Option<u64>,
    }

    /// Signals the process groups of a session. With `SIGKILL` the session is over.
    struct KillSession {
        /// Which.
        session: SessionId,
        /// The signal's number.
        signal: u8,
    }

    /// Signals the process group of a call.
    struct KillCall {
        /// Which.
        call: CallId,
        /// The signal's number.
        signal: u8,
    }

    /// Takes up a call whose conversation was lost. Answered like `ExecCommand`; output is repeated from the offsets on, as
    /// far back as the guest still has it.
    struct Attach {
        /// Which.
        call: CallId,
        /// How much of its output the host has.
        out_seen: u64,
        /// How much of its error output the host has.
        err_seen: u64,
    }

    /// Lets the guest forget a call that ended.
    struct Forget {
        /// Which.
        call: CallId,
    }

    /// Begins a push into the lower layer of the workspace. Entries and data follow, then `PushEnd`.
    struct PushBegin {
        /// Whether the tree is new: whatever was there is removed first.
        is_fresh: bool,
    }

    /// What becomes of the changes of a call.
    struct Settle {
        /// Whether they become part of the lower layer; else they are dropped.
        keep: bool,
    }

    /// Sets the guest's wall clock.
    struct SetClock {
        /// Nanoseconds since 1970.
        unix_nanos: u64,
    }

    /// Mixes and credits entropy and reseeds the generator: two guests of one snapshot must not draw the same numbers.
    struct AddEntropy {
        /// At least 32 bytes that nobody knows.
        bytes: Chunk<ENTROPY_BYTES_MAX>,
    }

    /// Answers a request for a way out.
    struct EgressAnswer {
        /// Why not; without it, raw bytes follow in both directions.
        refusal: Option<Words>,
    }
}

wire_enum! {
    /// A frame from the host to a guest.
    enum HostFrame {
        /// Begins a conversation.
        1 Hello(Hello),
        /// Opens a session.
        2 SpawnSession(SpawnSession),
        /// Runs a command.
        3 ExecCommand(ExecCommand),
        /// Input for the command that runs in this conversation.
        4 Input(Data),
        /// The end of its input.
        5 InputEnd(()),
        /// Its terminal has a new size.
        6 Resize(Size),
        /// Signals a session.
        7 KillSession(KillSession),
        /// Signals a call.
        8 KillCall(KillCall),
        /// Takes up a call again.
        9 Attach(Attach),
        /// Forgets a call.
        10 Forget(Forget),
        /// Begins a push.
        11 PushBegin(PushBegin),
        /// An entry of a push.
        12 PushEntry(Entry),
        /// Bytes of the file that was pushed last.
        13 PushData(Data),
        /// Ends a push.
        14 PushEnd(()),
        /// Lists what the calls since the last settlement changed, without bytes.
        15 ListChanges(()),
        /// The same with the bytes of files.
        16 PullChanges(()),
        /// Keeps or drops what was changed.
        17 Settle(Settle),
        /// Sets the clock.
        18 SetClock(SetClock),
        /// Reseeds the random numbers.
        19 AddEntropy(AddEntropy),
        /// Asks how the guest is.
        20 Status(()),
        /// Ends everything and turns the guest off.
        21 PowerOff(()),
        /// Answers a request for a way out; the only frame that the host sends to a conversation of the guest.
        22 EgressAnswer(EgressAnswer),
    }
}
speaks!(HostFrame);
