//! Makes Rust of `proto/minuet/v1/minuet.proto`, without protoc, and keeps the descriptor for reflection.

use prost::Message;
use std::path::PathBuf;
use std::{env, fs};

const FILE: &str = "minuet/v1/minuet.proto";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto/{FILE}");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let descriptors = protox::compile([FILE], ["proto"])?;
    fs::write(out.join("minuet_v1_descriptor.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().bytes(".").compile_fds(descriptors)?;
    Ok(())
}
