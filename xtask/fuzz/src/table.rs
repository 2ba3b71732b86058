//! Every target by its name. The programs do not look here, so that each holds only what it reads.
use crate::{engine, guests, providers};

/// A target: its name, and what reads the bytes.
pub type Target = (&'static str, fn(&[u8]));

/// Every target; each has a program of its name in `src/bin`.
pub const TARGETS: &[Target] = &[
    ("record", engine::record),
    ("parcel", engine::parcel),
    ("journal", engine::journal),
    ("home", engine::home),
    ("standing", engine::standing),
    ("chat", providers::chat),
    ("responses", providers::responses),
    ("messages", providers::messages),
    ("gemini", providers::gemini),
    ("wire", guests::wire),
    ("bus", guests::bus),
    ("rng", guests::rng),
    ("balloon", guests::balloon),
    ("block", guests::block),
    ("vsock", guests::vsock),
    ("control", guests::control),
    ("config", guests::config),
    ("kernel", guests::kernel),
    ("saved", guests::saved),
];
