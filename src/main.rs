//! The command `ringload`.

fn main() {}
