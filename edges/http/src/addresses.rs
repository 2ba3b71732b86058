//! Where a name leads. Whoever wants a say in that implements [`Addresses`]: the client connects to what it returns and
//! to nothing else, so there is no second look-up that could say something different.
use futures::future::BoxFuture;
use std::{
    io,
    net::{IpAddr, SocketAddr},
};

/// Says where a host leads.
pub trait Addresses: Send + Sync {
    /// Returns the addresses of a host, the best first. A host that is written as an address is asked about as well, so
    /// that nothing gets by.
    ///
    /// # Errors
    /// When the name leads nowhere, or where requests must not go.
    fn of<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// Asks the system, and allows whatever it says: for servers that the operator has named.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemAddresses;

impl Addresses for SystemAddresses {
    fn of<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address: SocketAddr| address.ip()).collect())
        })
    }
}
