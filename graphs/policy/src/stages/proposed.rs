//! A call as the model wrote it, with its place in its turn. Nothing is believed about it.
use super::judged::{Judged, Verdict};
use crate::nearest;
use domain::{Json, ToolCall, ToolSpec, Toolbox};
use engine::{InstanceId, sealed};

/// A call that a model wants made.
#[sealed]
#[derive(Debug)]
pub struct Proposed {
    instance: InstanceId,
    position: u32,
    call: ToolCall,
}

impl Proposed {
    /// Takes a call as the model wrote it: `position` counts the calls of one answer from zero.
    pub fn new(instance: InstanceId, position: u32, call: ToolCall) -> Proposed {
        Proposed { instance, position, call }
    }

    /// Returns the call's place among the calls of its answer.
    pub fn position(&self) -> u32 {
        self.position
    }

    /// Judges the call by what is known of its tool: whether it exists, whether the arguments fit, what it can do.
    pub fn judge(self, tools: &dyn Toolbox) -> Judged {
        let verdict = self.verdict(tools);
        Judged { instance: self.instance, position: self.position, call: self.call, verdict }
    }

    fn verdict(&self, tools: &dyn Toolbox) -> Verdict {
        let specs = tools.specs();
        let Some(spec) = specs.iter().find(|spec| spec.name == self.call.tool) else {
            return unknown(&self.call.tool, &specs);
        };
        match tools.arguments(&self.call.tool, &self.call.arguments) {
            Ok(arguments) => fits(spec, arguments),
            Err(why) => Verdict::Misfit(why.0),
        }
    }
}

fn fits(spec: &ToolSpec, arguments: Json) -> Verdict {
    Verdict::Fits { arguments, tier: spec.tier, recovery: spec.recovery }
}

fn unknown(tool: &str, specs: &[ToolSpec]) -> Verdict {
    let names = || specs.iter().map(|spec| spec.name.as_str());
    Verdict::Unknown {
        near: nearest(tool, names()).map(str::to_owned),
        known: names().map(str::to_owned).collect(),
    }
}
