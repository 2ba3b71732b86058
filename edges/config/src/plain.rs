//! Reads small plain files whole. A pipe or a device is refused before it is opened, since nobody may ever write to it or it may
//! never end; so is what is larger than its reader has a use for.
use std::{fs, io, io::Read, path::Path};

/// Returns what is in a plain file of at most so many bytes.
///
/// # Errors
/// When it cannot be read, is no plain file, or is larger.
pub fn plain_bytes(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let about = fs::metadata(path)?;
    if about.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
    }
    if !about.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file"));
    }
    let mut bytes = Vec::new();
    // What is written behind our back does not make us read more.
    fs::File::open(path)?.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is larger than {bytes_max} bytes"),
        ));
    }
    Ok(bytes)
}

/// The same for text. Editors of another system leave a mark at its beginning, which is left out.
///
/// # Errors
/// When it cannot be read, is no plain file, is larger, or is not UTF-8: then with the line.
pub fn plain_text(path: &Path, bytes_max: u64) -> io::Result<String> {
    let text = String::from_utf8(plain_bytes(path, bytes_max)?).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        io::Error::new(io::ErrorKind::InvalidData, format!("line {line} is not UTF-8"))
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_file_is_read_whole_or_not_at_all() {
        let place = tempfile::tempdir().expect("a directory for the test");
        let said = |name: &str, bytes: &[u8]| {
            let path = place.path().join(name);
            fs::write(&path, bytes).expect("it is written");
            plain_text(&path, 8).map_err(|error| error.to_string())
        };
        assert_eq!(said("a", b"12345678"), Ok("12345678".to_owned()));
        assert_eq!(said("b", "\u{feff}1".as_bytes()), Ok("1".to_owned()));
        assert_eq!(said("c", b"123456789"), Err("it is larger than 8 bytes".to_owned()));
        assert_eq!(said("d", b"1\n\xff"), Err("line 2 is not UTF-8".to_owned()));
        let refused = |path: &str| plain_bytes(Path::new(path), 8).expect_err("it is refused").to_string();
        assert_eq!(refused("/dev/zero"), "it is no plain file");
        assert_eq!(refused("/"), "it is a directory");
        std::os::unix::fs::symlink(place.path().join("a"), place.path().join("to-a")).expect("it is made");
        assert_eq!(plain_bytes(&place.path().join("to-a"), 8).expect("it is read"), b"12345678");
    }
}
