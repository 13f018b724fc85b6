//! The generated messages, clients and servers of package `minuet.v1`. Their documentation is the proto file's.

#![allow(clippy::all, clippy::pedantic, missing_docs, rustdoc::all)]

tonic::include_proto!("minuet.v1");

/// The compiled proto file with its comments, for reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = tonic::include_file_descriptor_set!("minuet_v1_descriptor");
