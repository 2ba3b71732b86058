//! The log: slog at the root, bridges for log and tracing, the engine's observer.
