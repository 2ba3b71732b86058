//! Files that go with a prompt: what kind each is, told by what is in it, and whether the chosen model reads it. It reads
//! plain files, and none that is larger than the journal should hold.
use crate::exit::Failure;
use config::{Caps, Provider, Selection, plain_bytes};
use domain::Attachment;
use providers::Reads;
use std::{
    io,
    path::{Path, PathBuf},
};

/// A photograph of a telephone, or a paper of some hundred pages. What is larger belongs outside the journal.
const ATTACHMENT_BYTES_MAX: u64 = 8 << 20;

/// So many go with one prompt: more than anybody names on a command line.
const ATTACHMENTS_MAX: usize = 8;

/// All files of a prompt together. The journal holds each twice, once as what has arrived and once as what was said, in groups of 64 MiB;
/// and a question holds each a few times over while it is written.
const ATTACHED_BYTES_MAX: u64 = 16 << 20;

/// How files of a kind begin.
const MARKS: &[(&[u8], &str)] = &[
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
];

/// Reads the files.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Vec<Attachment>, Failure> {
    if paths.len() > ATTACHMENTS_MAX {
        let n = paths.len();
        return Err(Failure::usage(format!("{n} files are attached, the most is {ATTACHMENTS_MAX}")));
    }
    let refused =
        |path: &Path, why: String| Failure::usage(format!("cannot attach {}: {why}", path.display()));
    let (mut attachments, mut bytes) = (Vec::with_capacity(paths.len()), 0);
    for path in paths {
        let attachment = one(path).map_err(|why| refused(path, why))?;
        bytes += attachment.bytes.len() as u64;
        if bytes > ATTACHED_BYTES_MAX {
            let why = format!(
                "with it more than {ATTACHED_BYTES_MAX} bytes would go with one prompt: send fewer, or make them smaller"
            );
            return Err(refused(path, why));
        }
        attachments.push(attachment);
    }
    Ok(attachments)
}

fn one(path: &Path) -> Result<Attachment, String> {
    let bytes = plain_bytes(path, ATTACHMENT_BYTES_MAX).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => format!("{error}: make it smaller, or put it into the workspace"),
        // `ErrorKind` belongs to the standard library and grows.
        _ => error.to_string(),
    })?;
    if bytes.is_empty() {
        return Err("it is empty".to_owned());
    }
    let media_type = media_type(&bytes).ok_or(
        "it is neither an image (PNG, JPEG, GIF, WebP), nor a PDF, nor text in UTF-8: convert it first",
    )?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Attachment { name, media_type: media_type.to_owned(), bytes })
}

fn media_type(bytes: &[u8]) -> Option<&'static str> {
    let marked = MARKS.iter().find(|(mark, _)| bytes.starts_with(mark)).map(|(_, media_type)| *media_type);
    let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    let is_text = !bytes.is_empty() && !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok();
    marked.or(is_webp.then_some("image/webp")).or(is_text.then_some("text/plain"))
}

/// What a model reads. What nobody knows is tried.
pub(crate) fn reads(caps: &Caps) -> Reads {
    let takes = |modality: &str| {
        let listed = caps.input_modalities.as_ref().is_none_or(|all| all.iter().any(|one| one == modality));
        caps.attachment != Some(false) && listed
    };
    Reads { images: takes("image"), documents: takes("pdf") }
}

/// Refuses what the chosen model does not read, or its API does not take.
pub(crate) fn check(attachments: &[Attachment], selection: &Selection) -> Result<(), Failure> {
    readable(attachments, selection)?;
    let Provider::Server(server) = &selection.provider else { return Ok(()) };
    let sizes = server.is_owners().then(|| crate::models::api(server.api).sizes());
    let too_large = |attachment: &Attachment| Some((attachment.name.clone(), sizes?.too_large(attachment)?));
    match attachments.iter().find_map(too_large) {
        None => Ok(()),
        Some((name, why)) => {
            Err(Failure::usage(format!("{selection} cannot be sent `{name}`: {why}; make it smaller")))
        }
    }
}

fn readable(attachments: &[Attachment], selection: &Selection) -> Result<(), Failure> {
    let unread = match &selection.provider {
        Provider::Rehearsal => attachments.first(),
        Provider::Server(server) => {
            let reads = reads(&server.caps);
            attachments.iter().find(|attachment| !reads.reads(attachment))
        }
    };
    let Some(Attachment { name, media_type, bytes: _ }) = unread else { return Ok(()) };
    let way = match &selection.provider {
        Provider::Rehearsal => "put it into the workspace, or choose another model".to_owned(),
        Provider::Server(server) => {
            format!(
                "choose another model, or say in `providers.registry.{}.input_modalities` that it does",
                server.name
            )
        }
    };
    Err(Failure::usage(format!("{selection} does not read {media_type}, which `{name}` is: {way}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_file_is_what_is_in_it() {
        for (bytes, kind) in [
            (&b"\x89PNG\r\n\x1a\nrest"[..], Some("image/png")),
            (b"\xff\xd8\xff\xe0", Some("image/jpeg")),
            (b"GIF89a", Some("image/gif")),
            (b"RIFF\x01\x02\x03\x04WEBPVP8 ", Some("image/webp")),
            (b"RIFF\x01\x02\x03\x04WAVE", Some("text/plain")),
            (b"%PDF-1.7", Some("application/pdf")),
            ("good morning, “Welt”".as_bytes(), Some("text/plain")),
            (b"", None),
            (b"a\0b", None),
            (b"\x7fELF\x02\x01\xff", None),
        ] {
            assert_eq!(media_type(bytes), kind, "{bytes:?}");
        }
    }

    #[test]
    fn what_cannot_be_attached_is_said_by_name() {
        let place = tempfile::tempdir().expect("a directory for the test");
        let large = place.path().join("large.txt");
        fs::write(&large, vec![b'a'; (8 << 20) + 1]).expect("it is written");
        let fits = place.path().join("fits.txt");
        fs::write(&fits, vec![b'a'; 8 << 20]).expect("it is written");
        let said = |path: &Path| {
            read(&[path.to_owned()]).map(|all| all[0].name.clone()).map_err(|why| why.to_string())
        };
        assert_eq!(said(&fits), Ok("fits.txt".to_owned()));
        assert!(said(&large).is_err_and(|why| why.contains("large.txt") && why.contains("8388608 bytes")));
        assert!(said(place.path()).is_err_and(|why| why.contains("it is a directory")));
        assert!(said(Path::new("/dev/zero")).is_err_and(|why| why.contains("no plain file")));
        let empty = place.path().join("empty");
        fs::write(&empty, "").expect("it is written");
        assert!(said(&empty).is_err_and(|why| why.contains("it is empty")));
        assert!(read(&vec![fits.clone(); 2]).is_ok(), "together as much as may go with a prompt");
        let more = read(&[fits.clone(), fits.clone(), empty]);
        assert!(more.is_err_and(|why| why.to_string().contains("empty")));
        let small = place.path().join("small.txt");
        fs::write(&small, "a").expect("it is written");
        let more = read(&[fits.clone(), fits.clone(), small]).map_err(|why| why.to_string());
        assert!(more.is_err_and(|why| why.contains("small.txt") && why.contains("16777216 bytes")));
        assert!(said(&place.path().join("gone")).is_err_and(|why| why.contains("No such file")));
        assert!(read(&vec![fits; 9]).is_err_and(|why| why.to_string().contains("the most is 8")));
    }

    #[test]
    fn what_an_api_does_not_take_is_refused_for_its_owner_alone() {
        let said = |variables: &[(&str, &str)]| {
            let sources = variables
                .iter()
                .fold(config::Sources::none(), |sources, (name, value)| sources.variable(name, value));
            let selection = config::Config::load(&sources).expect("it is in order").config.selection;
            let photo = |bytes| Attachment {
                name: "a.png".into(),
                media_type: "image/png".into(),
                bytes: vec![0; bytes],
            };
            [3 << 20, 4 << 20]
                .map(|bytes| check(&[photo(bytes)], &selection).map_err(|why| why.to_string()).err())
        };
        let key = ("ANTHROPIC_API_KEY", "k");
        let [fits, large] = said(&[key]);
        assert_eq!(fits, None);
        let large = large.expect("it is refused");
        assert!(
            large.contains("anthropic/") && large.contains("`a.png`") && large.contains("3932160 at most"),
            "{large}"
        );
        let elsewhere = ("OXYDRA__PROVIDERS__REGISTRY__ANTHROPIC__BASE_URL", "http://127.0.0.1:9");
        assert_eq!(
            said(&[
                key,
                elsewhere,
                ("OXYDRA__SELECTION__PROVIDER", "anthropic"),
                ("OXYDRA__SELECTION__MODEL", "m")
            ]),
            [None, None]
        );
    }

    #[test]
    fn a_model_reads_what_is_known_or_what_nobody_denies() {
        let caps = |attachment, modalities: Option<&[&str]>| {
            let input_modalities = modalities.map(|all| all.iter().map(|one| (*one).to_owned()).collect());
            let Reads { images, documents } =
                reads(&Caps { attachment, input_modalities, ..Caps::default() });
            (images, documents)
        };
        assert_eq!(caps(None, None), (true, true));
        assert_eq!(caps(Some(false), None), (false, false));
        assert_eq!(caps(Some(true), Some(&["text", "image"])), (true, false));
        assert_eq!(caps(Some(false), Some(&["text", "image"])), (false, false));
        assert_eq!(caps(None, Some(&["text", "image", "pdf"])), (true, true));
    }
}
