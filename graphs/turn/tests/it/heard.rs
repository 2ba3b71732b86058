//! What was said in the one session of a story: a view that is fed by the engine, and the port that is read from it.
use domain::{Conversation, MessageSaid, SessionId, SessionTouched, Unreadable, UsageSpent};
use engine::{
    Encoded, Fact, FactId,
    follow::{Broken, Entry, FactType, Follower},
    log::Lsn,
};
use futures::future::BoxFuture;
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::watch;

/// What the view holds.
#[derive(Default)]
pub(crate) struct Facts {
    applied: u64,
    pub(crate) said: BTreeMap<FactId, MessageSaid>,
    pub(crate) used: Vec<UsageSpent>,
    pub(crate) touched: Vec<SessionTouched>,
}

/// Everything that was said.
#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<watch::Sender<Facts>>);

impl Heard {
    /// Looks at what the view holds once it holds everything up to `lsn`.
    pub(crate) async fn look<T>(&self, lsn: Lsn, look: impl Fn(&Facts) -> T) -> T {
        let mut facts = self.0.subscribe();
        let facts =
            facts.wait_for(|facts| facts.applied >= lsn.0).await.expect("it is fed as long as it is read");
        look(&facts)
    }
}

impl Conversation for Heard {
    fn upto<'a>(
        &'a self,
        _session: &'a SessionId,
        upto: FactId,
    ) -> BoxFuture<'a, Result<Vec<MessageSaid>, Unreadable>> {
        Box::pin(async move {
            let mut facts = self.0.subscribe();
            let facts = facts.wait_for(|facts| facts.said.contains_key(&upto)).await;
            let facts = facts.map_err(|closed| Unreadable::Broken(closed.to_string()))?;
            Ok(facts.said.range(..=upto).map(|(_, said)| said.clone()).collect())
        })
    }
}

impl Follower for Heard {
    fn knows(&self) -> Vec<FactType> {
        vec![FactType::of::<MessageSaid>(), FactType::of::<UsageSpent>(), FactType::of::<SessionTouched>()]
    }
    fn applied(&self) -> Lsn {
        Lsn::START
    }
    fn apply(&mut self, last: Lsn, entries: &[Entry]) -> Result<(), Broken> {
        self.0.send_modify(|facts| {
            entries.iter().for_each(|entry| facts.take(entry));
            facts.applied = last.0;
        });
        Ok(())
    }
}

impl Facts {
    fn take(&mut self, entry: &Entry) {
        let Entry::Fact(entry) = entry else { return };
        if let Some(said) = read(&entry.fact) {
            self.said.insert(entry.id, said);
        }
        self.used.extend(read::<UsageSpent>(&entry.fact));
        self.touched.extend(read::<SessionTouched>(&entry.fact));
    }
}

fn read<F: Fact>(fact: &Encoded) -> Option<F> {
    (fact.tag == F::TAG).then(|| fact.to_durable().expect("a fact of this build"))
}
