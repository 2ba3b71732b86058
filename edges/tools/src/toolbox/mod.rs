//! The tools of one workspace: what a turn may propose, and what runs its calls. Failures, panics and timeouts of a
//! tool are values.
use crate::files::{FileDelete, FileEdit, FileList, FileRead, FileSearch, FileWrite};
use crate::{Arguments, Context, Failure, Tool, output};
use domain::{Json, NotJson, ToolSpec, Toolbox};
use futures::FutureExt;
use futures::future::BoxFuture;
use policy::{Executed, Executor, Journalled, RawOutput, Workspace};
use std::{panic::AssertUnwindSafe, sync::Arc};

/// The tools of one workspace.
pub struct Tools {
    workspace: Arc<Workspace>,
    tools: Vec<Box<dyn Tool>>,
}

impl Tools {
    /// Makes the file tools of a workspace.
    pub fn new(workspace: Workspace) -> Tools {
        let tools: Vec<Box<dyn Tool>> = vec![
            Box::new(FileRead),
            Box::new(FileWrite),
            Box::new(FileEdit),
            Box::new(FileDelete),
            Box::new(FileList),
            Box::new(FileSearch),
        ];
        Tools { workspace: Arc::new(workspace), tools }
    }

    /// Adds a tool.
    pub fn with(mut self, tool: impl Tool + 'static) -> Tools {
        self.tools.push(Box::new(tool));
        self
    }

    fn find(&self, name: &str) -> Option<&dyn Tool> {
        self.tools.iter().find(|tool| tool.head().name == name).map(|tool| &**tool)
    }

    async fn run(&self, call: &Journalled<'_>) -> Result<String, Failure> {
        let tool = self.find(call.tool()).ok_or_else(|| {
            Failure::Broken(format!("`{}` was approved and is no longer there", call.tool()))
        })?;
        let head = tool.head();
        let arguments = Arguments::parse(&head, call.arguments().as_str())?;
        let context = Context::new(self.workspace.clone(), call.key(), call.attempt());
        let work = AssertUnwindSafe(tool.call(&context, arguments)).catch_unwind();
        match tokio::time::timeout(head.timeout, work).await {
            Ok(Ok(ran)) => ran,
            Ok(Err(_)) => Err(Failure::Broken(format!("`{}` panicked", head.name))),
            Err(_) => Err(Failure::told(format!(
                "`{}` was stopped after {} seconds: ask for less at a time",
                head.name,
                head.timeout.as_secs()
            ))),
        }
    }
}

impl Toolbox for Tools {
    fn specs(&self) -> Vec<ToolSpec> {
        self.tools.iter().map(|tool| tool.head().spec()).collect()
    }

    fn arguments(&self, tool: &str, text: &str) -> Result<Json, NotJson> {
        let tool = self.find(tool).ok_or_else(|| NotJson(format!("there is no tool `{tool}`")))?;
        let read = || {
            let arguments = Arguments::parse(&tool.head(), text)?;
            tool.check(&arguments).map(|()| arguments.canonical())
        };
        read().map_err(|misfit: crate::Misfit| NotJson(misfit.to_string()))
    }
}

impl Executor for Tools {
    fn execute<'a>(&'a self, call: Journalled<'a>) -> BoxFuture<'a, Executed> {
        Box::pin(async move {
            let output = match self.run(&call).await {
                Ok(text) => RawOutput::done(output::capped(text)),
                Err(failure) => RawOutput::failed(output::capped(failure.to_string())),
            };
            call.ran(output)
        })
    }
}

impl std::fmt::Debug for Tools {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.tools.iter().map(|tool| tool.head().name)).finish()
    }
}

#[cfg(test)]
mod tests;
