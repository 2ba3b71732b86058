//! How much the owners of the APIs take in one request, as they document it (November 2026). Whoever else speaks an API has bounds
//! of their own, which nobody knows here: nothing is refused for them.
use crate::{
    api::Api,
    wire::{Kind, kind},
};
use domain::{Attachment, ModelFault};

/// How much an API takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// In one request, all of it.
    pub request_bytes_max: u64,
    /// Of one image, before it is written as base64.
    pub image_bytes_max: u64,
    /// Of one document, before it is written as base64.
    pub document_bytes_max: u64,
    /// Where its owner says so.
    pub said_in: &'static str,
}

/// OpenAI gives a bound for a request, and the same for files. Since April 2026 its page names ten times as much; servers were still
/// seen to refuse by the older one.
const OPENAI: Sizes = Sizes {
    request_bytes_max: 50_000_000,
    image_bytes_max: in_base64(50_000_000),
    document_bytes_max: in_base64(50_000_000),
    said_in: "developers.openai.com/api/docs/guides/images-vision",
};

/// Anthropic's server refuses an image whose base64 is longer than 5 MiB, and larger requests with status 413.
const ANTHROPIC: Sizes = Sizes {
    request_bytes_max: 32_000_000,
    image_bytes_max: in_base64(5 << 20),
    document_bytes_max: in_base64(32_000_000),
    said_in: "docs.anthropic.com/en/api/overview and platform.claude.com/docs/en/build-with-claude/vision",
};

/// Google takes five times what it took until January 2026, and PDFs up to a bound of their own.
const GOOGLE: Sizes = Sizes {
    request_bytes_max: 100_000_000,
    image_bytes_max: in_base64(100_000_000),
    document_bytes_max: 50_000_000,
    said_in: "ai.google.dev/gemini-api/docs/file-input-methods",
};

/// What is so long in base64 has three quarters of the bytes.
const fn in_base64(length: u64) -> u64 {
    length / 4 * 3
}

impl Api {
    /// How much its owner takes.
    pub fn sizes(self) -> Sizes {
        match self {
            Api::Chat | Api::Responses => OPENAI,
            Api::Messages => ANTHROPIC,
            Api::Gemini => GOOGLE,
        }
    }
}

impl Sizes {
    /// Why a file is too large, if it is.
    pub fn too_large(&self, attachment: &Attachment) -> Option<String> {
        let (what, most) = match kind(attachment) {
            Kind::Image => ("an image", self.image_bytes_max),
            Kind::Pdf => ("a document", self.document_bytes_max),
            Kind::Text | Kind::Sound | Kind::Film | Kind::Other => ("a file", self.request_bytes_max),
        };
        let bytes = attachment.bytes.len() as u64;
        (bytes > most).then(|| {
            let Sizes { said_in, .. } = self;
            format!("it has {bytes} bytes, and the API takes {what} of {most} at most ({said_in})")
        })
    }

    /// Refuses a request that the API would not take. Another one may.
    pub(crate) fn check(&self, body: &[u8]) -> Result<(), ModelFault> {
        let Sizes { request_bytes_max: most, said_in, .. } = self;
        let bytes = body.len() as u64;
        if bytes <= *most {
            return Ok(());
        }
        Err(ModelFault::Closed(format!(
            "the request has {bytes} bytes with all that was attached in this session, and the API takes {most} in one request ({said_in}): \
             go on in a new session (`oxydra run --new`), or fork this one before its files (`oxydra sessions fork ID --at N`)"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(media_type: &str, bytes: usize) -> Attachment {
        Attachment { name: "f".into(), media_type: media_type.into(), bytes: vec![0; bytes] }
    }

    #[test]
    fn what_an_owner_does_not_take_is_said_with_its_bound_and_its_source() {
        let refused = |api: Api, media_type, bytes| api.sizes().too_large(&file(media_type, bytes));
        assert_eq!(refused(Api::Messages, "image/png", 3_932_160), None);
        let said = refused(Api::Messages, "image/png", 3_932_161).expect("it is too large");
        assert!(said.contains("an image of 3932160") && said.contains("anthropic"), "{said}");
        assert_eq!(refused(Api::Messages, "application/pdf", 8 << 20), None);
        for api in [Api::Chat, Api::Responses, Api::Gemini] {
            assert_eq!(refused(api, "image/png", 8 << 20), None);
        }
        // Each is as long in base64 as the API takes, and no longer.
        for api in Api::ALL {
            let Sizes { request_bytes_max, image_bytes_max, document_bytes_max, .. } = api.sizes();
            assert!(image_bytes_max.div_ceil(3) * 4 <= request_bytes_max);
            assert!(document_bytes_max.div_ceil(3) * 4 <= request_bytes_max);
        }
    }

    #[test]
    fn a_request_is_bounded_too() {
        let sizes = Sizes { request_bytes_max: 3, ..ANTHROPIC };
        assert_eq!(sizes.check(b"123"), Ok(()));
        let Err(ModelFault::Closed(why)) = sizes.check(b"1234") else { panic!("it is refused") };
        assert!(
            why.contains("the request has 4 bytes") && why.contains("takes 3") && why.contains("--new"),
            "{why}"
        );
    }
}
