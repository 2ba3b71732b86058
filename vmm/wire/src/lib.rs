//! What the host and a guest say to each other. It knows bytes, bounds and names; it opens no socket, starts no process
//! and touches no file.
//!
//! A *conversation* is one connection, which the host opened to [`place::AGENT_PORT`]. It begins with [`HostFrame::Hello`]
//! and [`GuestFrame::Welcome`]; then the host asks and the guest answers, one request after the other, so that a slow
//! reader of one call's output holds up nothing but that call. While a call runs, its conversation takes only input for
//! it, a new size of its terminal, and signals, which wait behind input that the command does not read; another conversation
//! can signal at once.
//!
//! ```text
//!    version u8 │ kind u8 │ 0 u16 │ length u32, little-endian │ payload: `length` bytes
//! ```
//!
//! Every list, text and chunk has a bound in its type, so that what could be built can be sent, and what was received is
//! never larger than it may be. There is exactly one way to write a value: what decodes, encodes to the same bytes.
#[macro_use]
mod shape;
mod arguments;
mod bytes;
mod frame;
#[cfg(feature = "testing")]
mod fuzz;
mod guest;
mod host;
mod link;
mod nouns;
mod path;
pub mod place;
#[cfg(feature = "testing")]
mod samples;
mod shown;

pub use arguments::{Arguments, BadArguments};
pub use bytes::{Chunk, List, Text, TooLarge, Wire};
pub use frame::{Frame, HEADER_BYTES, Header, PAYLOAD_BYTES_MAX, Unreadable, VERSION};
#[cfg(feature = "testing")]
pub use fuzz::fuzz;
pub use guest::*;
pub use host::*;
pub use link::{Link, LinkError};
pub use nouns::*;
pub use path::{BadPath, TreePath};
#[cfg(feature = "testing")]
pub use samples::{guest_frames, host_frames};
pub use shown::Shown;
