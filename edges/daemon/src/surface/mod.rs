//! Where frames are shown: as text for a person, or as JSON lines for a program.
mod json;
mod printable;
mod text;

pub(crate) use json::JsonLines;
pub(crate) use text::Text;

use frames::Frame;

/// Where frames are shown. A reader that went away is no failure of the turn: what cannot be shown is dropped.
pub(crate) trait Surface: Send {
    fn show(&mut self, frame: &Frame);
    /// A line that belongs to no turn.
    fn notice(&mut self, text: &str);
    /// Whether a person reads it, who can be asked something.
    fn is_for_a_person(&self) -> bool;
}

/// The surface of this process.
pub(crate) fn of_process(json: bool) -> Box<dyn Surface> {
    if json { Box::new(JsonLines::of_process()) } else { Box::new(Text::of_process()) }
}
