//! The sources against a loopback server.
