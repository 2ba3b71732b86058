//! A durable engine for typed state graphs. It knows no model, tool, user or socket.
//!
//! A graph is a table of states and edges, written with [`graph!`] and checked at compile time; handlers are plain
//! trait impls. The state *is* the checkpoint: nothing is replayed, and what a handler has done to the world is
//! remembered by name, so editing a handler never breaks a run that is under way.
//!
//! ```
//! use engine::{Amount, log::MemoryLog, prelude::*};
//! use std::{future::ready, sync::Arc};
//!
//! #[state] struct Drafting  { topic: String }
//! #[state] struct Approving { draft: String }
//! #[state] struct Published { url: String }
//! #[state] struct Dropped   { why: String }
//! #[event] struct Verdict   { ok: bool, note: String }
//!
//! graph! {
//!     /// Write a draft, let a human judge it, publish it.
//!     graph Review v1 {
//!         start Drafting;
//!         Drafting             -> Approving;             // runs by itself       impl Step
//!         Approving on Verdict -> Published | Drafting;  // waits for an event   impl On<Verdict>
//!         Approving after 10m  -> Dropped;               // durable timer        impl On<Elapsed>
//!         end Published, Dropped;
//!         stop -> Dropped;                               // cancelled, failed or out of budget
//!     }
//! }
//! impl Step for Drafting {
//!     async fn step(self, cx: &mut Cx<Review>) -> Next<Self> {
//!         let hold = cx.hold(Amount::on(0, 2_000))?;     // reserved now, settled with the result
//!         let write = |_| ready(Ok(Settled::new(format!("on {}", self.topic)).spent(Amount::on(0, 700))));
//!         go(Approving { draft: cx.effect("draft", hold, write).await? })
//!     }
//! }
//! impl On<Verdict> for Approving {
//!     async fn on(self, verdict: Verdict, _: &mut Cx<Review>) -> Next<Self, Verdict> {
//!         if verdict.ok { go(Published { url: self.draft }) } else { go(Drafting { topic: verdict.note }) }
//!     }
//! }
//! impl On<Elapsed> for Approving {
//!     async fn on(self, _: Elapsed, _: &mut Cx<Review>) -> Next<Self, Elapsed> { go(Dropped { why: "no answer".into() }) }
//! }
//! impl From<Stop> for Dropped { fn from(stop: Stop) -> Dropped { Dropped { why: stop.why.to_string() } } }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let engine = Engine::builder().graph::<Review>(()).open(Arc::new(MemoryLog::new()))?;
//! let run = engine.start(Drafting { topic: "bees".into() }, Budget::new(20, Amount::on(0, 10_000))).await.unwrap();
//! run.send(Verdict { ok: false, note: "wasps".into() }).await?;
//! run.send(Verdict { ok: true, note: String::new() }).await?;
//! let ReviewEnd::Published(post) = run.end().await? else { unreachable!("it was approved") };
//! assert_eq!(post.url, "on wasps");
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```
//!
//! Further on: the [`guide`], a page with a whole program for each thing that a workflow can do; [`graph!`], all that a table
//! can say; [`testing`], a crash behind every record in five lines.
//!
//! # What it promises
//! Each promise with tests that would fail without it; `cargo test -p engine` runs them all, and fails when one of them is
//! gone from here or from there.
//!
//! | | promise | proved by |
//! |---|---|---|
//! | 1 | A move (state, consumed event, budget, facts) happens exactly once, atomically. | `review::a_crash_at_any_record_changes_nothing` `events::an_event_that_is_sent_again_after_a_restart_changes_nothing` `log::file::tests::torn::a_last_frame_that_is_cut_at_any_byte_is_gone_whole` |
//! | 2 | An effect is repeated only with the same idempotency key, and said so ([`Cx::effect`]); or it is never repeated, and reported as in doubt ([`Cx::once`]). Its recorded result is final. | `effects::every_attempt_has_the_same_key_and_no_two_effects_do` `effects::what_is_never_repeated_is_in_doubt_only_after_a_crash_while_it_ran` `effects::an_effect_with_a_result_is_not_run_again_after_a_crash_at_any_record` |
//! | 3 | No effect starts before all that led to it is on disk. | `writing::the_barrier_covers_the_start` `writing::the_barrier_covers_the_event` (and as the kernel sees it, in the lane of tests called traced) |
//! | 4 | A send, start or cancel that returned is durable. | `log::file::tests::power::ten_thousand_power_cuts_lose_nothing_that_was_acknowledged` `log_programs::a_writer_that_is_killed_leaves_all_that_it_acknowledged` `stops::a_cancel_survives_a_crash_at_any_record` |
//! | 5 | A journal has one live owner; a stale one is fenced. | `log::file::tests::owner::a_second_owner_is_refused_and_a_reader_is_not` |
//! | 6 | An old journal is migrated, or refused by name before anything runs; an old effect result is led to what it is now ([`Name::was`]), or parks its one run. | `versions::what_every_version_left_behind_goes_on` `results::what_an_effect_gave_in_any_version_is_read_in_the_last` `opening::an_unknown_state_is_refused_by_name` `effects::a_result_of_another_shape_parks_its_one_run` |
//! | 7 | No budget is made out of nothing, and none is lost. | `budgets::nothing_is_minted_and_nothing_is_lost` |
//! | 8 | A timer fires once, whatever is done to the clock. | `timers::a_day_forward_what_is_due_fires_once` `timers::an_hour_back_nothing_fires_twice` `timers::after_a_night_in_suspension_what_is_late_fires_once` |
//! | 9 | A cancel takes a run and all below it, whenever the process dies. | `children::a_cancel_takes_the_whole_tree_and_every_crash_agrees` `broods::a_cancel_takes_all_of_them_and_every_crash_agrees` |
//! | 10 | A fork repeats nothing that was done before it, and is whole or not there. | `forks::a_fork_goes_on_from_where_the_first_run_was_and_repeats_nothing_before_it` `forks::a_crash_at_any_record_leaves_a_whole_fork_or_none` |
//! | 11 | A replay asks nothing of the outside, writes nothing, and comes to the same bytes or shows the first difference. | `replays::nothing_begins_and_nothing_is_written` `replays::the_same_code_comes_to_the_same_bytes` `replays::a_handler_that_asks_for_something_else_is_named` |
//! | 12 | A journal that rots gives the right answer or a clear error. | `log::file::tests::rot::a_closed_journal_that_rots_is_right_or_a_clear_error` `log::file::tests::rot::a_journal_that_was_not_closed_loses_at_most_its_last_write_and_says_so` |
//! | 13 | Compaction loses nothing that is kept, whatever interrupts it, changes no address and disturbs nobody; who is forgotten is off the disk after it, and nobody is told of them again. | `sift::tests::what_is_left_of_any_story_is_what_the_plain_model_keeps` `log::file::tests::compaction::whatever_fails_while_it_compacts_nothing_is_lost` `keeping::compacting_beside_runs_that_move_disturbs_nobody` `keeping::who_is_forgotten_is_told_to_nobody_and_is_off_the_disk` `forgetting::no_way_of_reading_tells_what_was_forgotten` |
//!
//! # What it does with bad input
//! Nothing is lost by it, and each refusal names the file or the run and what to do.
//!
//! | what it finds | what comes of it | proved by |
//! |---|---|---|
//! | a snapshot that is half written, or was touched | left unused and said; all is read | `log::file::tests::snapshots::a_snapshot_that_is_half_written_is_left_unused` `log::file::tests::snapshots::a_snapshot_that_was_touched_anywhere_is_left_unused` |
//! | a snapshot that is newer than the journal, or of another one | left unused and said | `log::file::tests::snapshots::a_snapshot_that_is_newer_than_the_journal_is_left_unused` `log::file::tests::snapshots::a_snapshot_of_another_journal_is_left_unused` |
//! | two snapshots | the newest that is right counts | `log::file::tests::snapshots::of_two_snapshots_the_newest_that_is_right_is_used` |
//! | a segment that is missing, or a stranger's | refused by name | `log::file::tests::damage::segments_are_missed_and_strangers_are_refused` `log::file::tests::snapshots::a_missing_segment_is_named_although_the_snapshot_covers_it` |
//! | a journal of a newer version | refused with the version that can read it | `versions::a_journal_of_a_newer_version_is_refused_with_the_version_that_reads_it` `log::file::tests::damage::another_format_is_refused_by_name` |
//! | an instance file that is foreign, damaged or known already | refused, and nothing is left of it | `parcels::a_file_that_is_no_instance_damaged_or_known_is_refused_and_leaves_nothing` |
//! | a fork of an end, or of what is not there | refused by name | `forks::what_cannot_be_forked_is_refused_by_name_and_changes_nothing` |
//! | a replay after the code changed | the first difference, and whose handler it is | `replays::a_handler_that_asks_for_something_else_is_named` `replays::what_cannot_be_replayed_is_refused_by_name` |
//! | a disk that is full, cannot read or write, or became read-only | nothing is acknowledged any more; the file and the way out | `log::file::tests::faults::whichever_call_fails_somebody_is_told_what_to_do_and_what_was_acknowledged_is_kept` `log::file::tests::faults::a_close_that_fails_says_so_and_loses_nothing` |
//!
//! # What it does not promise
//! - Timers that fire on the millisecond: they fire when the process is there, and within [`SLEEP_MAX`] of a clock that is set.
//! - An order between senders; the events of one sender are handled in their order.
//! - Exactly one execution of an effect whose receiver ignores the key.
//! - That progress ([`Cx::tell`]) arrives.
//! - Protection from somebody who edits the journal's files: the checksums are against rot, not against people.
//! - More than one machine: a journal lies on one disk, and dies with it. Copy it.
//! - That a handler which was edited would have done the same before: only a [replay](guide::replays) says so.
extern crate self as engine;

mod brood;
mod budget;
mod children;
mod clock;
pub mod codec;
pub mod compact;
mod core;
mod cx;
mod drive;
pub mod effect;
pub mod follow;
mod followers;
pub mod forget;
pub mod fork;
pub mod graph;
// Only for who reads: else whoever touches an example would compile the engine, and all that stands on it.
#[cfg(doc)]
pub mod guide;
mod handle;
pub mod journal;
mod ledger;
mod live;
pub mod log;
mod memos;
mod moves;
mod name;
mod newer;
mod oblivion;
pub mod observe;
mod open;
mod order;
pub mod parcel;
pub mod park;
mod record;
mod registry;
pub mod replay;
mod retention;
mod scan;
mod seen;
mod sharing;
mod sift;
mod signal;
mod slot;
mod snapshot;
mod standing;
mod survey;
mod sync;
mod table;
mod tape;
mod tell;
#[cfg(any(test, doc, feature = "testing"))]
pub mod testing;
mod timer;
mod wheel;

pub use bincode;
pub use budget::{Budget, Hold, Purse};
pub use children::TREE_MAX;
pub use clock::{Clock, SLEEP_MAX, SystemClock};
pub use codec::{Encoded, Memo, Origin, Reading, Refused, Stored};
pub use cx::Cx;
pub use durable::{self, Amount, Durable, Fact, FactId, InstanceId, Owner, Request, Time};
pub use effect::{Once, Settled, Ticket};
pub use graph::{
    Answers, Ask, AskEach, Asks, Doubt, Due, Elapsed, Entered, EventOf, Exhausted, Fault, Graph, Leaves,
    Meta, Next, On, Opens, Serves, Start, State, Step, Stop, StopWhy, Successor, Timer, Wait, Wake, go,
};
pub use handle::{EndFault, MAIL_MAX, Run, SendFault, Sending, Starting};
pub use journal::Journal;
pub use live::Engine;
pub use macros::{event, graph, sealed, state};
pub use name::Name;
pub use open::{Builder, OpenFault, Recovered};
pub use registry::Registry;
pub use retention::Retention;
pub use tell::Told;

/// What a file with a graph in it needs.
pub mod prelude {
    pub use crate::{
        Amount, Answers, Ask, AskEach, Budget, Cx, Elapsed, Engine, Fault, Graph, Hold, Next, On, Once,
        Opens, Purse, Settled, Step, Stop, StopWhy, event, go, graph, state,
    };
}
