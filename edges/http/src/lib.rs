//! The one way out: requests over HTTP, their answers as streams, and the secrets that go with them. It follows no redirect,
//! reads no proxy from the environment, repeats no request, and prints no credential.
//!
//! - [`Client`] posts a body, or fetches something, and hands the answer back as it comes. Dropping it at any time ends the request.
//! - [`Sse`] reads a stream of events out of bytes, however they were cut. It is pure.
//! - [`Secret`] and [`Header`] carry what must not be printed; [`Url`] is an address that a request can be sent to.
//! - [`Addresses`] is the seam for whoever wants a say in where a name may lead.
mod addresses;
mod client;
mod connector;
mod fault;
mod header;
mod response;
mod retry_after;
mod secret;
mod sse;
mod url;

pub use addresses::{Addresses, SystemAddresses};
pub use client::{Client, Options};
pub use fault::HttpFault;
pub use header::{BadHeader, Header};
pub use response::{Body, ERROR_BYTES_MAX, Response};
pub use retry_after::{retry_after, wait_of};
pub use secret::Secret;
pub use sse::{EVENT_BYTES_MAX, Event, Sse, TooLarge};
pub use url::{BadUrl, Url};
