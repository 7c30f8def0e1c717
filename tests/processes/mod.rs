//! The `rapport` program as people run it.

mod asking;
mod command_line;
mod exit_codes;
mod killed;
mod parked;
mod previewed;
mod verified;
