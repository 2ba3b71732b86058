//! Model APIs behind the port `domain::Model`. It executes no tool and knows no session: a question goes in, fragments come
//! out.
//!
//! - [`Remote`] is a model behind one of the four APIs of [`Api`]: `chat`, `responses`, `messages` and `gemini` speak them,
//!   `wire` has what they share.
//! - [`rehearsal`] is built in: no account, no network, the same answer every time.
//!
//! Around any of them: [`Fitted`] keeps what it is sent within its window, [`Patient`] bounds its silence, [`Readable`]
//! keeps from it what it cannot read, [`Priced`] makes money of what it used, and [`Chain`] asks another one where one fails.
mod api;
mod breaker;
mod chain;
mod chat;
#[cfg(test)]
mod contract;
mod counts;
mod fit;
mod fitted;
mod gemini;
mod messages;
mod patient;
mod priced;
mod readable;
pub mod rehearsal;
mod responses;
mod sizes;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod tokens;
mod wire;

pub use api::{Api, Feature};
pub use breaker::Pause;
pub use chain::{Chain, Rules};
pub use fit::{Fit, TooLong, fit};
pub use fitted::Fitted;
pub use patient::Patient;
pub use priced::Priced;
pub use readable::{Readable, Reads};
pub use sizes::Sizes;
pub use tokens::{Tiktoken, TokenCounter, Uncountable};
pub use wire::{BadConfig, Credentials, Fixed, KeyFile, NoCredential, Remote, Server};
