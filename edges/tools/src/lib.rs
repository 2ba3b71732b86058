//! The tools an agent acts with: functions that are described to a model, checked against what it sends, and run on the
//! user's workspace. A tool decides nothing about permission and never sees more than its arguments and the workspace.
//!
//! ```text
//! #[tool] async fn  ──>  Tool  ──>  Tools: domain::Toolbox (what may be proposed) + policy::Executor (what runs)
//! ```
//! A tool that is `Probeable` also says what it would change, and after a crash whether it did: see [`Tool::evidence`].
extern crate self as tools;

mod arguments;
mod bell;
mod context;
mod files;
mod output;
mod schema;
mod tool;
mod toolbox;

pub use arguments::{Arguments, Misfit};
pub use bell::TestBell;
pub use context::{Context, Halt, Look};
pub use domain::{Recovery, Tier};
pub use policy::Evidence;
pub use schema::{Field, Parameter, Schema};
pub use tool::{Called, Failure, Found, Head, Looked, Tool};
pub use toolbox::Tools;
pub use tools_macros::tool;
