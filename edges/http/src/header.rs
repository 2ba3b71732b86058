//! A header of a request. Its value is always treated as a credential: it is not printed, and HTTP/2 does not index it.
use crate::Secret;
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE,
};
use std::fmt;

/// What the client writes itself: a second value would let one request be read as two.
const RESERVED: [HeaderName; 7] =
    [CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TE, TRANSFER_ENCODING, UPGRADE];

/// The header cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadHeader {
    /// No header is called that.
    #[error("`{0}` is no name of a header")]
    Name(String),
    /// The client writes it itself.
    #[error("the header `{0}` is written by the client itself")]
    Reserved(String),
    /// Headers cannot hold the value, which is not shown.
    #[error("the value of the header `{0}` holds characters that a header cannot hold")]
    Value(String),
}

/// A header of a request.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    pub(crate) name: HeaderName,
    pub(crate) value: HeaderValue,
}

impl Header {
    /// Makes a header.
    ///
    /// # Errors
    /// When the name or the value cannot be sent, or the client writes that header itself.
    pub fn new(name: &str, value: &str) -> Result<Header, BadHeader> {
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| BadHeader::Name(name.to_owned()))?;
        if RESERVED.contains(&parsed) {
            return Err(BadHeader::Reserved(parsed.to_string()));
        }
        let mut value = HeaderValue::from_str(value).map_err(|_| BadHeader::Value(parsed.to_string()))?;
        value.set_sensitive(true);
        Ok(Header { name: parsed, value })
    }

    /// Makes the header that shows a key to a server: `authorization: Bearer …`.
    ///
    /// # Errors
    /// When the key holds what a header cannot hold.
    pub fn bearer(key: &Secret) -> Result<Header, BadHeader> {
        Header::new("authorization", &format!("Bearer {}", key.expose()))
    }

    /// Its name, in lower case.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Its value as a secret, so that it can be taken out of texts; `None` when it is blank.
    pub fn secret(&self) -> Option<Secret> {
        Secret::new(String::from_utf8_lossy(self.value.as_bytes()))
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: (not shown)", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_sent_is_refused_and_no_value_is_shown() {
        let header = Header::new("X-Title", "house").expect("it can be sent");
        assert_eq!(format!("{header:?}"), "x-title: (not shown)");
        assert_eq!(header.secret().as_ref().map(Secret::expose), Some("house"));
        for (name, value, refusal) in [
            ("x title", "v", "`x title` is no name of a header"),
            ("", "v", "`` is no name of a header"),
            ("Content-Length", "3", "the header `content-length` is written by the client itself"),
            (
                "x-a",
                "v\r\nhost: b",
                "the value of the header `x-a` holds characters that a header cannot hold",
            ),
        ] {
            assert_eq!(Header::new(name, value).expect_err("it cannot be sent").to_string(), refusal);
        }
        let key = Secret::new("sk-\u{0}1").expect("there is one");
        let refusal = Header::bearer(&key).expect_err("it cannot be sent").to_string();
        assert!(!refusal.contains("sk-"), "{refusal}");
    }
}
