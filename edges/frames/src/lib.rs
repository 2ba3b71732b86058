//! The wire protocol: frames between the daemon and its clients.
