//! What a server answers: the head at once, the body as it comes.
use crate::HttpFault;
use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use hyper::HeaderMap;

/// A body, in pieces as they arrive. Dropping it ends the request.
pub type Body = BoxStream<'static, Result<Bytes, HttpFault>>;

/// So much of the body of an error is read: enough for any message, and for a page of HTML to be recognised.
pub const ERROR_BYTES_MAX: usize = 64 << 10;

/// A response.
pub struct Response {
    /// Its status. Redirects are responses like any other: they are not followed.
    pub status: u16,
    /// Its body.
    pub body: Body,
    pub(crate) headers: HeaderMap,
}

impl Response {
    /// Says whether the server did what it was asked.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header of that name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Reads the body of an error: as text, up to [`ERROR_BYTES_MAX`], and as far as it comes.
    pub async fn error_text(self) -> String {
        let mut text = Vec::new();
        let mut body = self.body;
        while let Some(Ok(piece)) = body.next().await {
            let room = ERROR_BYTES_MAX - text.len();
            text.extend_from_slice(&piece[..piece.len().min(room)]);
            if text.len() == ERROR_BYTES_MAX {
                break;
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Reads the whole body as text.
    ///
    /// # Errors
    /// Says in words why there is none: it broke off, is longer than `bytes_max`, or is no text.
    pub async fn text(self, bytes_max: usize) -> Result<String, String> {
        let mut bytes = Vec::new();
        let mut body = self.body;
        while let Some(piece) = body.next().await {
            bytes.extend_from_slice(&piece.map_err(|fault| fault.to_string())?);
            if bytes.len() > bytes_max {
                return Err(format!("it is longer than {bytes_max} bytes"));
            }
        }
        String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
    }

    #[cfg(test)]
    pub(crate) fn empty(status: u16, headers: &[(&'static str, &'static str)]) -> Response {
        use hyper::header::{HeaderName, HeaderValue};
        let header = |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let headers = headers.iter().map(header).collect();
        Response { status, body: futures::stream::empty().boxed(), headers }
    }
}
