//! What holds an approval is as sealed as the approval.
use engine::bincode::{config, decode_from_slice};

fn main() {
    let _ = decode_from_slice::<Vec<policy::Ruling>, _>(&[], config::standard());
}
