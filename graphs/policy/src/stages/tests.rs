//! The life of a call, and every way in which it ends early.
use super::*;
use crate::Scrubber;
use domain::{Json, NotJson, Recovery, Tier, ToolCall, ToolSpec, Toolbox};
use engine::testing::ticket;
use engine::{Encoded, InstanceId, Stored};
use expect_test::{Expect, expect};

const RUN: InstanceId = InstanceId(7);

struct Tools;

impl Toolbox for Tools {
    fn specs(&self) -> Vec<ToolSpec> {
        let tool = |name: &str, tier| ToolSpec {
            name: name.into(),
            description: String::new(),
            parameters: Json::printed("{}".into()),
            tier,
            recovery: Recovery::Keyed,
        };
        vec![
            tool("file_read", Tier::ReadOnly),
            tool("file_write", Tier::Workspace),
            tool("web_fetch", Tier::SideEffecting),
            tool("shell_exec", Tier::Privileged),
        ]
    }
    fn arguments(&self, _tool: &str, text: &str) -> Result<Json, NotJson> {
        let fits = text.starts_with('{').then(|| Json::printed(text.to_owned()));
        fits.ok_or_else(|| NotJson("`path` is missing".into()))
    }
}

fn judged(tool: &str, arguments: &str) -> Judged {
    let call = ToolCall { id: "c1".into(), tool: tool.into(), arguments: arguments.into() };
    Proposed::new(RUN, 2, call).judge(&Tools)
}

fn approved(tool: &str) -> Approved {
    judged(tool, "{}").approve().unwrap()
}

fn check(tool: &str, arguments: &str, ruling: Expect) {
    let told = match Ruling::from(judged(tool, arguments).approve()) {
        Ruling::Approved(approved) => format!("approved, read-only: {}", approved.is_read_only()),
        Ruling::Refused(refusal) => format!("{} (malformed: {})", refusal.words(), refusal.is_malformed()),
    };
    ruling.assert_eq(&told);
}

#[test]
fn the_gate_approves_what_stays_in_the_workspace() {
    check("file_read", "{}", expect!["approved, read-only: true"]);
    check("file_write", "{}", expect!["approved, read-only: false"]);
    check(
        "web_fetch",
        "{}",
        expect![
            "not run: `web_fetch` changes something outside the workspace, which needs an approval, and nobody can be asked. Go on without it, or say what you would need. (malformed: false)"
        ],
    );
    check(
        "shell_exec",
        "{}",
        expect![
            "not run: `shell_exec` runs code or holds credentials, which needs an approval, and nobody can be asked. Go on without it, or say what you would need. (malformed: false)"
        ],
    );
    check(
        "file_raed",
        "{}",
        expect![
            "not run: there is no tool `file_raed`. Did you mean `file_read`? Write the call again. (malformed: true)"
        ],
    );
    check(
        "zap",
        "{}",
        expect![
            "not run: there is no tool `zap`. The tools are: file_read, file_write, web_fetch, shell_exec. (malformed: true)"
        ],
    );
    check(
        "file_read",
        "oops",
        expect![
            "not run: the arguments of `file_read` do not fit: `path` is missing. Write the call again. (malformed: true)"
        ],
    );
}

#[test]
fn a_call_goes_through_all_stages_and_comes_out_scrubbed() {
    let approved = approved("file_read");
    let call = approved.dispatch(ticket(RUN)).unwrap();
    assert_eq!((call.tool(), call.arguments().as_str(), call.attempt()), ("file_read", "{}", 1));
    let executed = call.ran(RawOutput::done("password = \"hunter2\""));
    assert!(!format!("{executed:?}").contains("hunter2"));
    let scrubbed = executed.scrub(&Scrubber::default());
    expect![[r#"Tool { position: 2, call: ToolCall { id: "c1", tool: "file_read", arguments: "{}" }, outcome: Done, text: "password = \"[REDACTED]\"" }"#]]
        .assert_eq(&format!("{:?}", scrubbed.message()));
}

#[test]
fn what_a_probe_found_is_scrubbed_like_what_a_call_returned() {
    let found = approved("file_write").found(RawOutput::done("password = \"hunter2\""));
    assert!(!format!("{found:?}").contains("hunter2"));
    assert!(!format!("{:?}", Probe::Happened(RawOutput::done("hunter2"))).contains("hunter2"));
    let scrubbed = found.scrub(&Scrubber::default());
    expect![[r#"Tool { position: 2, call: ToolCall { id: "c1", tool: "file_write", arguments: "{}" }, outcome: Done, text: "password = \"[REDACTED]\"" }"#]].assert_eq(&format!("{:?}", scrubbed.message()));
}

#[test]
fn an_approval_of_another_run_is_stale() {
    let stale = approved("file_write").dispatch(ticket(InstanceId(8))).unwrap_err();
    assert_eq!((stale.approved_for, stale.dispatched_by), (RUN, InstanceId(8)));
}

fn through<T: Stored>(value: &T, origin: engine::Origin) -> Result<T, String> {
    Encoded::stored(value).to_stored(&engine::testing::reading(origin)).map_err(|e| e.to_string())
}

#[test]
fn stages_come_back_from_our_own_journal_only() {
    use engine::Origin::{Imported, OwnJournal};
    let again = through(&approved("file_write"), OwnJournal).unwrap();
    assert!(again.dispatch(ticket(RUN)).is_ok());
    assert!(through(&approved("file_write"), Imported).unwrap_err().contains("imported approval"));
    let ruling = Ruling::Approved(approved("file_write"));
    assert!(through(&ruling, Imported).is_err() && through(&ruling, OwnJournal).is_ok());
    let refusal = judged("zap", "").approve().unwrap_err();
    assert_eq!(through(&refusal, Imported).unwrap().message(), refusal.message());
    let verdict = through(&judged("file_read", "{}"), OwnJournal).unwrap();
    assert!(verdict.approve().is_ok());
}

#[test]
fn an_approval_whose_call_was_changed_on_disk_is_refused() {
    let mut encoded = Encoded::stored(&approved("file_write"));
    let at = encoded.bytes.windows(10).position(|w| w == b"file_write").unwrap();
    encoded.bytes[at..at + 10].copy_from_slice(b"shell_exec");
    let error =
        encoded.to_stored::<Approved>(&engine::testing::reading(engine::Origin::OwnJournal)).unwrap_err();
    assert!(error.to_string().contains("another call"), "{error}");
}
