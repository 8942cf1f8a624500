//! Inputs that are objects of servers: `http(s)://` and `s3://` URLs. What a URL hides, what the server says of an object, its bytes
//! forwards from anywhere, and the objects below a prefix. Talks to the servers through `object_store`. Never holds more of an object
//! than came last, never mixes bytes of two versions of one, never shows a secret.

pub mod address;

pub mod connect;

pub mod error;

pub mod listing;

pub mod object;

pub mod reader;
