//! Model APIs behind the port `domain::Model`. It executes no tool and knows no session: a question goes in, fragments come
//! out.
//!
//! - [`Remote`] is a model behind one of the four APIs of [`Api`]: `chat`, `responses`, `messages` and `gemini` speak them,
//!   `wire` has what they share.
//! - [`rehearsal`] is built in: no account, no network, the same answer every time.
//!
//! Around any of them: [`Patient`] bounds its silence, [`Fitted`] keeps what it is sent within its window.
mod api;
mod chat;
#[cfg(test)]
mod contract;
mod fit;
mod fitted;
mod gemini;
mod messages;
mod patient;
pub mod rehearsal;
mod responses;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod tokens;
mod wire;

pub use api::{Api, Feature};
pub use fit::{Fit, TooLong, fit};
pub use fitted::Fitted;
pub use patient::Patient;
pub use tokens::{Tiktoken, TokenCounter, Uncountable};
pub use wire::{BadConfig, Credentials, Fixed, KeyFile, NoCredential, Remote, Server, Thinking};
