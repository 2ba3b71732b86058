//! What a call, or a look at what became of one, is given besides its arguments, and the way to do blocking work so that
//! it stops when nobody waits for it any longer.
use crate::Failure;
use policy::Workspace;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a call is given besides its arguments.
#[derive(Debug, Clone)]
pub struct Context {
    look: Look,
    key: String,
    attempt: u32,
}

/// What evidence is gathered with. It has no key, since nothing is written with it.
#[derive(Debug, Clone)]
pub struct Look {
    workspace: Arc<Workspace>,
}

/// Whether the call behind some work is still wanted.
#[derive(Debug, Clone, Default)]
pub struct Halt(Arc<AtomicBool>);

impl Halt {
    /// Says whether the work may go on.
    pub fn proceed(&self) -> bool {
        !self.0.load(Ordering::Relaxed)
    }

    /// Goes on or gives up.
    ///
    /// # Errors
    /// When the call was dropped or has timed out.
    pub fn check(&self) -> Result<(), Failure> {
        if self.proceed() { Ok(()) } else { Err(Failure::Halted) }
    }
}

/// Tells the work when the future that waits for it is dropped.
struct HaltOnDrop(Halt);

impl Drop for HaltOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl Context {
    /// Makes the context of a call: `key` is shared by its attempts, which are counted from 1.
    pub fn new(workspace: Arc<Workspace>, key: String, attempt: u32) -> Context {
        Context { look: Look::new(workspace), key, attempt }
    }

    /// Returns the key that all attempts at this call share.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Says whether an earlier attempt at this call may have done its work.
    pub fn is_repeated(&self) -> bool {
        self.attempt > 1
    }

    /// Works on the workspace where blocking is allowed. The work asks its [`Halt`] between chunks.
    ///
    /// # Errors
    /// What the work returns, or that it broke.
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Workspace, &Halt) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.look.blocking(work).await
    }
}

impl Look {
    /// Makes a look at a workspace.
    pub fn new(workspace: Arc<Workspace>) -> Look {
        Look { workspace }
    }

    /// Looks where blocking is allowed. The work asks its [`Halt`] between chunks.
    ///
    /// # Errors
    /// What the work returns, or that it broke.
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Workspace, &Halt) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let halt = Halt::default();
        let _told = HaltOnDrop(halt.clone());
        let workspace = self.workspace.clone();
        let worked = tokio::task::spawn_blocking(move || work(&workspace, &halt)).await;
        worked.unwrap_or_else(|error| Err(Failure::Broken(error.to_string())))
    }
}
