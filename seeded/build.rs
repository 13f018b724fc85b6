//! Switches the rule-breaking variants on, for this package alone.

fn main() {
    println!("cargo::rustc-cfg=minuet_mutations");
    println!("cargo::rerun-if-changed=build.rs");
}
