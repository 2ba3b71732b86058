//! The journal read from its beginning: where every run stands, and what the types in it are called. Recovery stands on
//! it, and so does whoever reads beside the owner.
use crate::{
    InstanceId, Refused,
    follow::FactType,
    graph::{Meta, StoredType},
    log::Group,
    record::{Declared, Parent, Record, Started},
    standing::Standing,
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Everything that the journal says.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) runs: HashMap<InstanceId, Standing>,
    pub(crate) names: Names,
    /// In the order in which they began.
    pub(crate) order: Vec<InstanceId>,
    /// Tag and shape of every fact met.
    pub(crate) facts: HashSet<(u64, u64)>,
}

impl Ledger {
    /// Applies a group, or says what in it is not of this engine.
    pub(crate) fn apply(&mut self, group: &Group) -> Result<(), Refused> {
        for bytes in &group.records {
            self.record(Record::decode(bytes)?)?;
        }
        Ok(())
    }

    fn record(&mut self, record: Record) -> Result<(), Refused> {
        self.facts.extend(record.facts().iter().map(|fact| (fact.fact.tag, fact.fact.shape)));
        match record {
            Record::Declared(declared) => self.names.learn(&declared),
            Record::Started(started) => {
                self.runs.insert(started.instance, Standing::new(&started));
                self.order.push(started.instance);
                let parent = started.parent.and_then(|parent| self.runs.get_mut(&parent.instance));
                if let Some(parent) = parent {
                    parent.brood.asked(started.instance);
                }
                self.given_at_once(&started);
            }
            Record::Cancel(_) | Record::Paused(_) | Record::Released(_) => {
                for instance in record.subjects() {
                    self.run(*instance)?.apply(record.clone());
                }
            }
            Record::Moved(_)
            | Record::Began(_)
            | Record::Done(_)
            | Record::Mail(_)
            | Record::Outcome(_)
            | Record::Credited(_)
            | Record::Parked(_)
            | Record::Forked(_) => {
                let subject = record.subject().expect("a record of these kinds is about one run");
                self.run(subject)?.apply(record);
            }
        }
        Ok(())
    }

    /// What a root gave away as it began was granted to it, and will be again at its lap.
    fn given_at_once(&mut self, started: &Started) {
        let mut asker = started.parent;
        while let Some(Parent { instance, seq: 0, .. }) = asker {
            let Some(run) = self.runs.get_mut(&instance) else { return };
            if run.parent.is_none() {
                run.grant = run.grant.credit(started.grant);
            }
            asker = run.parent;
        }
    }

    fn run(&mut self, instance: InstanceId) -> Result<&mut Standing, Refused> {
        self.runs
            .get_mut(&instance)
            .ok_or_else(|| Refused(format!("a record names run {instance}, which never began")))
    }
}

/// What tags are called, as the builds that wrote them declared.
#[derive(Debug, Default, Clone)]
pub(crate) struct Names {
    graphs: BTreeMap<u64, String>,
    /// By graph and tag; facts under graph zero.
    types: BTreeMap<(u64, u64), String>,
    declared: HashSet<(u64, u32, u64, u64)>,
}

/// The graph under which facts are declared: they belong to all.
const FACTS: u64 = 0;

impl Names {
    pub(crate) fn learn(&mut self, declared: &Declared) {
        if declared.graph != FACTS {
            self.graphs.insert(declared.graph, declared.name.clone());
        }
        for (name, tag, shape) in &declared.types {
            self.types.insert((declared.graph, *tag), name.clone());
            self.declared.insert((declared.graph, declared.version, *tag, *shape));
        }
    }

    pub(crate) fn graph(&self, graph: u64) -> String {
        self.graphs.get(&graph).cloned().unwrap_or_else(|| format!("{graph:016x}"))
    }

    pub(crate) fn state(&self, graph: u64, tag: u64) -> String {
        self.types.get(&(graph, tag)).cloned().unwrap_or_else(|| format!("{tag:016x}"))
    }

    pub(crate) fn fact(&self, tag: u64) -> String {
        self.state(FACTS, tag)
    }

    /// What a journal does not know yet of a graph that is about to run over it.
    pub(crate) fn missing(&self, graph: u64, meta: &Meta, types: &[StoredType]) -> Option<Declared> {
        let types = types.iter().map(|t| (t.name, t.tag, t.shape));
        self.undeclared(graph, meta.name, meta.version, types)
    }

    /// The same for facts.
    pub(crate) fn missing_facts(&self, types: &[FactType]) -> Option<Declared> {
        self.undeclared(FACTS, "facts", 1, types.iter().map(|t| (t.name, t.tag, t.shape)))
    }

    fn undeclared(
        &self,
        graph: u64,
        name: &str,
        version: u32,
        types: impl Iterator<Item = (&'static str, u64, u64)>,
    ) -> Option<Declared> {
        let new: Vec<_> = types
            .filter(|(_, tag, shape)| !self.declared.contains(&(graph, version, *tag, *shape)))
            .map(|(name, tag, shape)| (name.to_owned(), tag, shape))
            .collect();
        (!new.is_empty()).then(|| Declared { graph, name: name.to_owned(), version, types: new })
    }
}
