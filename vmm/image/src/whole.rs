//! Files that are read whole: plain ones, and none that is larger than what is unpacked of any. Whoever names a device or a
//! pipe for a kernel is told, and not waited for.
use crate::{ImageError, failed, packed::UNPACKED_BYTES_MAX};
use std::{
    fs::{self, File},
    io::Read,
    path::Path,
};

/// Reads a kernel, a module or a program.
pub(crate) fn whole(place: &Path) -> Result<Vec<u8>, ImageError> {
    within(place, UNPACKED_BYTES_MAX as u64)
}

fn within(place: &Path, bytes_max: u64) -> Result<Vec<u8>, ImageError> {
    let refused = |what: String| ImageError::Missing {
        what: format!("{} {what}", place.display()),
        remedy: "name another file",
    };
    // Before it is opened: who opens a pipe waits for its other end.
    if !fs::metadata(place).map_err(failed("read", place))?.is_file() {
        return Err(refused("is no plain file".to_owned()));
    }
    let mut bytes = Vec::new();
    let file = File::open(place).map_err(failed("read", place))?;
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(failed("read", place))?;
    if bytes.len() as u64 > bytes_max {
        return Err(refused(format!(
            "holds more than {} MiB, as no kernel, module or program of a guest does",
            bytes_max >> 20
        )));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn what_is_no_plain_file_or_has_no_end_is_refused_by_name() {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        fs::write(at("long"), vec![0; (1 << 20) + 1]).unwrap();
        fs::write(at("full"), vec![0; 1 << 20]).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), rustix::fs::Mode::RWXU).unwrap();
        let said = |place: &Path| match within(place, 1 << 20) {
            Ok(bytes) => format!("{} bytes\n", bytes.len()),
            Err(why) => format!("{why}\n").replace(&home.path().display().to_string(), "…"),
        };
        let places = [at("full"), at("long"), at("pipe"), "/dev/zero".into(), at("none")];
        expect![[r#"
            1048576 bytes
            …/long holds more than 1 MiB, as no kernel, module or program of a guest does; name another file
            …/pipe is no plain file; name another file
            /dev/zero is no plain file; name another file
            cannot read …/none: No such file or directory (os error 2)
        "#]]
        .assert_eq(&places.iter().map(|place| said(place)).collect::<String>());
    }
}
