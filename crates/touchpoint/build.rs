//! The schema files are compiled into the crate; cargo would not notice a new one by itself.

fn main() {
    println!("cargo::rerun-if-changed=../../schemas");
}
