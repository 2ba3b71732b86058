//! An address that requests can be sent to: `http` or `https`, a host, a path. It holds no credential, so it may be printed.
use hyper::{
    Uri,
    http::uri::{Authority, PathAndQuery, Scheme},
};
use std::{fmt, str::FromStr};

/// The address cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// It is no address, or has no host.
    #[error("it is no address such as https://api.example.com/v1")]
    NotOne,
    /// It is neither `http` nor `https`.
    #[error("it begins with neither http:// nor https://")]
    Scheme,
    /// It holds a name and a password.
    #[error("it holds a user or a password, which belong into a key or a header")]
    Credentials,
    /// Something comes behind its path.
    #[error("it has a query or a fragment behind its path")]
    Query,
}

/// An address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    scheme: Scheme,
    authority: Authority,
    /// Without a slash at its end.
    path: String,
    /// What the API asks for behind the path; an address that somebody writes has none.
    query: Option<&'static str>,
}

impl Url {
    /// Reads an address.
    ///
    /// # Errors
    /// When it is none, or holds what does not belong into one.
    pub fn parse(text: &str) -> Result<Url, BadUrl> {
        if text.contains('#') {
            return Err(BadUrl::Query);
        }
        let uri = Uri::from_str(text.trim()).map_err(|_| BadUrl::NotOne)?;
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(BadUrl::NotOne);
        };
        if scheme != Scheme::HTTP && scheme != Scheme::HTTPS {
            return Err(BadUrl::Scheme);
        }
        if authority.as_str().contains('@') {
            return Err(BadUrl::Credentials);
        }
        if authority.host().is_empty() {
            return Err(BadUrl::NotOne);
        }
        let path = parts.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
        if path.query().is_some() {
            return Err(BadUrl::Query);
        }
        Ok(Url { scheme, authority, path: path.path().trim_end_matches('/').to_owned(), query: None })
    }

    /// The address with a query behind it.
    ///
    /// # Panics
    /// When `query` cannot stand in an address: it is written in the program.
    pub fn asking(self, query: &'static str) -> Url {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '=' | '&' | '_' | '-' | '.');
        assert!(query.chars().all(fits), "`{query}` is no query");
        Url { query: Some(query), ..self }
    }

    /// The address with more path behind its own.
    ///
    /// # Errors
    /// When the two together are no address.
    pub fn join(&self, path: &str) -> Result<Url, BadUrl> {
        Url::parse(&format!("{self}/{}", path.trim_start_matches('/')))
    }

    /// The address of the server itself, without a path.
    pub fn root(&self) -> Url {
        Url { path: String::new(), query: None, ..self.clone() }
    }

    /// Whether requests to it travel in the open: then it is on this machine or beside it, or should be.
    pub fn is_plain(&self) -> bool {
        self.scheme == Scheme::HTTP
    }

    /// Its host: a name or an address; an IPv6 address stands in brackets.
    pub fn host(&self) -> &str {
        self.authority.host()
    }

    /// Its path, without a slash at the end; empty for the root.
    pub fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn uri(&self) -> Uri {
        let path = if self.path.is_empty() { "/" } else { &self.path };
        let asked = self.query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
        let built = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(asked);
        built.build().expect("the parts of a parsed address make an address")
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.path)?;
        self.query.map_or(Ok(()), |query| write!(f, "?{query}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_joined() {
        for (text, joined) in [
            ("https://api.example.com", "https://api.example.com/v1/x"),
            ("http://localhost:11434/", "http://localhost:11434/v1/x"),
            ("http://[::1]:8080/a/b//", "http://[::1]:8080/a/b/v1/x"),
        ] {
            let url = Url::parse(text).expect("it is one");
            assert_eq!(url.join("/v1/x").expect("it is one").to_string(), joined);
        }
        let url = Url::parse("https://a/b/c").expect("it is one");
        assert_eq!((url.root().to_string().as_str(), url.is_plain()), ("https://a", false));
        assert_eq!(Url::parse("https://a").expect("it is one").uri(), "https://a/");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (text, refusal) in [
            ("", BadUrl::NotOne),
            ("api.example.com", BadUrl::NotOne),
            ("/v1", BadUrl::NotOne),
            ("https://", BadUrl::NotOne),
            ("ftp://a", BadUrl::Scheme),
            ("https://me:secret@a", BadUrl::Credentials),
            ("https://a/?key=1", BadUrl::Query),
            ("https://a/#b", BadUrl::Query),
        ] {
            assert_eq!(Url::parse(text), Err(refusal), "{text}");
        }
    }
}
