//! Text for a person: the answer on standard output as it comes, everything about it on standard error.
use super::Surface;
use frames::{CallStatus, Frame, ProgressKind, TurnProgress};
use std::io::{self, Write};

/// A line about a call is cut to this length: a terminal's width.
const LINE_CHARS_MAX: usize = 100;

/// Writes the answer to `out` and everything else to `aside`.
pub(crate) struct Text<O, A> {
    out: O,
    aside: A,
    /// What of the current round is on the screen.
    shown: String,
    /// Whether the cursor stands behind text.
    in_line: bool,
}

impl Text<io::Stdout, io::Stderr> {
    pub(crate) fn of_process() -> Self {
        Text::new(io::stdout(), io::stderr())
    }
}

impl<O: Write, A: Write> Text<O, A> {
    fn new(out: O, aside: A) -> Self {
        Text { out, aside, shown: String::new(), in_line: false }
    }

    fn write(&mut self, text: &str) {
        self.shown.push_str(text);
        self.in_line = !self.shown.ends_with('\n') && !self.shown.is_empty();
        // The reader may be gone; the turn goes on all the same.
        let _ = self.out.write_all(printable(text).as_bytes()).and_then(|()| self.out.flush());
    }

    fn end_line(&mut self) {
        if std::mem::take(&mut self.in_line) {
            let _ = self.out.write_all(b"\n").and_then(|()| self.out.flush());
        }
    }

    fn aside(&mut self, text: &str) {
        self.end_line();
        let line = printable(text.lines().next().unwrap_or_default());
        let cut: String = line.chars().take(LINE_CHARS_MAX).collect();
        let more = if cut.len() < line.len() { "…" } else { "" };
        let _ = writeln!(self.aside, "{cut}{more}");
    }

    fn progress(&mut self, frame: &TurnProgress) {
        let progress = &frame.progress;
        match (&progress.kind, &progress.call) {
            (ProgressKind::ToolExecution, Some(call)) if call.status == CallStatus::Running => {
                self.aside(&format!("· {}", progress.message));
            }
            (ProgressKind::ToolExecution, Some(call)) if call.status != CallStatus::Done => {
                self.aside(&format!("  {}", progress.message));
            }
            (ProgressKind::Correction, _) => self.aside(&format!("· corrected: {}", progress.message)),
            (ProgressKind::ProviderCall, _) => {
                self.end_line();
                self.shown.clear();
            }
            (ProgressKind::ToolExecution | ProgressKind::Other(_), _) => {}
        }
    }

    /// Shows what the person has not seen of the answer: a listener that fell behind has missed words.
    fn complete(&mut self, answer: &str) {
        match answer.strip_prefix(&self.shown) {
            Some(rest) => {
                let rest = rest.to_owned();
                self.write(&rest);
            }
            None => {
                self.end_line();
                self.shown.clear();
                self.write(answer);
            }
        }
        self.end_line();
        self.shown.clear();
    }
}

impl<O: Write + Send, A: Write + Send> Surface for Text<O, A> {
    fn show(&mut self, frame: &Frame) {
        match frame {
            Frame::AssistantDelta(delta) if delta.reset => {
                self.aside("· asked again: what stands above of this answer no longer counts");
                self.shown.clear();
            }
            Frame::AssistantDelta(delta) => self.write(&delta.delta),
            Frame::TurnProgress(progress) => self.progress(progress),
            Frame::TurnCompleted(done) => self.complete(&done.response.message),
            Frame::TurnCancelled(_) => {
                self.aside("cancelled");
                self.shown.clear();
            }
            Frame::Error(error) => {
                self.aside(&format!("oxydra: {}", error.message));
                self.shown.clear();
            }
            Frame::HelloAck(_) | Frame::TurnStarted(_) | Frame::ReasoningDelta(_) | Frame::SessionList(_) => {}
        }
    }
    fn notice(&mut self, text: &str) {
        self.end_line();
        let _ = writeln!(self.aside, "oxydra: {text}");
    }
}

/// Text without the control characters that would steer a terminal: what a model or a file says is not to be trusted.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use frames::{AssistantDelta, FinishReason, Session, Turn, TurnCompleted, TurnResponse, TurnState};

    fn session() -> Session {
        Session { user_id: "u".into(), session_id: "s".into() }
    }
    fn turn() -> Turn {
        Turn { turn_id: "t".into(), state: TurnState::Running }
    }
    fn says(delta: &str, reset: bool) -> Frame {
        let (request_id, delta) = (String::new(), delta.into());
        Frame::AssistantDelta(AssistantDelta { request_id, session: session(), turn: turn(), seq: 1, round: 1, attempt: 1, reset, delta })
    }
    fn done(message: &str) -> Frame {
        let response =
            TurnResponse { message: message.into(), tool_calls: vec![], finish_reason: FinishReason::Stop, usage: None };
        Frame::TurnCompleted(TurnCompleted { request_id: String::new(), session: session(), turn: turn(), seq: 2, response })
    }
    fn check(frames: &[Frame], expected: Expect) {
        let mut text = Text::new(Vec::new(), Vec::new());
        frames.iter().for_each(|frame| text.show(frame));
        let (out, aside) = (String::from_utf8(text.out).unwrap(), String::from_utf8(text.aside).unwrap());
        expected.assert_eq(&format!("{out}---\n{aside}"));
    }

    #[test]
    fn an_answer_is_shown_once_and_whole() {
        check(&[says("one ", false), says("two", false), done("one two")], expect![[r#"
            one two
            ---
        "#]]);
        check(&[says("one ", false), done("one two three")], expect![[r#"
            one two three
            ---
        "#]]);
        check(&[says("wrong", false), says("", true), says("right", false), done("right")], expect![[r#"
            wrong
            right
            ---
            · asked again: what stands above of this answer no longer counts
        "#]]);
    }

    #[test]
    fn what_would_steer_the_terminal_is_left_out() {
        check(&[done("a\u{1b}[2Jb\u{7}c\r")], expect![[r#"
            a[2Jbc
            ---
        "#]]);
    }
}
