//! Text for a person: the answer on standard output as it comes, everything about it on standard error. What is no terminal is
//! given only what counts: the text of an attempt that may still be lost is held back until the attempt stands.
use super::{Surface, printable::printable, write};
use crate::money::dollars;
use domain::MicroUsd;
use frames::{AssistantDelta, CallStatus, Frame, ProgressKind, TurnProgress, Usage};
use std::io::{self, IsTerminal, Write};

/// A line about a call is cut to this length: a terminal's width. What went wrong is never cut.
const LINE_CHARS_MAX: usize = 100;

/// Writes the answer to `out` and everything else to `aside`.
pub(crate) struct Text<O, A> {
    out: O,
    aside: A,
    /// What of the current round is on the screen, or held back.
    shown: String,
    /// Whether the cursor stands behind text.
    in_line: bool,
    /// Whether text is held back until its attempt stands: nothing can be taken back from a pipe or a file.
    holds: bool,
    /// Whether what is held back stands only if it is an answer.
    only_answers: bool,
    /// Whether answers are those of an earlier process's turns, which belong aside.
    is_earlier: bool,
    broken: Option<io::Error>,
}

impl Text<io::Stdout, io::Stderr> {
    pub(crate) fn of_process() -> Self {
        Text { holds: !io::stdout().is_terminal(), ..Text::new(io::stdout(), io::stderr()) }
    }
}

impl<O: Write, A: Write> Text<O, A> {
    fn new(out: O, aside: A) -> Self {
        Text {
            out,
            aside,
            shown: String::new(),
            in_line: false,
            holds: false,
            only_answers: false,
            is_earlier: false,
            broken: None,
        }
    }

    fn write(&mut self, text: &str) {
        self.shown.push_str(text);
        if !self.holds {
            self.put(text);
        }
    }

    fn put(&mut self, text: &str) {
        let text = printable(text);
        if let Some(last) = text.chars().last() {
            self.in_line = last != '\n';
        }
        self.out(&text);
    }

    fn out(&mut self, text: &str) {
        if self.is_earlier {
            let _ = self.aside.write_all(text.as_bytes()).and_then(|()| self.aside.flush());
        } else {
            write(&mut self.out, &mut self.broken, text.as_bytes());
        }
    }

    /// The text of the round counts: what is held back is let go.
    fn stand(&mut self) {
        if self.holds {
            let text = std::mem::take(&mut self.shown);
            if !self.only_answers {
                self.put(&text);
            }
        }
        self.end();
    }

    /// Ends the line, and with it the text of the round.
    fn end(&mut self) {
        self.shown.clear();
        if std::mem::take(&mut self.in_line) {
            self.out("\n");
        }
    }

    /// A line about the text, on a line of its own.
    fn aside(&mut self, text: &str) {
        if !self.holds {
            self.end();
        }
        let _ = writeln!(self.aside, "{}", printable(text));
    }

    fn delta(&mut self, AssistantDelta { reset, delta, .. }: &AssistantDelta) {
        if *reset && self.holds {
            self.shown.clear();
        }
        if *reset && !delta.starts_with(&self.shown) {
            self.aside("· what stands above of this answer no longer counts");
        }
        // What begins again with what is on the screen goes on there.
        let more = if *reset { delta.strip_prefix(self.shown.as_str()).unwrap_or(delta) } else { delta };
        self.write(more);
    }

    fn progress(&mut self, frame: &TurnProgress) {
        let progress = &frame.progress;
        if Self::is_heard_out(frame) {
            self.stand();
        }
        match (&progress.kind, &progress.call) {
            (ProgressKind::ToolExecution, Some(call)) if call.status == CallStatus::Running => {
                self.aside(&format!("· {}", line(&progress.message)));
            }
            (ProgressKind::ToolExecution, Some(call)) if call.status != CallStatus::Done => {
                self.aside(&format!("  {}", first(&progress.message)));
            }
            (ProgressKind::Uncertain, _) => self.aside(&format!("· in doubt: {}", line(&progress.message))),
            (ProgressKind::Correction, _) => {
                self.aside(&format!("· corrected: {}", first(&progress.message)))
            }
            (ProgressKind::Retry, _) => {
                let is_on_screen = !self.holds && !self.shown.is_empty();
                let above =
                    if is_on_screen { " (what stands above of this answer no longer counts)" } else { "" };
                self.aside(&format!("· {}{above}", progress.message));
            }
            (ProgressKind::ProviderCall | ProgressKind::ToolExecution | ProgressKind::Other(_), _) => {}
        }
    }

    /// Whether the model has been heard out, so that what it said of this round counts.
    fn is_heard_out(frame: &TurnProgress) -> bool {
        match frame.progress.kind {
            ProgressKind::ToolExecution | ProgressKind::Uncertain | ProgressKind::Correction => true,
            ProgressKind::ProviderCall | ProgressKind::Retry | ProgressKind::Other(_) => false,
        }
    }

    /// Says what the turn cost, where that is known: what was free goes without saying.
    fn cost(&mut self, usage: &Usage) {
        if usage.cost_micro_usd > 0 {
            let cost = dollars(MicroUsd(usage.cost_micro_usd));
            self.aside(&format!("· {} tokens, {cost}", usage.total_tokens));
        }
    }

    /// Shows what the person has not seen of the answer.
    fn complete(&mut self, answer: &str) {
        if self.holds {
            self.put(answer);
            return self.end();
        }
        if !answer.starts_with(&self.shown) {
            self.end();
        }
        let rest = answer.strip_prefix(self.shown.as_str()).unwrap_or(answer).to_owned();
        self.write(&rest);
        self.end();
    }
}

impl<O: Write + Send, A: Write + Send> Surface for Text<O, A> {
    fn show(&mut self, frame: &Frame) {
        match frame {
            Frame::AssistantDelta(delta) => self.delta(delta),
            Frame::TurnProgress(progress) => self.progress(progress),
            Frame::TurnCompleted(done) => {
                self.complete(&done.response.message);
                done.response.usage.iter().for_each(|usage| self.cost(usage));
            }
            Frame::TurnCancelled(cancelled) => {
                self.aside("cancelled");
                self.shown.clear();
                for call in &cancelled.in_doubt {
                    self.aside(&format!("· in doubt: {} {}", call.name, line(&call.arguments)));
                }
            }
            Frame::Error(error) => {
                self.aside(&format!("oxydra: {}", error.message));
                self.shown.clear();
            }
            Frame::HelloAck(_) | Frame::TurnStarted(_) | Frame::ReasoningDelta(_) | Frame::SessionList(_) => {
            }
        }
    }
    fn notice(&mut self, text: &str) {
        self.aside(&format!("oxydra: {text}"));
    }
    fn only_answers(&mut self) {
        self.only_answers = true;
    }
    fn earlier(&mut self) {
        self.is_earlier = true;
    }
    fn asked_for(&mut self) {
        self.is_earlier = false;
    }
    fn is_for_a_person(&self) -> bool {
        true
    }
    fn broken(&self) -> Option<&io::Error> {
        self.broken.as_ref()
    }
}

/// The first line of a text.
fn first(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    let more = if first.len() < text.trim_end().len() { "…" } else { "" };
    format!("{first}{more}")
}

/// The first line of a text, cut.
fn line(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    let cut: String = first.chars().take(LINE_CHARS_MAX).collect();
    let more = if cut.len() < text.trim_end().len() { "…" } else { "" };
    format!("{cut}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use frames::{
        CallReport, ErrorCode, ErrorFrame, FinishReason, Progress, Session, Turn, TurnCancelled,
        TurnCompleted, TurnResponse, TurnState,
    };

    fn session() -> Session {
        Session { user_id: "u".into(), session_id: "s".into() }
    }
    fn turn() -> Turn {
        Turn { turn_id: "t".into(), state: TurnState::Running }
    }
    fn delta(delta: &str, reset: bool) -> Frame {
        let (request_id, session, turn) = (String::new(), session(), turn());
        let (seq, round, attempt, delta) = (1, 1, 1, delta.into());
        Frame::AssistantDelta(AssistantDelta { request_id, session, turn, seq, round, attempt, reset, delta })
    }
    fn says(text: &str) -> Frame {
        delta(text, false)
    }
    fn again(text: &str) -> Frame {
        delta(text, true)
    }
    fn progress(kind: ProgressKind, message: &str, status: Option<CallStatus>) -> Frame {
        let call = status.map(|status| CallReport {
            id: String::new(),
            name: "t".into(),
            arguments: "{}".into(),
            status,
        });
        let progress = Progress { kind, message: message.into(), turn: 1, max_turns: 8, call };
        let (request_id, session, turn, seq) = (String::new(), session(), turn(), 2);
        Frame::TurnProgress(TurnProgress { request_id, session, turn, seq, progress })
    }
    fn calls(message: &str) -> Frame {
        progress(ProgressKind::ToolExecution, message, Some(CallStatus::Running))
    }
    fn done(message: &str) -> Frame {
        let (message, tool_calls) = (message.into(), vec![]);
        let response = TurnResponse { message, tool_calls, finish_reason: FinishReason::Stop, usage: None };
        let (request_id, session, turn, seq) = (String::new(), session(), turn(), 2);
        Frame::TurnCompleted(TurnCompleted { request_id, session, turn, seq, response })
    }
    fn cancelled() -> Frame {
        let (request_id, session, turn, seq) = (String::new(), session(), turn(), 2);
        Frame::TurnCancelled(TurnCancelled { request_id, session, turn, seq, in_doubt: vec![] })
    }

    /// Both streams as one, as a person sees them; what is said aside is marked.
    fn check(frames: &[Frame], expected: Expect) {
        let screen = Screen::default();
        let mut text = Text::new(screen.clone(), Aside(screen.clone()));
        frames.iter().for_each(|frame| text.show(frame));
        expected.assert_eq(&screen.0.lock().unwrap());
    }

    #[derive(Clone, Default)]
    struct Screen(std::sync::Arc<std::sync::Mutex<String>>);
    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().push_str(std::str::from_utf8(bytes).unwrap());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    struct Aside(Screen);
    impl Write for Aside {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0.0.lock().unwrap().ends_with(['\n']) || self.0.0.lock().unwrap().is_empty() {
                self.0.write_all(b"# ")?;
            }
            self.0.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_answer_is_shown_once_and_whole() {
        check(
            &[says("one "), says("two"), done("one two")],
            expect![[r#"
            one two
        "#]],
        );
        check(
            &[says("one "), done("one two three")],
            expect![[r#"
            one two three
        "#]],
        );
        check(
            &[done("nothing streamed")],
            expect![[r#"
            nothing streamed
        "#]],
        );
        check(
            &[says("ends with a line\n"), done("ends with a line\n")],
            expect![[r#"
            ends with a line
        "#]],
        );
    }

    #[test]
    fn what_a_turn_cost_is_said_and_what_was_free_is_not() {
        let Frame::TurnCompleted(free) = done("hi") else { panic!("it is done") };
        let with = |cost| {
            let response = TurnResponse { usage: Some(Usage::new(10, 2, cost)), ..free.response.clone() };
            Frame::TurnCompleted(TurnCompleted { response, ..free.clone() })
        };
        check(
            &[with(1_500), with(0)],
            expect![[r#"
            hi
            # · 12 tokens, $0.0015
            hi
        "#]],
        );
    }

    #[test]
    fn what_no_longer_counts_is_said_so() {
        check(
            &[says("wrong"), again(""), says("right"), done("right")],
            expect![[r#"
                wrong
                # · what stands above of this answer no longer counts
                right
            "#]],
        );
        check(
            &[again(""), says("right"), done("right")],
            expect![[r#"
            right
        "#]],
        );
        check(
            &[says("one "), again("one two"), done("one two")],
            expect![[r#"
            one two
        "#]],
        );
        check(
            &[says("other"), again("one two"), done("one two")],
            expect![[r#"
                other
                # · what stands above of this answer no longer counts
                one two
            "#]],
        );
        check(
            &[says("other"), done("one two")],
            expect![[r#"
            other
            one two
        "#]],
        );
    }

    fn failed(message: &str) -> Frame {
        progress(ProgressKind::Retry, message, None)
    }

    #[test]
    fn an_attempt_that_failed_is_said_before_anything_was_streamed_too() {
        check(
            &[
                failed("attempt 1 failed: the server answered 503; it is made again in 2 s"),
                again(""),
                done("hi"),
            ],
            expect![[r#"
                # · attempt 1 failed: the server answered 503; it is made again in 2 s
                hi
            "#]],
        );
        check(
            &[says("so fa"), failed("attempt 1 failed: cut off"), again("so far"), done("so far")],
            expect![[r#"
                so fa
                # · attempt 1 failed: cut off (what stands above of this answer no longer counts)
                so far
            "#]],
        );
    }

    #[test]
    fn a_pipe_is_given_only_what_counts() {
        let piped = |frames: &[Frame]| {
            let mut text = Text { holds: true, ..Text::new(Vec::new(), Vec::new()) };
            frames.iter().for_each(|frame| text.show(frame));
            [text.out, text.aside].map(|bytes| String::from_utf8(bytes).unwrap()).join("--\n")
        };
        // Of a lost attempt, of a call with words before it, of what was cancelled and of what failed.
        let lost =
            [says("wrong"), failed("attempt 1 failed: cut off"), again(""), says("right"), done("right")];
        expect![[r#"
            right
            --
            · attempt 1 failed: cut off
        "#]]
        .assert_eq(&piped(&lost));
        expect![[r#"
            I look.
            No files.
            --
            · file_list {}
        "#]]
        .assert_eq(&piped(&[says("I look."), calls("file_list {}"), says("No"), done("No files.")]));
        expect![[r#"
            I look.
            --
            · file_list {}
            cancelled
        "#]]
        .assert_eq(&piped(&[says("I look."), calls("file_list {}"), says("No"), cancelled()]));
        let error = Frame::Error(ErrorFrame::new(ErrorCode::TurnFailed, "gone"));
        expect![[r#"
            next
            --
            oxydra: gone
        "#]]
        .assert_eq(&piped(&[says("so fa"), error, says("next"), done("next")]));
    }

    #[test]
    fn the_answer_of_an_earlier_turn_stands_aside() {
        let mut text = Text { holds: true, ..Text::new(Vec::new(), Vec::new()) };
        text.earlier();
        [says("ol"), says("d"), done("old")].iter().for_each(|frame| text.show(frame));
        text.asked_for();
        [says("new"), done("new")].iter().for_each(|frame| text.show(frame));
        assert_eq!((text.out.as_slice(), text.aside.as_slice()), (&b"new\n"[..], &b"old\n"[..]));
    }

    #[test]
    fn an_answer_of_a_form_stands_alone_in_a_pipe_and_one_without_it_is_taken_back() {
        let frames = [
            says("I look."),
            calls("file_list {}"),
            says("bare"),
            again(""),
            progress(ProgressKind::Correction, "the answer does not fit the schema", None),
            says("{}"),
            done("{}"),
        ];
        let mut text = Text { holds: true, ..Text::new(Vec::new(), Vec::new()) };
        text.only_answers();
        frames.iter().for_each(|frame| text.show(frame));
        assert_eq!(text.out, b"{}\n");
        check(
            &frames,
            expect![[r#"
            I look.
            # · file_list {}
            bare
            # · what stands above of this answer no longer counts
            # · corrected: the answer does not fit the schema
            {}
        "#]],
        );
    }

    #[test]
    fn calls_stand_between_the_words() {
        let long = format!("file_write {}\nsecond line", "x".repeat(200));
        check(
            &[
                progress(ProgressKind::ProviderCall, "asking the model", None),
                says("I look."),
                calls("file_list {}"),
                progress(ProgressKind::ToolExecution, "file_list: done", Some(CallStatus::Done)),
                says("I write.\n"),
                calls(&long),
                progress(ProgressKind::ToolExecution, "file_write: failed", Some(CallStatus::Failed)),
                progress(ProgressKind::Correction, "`path` is missing\nwrite it", None),
                says("Sorry."),
                done("Sorry."),
            ],
            expect![[r#"
                I look.
                # · file_list {}
                I write.
                # · file_write xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
                #   file_write: failed
                # · corrected: `path` is missing…
                Sorry.
            "#]],
        );
    }

    #[test]
    fn without_an_answer_it_says_why_and_cuts_nothing() {
        check(
            &[says("so fa"), cancelled()],
            expect![[r#"
            so fa
            # cancelled
        "#]],
        );
        let why = format!("cannot write: {}", "/long/path".repeat(20));
        let error = Frame::Error(ErrorFrame::new(ErrorCode::Storage, why));
        check(
            &[says("so fa"), error, says("next"), done("next")],
            expect![[r#"
            so fa
            # oxydra: cannot write: /long/path/long/path/long/path/long/path/long/path/long/path/long/path/long/path/long/path/long/path/long/path/long/path/long/path/long/path/long/path/long/path/long/path/long/path/long/path/long/path
            next
        "#]],
        );
    }

    #[test]
    fn what_steers_a_terminal_stays_out_wherever_it_comes_from() {
        check(
            &[calls("t \u{1b}[2J"), says("a\u{1b}"), done("a\u{1b}[31mb\u{7}\r")],
            expect![[r#"
                # · t \u001b[2J
                a\u001b[31mb\u0007
            "#]],
        );
    }
}
