//! Progress for those who watch. It is never journalled; who falls behind loses some and is told how much.
use crate::InstanceId;
use std::{any::Any, fmt, sync::Arc};

/// Something that a handler told while it ran.
#[derive(Clone)]
pub struct Told {
    /// Which run told it.
    pub instance: InstanceId,
    /// How many moves it had made.
    pub seq: u64,
    what: Arc<dyn Any + Send + Sync>,
}

impl Told {
    pub(crate) fn new(instance: InstanceId, seq: u64, what: impl Any + Send + Sync) -> Told {
        Told { instance, seq, what: Arc::new(what) }
    }
    /// What was told, if it is a `T`.
    pub fn as_a<T: Any>(&self) -> Option<&T> {
        self.what.downcast_ref()
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Told({}/{})", self.instance, self.seq)
    }
}
