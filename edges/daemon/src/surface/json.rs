//! One frame per line, for programs. Notices go to standard error, so that standard output holds frames only.
use super::Surface;
use frames::Frame;
use std::io::{self, Write};

/// JSON lines on standard output.
pub(crate) struct JsonLines;

impl Surface for JsonLines {
    fn show(&mut self, frame: &Frame) {
        let line = frame.to_line();
        let mut out = io::stdout().lock();
        // The reader may be gone; the turn goes on all the same.
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }
    fn notice(&mut self, text: &str) {
        eprintln!("oxydra: {text}");
    }
}
