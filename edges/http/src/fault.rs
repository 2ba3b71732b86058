//! What can go wrong on the way, split by what a caller can do about it.
use std::{error::Error, time::Duration};

/// A cause, kept whole.
pub(crate) type Cause = Box<dyn Error + Send + Sync>;

/// A request was not answered. What a server answers, refusals included, is no fault but a response.
#[derive(Debug, thiserror::Error)]
pub enum HttpFault {
    /// There is no connection, so nothing was sent: trying again later is safe.
    #[error("cannot reach {host} (proxies of the environment are not used)")]
    Unreachable {
        /// Whom.
        host: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The server does not prove that it is the host. Trying again changes nothing.
    #[error("{host} does not prove who it is")]
    Untrusted {
        /// Whom.
        host: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// It took too long. The server may have done what it was asked.
    #[error("{host} took longer than {} s to {what}", after.as_secs_f32())]
    TimedOut {
        /// Who.
        host: String,
        /// What it did not come to.
        what: &'static str,
        /// How long it had.
        after: Duration,
    },
    /// The connection broke. The server may have done what it was asked.
    #[error("the connection to {host} broke")]
    Broken {
        /// To whom.
        host: String,
        /// Why.
        #[source]
        source: Cause,
    },
}

impl HttpFault {
    /// The fault and its causes in one line, each once.
    pub fn in_full(&self) -> String {
        let mut full = self.to_string();
        let mut cause = self.source();
        while let Some(inner) = cause {
            let text = inner.to_string();
            // Some libraries print their cause and hand it out as well.
            if !full.ends_with(&text) {
                full = format!("{full}: {text}");
            }
            cause = inner.source();
        }
        full
    }
}

/// Says whether TLS turned the server down, however deep in the causes that is said.
pub(crate) fn is_distrust(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        // An I/O error shows the cause of what it wraps, not what it wraps.
        let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let tls =
            wrapped.map_or_else(|| error.downcast_ref(), |wrapped| wrapped.downcast_ref::<rustls::Error>());
        if let Some(tls) = tls {
            return matches!(
                tls,
                rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented
            );
        }
        cause = wrapped.map_or_else(|| error.source(), |wrapped| Some(wrapped));
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn a_certificate_that_is_turned_down_is_found_in_the_depths() {
        let expired = || rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
        assert!(is_distrust(&expired()));
        assert!(is_distrust(&io::Error::other(io::Error::other(expired()))));
        assert!(!is_distrust(&io::Error::other(rustls::Error::HandshakeNotComplete)));
        assert!(!is_distrust(&io::Error::from(io::ErrorKind::ConnectionRefused)));
    }

    #[test]
    fn causes_are_said_once() {
        let source = io::Error::other("tcp: connection refused").into();
        let fault = HttpFault::Broken { host: "a".into(), source };
        assert_eq!(fault.in_full(), "the connection to a broke: tcp: connection refused");
    }
}
