//! What is asked, byte for byte, and what comes back, however it is cut.
mod answers;
mod asked;

use super::*;
use crate::wire::{
    Body, Out,
    tests::{self as kit, question, user},
};
use domain::{Fragment, ModelFault};

/// Reads a body in pieces.
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Fragment>, Result<(), ModelFault>) {
    kit::read(Box::<Chunks>::default(), pieces)
}
