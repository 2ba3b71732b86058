//! A result for the model comes out of the scrubber.
fn main() {
    let _ = policy::Scrubbed { position: 0, text: String::new() };
}
