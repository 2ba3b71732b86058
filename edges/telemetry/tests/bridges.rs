//! Records of libraries reach the log: a process has one bridge, so this test has a process of its own.
use std::fs;

#[test]
fn warnings_of_libraries_reach_the_log_and_nothing_else_of_theirs() {
    let place = tempfile::tempdir().expect("a directory for the test");
    let (log, guard) = telemetry::start(place.path(), telemetry::Level::Debug).expect("it starts");
    slog::debug!(log, "ours");
    tracing::warn!(peer = "example.org", "theirs, through tracing");
    tracing::info!("theirs, and a header with a token");
    log::error!("theirs, through log");
    log::debug!("theirs, and a buffer");
    assert!(telemetry::start(place.path(), telemetry::Level::Debug).is_err(), "there is one bridge");
    drop(guard);
    log::error!("too late, and harmless");
    let elsewhere = tempfile::tempdir().expect("a directory for the test");
    drop(telemetry::start(elsewhere.path(), telemetry::Level::Debug).expect("the first has ended"));

    let file =
        fs::read_dir(place.path()).expect("it is there").next().expect("there is a file").expect("it reads");
    let text = fs::read_to_string(file.path()).expect("it reads");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[0].contains("\"msg\":\"ours\"") && !lines[0].contains("library"));
    assert!(lines[1].contains("theirs, through tracing") && lines[1].contains("example.org"));
    assert!(
        lines[2].contains("\"msg\":\"theirs, through log\"") && lines[2].contains("\"from\":\"library\"")
    );
}
