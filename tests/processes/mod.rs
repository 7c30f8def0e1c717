//! The `rapport` program as people run it.

mod asking;
mod command_line;
mod crashing;
mod exit_codes;
mod killed;
mod merging;
mod moved;
mod parked;
mod previewed;
mod replayed;
mod supposed;
mod verified;
