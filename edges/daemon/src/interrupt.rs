//! Ctrl-C. The first one asks, who did not listen is asked no second time.
use tokio::sync::watch;

/// How often Ctrl-C was pressed.
#[derive(Clone)]
pub(crate) struct Interrupts(watch::Receiver<u32>);

impl Interrupts {
    /// Listens from now on. Call it within a tokio runtime.
    pub(crate) fn listen() -> Interrupts {
        let (count, seen) = watch::channel(0);
        tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                count.send_modify(|n| *n += 1);
            }
        });
        Interrupts(seen)
    }

    /// Returns at the next Ctrl-C that nobody has been told of.
    pub(crate) async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            // Signals cannot be listened to here: then nobody will press it either.
            std::future::pending::<()>().await;
        }
    }
}
