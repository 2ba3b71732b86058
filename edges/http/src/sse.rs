//! Reads events out of a `text/event-stream`, however its bytes were cut into chunks: inside a character, between CR and
//! LF, anywhere. It keeps no ids and never reconnects; that is for whoever knows what a repetition would mean.

/// An event holds so many bytes: a server that does not cut a call into deltas sends a whole file in one.
pub const EVENT_BYTES_MAX: usize = 8 << 20;

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its name; empty when the server gave none.
    pub name: String,
    /// Its lines of data, joined by line feeds.
    pub data: String,
}

/// An event is larger than its reader allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream holds more than {0} bytes")]
pub struct TooLarge(pub usize);

/// Where a stream has come to.
#[derive(Debug)]
pub struct Sse {
    bytes_max: usize,
    /// The line that has not ended yet.
    line: Vec<u8>,
    /// A line feed that follows belongs to the line end before it.
    after_cr: bool,
    /// No line has ended yet: a byte order mark may stand before the first.
    first: bool,
    name: String,
    data: String,
    /// A line of data may be empty, so the text does not tell.
    has_data: bool,
}

impl Default for Sse {
    fn default() -> Sse {
        Sse::bounded(EVENT_BYTES_MAX)
    }
}

impl Sse {
    /// Begins a stream whose events hold at most so many bytes.
    pub fn bounded(bytes_max: usize) -> Sse {
        let (line, name, data) = (Vec::new(), String::new(), String::new());
        Sse { bytes_max, line, after_cr: false, first: true, name, data, has_data: false }
    }

    /// Takes the next bytes and hands on the name and the data of each event that they complete.
    ///
    /// # Errors
    /// When an event is too large: what comes behind it cannot be read. Or when `event` fails; then nothing more is read.
    pub fn push<E: From<TooLarge>>(
        &mut self,
        chunk: &[u8],
        mut event: impl FnMut(&str, &str) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = chunk;
        while let Some(&byte) = rest.first() {
            if std::mem::take(&mut self.after_cr) && byte == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let Some(end) = memchr::memchr2(b'\r', b'\n', rest) else {
                self.keep(rest)?;
                break;
            };
            let (line, behind) = rest.split_at(end);
            self.after_cr = behind[0] == b'\r';
            rest = &behind[1..];
            if self.ended(line)? {
                let done = if self.has_data { event(&self.name, &self.data) } else { Ok(()) };
                // Their room is used for the next event.
                self.name.clear();
                self.data.clear();
                self.has_data = false;
                done?;
            }
        }
        Ok(())
    }

    /// Ends the stream. An event whose last line had ended counts, even if the blank line behind it is missing; half a
    /// line does not.
    pub fn finish(self) -> Option<Event> {
        self.has_data.then_some(Event { name: self.name, data: self.data })
    }

    fn keep(&mut self, part: &[u8]) -> Result<(), TooLarge> {
        self.fits(part)?;
        self.line.extend_from_slice(part);
        Ok(())
    }

    fn fits(&self, part: &[u8]) -> Result<(), TooLarge> {
        let bytes = self.data.len() + self.line.len() + part.len();
        if bytes > self.bytes_max { Err(TooLarge(self.bytes_max)) } else { Ok(()) }
    }

    /// A line ended with this part of it; returns whether an event did.
    fn ended(&mut self, part: &[u8]) -> Result<bool, TooLarge> {
        // Most lines come in one piece, and are read where they are.
        if self.line.is_empty() {
            self.fits(part)?;
            return Ok(self.line(part));
        }
        self.keep(part)?;
        let mut line = std::mem::take(&mut self.line);
        let is_over = self.line(&line);
        // Its room is used for the next line.
        line.clear();
        self.line = line;
        Ok(is_over)
    }

    fn line(&mut self, line: &[u8]) -> bool {
        let mark = if std::mem::take(&mut self.first) { "\u{feff}" } else { "" };
        let text = String::from_utf8_lossy(line);
        let text = text.strip_prefix(mark).unwrap_or(&text);
        self.field(text);
        text.is_empty()
    }

    fn field(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            "event" => value.clone_into(&mut self.name),
            // Comments have an empty name; ids, retry times and what is unknown are skipped.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    fn read<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Event>, TooLarge> {
        let mut sse = Sse::bounded(64);
        let mut events = Vec::new();
        for chunk in chunks {
            sse.push(chunk, |name, data| {
                events.push(Event { name: name.to_owned(), data: data.to_owned() });
                Ok::<(), TooLarge>(())
            })?;
        }
        events.extend(sse.finish());
        Ok(events)
    }
    fn check(stream: &str, expected: Expect) {
        let events = read([stream.as_bytes()]).expect("events are small");
        let shown = |event: &Event| format!("{}|{}", event.name, event.data.escape_debug());
        expected.assert_eq(&events.iter().map(shown).collect::<Vec<_>>().join(" "));
    }

    #[test]
    fn fields_comments_names_and_marks() {
        check("data: a\n\ndata:b\r\n\r\ndata:  c\r\r", expect!["|a |b | c"]);
        check("\u{feff}data: a\n\ndata: b\n\n", expect!["|a |b"]);
        check(": hello\n\nevent: error\ndata: {\ndata:\ndata: }\n\n", expect![[r"error|{\n\n}"]]);
        check("event: lost\n\ndata: a\nid: 7\nretry: 9\nodd\n\n", expect!["|a"]);
        check("data\n\ndata:\n\n\n\n", expect!["| |"]);
        check("data: whole\ndata: hal", expect!["|whole"]);
        check("data: whole\n", expect!["|whole"]);
        check("data: ü\u{2028}\n\n", expect![[r"|ü\u{2028}"]]);
        check("", expect![""]);
    }

    #[test]
    fn an_event_without_an_end_is_refused() {
        let endless = "x".repeat(40);
        assert_eq!(read([b"data: ".as_slice(), endless.as_bytes(), endless.as_bytes()]), Err(TooLarge(64)));
        let lines = format!("data: {endless}\n");
        assert_eq!(read([lines.as_bytes(), lines.as_bytes()]), Err(TooLarge(64)));
        let small = format!("data: {endless}\n\n");
        assert_eq!(read([small.as_bytes(), small.as_bytes()]).map(|events| events.len()), Ok(2));
    }

    /// Pieces of streams, and what is none.
    fn streams() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(b"data: ".to_vec()),
            Just("ü\u{1f980}".as_bytes().to_vec()),
            Just(b"event: x".to_vec()),
            Just(b"\n".to_vec()),
            Just(b"\r\n".to_vec()),
            Just(b"\r".to_vec()),
            Just(b": c\n".to_vec()),
            Just(b"\xef\xbb\xbf".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..4),
        ];
        proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_events(stream in streams(), cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..8)) {
            let whole = read([stream.as_slice()]);
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let chunks = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]);
            prop_assert_eq!(&read(chunks), &whole);
            prop_assert_eq!(&read(stream.chunks(1)), &whole);
        }
    }
}
