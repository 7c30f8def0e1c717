//! Progress on standard error, if that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Bytes of files; without a total, what is done so far.
pub fn bytes(total: Option<u64>) -> ProgressBar {
    match total {
        Some(total) => styled(ProgressBar::new(total), "{wide_bar} {bytes}/{total_bytes} {msg} {eta}"),
        None => styled(ProgressBar::new_spinner(), "{spinner} {bytes} {msg}"),
    }
}

/// Touchpoints that are made, of so many.
pub fn touchpoints(total: u64) -> ProgressBar {
    styled(ProgressBar::new(total), "{wide_bar} {pos}/{len} {msg} {eta}")
}

/// Positions of the log; the total comes with the first answer.
pub fn positions(what: &'static str) -> ProgressBar {
    let bar = styled(ProgressBar::new(0), "{msg} {wide_bar} {pos}/{len} {eta}").with_message(what);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Records of a log that is copied; how many there are comes with the first word.
pub fn records() -> ProgressBar {
    let bar = styled(ProgressBar::new(0), "{msg} {wide_bar} {pos}/{len} {per_sec} {eta}");
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Several kinds of work, one after the other; what it is, and how much of it, comes with each answer.
pub fn phases() -> ProgressBar {
    let bar = styled(ProgressBar::new(0), "{msg} {wide_bar} {pos}/{len} {per_sec} {eta}");
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Rows of tables, one after the other; nobody knows how many there are.
pub fn rows() -> ProgressBar {
    let bar = styled(ProgressBar::new_spinner(), "{spinner} {pos} rows {msg} {per_sec}");
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    // A template that is none shows the plain bar.
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
