//! The right to decode is made by the engine alone.
fn main() {
    let _ = engine::Reading { origin: engine::Origin::OwnJournal };
}
