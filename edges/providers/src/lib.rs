//! Model APIs behind the port `domain::Model`, one folder each. It executes no tool and knows no session: a question goes
//! in, fragments come out.
//!
//! - [`rehearsal`] is built in: no account, no network, the same answer every time.
//! - [`openai`] speaks OpenAI's chat completions, as most servers do.
//!
//! Around any of them: [`Patient`] bounds its silence, [`Fitted`] keeps what it is sent within its window.
mod fit;
mod fitted;
pub mod openai;
mod patient;
pub mod rehearsal;
mod tokens;

pub use fit::{Fit, TooLong, fit};
pub use fitted::Fitted;
pub use patient::Patient;
pub use tokens::{Tiktoken, TokenCounter, Uncountable};
