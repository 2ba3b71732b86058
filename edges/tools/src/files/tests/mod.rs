//! Each tool as a model calls it: through judgement, approval, a ticket and the scrubber.
mod changing;
mod doubting;
mod looking;

use crate::Tools;
use domain::{CallOutcome, ToolCall};
use engine::InstanceId;
use expect_test::Expect;
use policy::{Approved, Executor, Proposed, Refusal, Scrubber, Workspace};
use serde_json::Value;
use std::path::PathBuf;

struct Home {
    dir: tempfile::TempDir,
    tools: Tools,
}

fn home() -> Home {
    let dir = tempfile::tempdir().unwrap();
    for name in ["shared", "tmp", "secret"] {
        std::fs::create_dir(dir.path().join(name)).unwrap();
    }
    let tools = Tools::new(Workspace::open(&dir.path().join("shared"), &dir.path().join("tmp")).unwrap());
    Home { dir, tools }
}

impl Home {
    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join("shared").join(name)
    }
    fn has(self, name: &str, bytes: impl AsRef<[u8]>) -> Home {
        if let Some(parent) = self.at(name).parent() {
            std::fs::create_dir_all(parent).unwrap();
        }
        std::fs::write(self.at(name), bytes).unwrap();
        self
    }
    fn holds(&self, name: &str) -> String {
        std::fs::read_to_string(self.at(name)).unwrap()
    }
    fn approved(&self, tool: &str, arguments: &Value) -> Result<Approved, Refusal> {
        let call = ToolCall { id: String::new(), tool: tool.into(), arguments: arguments.to_string() };
        Proposed::new(InstanceId(7), 0, call).judge(&self.tools).approve()
    }
    /// Calls a tool; what is refused or fails is marked.
    fn call(&self, tool: &str, arguments: Value) -> String {
        let approved = match self.approved(tool, &arguments) {
            Ok(approved) => approved,
            Err(refusal) => return format!("REFUSED {}", refusal.words()),
        };
        let journalled = approved.dispatch(engine::testing::ticket(InstanceId(7))).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let scrubbed = runtime.block_on(self.tools.execute(journalled)).scrub(&Scrubber::default());
        match scrubbed.outcome() {
            CallOutcome::Done => scrubbed.text().to_owned(),
            CallOutcome::Failed => format!("FAILED {}", scrubbed.text()),
            CallOutcome::Refused => unreachable!("an executor refuses nothing"),
        }
    }
    fn check(&self, tool: &str, arguments: Value, told: Expect) {
        told.assert_eq(&self.call(tool, arguments));
    }
    fn read(&self, arguments: Value, told: Expect) {
        self.check("file_read", arguments, told);
    }
}
