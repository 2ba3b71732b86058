//! The running side.
use crate::{Amount, Graph, InstanceId};
use std::marker::PhantomData;
/// What a handler may do to the world.
pub struct Cx<G: Graph>(PhantomData<fn() -> G>);
/// What a state gives a child.
pub struct Purse(pub(crate) Amount);
/// Who serves which request.
#[derive(Default)]
pub struct Registry(Vec<InstanceId>);
impl Registry {
    /// Registers.
    pub fn serve<G: crate::Serves<R>, R: crate::Request>(&mut self) {}
}
