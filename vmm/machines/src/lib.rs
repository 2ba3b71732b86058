//! Guests of this machine, by name. It builds what they boot, starts the monitor of each as a process that outlives whoever
//! started it, finds it again by its sockets, and carries out the commands of `guest`: those of `oxydra` and those of
//! `cargo xtask` are these. It links no monitor, it starts one, and decides nothing about what runs in a guest.
//!
//! A guest is a directory: two sockets while its monitor lives, its settings, and what monitor and kernel said last.
mod control;
pub mod doctor;
mod folder;
mod groups;
mod home;
mod machine;
mod name;
mod obey;
mod order;
mod patience;
mod problem;
mod programs;
mod remove;
mod restore;
mod settings;
mod shell;
mod snapshot;
mod stop;
mod talk;
mod wanted;

pub use doctor::{Finding, State};
pub use home::{Home, Jail, Listed, Standing};
pub use machine::{Extent, Machine};
pub use name::Name;
pub use obey::{make, obey};
pub use order::{Command, Order, Program, help};
pub use problem::Problem;
pub use programs::Part;
pub use remove::{Kept, Pruned};
pub use settings::Settings;
pub use talk::{exit_code, plain, session};
pub use wire::Shown;
