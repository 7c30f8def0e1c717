//! Where it is kept: the append-only log of one tenant, embedded or on JetStream.
//!
//! Both backends pass one conformance suite; what differs between them is said at [`Embedded`] and [`JetStream`].

#[macro_use]
mod crash_point;

mod batch;
mod embedded;
mod epoch;
mod error;
mod filter;
mod jetstream;
mod log;
mod log_copy;
mod name;
mod original;
mod position;
mod queue;
mod record;
mod tenant;
mod trace;
mod verdict;

pub use batch::Batch;
pub use embedded::Embedded;
pub use epoch::Epoch;
pub use error::{AppendError, Away, Cause, OpenError, ReadError};
pub use filter::{Filter, TypeFilter};
pub use jetstream::JetStream;
pub use log::{Log, LogConfig, Reader};
pub use log_copy::{CopyError, LogCopy, Origin};
pub use original::{Extent, Fingerprint, Hold, Kept, Original, Records};
pub use position::Position;
pub use record::{Read, Record};
pub use tenant::Tenant;
pub use trace::TraceParent;
pub use verdict::Appended;
