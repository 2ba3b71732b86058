//! Nouns that both directions share: sessions, calls, what became of a process, and entries of a tree.
use crate::{Arguments, Chunk, Text, TreePath};
use std::fmt;

/// As much of a stream or file as one frame carries.
pub const CHUNK_BYTES_MAX: usize = 64 * 1024;
/// A script longer than this belongs into a file of the workspace.
pub const SCRIPT_BYTES_MAX: usize = 64 * 1024;
/// As many variables as a session is given.
pub const VARIABLES_MAX: usize = 64;
/// Words for a person.
pub const WORDS_BYTES_MAX: usize = 1024;

/// A chunk of a stream or file.
pub type Data = Chunk<CHUNK_BYTES_MAX>;
/// Words for a person.
pub type Words = Text<WORDS_BYTES_MAX>;

macro_rules! ids {
    ($($(#[$about:meta])* $name:ident)+) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u128);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl $crate::Wire for $name {
            fn put(&self, out: &mut Vec<u8>) {
                self.0.put(out);
            }

            fn take(bytes: &mut &[u8]) -> Result<Self, $crate::Unreadable> {
                u128::take(bytes).map($name)
            }
        }
    )+};
}
ids! {
    /// A session in a guest: a directory, variables and processes that stay from call to call. Chosen by the host.
    SessionId
    /// A call in a session: one command. Chosen by the host, so that a host that was restarted can ask for it again.
    CallId
}

wire_structs! {
    /// A variable of the environment.
    struct Variable {
        /// Its name, without `=`.
        name: Text<128>,
        /// Its value.
        value: Text<1024>,
    }

    /// The size of a terminal.
    struct Size {
        /// Lines.
        rows: u16,
        /// Characters in a line.
        columns: u16,
    }

    /// How a command ended.
    struct Exit {
        /// Which call.
        call: CallId,
        /// What became of its first process.
        how: Ending,
        /// From its start to its end, by the guest's monotonic clock.
        nanos: u64,
        /// How many bytes the command wrote to its output, sent or not.
        out_bytes: u64,
        /// The same of its error output.
        err_bytes: u64,
    }

    /// A directory.
    struct Directory {
        /// Where.
        path: TreePath,
        /// Its permissions, in the lower twelve bits.
        mode: u16,
        /// Whether nothing that was beneath it before is still there.
        replaces: bool,
    }

    /// A regular file, whose bytes follow in chunks.
    struct File {
        /// Where.
        path: TreePath,
        /// Its permissions, in the lower twelve bits.
        mode: u16,
        /// Its length.
        bytes: u64,
        /// When it was changed last, in nanoseconds since 1970.
        modified: u64,
    }

    /// A symbolic link.
    struct Symlink {
        /// Where.
        path: TreePath,
        /// Where it points, wherever that is: nobody follows it.
        target: Chunk<4096>,
    }

    /// Something that is no longer there.
    struct Removed {
        /// Where it was, with everything beneath it.
        path: TreePath,
    }

    /// Something that cannot be carried: a device, a socket, a pipe, or a name that is no path.
    struct Skipped {
        /// Where it is, cut and escaped.
        place: Words,
        /// What it is.
        what: Words,
    }
}

wire_enum! {
    /// What became of a process.
    enum Ending {
        /// It ended by itself, with this status.
        1 Status(u8),
        /// A signal of this number ended it.
        2 Signal(u8),
        /// It could not be started, and why.
        3 NotStarted(Words),
        /// Its time was up, and it was killed.
        4 TimedOut(()),
    }
}

wire_enum! {
    /// An entry of a tree, or of what changed in one. Parents come before what is in them.
    enum Entry {
        /// A directory.
        1 Directory(Directory),
        /// A regular file; as many bytes follow as it says.
        2 File(File),
        /// A symbolic link.
        3 Symlink(Symlink),
        /// Something that is gone.
        4 Removed(Removed),
        /// Something that cannot be carried.
        5 Skipped(Skipped),
    }
}

wire_enum! {
    /// What to run.
    enum Program {
        /// A script for the session's shell, in its directory and with its variables, both of which it may change.
        1 Script(Chunk<SCRIPT_BYTES_MAX>),
        /// A program and its arguments, without a shell.
        2 Arguments(Arguments),
    }
}

wire_tags! {
    /// An output of a command.
    enum Stream {
        /// What it prints; with a terminal, everything.
        1 Out,
        /// What it complains.
        2 Err,
    }
}
