//! The log: slog at the root, JSON lines in daily files, bridges for libraries that speak `log` or `tracing`, and the
//! engine's observer. It never writes to the terminal and never logs what was said: ids, names, durations and faults
//! only.
//!
//! Levels say what an operator must do: `error`, look now; `warn`, look when there are many; `info`, nothing, this is
//! what happened; `debug`, nothing, this is how.
mod bridge;
mod daily;
mod observer;
mod start;

pub use observer::EngineLog;
pub use slog::{Level, Logger};
pub use start::{Guard, TelemetryError, start};
