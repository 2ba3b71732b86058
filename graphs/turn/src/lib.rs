//! One turn of conversation: a message comes in, the model is asked, its calls are judged and carried out, until it
//! answers. The graph does no I/O: everything outside arrives through its [`Ports`].
//!
//! ```mermaid
//! stateDiagram-v2
//!     %% Turn v3
//!     [*] --> Gathering : serves TurnRequest
//!     Gathering --> Asking
//!     Asking --> Judging
//!     Asking --> Misfitting
//!     Asking --> Answered
//!     Judging --> Acting
//!     Judging --> Correcting
//!     Correcting --> Asking
//!     Misfitting --> Asking
//!     Misfitting --> Stopped
//!     Acting --> Asking
//!     Acting --> Uncertain
//!     Uncertain --> Acting : on DoubtSettled
//!     Uncertain --> Asking : on DoubtSettled
//!     Uncertain --> Uncertain : on DoubtSettled
//!     Answered --> [*]
//!     Stopped --> [*]
//!     note right of Stopped : from any state when cancelled, faulted, exhausted
//! ```
//!
//! - **Gathering → Asking**: the message becomes a fact of the session; from here on a cursor stands for the history.
//! - **Asking → Answered**: the model said what it had to say.
//! - **Asking → Misfitting**: the model answered, and not in the form that was asked for.
//! - **Misfitting → Asking**: the model is told what is wrong and asked again; **Misfitting → Stopped**: it was told often
//!   enough.
//! - **Asking → Judging**: the model wants to call tools; nothing of what it wrote is trusted yet.
//! - **Judging → Acting**: policy approved at least one call.
//! - **Judging → Correcting**: policy approved none; the model is told why.
//! - **Correcting → Asking**, **Acting → Asking**: each call has its one result in the session; the model is asked again.
//! - **Acting → Uncertain**: a call that is never repeated was cut off, and nobody can tell whether it happened. A person
//!   sees intent and evidence and says again, done or drop: **Uncertain → Acting** or **Asking**.
//! - Cancel, a fault for good and a spent budget lead to **Stopped** from everywhere.
mod acting;
mod asking;
mod correcting;
mod ends;
mod fork;
mod gathering;
mod intent;
mod judging;
mod misfitting;
mod ports;
mod standing;
mod talk;
mod uncertain;

pub use acting::{Acting, BEGUN_ANEW_MAX, READS_AT_ONCE_MAX};
pub use asking::Asking;
pub use correcting::Correcting;
pub use ends::{Answered, Stopped};
pub use fork::{Began, Instead, began, forkable, forked};
pub use gathering::Gathering;
pub use intent::Intent;
pub use judging::Judging;
pub use misfitting::{MISFITS_MAX, Misfit, Misfitting};
pub use ports::{Bench, Ports, Workshop};
pub use standing::{doubt, talk, tally};
pub use talk::{Talk, Tally};
pub use uncertain::{DoubtSettled, Uncertain};

use domain::TurnRequest;
use engine::prelude::*;
use gathering::v1;

graph! {
    /// Answer one message: ask the model, carry out what it calls and policy allows, until it answers.
    pub graph Turn(Ports) v3 {
        serves TurnRequest;
        start Gathering;
        Gathering  -> Asking;
        Asking     -> Judging | Misfitting | Answered;
        Judging    -> Acting | Correcting;
        Correcting -> Asking;
        Misfitting -> Asking | Stopped;
        Acting     -> Asking | Uncertain;
        Uncertain on DoubtSettled -> Acting | Asking | Uncertain;
        end Answered, Stopped;
        stop -> Stopped;
        was v1::Gathering => Gathering;
        was asking::v2::Asking => Asking;
        was ends::v2::Stopped => Stopped;
    }
}
