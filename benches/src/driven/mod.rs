//! What is measured, started and driven: the real server, a NATS server, a log made ahead, a read model in this process.

pub mod caller;
pub mod catch_up;
pub mod folded;
pub mod load;
pub mod made_log;
pub mod nats;
#[path = "../../../tests/support/nats_binary.rs"]
pub mod nats_binary;
pub mod process;
pub mod program;
pub mod publish;
pub mod server;

pub use caller::Caller;
pub use made_log::MadeLog;
pub use nats::Nats;
pub use server::Server;
