//! There is no approval of nothing.
fn main() {
    let _ = policy::Approved::default();
}
