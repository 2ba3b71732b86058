//! One frame per line, for programs. Notices go to standard error, so that standard output holds frames only.
use super::Surface;
use frames::Frame;
use std::io::{self, Write};

/// JSON lines.
pub(crate) struct JsonLines<O, A> {
    out: O,
    aside: A,
}

impl JsonLines<io::Stdout, io::Stderr> {
    pub(crate) fn of_process() -> Self {
        JsonLines { out: io::stdout(), aside: io::stderr() }
    }
}

impl<O: Write + Send, A: Write + Send> Surface for JsonLines<O, A> {
    fn show(&mut self, frame: &Frame) {
        // The reader may be gone; the turn goes on all the same.
        let _ = writeln!(self.out, "{}", frame.to_line()).and_then(|()| self.out.flush());
    }
    fn notice(&mut self, text: &str) {
        let _ = writeln!(self.aside, "oxydra: {text}");
    }
    fn is_for_a_person(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use frames::{ErrorCode, ErrorFrame};

    /// A reader that went away.
    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn frames_and_notices_do_not_mix_and_a_reader_may_leave() {
        let frame = Frame::Error(ErrorFrame::new(ErrorCode::Internal, "a\nb"));
        let mut lines = JsonLines { out: Vec::new(), aside: Vec::new() };
        lines.notice("hello");
        lines.show(&frame);
        let out = String::from_utf8(lines.out).unwrap();
        assert_eq!(Frame::parse(out.strip_suffix('\n').unwrap()).unwrap(), frame);
        assert_eq!(lines.aside, b"oxydra: hello\n");
        let mut gone = JsonLines { out: Gone, aside: Gone };
        gone.notice("hello");
        gone.show(&frame);
    }
}
