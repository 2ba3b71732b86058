//! For tests of graphs and of what stands on them: a clock that the test owns, a trace of what happened, crashes at
//! every record, and checks that hold in any journal. Nothing here is for a program that people use.
mod books;
mod clock;
mod codec;
mod crash;
mod life;
mod trace;
mod versions;

pub use books::Totals;
pub use clock::ManualClock;
pub use codec::{RoundTrip, round_trips};
pub use crash::{Crash, Crashes, crash_everywhere};
pub use life::Life;
pub use trace::Trace;
pub use versions::{Golden, Versions};

use crate::{InstanceId, Origin, Reading, Ticket};

/// So often every task that can go on is let on before a test looks. A test's story is far shorter.
const YIELDS: usize = 512;

/// Lets everything go on that can, until all tasks wait. For a runtime of one thread, which `#[tokio::test]` makes.
pub async fn settled() {
    for _ in 0..YIELDS {
        tokio::task::yield_now().await;
    }
}

/// Makes a ticket that no journal stands behind, to test what takes one.
pub fn ticket(instance: InstanceId) -> Ticket {
    Ticket { instance, seq: 0, slot: 0, attempt: 1, key: instance.0 }
}

/// Makes the right to decode, to test what sealed types do with their origin.
pub fn reading(origin: Origin) -> Reading {
    Reading { origin }
}
