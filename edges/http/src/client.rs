//! The client: posts a JSON body over HTTP/1.1 or h2 and hands the answer back as it comes. Connections are kept and used
//! again. It repeats nothing; whether a request may be repeated is for its caller to know.
use crate::{
    Addresses, Body, Header, HttpFault, Response, SystemAddresses, Url,
    connector::Connector,
    fault::{Cause, is_distrust},
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use http_body_util::{BodyExt, Full};
use hyper::{
    Request,
    body::Incoming,
    header::{ACCEPT, CONTENT_TYPE, HeaderValue, USER_AGENT},
};
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioTimer},
};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, timeout_at};

/// A connection that nobody used for so long is closed; servers close theirs after about as much.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// An h2 connection with a request under way is asked for a sign of life so often.
const H2_PING_INTERVAL: Duration = Duration::from_secs(30);

/// How a client behaves.
#[derive(Clone)]
pub struct Options {
    /// How long a connection may take, its name and TLS included.
    pub connect_timeout: Duration,
    /// How long the head of an answer may take, from the beginning.
    pub head_timeout: Duration,
    /// How long the whole of it may take, the last byte of the answer included.
    pub total_timeout: Duration,
    /// Where names lead.
    pub addresses: Arc<dyn Addresses>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            connect_timeout: Duration::from_secs(10),
            // A local server may read a long conversation for minutes before it says anything.
            head_timeout: Duration::from_secs(300),
            // A model that thinks first writes for up to half an hour; nothing should hang for longer.
            total_timeout: Duration::from_secs(3_600),
            addresses: Arc::new(SystemAddresses),
        }
    }
}

/// A client. Its clones share connections.
#[derive(Clone)]
pub struct Client {
    inner: legacy::Client<Connector, Full<Bytes>>,
    head_timeout: Duration,
    total_timeout: Duration,
}

impl Client {
    /// Makes a client. It needs a runtime of tokio when it is used. Whether a server is spoken to in HTTP/1.1 or h2 is what
    /// the two agree upon when they set up TLS.
    pub fn new(options: Options) -> Client {
        let connector = Connector::new(options.addresses.clone(), options.connect_timeout);
        Client::built(options, connector, &mut builder())
    }

    /// The same client, which speaks h2 without asking: for servers of tests, which have no TLS to agree within.
    #[cfg(test)]
    fn over_h2(options: Options) -> Client {
        let connector = Connector::new(options.addresses.clone(), options.connect_timeout);
        Client::built(options, connector, builder().http2_only(true))
    }

    /// The same client, which trusts these certificates and no others.
    #[cfg(test)]
    fn trusting(options: Options, roots: rustls::RootCertStore) -> Client {
        let connector = Connector::trusting(roots, options.addresses.clone(), options.connect_timeout);
        Client::built(options, connector, &mut builder())
    }

    fn built(options: Options, connector: Connector, builder: &mut legacy::Builder) -> Client {
        let Options { head_timeout, total_timeout, .. } = options;
        Client { inner: builder.build(connector), head_timeout, total_timeout }
    }

    /// Posts a JSON body and returns as soon as the head of the answer is there. Dropping the future or the body of the
    /// answer ends the request.
    ///
    /// # Errors
    /// When there is no answer. An answer that is a refusal is a [`Response`].
    pub async fn post_json(
        &self,
        url: &Url,
        headers: &[Header],
        body: impl Into<Bytes>,
    ) -> Result<Response, HttpFault> {
        let mut request = request(hyper::Method::POST, url, headers, body.into());
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.send(url, request).await
    }

    /// Fetches what is there, and returns as soon as the head of the answer is.
    ///
    /// # Errors
    /// When there is no answer. An answer that is a refusal is a [`Response`].
    pub async fn get(&self, url: &Url, headers: &[Header]) -> Result<Response, HttpFault> {
        self.send(url, request(hyper::Method::GET, url, headers, Bytes::new())).await
    }

    async fn send(&self, url: &Url, request: Request<Full<Bytes>>) -> Result<Response, HttpFault> {
        let began = Instant::now();
        let way = Way {
            host: url.host().to_owned(),
            deadline: began + self.total_timeout,
            total: self.total_timeout,
        };
        let head_timeout = self.head_timeout.min(self.total_timeout);
        let answering = self.inner.request(request);
        let response = match timeout_at(began + head_timeout, answering).await {
            Ok(response) => response.map_err(|error| way.fault(error))?,
            Err(_) => return Err(way.late("answer", head_timeout)),
        };
        let (head, body) = response.into_parts();
        Ok(Response { status: head.status.as_u16(), headers: head.headers, body: way.body(body) })
    }
}

fn builder() -> legacy::Builder {
    let mut builder = legacy::Client::builder(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .http2_keep_alive_interval(H2_PING_INTERVAL);
    builder
}

fn request(method: hyper::Method, url: &Url, headers: &[Header], body: Bytes) -> Request<Full<Bytes>> {
    let request = Request::builder().method(method).uri(url.uri()).body(Full::from(body));
    let mut request = request.expect("a parsed address makes a request");
    let written = request.headers_mut();
    written.insert(ACCEPT, HeaderValue::from_static("text/event-stream, application/json"));
    written.insert(USER_AGENT, HeaderValue::from_static(concat!("oxydra/", env!("CARGO_PKG_VERSION"))));
    for Header { name, value } in headers {
        written.insert(name.clone(), value.clone());
    }
    request
}

/// One request on its way.
struct Way {
    host: String,
    deadline: Instant,
    total: Duration,
}

impl Way {
    fn body(self, body: Incoming) -> Body {
        let next = |state: Option<(Way, _)>| async move {
            let (way, mut body): (Way, http_body_util::BodyDataStream<Incoming>) = state?;
            match timeout_at(way.deadline, body.next()).await {
                Ok(Some(Ok(piece))) => Some((Ok(piece), Some((way, body)))),
                Ok(Some(Err(error))) => Some((Err(way.broken(error)), None)),
                Ok(None) => None,
                Err(_) => Some((Err(way.late("finish its answer", way.total)), None)),
            }
        };
        // Whoever asks again behind the end is told again that it is the end.
        stream::unfold(Some((self, body.into_data_stream())), next).fuse().boxed()
    }

    fn fault(&self, error: legacy::Error) -> HttpFault {
        let host = self.host.clone();
        match (error.is_connect(), is_distrust(&error)) {
            (_, true) => HttpFault::Untrusted { host, source: error.into() },
            (true, false) => HttpFault::Unreachable { host, source: error.into() },
            (false, false) => self.broken(error),
        }
    }

    fn broken(&self, error: impl Into<Cause>) -> HttpFault {
        HttpFault::Broken { host: self.host.clone(), source: error.into() }
    }

    fn late(&self, what: &'static str, after: Duration) -> HttpFault {
        HttpFault::TimedOut { host: self.host.clone(), what, after }
    }
}

#[cfg(test)]
mod h2_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tls_tests;
