//! A ticket is made by the engine alone, once the beginning of the effect is on disk.
fn main() {
    let _ = engine::Ticket { attempt: 1 };
}
