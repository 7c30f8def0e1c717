//! Who decides something by hand, and why.

use std::env;

use clap::Args;

#[derive(Debug, Clone, Args)]
pub struct Reason {
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Who decides it; who is logged in, if this is left out
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

impl Reason {
    pub fn by(&self) -> String {
        self.by.clone().unwrap_or_else(logged_in)
    }
}

fn logged_in() -> String {
    let named = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| env::var(name).ok());
    named.filter(|name| !name.is_empty()).unwrap_or_else(|| "rapport".to_owned())
}
