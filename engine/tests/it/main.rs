//! The engine's stories: graphs that run, wait, fail, are cancelled and are killed, over a journal in memory. Each
//! story stands beside what the engine refuses.
#![allow(clippy::unwrap_used, reason = "a story that cannot go on says so by panicking")]

mod broods;
mod budgets;
mod children;
mod effects;
mod events;
mod examples;
mod facts;
mod forgetting;
mod forks;
mod four_faults;
mod keeping;
mod lab;
mod log_programs;
mod opening;
mod parcels;
mod parks;
mod programs;
mod promises;
mod races;
mod replays;
mod results;
mod review;
mod spender;
mod stops;
mod timers;
mod traced;
mod versions;
mod walks;
mod writing;
