//! Reads requests of HTTP/1.1 with a length. What it cannot read ends the connection.
use std::io::BufRead;

/// A request, as far as it is of interest.
pub(super) struct Request {
    pub(super) key: String,
    pub(super) attempt: u32,
    pub(super) body: String,
}

impl Request {
    /// Reads the next request; `None` when there is none any more.
    pub(super) fn read(from: &mut impl BufRead) -> Option<Request> {
        let mut line = String::new();
        from.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let (mut key, mut attempt, mut length) = (String::new(), 0, 0);
        loop {
            line.clear();
            from.read_line(&mut line).ok().filter(|read| *read > 0)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "idempotency-key" => value.trim().clone_into(&mut key),
                "x-attempt" => attempt = value.trim().parse().ok()?,
                "content-length" => length = value.trim().parse().ok()?,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        from.read_exact(&mut body).ok()?;
        Some(Request { key, attempt, body: String::from_utf8(body).ok()? })
    }
}
