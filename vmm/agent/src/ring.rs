//! The output of a command as it waits for its reader: a bounded window with offsets. What was sent stays as long as there
//! is room, for a reader that comes back; what was not sent is never thrown away.
use std::collections::VecDeque;

/// As much output as is kept. A command that is so far ahead of its reader has to wait.
pub const RING_BYTES_MAX: usize = 256 * 1024;

/// A window onto a stream of bytes.
#[derive(Debug, Default)]
pub struct Ring {
    kept: VecDeque<u8>,
    /// The offset of the first byte that is kept.
    start: u64,
    /// The offset of the first byte that was not sent.
    sent: u64,
}

impl Ring {
    /// Returns how much can be appended now.
    pub fn room(&self) -> usize {
        RING_BYTES_MAX - self.unsent_len()
    }

    /// Returns how many bytes came in, ever.
    pub fn end(&self) -> u64 {
        self.start + self.kept.len() as u64
    }

    /// Appends bytes, of which there are at most `room`, and drops as many sent ones as it takes.
    pub fn append(&mut self, bytes: &[u8]) {
        debug_assert!(bytes.len() <= self.room(), "the reader asked for the room first");
        let over = (self.kept.len() + bytes.len()).saturating_sub(RING_BYTES_MAX);
        self.kept.drain(..over);
        self.start += over as u64;
        self.kept.extend(bytes);
    }

    /// Returns the next bytes to send, at most so many, and their offset; `None` when everything was sent.
    pub fn unsent(&self, max: usize) -> Option<(u64, Vec<u8>)> {
        let skip = usize::try_from(self.sent - self.start).expect("what is kept fits in memory");
        let len = max.min(self.kept.len() - skip);
        let (front, back) = self.kept.as_slices();
        let (from_front, from_back) =
            (front.get(skip..).unwrap_or_default(), back.get(skip.saturating_sub(front.len())..));
        let mut bytes = from_front[..len.min(from_front.len())].to_vec();
        let rest = len - bytes.len();
        bytes.extend_from_slice(&from_back.unwrap_or_default()[..rest]);
        if bytes.is_empty() { None } else { Some((self.sent, bytes)) }
    }

    /// Notes that so many bytes more were sent.
    pub fn mark_sent(&mut self, len: usize) {
        self.sent = (self.sent + len as u64).min(self.end());
    }

    /// Goes back, or forward, to what a reader has seen, as far as it is still kept.
    pub fn resume_from(&mut self, seen: u64) {
        self.sent = seen.clamp(self.start, self.end());
    }

    fn unsent_len(&self) -> usize {
        usize::try_from(self.end() - self.sent).expect("what is kept fits in memory")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_reader_stops_the_writer_and_loses_nothing() {
        let mut ring = Ring::default();
        ring.append(&vec![b'a'; RING_BYTES_MAX]);
        assert_eq!(ring.room(), 0);
        let (offset, bytes) = ring.unsent(10).unwrap();
        assert_eq!((offset, bytes.as_slice()), (0, &[b'a'; 10][..]));
        ring.mark_sent(10);
        assert_eq!(ring.room(), 10);
        ring.append(b"0123456789");
        assert_eq!(ring.end(), RING_BYTES_MAX as u64 + 10);
        assert_eq!(ring.unsent(1).unwrap().0, 10);
    }

    #[test]
    fn what_lies_across_the_seam_comes_in_one_piece() {
        let mut ring = Ring::default();
        ring.append(&vec![0; RING_BYTES_MAX]);
        ring.mark_sent(RING_BYTES_MAX);
        let text: Vec<u8> = (0..=255).cycle().take(1000).collect();
        ring.append(&text);
        for (max, len) in [(0, 0), (1, 1), (999, 999), (5000, 1000)] {
            let unsent = ring.unsent(max).map(|(_, bytes)| bytes).unwrap_or_default();
            assert_eq!(unsent, text[..len], "at most {max}");
        }
        for step in 1..=1000 {
            ring.mark_sent(1);
            assert_eq!(ring.unsent(5000).map(|(_, bytes)| bytes).unwrap_or_default(), text[step..]);
        }
    }

    #[test]
    fn a_reader_that_comes_back_gets_what_is_kept() {
        let mut ring = Ring::default();
        ring.append(b"hello world");
        ring.mark_sent(11);
        assert_eq!(ring.unsent(99), None);
        ring.resume_from(6);
        assert_eq!(ring.unsent(99), Some((6, b"world".to_vec())));
        ring.mark_sent(5);
        ring.append(&vec![0; RING_BYTES_MAX - 2]);
        // Only two bytes of the greeting are left, and a reader from the future gets nothing.
        ring.resume_from(0);
        assert_eq!(ring.unsent(2), Some((9, b"ld".to_vec())));
        ring.resume_from(u64::MAX);
        assert_eq!(ring.unsent(2), None);
    }
}
