//! Builds the binary once, with the profile and in the target directory of the tests that ask for it.
use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

/// Returns where the binary is.
pub(crate) fn binary() -> &'static Path {
    static BINARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    // A build that failed fails every test at once, and is not tried again by each.
    BINARY.get_or_init(build).as_deref().expect("the binary builds; what cargo said stands above")
}

fn build() -> Option<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let test = env::current_exe().expect("a test knows its own file");
    // target/debug/deps/flows-1234
    let profile_dir = test.parent().and_then(Path::parent).expect("tests lie in the target directory");
    let target_dir = profile_dir.parent().expect("the profile's directory lies in the target directory");
    let mut build = Command::new(cargo);
    build.args([
        "build",
        "--package",
        "daemon",
        "--bin",
        "oxydra",
        "--message-format=json-render-diagnostics",
    ]);
    build.arg("--manifest-path").arg(manifest).arg("--target-dir").arg(target_dir);
    match profile_dir.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => {}
        Some("release") => drop(build.arg("--release")),
        Some(profile) => drop(build.args(["--profile", profile])),
    }
    let built = build.stderr(Stdio::inherit()).output().expect("cargo runs");
    let messages = String::from_utf8_lossy(&built.stdout);
    let mut executables = messages.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    });
    executables.next_back().filter(|_| built.status.success())
}
