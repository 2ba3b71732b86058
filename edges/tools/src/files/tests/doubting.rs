//! What a restart learns of an edit or a deletion that a crash cut off: before it began, behind its evidence, behind the
//! change itself, and when somebody else was there.
use super::{Home, home};
use expect_test::{Expect, expect};
use policy::{Evidence, Executor, Probe, Scrubber};
use serde_json::{Value, json};
use std::os::unix::fs::symlink;

impl Home {
    fn evidence(&self, tool: &str, arguments: &Value) -> Evidence {
        let approved = self.approved(tool, arguments).unwrap();
        block_on(self.tools.evidence(&approved))
    }
    /// What a probe finds, as the turn would say it.
    fn probed(&self, tool: &str, arguments: &Value, evidence: &Evidence) -> String {
        let approved = self.approved(tool, arguments).unwrap();
        match block_on(self.tools.probe(&approved, evidence)) {
            Probe::Happened(output) => {
                format!("happened: {}", approved.found(output).scrub(&Scrubber::default()).text())
            }
            Probe::NotYet => "not yet".to_owned(),
            Probe::Unknown => "unknown".to_owned(),
        }
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

/// A crash in each window of one call; `meddle` is somebody else who comes by in between.
fn check(make: impl Fn() -> Home, tool: &str, arguments: Value, meddle: impl Fn(&Home), found: Expect) {
    let mut trace = String::new();
    let mut note = |window: &str, found: String| trace.push_str(&format!("{window}: {found}\n"));

    let untouched = make();
    let evidence = untouched.evidence(tool, &arguments);
    assert_ne!(evidence.before, evidence.after);
    note("before the change", untouched.probed(tool, &arguments, &evidence));
    note("and once more", untouched.probed(tool, &arguments, &evidence));
    assert_eq!(untouched.evidence(tool, &arguments), evidence, "looking changes nothing");
    note("the call", untouched.call(tool, arguments.clone()));
    note("behind the change", untouched.probed(tool, &arguments, &evidence));

    let meddled = make();
    let evidence = meddled.evidence(tool, &arguments);
    meddle(&meddled);
    note("somebody instead of it", meddled.probed(tool, &arguments, &evidence));

    let done = make();
    let evidence = done.evidence(tool, &arguments);
    done.call(tool, arguments.clone());
    meddle(&done);
    note("somebody behind it", done.probed(tool, &arguments, &evidence));
    found.assert_eq(&trace);
}

#[test]
fn an_edit_is_known_by_the_text_it_makes() {
    let write = |text: &'static str| move |home: &Home| std::fs::write(home.at("a"), text).unwrap();
    let edit = json!({"path": "a", "old_text": "b", "new_text": "bb", "replace_all": true});
    check(
        || home().has("a", "abc"),
        "file_edit",
        edit.clone(),
        write("something else"),
        expect![[r#"
            before the change: not yet
            and once more: not yet
            the call: edited `/shared/a` at line 1
            behind the change: happened: edited `/shared/a`
            somebody instead of it: unknown
            somebody behind it: unknown
        "#]],
    );
    // Somebody wrote the very text that the edit was to make: that it did not is no longer of any consequence.
    check(
        || home().has("a", "abc"),
        "file_edit",
        edit.clone(),
        write("abbc"),
        expect![[r#"
        before the change: not yet
        and once more: not yet
        the call: edited `/shared/a` at line 1
        behind the change: happened: edited `/shared/a`
        somebody instead of it: happened: edited `/shared/a`
        somebody behind it: happened: edited `/shared/a`
    "#]],
    );
    check(
        || home().has("a", "abc"),
        "file_edit",
        edit,
        |home| {
            let _ = std::fs::remove_file(home.at("a"));
        },
        expect![[r#"
            before the change: not yet
            and once more: not yet
            the call: edited `/shared/a` at line 1
            behind the change: happened: edited `/shared/a`
            somebody instead of it: unknown
            somebody behind it: unknown
        "#]],
    );
}

#[test]
fn an_edit_that_fails_may_always_be_tried() {
    let make = || {
        let home = home().has("a", "abc").has("bin", b"\0").has("d/x", "");
        symlink("../secret", home.at("out")).unwrap();
        home
    };
    for arguments in [
        json!({"path": "a", "old_text": "x", "new_text": "y"}),
        json!({"path": "a", "old_text": "", "new_text": "y"}),
        json!({"path": "a", "old_text": "b", "new_text": "b"}),
        json!({"path": "bin", "old_text": "x", "new_text": "y"}),
        json!({"path": "none", "old_text": "x", "new_text": "y"}),
        json!({"path": "no/ne", "old_text": "x", "new_text": "y"}),
        json!({"path": "d", "old_text": "x", "new_text": "y"}),
        json!({"path": "out/key", "old_text": "x", "new_text": "y"}),
        json!({"path": "../x", "old_text": "x", "new_text": "y"}),
    ] {
        let home = make();
        let evidence = home.evidence("file_edit", &arguments);
        assert!(evidence.before.is_some() && evidence.after.is_none(), "{arguments}: {evidence:?}");
        assert_eq!(home.probed("file_edit", &arguments, &evidence), "not yet", "{arguments}");
        assert!(home.call("file_edit", arguments.clone()).starts_with("FAILED"), "{arguments}");
        assert_eq!(home.probed("file_edit", &arguments, &evidence), "not yet", "{arguments}");
        // It could be carried out now; whether it was cannot be told.
        std::fs::write(home.at("a"), "ax").unwrap();
        let found = home.probed("file_edit", &arguments, &evidence);
        assert_eq!(found, if arguments["path"] == "a" { "unknown" } else { "not yet" }, "{arguments}");
    }
}

#[test]
fn a_deletion_is_known_by_what_is_gone() {
    let delete = json!({"path": "a"});
    let write = |home: &Home| std::fs::write(home.at("a"), "another").unwrap();
    check(
        || home().has("a", "one"),
        "file_delete",
        delete.clone(),
        write,
        expect![[r#"
        before the change: not yet
        and once more: not yet
        the call: deleted `/shared/a`
        behind the change: happened: deleted `/shared/a`
        somebody instead of it: unknown
        somebody behind it: unknown
    "#]],
    );
    let link = || {
        let home = home().has("b", "one");
        symlink("b", home.at("a")).unwrap();
        home
    };
    let relink = |home: &Home| {
        let _ = std::fs::remove_file(home.at("a"));
        symlink("c", home.at("a")).unwrap();
    };
    check(
        link,
        "file_delete",
        delete,
        relink,
        expect![[r#"
        before the change: not yet
        and once more: not yet
        the call: deleted `/shared/a`
        behind the change: happened: deleted `/shared/a`
        somebody instead of it: unknown
        somebody behind it: unknown
    "#]],
    );
}

#[test]
fn a_tree_that_is_half_gone_is_for_a_person() {
    let delete = json!({"path": "d", "recursive": true});
    let make = || home().has("d/a", "1").has("d/e/b", "2").has("d/e/c", "3");
    let halfway = |home: &Home| {
        let _ = std::fs::remove_file(home.at("d/e/b"));
    };
    check(
        make,
        "file_delete",
        delete.clone(),
        halfway,
        expect![[r#"
        before the change: not yet
        and once more: not yet
        the call: deleted `/shared/d` and 4 names below it
        behind the change: happened: deleted `/shared/d`
        somebody instead of it: unknown
        somebody behind it: happened: deleted `/shared/d`
    "#]],
    );
    let evidence = make().evidence("file_delete", &delete);
    let before = evidence.before.unwrap();
    assert!(before.starts_with("a directory with 4 names below it, blake3 "), "{before}");
}

#[test]
fn a_deletion_that_fails_may_always_be_tried() {
    let home = home().has("d/x", "").has("f", "");
    symlink("../secret", home.at("out")).unwrap();
    for arguments in [
        json!({"path": "none"}),
        json!({"path": "no/ne"}),
        json!({"path": "f/x"}),
        json!({"path": "d"}),
        json!({"path": "/shared", "recursive": true}),
        json!({"path": "out/key"}),
        json!({"path": "../x"}),
    ] {
        let evidence = home.evidence("file_delete", &arguments);
        assert!(evidence.before.is_some() && evidence.after.is_none(), "{arguments}: {evidence:?}");
        assert!(home.call("file_delete", arguments.clone()).starts_with("FAILED"), "{arguments}");
        assert_eq!(home.probed("file_delete", &arguments, &evidence), "not yet", "{arguments}");
    }
}

#[test]
fn tools_of_other_classes_have_no_evidence() {
    let home = home().has("a", "x");
    let write = json!({"path": "a", "content": "x"});
    let evidence = home.evidence("file_write", &write);
    assert_eq!(evidence, Evidence::default());
    assert_eq!(home.probed("file_write", &write, &evidence), "unknown");
}
