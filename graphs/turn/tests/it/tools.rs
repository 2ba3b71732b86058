//! A few tools, one for each way in which a call can be treated.
use crate::world::World;
use domain::{Json, NotJson, Recovery, Tier, ToolSpec, Toolbox, UserId};
use futures::future::BoxFuture;
use policy::{Approved, Evidence, Executed, Executor, Journalled, Probe, RawOutput, Scrubber};
use std::{error::Error, sync::Arc};
use turn::{Bench, Workshop};

/// What no journal may hold and no model may see.
pub(crate) const SECRET: &str = "hunter2-correct-horse";

/// A call that was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) tool: String,
    pub(crate) what: String,
    pub(crate) key: String,
    pub(crate) attempt: u32,
}

impl Toolbox for World {
    fn specs(&self) -> Vec<ToolSpec> {
        let spec = |(name, tier, recovery): (&str, Tier, Recovery)| ToolSpec {
            name: name.into(),
            description: String::new(),
            parameters: Json::printed("{}".into()),
            tier,
            recovery,
        };
        let tools = [
            ("look", Tier::ReadOnly, Recovery::Pure),
            ("note", Tier::Workspace, Recovery::Keyed),
            ("probe", Tier::Workspace, Recovery::Probeable),
            ("send", Tier::Workspace, Recovery::Opaque),
            ("ship", Tier::SideEffecting, Recovery::Opaque),
        ];
        if self.no_tools { Vec::new() } else { tools.map(spec).into() }
    }

    fn arguments(&self, _tool: &str, text: &str) -> Result<Json, NotJson> {
        if !(text.starts_with('{') && text.ends_with('}')) {
            return Err(NotJson("they are not JSON".into()));
        }
        match what(text) {
            Some(_) => Ok(Json::printed(text.into())),
            None => Err(NotJson("`what` is missing".into())),
        }
    }
}

fn what(json: &str) -> Option<&str> {
    json.strip_prefix(r#"{"what":""#)?.strip_suffix(r#""}"#)
}

impl Executor for World {
    fn execute<'a>(&'a self, call: Journalled<'a>) -> BoxFuture<'a, Executed> {
        Box::pin(async move {
            let what = what(call.arguments().as_str()).unwrap();
            let ran =
                Ran { tool: call.tool().into(), what: what.into(), key: call.key(), attempt: call.attempt() };
            self.ran.lock().unwrap().push(ran);
            self.say(format!("runs {} {what}", call.tool()));
            // A call that is never repeated is not held up here: a cancel would give it its time of grace.
            if matches!(call.tool(), "look" | "note") {
                self.point().await;
            }
            let output = match what {
                "fail" => RawOutput::failed("it broke"),
                "panic" => panic!("a tool fell over"),
                "secret" => RawOutput::done(format!("password = \"{SECRET}\"")),
                "together" => {
                    self.meeting.wait().await;
                    RawOutput::done("met")
                }
                "gate" => {
                    self.gate.subscribe().wait_for(|open| *open).await.unwrap();
                    RawOutput::done("through the gate")
                }
                other => RawOutput::done(format!("{}: {other}", call.tool())),
            };
            call.ran(output)
        })
    }

    fn evidence<'a>(&'a self, call: &'a Approved) -> BoxFuture<'a, Evidence> {
        let seen = Evidence { before: Some("as it was".into()), after: Some("changed".into()) };
        Box::pin(async move { if call.tool() == "probe" { seen } else { Evidence::default() } })
    }

    fn probe<'a>(&'a self, call: &'a Approved, evidence: &'a Evidence) -> BoxFuture<'a, Probe> {
        let unseen = evidence.before.is_none();
        Box::pin(async move {
            match what(call.arguments().as_str()).unwrap() {
                _ if unseen => Probe::Unknown,
                "happened" => Probe::Happened(RawOutput::done(format!("found, password = \"{SECRET}\""))),
                "murky" => Probe::Unknown,
                other if self.has_happened => Probe::Happened(RawOutput::done(format!("found: {other}"))),
                _ => Probe::NotYet,
            }
        })
    }
}

/// The bench of every user.
pub(crate) struct Benches(pub(crate) Arc<World>);

impl Workshop for Benches {
    fn bench(&self, _user: &UserId) -> Result<Bench, Box<dyn Error + Send + Sync>> {
        match self.0.no_bench {
            true => Err("the workspace is gone".into()),
            false => Ok(Bench { executor: self.0.clone(), scrubber: Arc::new(Scrubber::default()) }),
        }
    }
}
