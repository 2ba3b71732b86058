//! Where frames are shown: as text for a person, or as JSON lines for a program.
mod json;
mod printable;
mod text;

pub(crate) use json::JsonLines;
pub(crate) use printable::printable;
pub(crate) use text::Text;

use crate::exit::{Exit, Failure};
use frames::Frame;
use std::io;

/// Where frames are shown. A reader that went away is no failure of the turn: what cannot be shown is dropped, and the
/// process says so when it ends.
pub(crate) trait Surface: Send {
    fn show(&mut self, frame: &Frame);
    /// A line that belongs to no turn.
    fn notice(&mut self, text: &str);
    /// From now on a pipe or a file is given answers alone, not the words beside calls: answers have a form.
    fn only_answers(&mut self) {}
    /// From now on answers are those of an earlier process's turns, which nobody asked for here.
    fn earlier(&mut self) {}
    /// From now on answers are those that were asked for.
    fn asked_for(&mut self) {}
    /// Whether a person reads it, who can be asked something.
    fn is_for_a_person(&self) -> bool;
    /// Why not all that was to be shown arrived.
    fn broken(&self) -> Option<&io::Error>;
}

/// How the process ends where it would end so if all that was shown has arrived. Who closed a pipe knows it, and is told by
/// the exit code alone.
pub(crate) fn arrived(surface: &dyn Surface, exit: Exit) -> Result<Exit, Failure> {
    match surface.broken() {
        None => Ok(exit),
        Some(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            Ok(if exit == Exit::Answered { Exit::Failed } else { exit })
        }
        Some(error) => Err(Failure::other(format!(
            "cannot write to standard output: {error}; what was said is kept: `oxydra sessions` lists it, `oxydra sessions show ID --json` prints it whole"
        ))),
    }
}

/// Writes, unless something was lost before: what comes behind a gap must not look like a whole.
fn write(out: &mut impl io::Write, broken: &mut Option<io::Error>, text: &[u8]) {
    if broken.is_none() {
        *broken = out.write_all(text).and_then(|()| out.flush()).err();
    }
}

/// The surface of this process.
pub(crate) fn of_process(json: bool) -> Box<dyn Surface> {
    if json { Box::new(JsonLines::of_process()) } else { Box::new(Text::of_process()) }
}
