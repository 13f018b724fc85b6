//! What admission and selection cost beside the signature checks.

fn main() {}
