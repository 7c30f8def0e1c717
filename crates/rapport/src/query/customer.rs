//! `CustomerService`: who is this, and what do we know of them?

use rapport_readmodel::CustomerKey;
use rapport_touchpoint::OrderKey;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::arguments::{customer_filter, customer_name, page_size};
use super::projections::{Projections, no_customer};
use super::watch::{Watching, watch};
use super::{QueryError, convert, page_token};
use crate::wire::v1::customer_service_server::CustomerService;
use crate::wire::v1::{
    CustomerRef, FindRequest, FindResponse, GetCustomerRequest, GetCustomerResponse, ListTimelineRequest,
    ListTimelineResponse, TotalsRequest, TotalsResponse, WatchRequest, customer_ref,
};

#[derive(Clone)]
pub struct Customers {
    projections: Projections,
    stopping: CancellationToken,
}

impl Customers {
    /// Open streams end when `stopping` is cancelled.
    pub fn new(projections: Projections, stopping: CancellationToken) -> Self {
        Self { projections, stopping }
    }

    async fn get(&self, request: GetCustomerRequest) -> Result<GetCustomerResponse, QueryError> {
        let name = customer_name(request.customer.as_ref())?;
        let live = self.projections.serving(&request.tenant, request.min_position).await?;
        let (found, freshness) = self.projections.customer(&live, &name).await?;
        let customer = convert::customer(&found, &live.reader.definitions().journeys);
        Ok(GetCustomerResponse { customer: Some(customer), freshness: Some(freshness) })
    }

    async fn list_timeline(&self, request: ListTimelineRequest) -> Result<ListTimelineResponse, QueryError> {
        let name = customer_name(request.customer.as_ref())?;
        let question = question(request.customer.as_ref());
        let before = page_token::read(&question, &request.page_token, |bytes| Some(OrderKey::from_bytes(bytes)))?;
        let page_size = page_size(request.page_size)?;
        let asked = name.clone();
        let (page, freshness) = self
            .projections
            .ask(&request.tenant, request.min_position, move |reader| {
                reader.timeline(&asked, before.as_ref(), page_size)
            })
            .await?;
        let page = page.ok_or_else(|| no_customer(&name))?;
        let last = page.entries.last().filter(|_| page.more);
        let next_page_token = last.map(|last| page_token::write(&question, last.key.as_bytes())).unwrap_or_default();
        let entries = page.entries.into_iter().map(convert::timeline_entry).collect();
        Ok(ListTimelineResponse { entries, next_page_token, freshness: Some(freshness) })
    }

    async fn find(&self, request: FindRequest) -> Result<FindResponse, QueryError> {
        let live = self.projections.serving(&request.tenant, request.min_position).await?;
        let definitions = live.reader.definitions().clone();
        let maps = &definitions.journeys;
        let filter = customer_filter(request.filter.as_ref(), maps, &definitions.models)?;
        let page_size = page_size(request.page_size)?;
        // Places mean something in one file only.
        let question = format!("find {} {filter:?}", live.generation);
        let after = page_token::read(&question, &request.page_token, |bytes| CustomerKey::from_bytes(&bytes))?;
        let (page, freshness) =
            self.projections.ask_of(&live, move |reader| reader.find(&filter, after, page_size)).await?;
        let next_page_token = page.next.map(|next| page_token::write(&question, &next.to_bytes())).unwrap_or_default();
        let customers = page.customers.iter().map(|customer| convert::customer(customer, maps)).collect();
        Ok(FindResponse { customers, next_page_token, freshness: Some(freshness) })
    }

    async fn totals(&self, request: TotalsRequest) -> Result<TotalsResponse, QueryError> {
        let (totals, freshness) =
            self.projections.ask(&request.tenant, request.min_position, |reader| reader.totals()).await?;
        Ok(TotalsResponse { freshness: Some(freshness), ..convert::totals(&totals) })
    }
}

/// A page token is good for one customer, by the name that was asked for.
fn question(customer: Option<&CustomerRef>) -> String {
    match customer.and_then(|customer| customer.by.as_ref()) {
        Some(customer_ref::By::Id(id)) => format!("timeline {id}"),
        Some(customer_ref::By::Identifier(identifier)) => format!("timeline {identifier}"),
        None => "timeline".to_owned(),
    }
}

#[tonic::async_trait]
impl CustomerService for Customers {
    type WatchStream = Watching;

    async fn get(&self, request: Request<GetCustomerRequest>) -> Result<Response<GetCustomerResponse>, Status> {
        Ok(Response::new(Self::get(self, request.into_inner()).await?))
    }

    async fn list_timeline(
        &self,
        request: Request<ListTimelineRequest>,
    ) -> Result<Response<ListTimelineResponse>, Status> {
        Ok(Response::new(Self::list_timeline(self, request.into_inner()).await?))
    }

    async fn find(&self, request: Request<FindRequest>) -> Result<Response<FindResponse>, Status> {
        Ok(Response::new(Self::find(self, request.into_inner()).await?))
    }

    async fn watch(&self, request: Request<WatchRequest>) -> Result<Response<Watching>, Status> {
        Ok(Response::new(watch(&self.projections, request.into_inner(), self.stopping.clone()).await?))
    }

    async fn totals(&self, request: Request<TotalsRequest>) -> Result<Response<TotalsResponse>, Status> {
        Ok(Response::new(Self::totals(self, request.into_inner()).await?))
    }
}
