//! The one place that says which gRPC status an error is.
//!
//! INVALID_ARGUMENT: mend the request. UNAVAILABLE and RESOURCE_EXHAUSTED: the same request may work in a while.
//! FAILED_PRECONDITION, DATA_LOSS and INTERNAL: somebody has to look; the whole story is in the service's own log.

use std::error::Error;

use rapport_log::{AppendError, ReadError};
use tonic::{Code, Status};

use crate::deciding::DecideError;
use crate::gateway::PublishError;
use crate::hosting::NotHosted;
use crate::projector::{BulkError, LookUpError, RebuildError, ScratchError, SupposeError};
use crate::query::QueryError;
use crate::replay::ReplayError;
use crate::tenants::UnknownTenant;

impl From<UnknownTenant> for Status {
    fn from(error: UnknownTenant) -> Self {
        told(Code::NotFound, &error)
    }
}

impl From<NotHosted> for Status {
    fn from(error: NotHosted) -> Self {
        told(Code::Unimplemented, &error)
    }
}

impl From<PublishError> for Status {
    fn from(error: PublishError) -> Self {
        let code = match &error {
            PublishError::UnknownTenant(_) => Code::NotFound,
            PublishError::TooManyEvents { .. } => Code::InvalidArgument,
            PublishError::Full { .. } => Code::ResourceExhausted,
            PublishError::Append(error) => append_code(error),
            PublishError::Late(_) | PublishError::Stopping => Code::Unavailable,
            PublishError::Broken => Code::Internal,
        };
        told(code, &error)
    }
}

impl From<ReplayError> for Status {
    fn from(error: ReplayError) -> Self {
        let code = match &error {
            ReplayError::Argument { .. } => Code::InvalidArgument,
            ReplayError::Read(error) => read_code(error),
            ReplayError::Full { .. } => Code::ResourceExhausted,
            ReplayError::Away { .. } | ReplayError::Stopping { .. } => Code::Unavailable,
            ReplayError::NotHosted(_) => Code::Unimplemented,
            ReplayError::Customer(error) => query_code(error),
        };
        told(code, &error)
    }
}

impl From<QueryError> for Status {
    fn from(error: QueryError) -> Self {
        told(query_code(&error), &error)
    }
}

fn query_code(error: &QueryError) -> Code {
    match error {
        QueryError::Undecidable(_) | QueryError::NotPrepared | QueryError::Entangled(_) => Code::FailedPrecondition,
        QueryError::BeyondHead { .. } => Code::OutOfRange,
        QueryError::NoIdentifier { .. } | QueryError::NoDecision { .. } | QueryError::NoCustomerThen { .. } => {
            Code::NotFound
        }
        QueryError::UnknownTenant(_) | QueryError::NoCustomer { .. } | QueryError::NoJourney { .. } => Code::NotFound,
        QueryError::NotFolded { .. } => Code::Unimplemented,
        QueryError::TooManyWatchers { .. }
        | QueryError::TooManyQuestions { .. }
        | QueryError::TooManyExports { .. } => Code::ResourceExhausted,
        QueryError::Argument { .. } | QueryError::Definitions(_) => Code::InvalidArgument,
        QueryError::NotYet(_) => Code::DeadlineExceeded,
        QueryError::Log(error) => read_code(error),
        QueryError::Rebuild(error) | QueryError::Suppose(SupposeError::Rebuild(error)) => rebuild_code(error),
        QueryError::ReadModel(_) | QueryError::BrokenOff => Code::Internal,
        QueryError::Scratch(error) | QueryError::Suppose(SupposeError::Scratch(error)) => scratch_code(error),
        QueryError::Suppose(SupposeError::NoFile) => Code::FailedPrecondition,
        QueryError::NotParked { .. } => Code::NotFound,
        QueryError::Discarded { .. } => Code::FailedPrecondition,
        QueryError::Decide(DecideError::Refused(_)) => Code::InvalidArgument,
        QueryError::Decide(DecideError::Append(error)) => append_code(error),
        QueryError::Decide(DecideError::NotYet { .. }) => Code::DeadlineExceeded,
        QueryError::LookUp(LookUpError::Log(error)) => read_code(error),
        QueryError::LookUp(LookUpError::Late { .. }) => Code::Unavailable,
        QueryError::LookUp(LookUpError::Changed { .. }) => Code::FailedPrecondition,
        QueryError::LookUp(LookUpError::BrokenOff) => Code::Internal,
    }
}

fn rebuild_code(error: &RebuildError) -> Code {
    match error {
        RebuildError::UnderWay | RebuildError::NoPrevious | RebuildError::OtherDefinitions { .. } => {
            Code::FailedPrecondition
        }
        RebuildError::Stopping => Code::Unavailable,
        RebuildError::Projector(_) | RebuildError::Failed { .. } => Code::Internal,
    }
}

fn scratch_code(error: &ScratchError) -> Code {
    match error {
        ScratchError::UnderWay { .. } | ScratchError::LogEnds { .. } | ScratchError::LogSkips { .. } => {
            Code::FailedPrecondition
        }
        ScratchError::Stopping => Code::Unavailable,
        ScratchError::Unwatched => Code::Cancelled,
        ScratchError::Log(error) => read_code(error),
        ScratchError::Bulk(BulkError::NoRoom { .. }) => Code::FailedPrecondition,
        ScratchError::Folder { .. }
        | ScratchError::Scratch(_)
        | ScratchError::Bulk(_)
        | ScratchError::Serving(_)
        | ScratchError::Threads(_)
        | ScratchError::BrokenOff => Code::Internal,
    }
}

fn append_code(error: &AppendError) -> Code {
    match error {
        // The writer has told the operator what is wrong with its disk.
        AppendError::Unavailable(_) | AppendError::Storage(_) => Code::Unavailable,
        // An event that is too large is its own verdict, and never the whole request's.
        AppendError::TooLarge { .. } => Code::InvalidArgument,
        AppendError::Overloaded { .. } | AppendError::Full(_) => Code::ResourceExhausted,
    }
}

fn read_code(error: &ReadError) -> Code {
    match error {
        ReadError::BeyondHead { .. } => Code::OutOfRange,
        ReadError::Replaced { .. } | ReadError::Changed { .. } | ReadError::Purged { .. } | ReadError::Lost { .. } => {
            Code::FailedPrecondition
        }
        ReadError::Unavailable(_) => Code::Unavailable,
        ReadError::Storage(_) => Code::Internal,
        ReadError::Broken { .. } => Code::DataLoss,
    }
}

/// Causes from inside, such as paths and server addresses, are for the operator.
fn told(code: Code, error: &dyn Error) -> Status {
    if matches!(code, Code::Internal | Code::DataLoss | Code::FailedPrecondition) {
        let mut causes = Vec::new();
        let mut cause = error.source();
        while let Some(error) = cause {
            causes.push(error.to_string());
            cause = error.source();
        }
        tracing::error!(?code, ?causes, "{error}");
    }
    Status::new(code, error.to_string())
}
