//! `test_bell`: a call that leaves a mark and can be cut off, for trying how the machine deals with a call that nobody can
//! ask whether it happened. It is given to nobody who does not ask for it.
use crate::{Context, Failure, Halt, output, tool};
use policy::{VirtualPath, Workspace};
use std::io::{Read, Write};
use std::time::Duration;

/// Where the strokes are counted, a line each.
const BELLS: &str = "/shared/bells.txt";
/// Long enough to stop the process by hand before the bell rings.
const SECONDS_MAX: u64 = 60;
/// A file with more strokes than fit was not written by hand.
const BELLS_BYTES_MAX: u64 = 1 << 20;

/// Rings a bell, which is a line added to `/shared/bells.txt`. It is good for nothing but for trying the machine: a bell
/// that was cut off cannot be asked whether it rang, so that a person has to say.
#[tool(tier = workspace, recovery = opaque, timeout = 90s)]
#[allow(unreachable_pub, reason = "the tool that stands beside it is handed out")]
pub async fn test_bell(
    context: &Context,
    /// For how many seconds to wait before it rings; at most 60.
    seconds: Option<u64>,
) -> Result<String, Failure> {
    let seconds = seconds.unwrap_or(0);
    if seconds > SECONDS_MAX {
        return Err(Failure::told(format!("`seconds` is {seconds}: the most is {SECONDS_MAX}")));
    }
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let key = context.key().to_owned();
    context.blocking(move |workspace: &Workspace, halt: &Halt| ring(workspace, &key, halt)).await
}

fn ring(workspace: &Workspace, key: &str, halt: &Halt) -> Result<String, Failure> {
    let path = VirtualPath::parse(BELLS)?;
    let failed = |error: std::io::Error| Failure::told(format!("cannot ring in `{path}`: {error}"));
    let mut draft = workspace.draft(&path, key)?;
    let mut bells = Vec::new();
    if let Some(old) = draft.old() {
        old.take(BELLS_BYTES_MAX + 1).read_to_end(&mut bells).map_err(failed)?;
    }
    if bells.len() as u64 > BELLS_BYTES_MAX {
        let most = output::size(BELLS_BYTES_MAX);
        return Err(Failure::told(format!("`{path}` holds more than {most}: delete it")));
    }
    let stroke = bells.split_inclusive(|byte| *byte == b'\n').count() + 1;
    writeln!(bells, "stroke {stroke}, for call {key}").map_err(failed)?;
    draft.file().write_all(&bells).map_err(failed)?;
    halt.check()?;
    draft.commit()?;
    Ok(format!("the bell rang: stroke {stroke} in `{path}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Recovery, Tool};
    use std::sync::Arc;

    #[test]
    fn each_stroke_leaves_a_line_once_its_seconds_are_over() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Arc::new(Workspace::open(dir.path(), dir.path()).unwrap());
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let ring = |key: &str, seconds| {
            let context = Context::new(workspace.clone(), key.into(), 1);
            let rung = runtime.block_on(test_bell(&context, seconds));
            rung.unwrap_or_else(|failure| format!("FAILED {failure}"))
        };
        let told = [ring("k1", None), ring("k2", Some(60)), ring("k3", Some(61))];
        expect_test::expect![[r"
            the bell rang: stroke 1 in `/shared/bells.txt`
            the bell rang: stroke 2 in `/shared/bells.txt`
            FAILED `seconds` is 61: the most is 60"]]
        .assert_eq(&told.join("\n"));
        let bells = std::fs::read_to_string(dir.path().join("bells.txt")).unwrap();
        assert_eq!(bells, "stroke 1, for call k1\nstroke 2, for call k2\n");
        assert_eq!(TestBell.head().recovery, Recovery::Opaque);
    }

    #[test]
    fn a_bell_that_is_cut_off_leaves_no_line() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Arc::new(Workspace::open(dir.path(), dir.path()).unwrap());
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let context = Context::new(workspace, "k".into(), 1);
            let mut ringing = Box::pin(test_bell(&context, Some(5)));
            assert!(futures::poll!(&mut ringing).is_pending());
        });
        assert!(!dir.path().join("bells.txt").exists());
    }
}
