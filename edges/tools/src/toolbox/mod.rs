//! The tools of one workspace: what a turn may propose, and what runs its calls. Failures, panics and timeouts of a
//! tool are values; what a look could not see is unknown.
use crate::files::{FileDelete, FileEdit, FileList, FileRead, FileSearch, FileWrite};
use crate::{Arguments, Context, Failure, Found, Head, Look, Tool, output};
use domain::{Json, NotJson, ToolSpec, Toolbox};
use futures::FutureExt;
use futures::future::BoxFuture;
use policy::{Approved, Evidence, Executed, Executor, Journalled, Probe, RawOutput, Workspace};
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

    fn approved(&self, name: &str) -> Result<&dyn Tool, Failure> {
        let gone = || Failure::Broken(format!("`{name}` was approved and is no longer there"));
        self.find(name).ok_or_else(gone)
    }

    async fn run(&self, call: &Journalled<'_>) -> Result<String, Failure> {
        let tool = self.approved(call.tool())?;
        let head = tool.head();
        let arguments = Arguments::parse(&head, call.arguments().as_str())?;
        let context = Context::new(self.workspace.clone(), call.key(), call.attempt());
        bounded(&head, tool.call(&context, arguments)).await
    }

    async fn look(&self, call: &Approved) -> Result<Evidence, Failure> {
        let tool = self.approved(call.tool())?;
        let head = tool.head();
        let arguments = Arguments::parse(&head, call.arguments().as_str())?;
        bounded(&head, tool.evidence(&Look::new(self.workspace.clone()), arguments)).await
    }

    async fn look_again(&self, call: &Approved, before: &Evidence) -> Result<Found, Failure> {
        let tool = self.approved(call.tool())?;
        let head = tool.head();
        let arguments = Arguments::parse(&head, call.arguments().as_str())?;
        bounded(&head, tool.probe(&Look::new(self.workspace.clone()), arguments, before)).await
    }
}

/// Waits for the work of a tool, as long as one of its calls may take. A panic is a failure.
async fn bounded<T>(head: &Head, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    match tokio::time::timeout(head.timeout, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(worked)) => worked,
        Ok(Err(_)) => Err(Failure::Broken(format!("`{}` panicked", head.name))),
        Err(_) => Err(Failure::told(format!(
            "`{}` was stopped after {} seconds: what it was asked for is too large for one call",
            head.name,
            head.timeout.as_secs()
        ))),
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

    fn evidence<'a>(&'a self, call: &'a Approved) -> BoxFuture<'a, Evidence> {
        // What could not be seen is no evidence; whether the call fails is for the call to say.
        Box::pin(async move { self.look(call).await.unwrap_or_default() })
    }

    fn probe<'a>(&'a self, call: &'a Approved, evidence: &'a Evidence) -> BoxFuture<'a, Probe> {
        Box::pin(async move {
            match self.look_again(call, evidence).await {
                Ok(Found::Happened(text)) => Probe::Happened(RawOutput::done(output::capped(text))),
                Ok(Found::NotYet) => Probe::NotYet,
                Ok(Found::Unknown) | Err(_) => Probe::Unknown,
            }
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
