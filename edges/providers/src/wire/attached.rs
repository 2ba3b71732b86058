//! Images and documents as servers take them. It looks into none: what a file is, is what its sender says.
use ::base64::{Engine, engine::general_purpose::STANDARD};
use domain::{Attachment, ModelFault};

/// What kind of file an attachment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Image,
    Sound,
    Film,
    Pdf,
    Text,
    Other,
}

/// Says what kind of file it is.
pub(crate) fn kind(attachment: &Attachment) -> Kind {
    let media_type = attachment.media_type.split(';').next().unwrap_or_default().trim();
    match media_type.split_once('/') {
        Some(("image", "png" | "jpeg" | "gif" | "webp")) => Kind::Image,
        Some(("audio", _)) => Kind::Sound,
        Some(("video", _)) => Kind::Film,
        Some(("application", "pdf")) => Kind::Pdf,
        Some(("text", _)) | Some(("application", "json" | "xml" | "yaml" | "toml")) => Kind::Text,
        Some(_) | None => Kind::Other,
    }
}

/// Its bytes as JSON can hold them.
pub(crate) fn base64(attachment: &Attachment) -> String {
    STANDARD.encode(&attachment.bytes)
}

/// The fault for what an API does not take.
pub(crate) fn refused(attachment: &Attachment) -> ModelFault {
    let Attachment { name, media_type, bytes: _ } = attachment;
    ModelFault::Refused(format!("this model's API takes no file of the kind {media_type} (`{name}`)"))
}
