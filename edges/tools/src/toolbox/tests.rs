//! What a model is told of the tools, what it may write, and what becomes of a tool that breaks.
use super::*;
use crate::tool;
use domain::ToolCall;
use engine::InstanceId;
use expect_test::expect;
use policy::{Proposed, Scrubber};
use std::sync::mpsc;

fn tools() -> (tempfile::TempDir, Tools) {
    let dir = tempfile::tempdir().unwrap();
    let tools = Tools::new(Workspace::open(dir.path(), dir.path()).unwrap());
    (dir, tools)
}

#[test]
fn a_model_is_told_of_each_tool() {
    let (_dir, tools) = tools();
    let heads: Vec<String> =
        tools.specs().iter().map(|s| format!("{} {:?} {:?}", s.name, s.tier, s.recovery)).collect();
    expect![[r#"
        file_read ReadOnly Pure
        file_write Workspace Keyed
        file_edit Workspace Probeable
        file_delete Workspace Probeable
        file_list ReadOnly Pure
        file_search ReadOnly Pure"#]]
    .assert_eq(&heads.join("\n"));
    let write = &tools.specs()[1];
    expect![[r#"
        Writes a text file. Directories that are missing are made. A file that exists is replaced as a whole, unless the mode says to append, or that the file must be new.
        {"additionalProperties":false,"properties":{"content":{"description":"The text, exactly as it shall stand in the file.","type":"string"},"mode":{"description":"`replace` (the default), `append`: add the text behind what is there, or `new`: fail when anything is there.","enum":["replace","append","new"],"type":"string"},"path":{"description":"The file: `/shared/…`, `/tmp/…`, or relative to `/shared`.","type":"string"}},"required":["path","content"],"type":"object"}"#]].assert_eq(&format!("{}\n{}", write.description, write.parameters.as_str()));
}

#[test]
fn arguments_become_canonical_or_are_named() {
    let (_dir, tools) = tools();
    let told = |tool: &str, text: &str| match tools.arguments(tool, text) {
        Ok(json) => json.as_str().to_owned(),
        Err(error) => error.0,
    };
    let cases = [
        ("file_read", r#" {"path":"a" , "offset":2, "limit":null} "#),
        ("file_list", ""),
        ("file_list", "{}"),
        ("file_read", "{}"),
        ("file_read", r#"{"path":null}"#),
        ("file_read", r#"{"path":"a","offset":-1}"#),
        ("file_read", r#"{"path":"a","offset":"2"}"#),
        ("file_read", r#"{"path":"a","offset":1.5}"#),
        ("file_read", r#"{"path":"a","ofset":1}"#),
        ("file_read", r#"{"path":"a","encoding":"x"}"#),
        ("file_read", r#"{"path":"a""#),
        ("file_read", "[1]"),
        ("nothing", "{}"),
    ];
    let told: Vec<String> = cases.iter().map(|(tool, text)| told(tool, text)).collect();
    expect![[r#"
        {"offset":2,"path":"a"}
        {}
        {}
        `path` is missing
        `path` is missing
        `offset` must be a whole number from 0, not a number
        `offset` must be a whole number from 0, not a text
        `offset` must be a whole number from 0, not a fraction
        there is no argument `ofset`: perhaps `offset`
        there is no argument `encoding`; there are `path`, `offset`, `limit`
        they are not JSON (EOF while parsing an object at line 1 column 11); write one object, as {"name": value}
        they are a list; write one object, as {"name": value}
        there is no tool `nothing`"#]].assert_eq(&told.join("\n"));
    let large = format!("{{\"path\":\"{}\"}}", "x".repeat(9 << 20));
    assert!(tools.arguments("file_read", &large).unwrap_err().0.contains("8 MiB"));
    let deep = format!("{{\"path\":{}1{}}}", "[".repeat(500), "]".repeat(500));
    assert!(tools.arguments("file_read", &deep).unwrap_err().0.contains("not JSON"));
}

/// Breaks.
#[tool(tier = read_only, recovery = pure, timeout = 1s)]
async fn breaks(_context: &Context) -> Result<String, Failure> {
    panic!("on purpose")
}

/// Breaks where blocking is allowed.
#[tool(tier = read_only, recovery = pure, timeout = 1s)]
async fn breaks_below(context: &Context) -> Result<String, Failure> {
    context.blocking(|_, _| panic!("on purpose")).await
}

/// Never ends.
#[tool(tier = read_only, recovery = pure, timeout = 1s)]
async fn hangs(_context: &Context) -> Result<String, Failure> {
    std::future::pending().await
}

fn call(tools: &Tools, tool: &str) -> String {
    let call = ToolCall { id: String::new(), tool: tool.into(), arguments: String::new() };
    let approved = Proposed::new(InstanceId(1), 0, call).judge(tools).approve().unwrap();
    let journalled = approved.dispatch(engine::testing::ticket(InstanceId(1))).unwrap();
    // The clock of a paused runtime jumps to the next timer when there is nothing else to do.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(tools.execute(journalled)).scrub(&Scrubber::default()).text().to_owned()
}

#[test]
fn a_tool_that_breaks_or_hangs_is_a_value() {
    let (_dir, tools) = tools();
    let tools = tools.with(Breaks).with(BreaksBelow).with(Hangs);
    expect!["the tool broke: `breaks` panicked"].assert_eq(&call(&tools, "breaks"));
    assert!(call(&tools, "breaks_below").starts_with("the tool broke: task"));
    expect!["`hangs` was stopped after 1 seconds: what it was asked for is too large for one call"]
        .assert_eq(&call(&tools, "hangs"));
}

#[test]
fn work_ends_when_nobody_waits_for_it() {
    let (dir, _) = tools();
    let workspace = Arc::new(Workspace::open(dir.path(), dir.path()).unwrap());
    let (begun, began) = mpsc::channel();
    let (ended, end) = mpsc::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let context = Context::new(workspace, "k".into(), 1);
        let mut work = Box::pin(context.blocking(move |_, halt| {
            begun.send(()).expect("the test listens");
            while halt.proceed() {
                std::thread::yield_now();
            }
            ended.send(()).expect("the test listens");
            halt.check()
        }));
        assert!(futures::poll!(&mut work).is_pending());
        began.recv().unwrap();
        drop(work);
        end.recv().unwrap();
    });
}
