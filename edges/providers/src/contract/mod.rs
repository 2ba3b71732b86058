//! What holds for every API, over the bodies of the corpus and over those that real servers sent, where these are there.
mod bodies;
mod broken;
mod cuts;
mod mutations;
mod offers;
mod recorded;

use crate::{Api, testing::read};
use bodies::{BodyOf, corpus};
use domain::{Fragment, ModelFault};

/// A sequence of numbers that a seed begins: the same ones every time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next()).expect("31 bits fit") % end.max(1)
    }
}
