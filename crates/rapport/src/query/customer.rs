//! `CustomerService`: who is this, and what do we know of them?

use rapport_readmodel::CustomerKey;
use rapport_touchpoint::OrderKey;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::arguments::{customer_filter, customer_name, page_size};
use super::past::Asked;
use super::projections::Projections;
use super::watch::{Watching, watch};
use super::{QueryError, convert, page_token};
use crate::wire::v1::customer_service_server::CustomerService;
use crate::wire::v1::{
    CustomerRef, FindRequest, FindResponse, GetCustomerRequest, GetCustomerResponse, ListTimelineRequest,
    ListTimelineResponse, TotalsRequest, TotalsResponse, TraitHistoryRequest, TraitHistoryResponse, WatchRequest,
    customer_ref,
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
        let when = (request.as_of.as_ref(), request.known_at.as_ref());
        let asked = Asked::of(&self.projections, &request.tenant, request.min_position, when).await?;
        let (customer, freshness) = asked.customer(&name).await?;
        Ok(GetCustomerResponse::of_encoded(customer, freshness))
    }

    async fn list_timeline(&self, request: ListTimelineRequest) -> Result<ListTimelineResponse, QueryError> {
        let name = customer_name(request.customer.as_ref())?;
        let when = (request.as_of.as_ref(), request.known_at.as_ref());
        let asked = Asked::of(&self.projections, &request.tenant, request.min_position, when).await?;
        let question = format!("{}{}", question(request.customer.as_ref()), asked.then());
        let before = page_token::read(&question, &request.page_token, |bytes| Some(OrderKey::from_bytes(bytes)))?;
        let (named, page_size) = (name.clone(), page_size(request.page_size)?);
        let asked = asked.about(Some(&name));
        let (page, freshness) =
            asked.ask_of_one(move |reader| reader.timeline(&named, before.as_ref(), page_size)).await?;
        let last = page.entries.last().filter(|_| page.more);
        let next_page_token = last.map(|last| page_token::write(&question, last.key.as_bytes())).unwrap_or_default();
        let entries = page.entries.into_iter().map(convert::timeline_entry).collect();
        Ok(ListTimelineResponse { entries, next_page_token, freshness: Some(freshness) })
    }

    async fn trait_history(&self, request: TraitHistoryRequest) -> Result<TraitHistoryResponse, QueryError> {
        let name = customer_name(request.customer.as_ref())?;
        if request.r#trait.is_empty() {
            let rule = "is missing; name one, such as email".to_owned();
            return Err(QueryError::Argument { field: "trait", rule });
        }
        let most = page_size(request.page_size)?;
        let when = (request.as_of.as_ref(), request.known_at.as_ref());
        let asked = Asked::of(&self.projections, &request.tenant, request.min_position, when).await?;
        let (named, of_trait) = (name.clone(), request.r#trait);
        let (history, freshness) =
            asked.about(Some(&name)).ask_of_one(move |reader| reader.trait_history(&named, &of_trait, most)).await?;
        let changes = history.values.into_iter().map(convert::trait_change).collect();
        Ok(TraitHistoryResponse { changes, changes_in_all: history.in_all, freshness: Some(freshness) })
    }

    async fn find(&self, request: FindRequest) -> Result<FindResponse, QueryError> {
        let when = (request.as_of.as_ref(), request.known_at.as_ref());
        let asked = Asked::of(&self.projections, &request.tenant, request.min_position, when).await?;
        let definitions = asked.definitions();
        let maps = &definitions.journeys;
        let filter = customer_filter(request.filter.as_ref(), maps, &definitions.models)?;
        let page_size = page_size(request.page_size)?;
        let question = format!("find {} {filter:?}", asked.binding()?);
        let after = page_token::read(&question, &request.page_token, |bytes| CustomerKey::from_bytes(&bytes))?;
        let (page, freshness) = asked.ask(move |reader| reader.find(&filter, after, page_size)).await?;
        let next_page_token = page.next.map(|next| page_token::write(&question, &next.to_bytes())).unwrap_or_default();
        let customers = page.customers.into_iter().map(|customer| convert::customer(customer, maps)).collect();
        Ok(FindResponse { customers, next_page_token, freshness: Some(freshness) })
    }

    async fn totals(&self, request: TotalsRequest) -> Result<TotalsResponse, QueryError> {
        let when = (request.as_of.as_ref(), request.known_at.as_ref());
        let asked = Asked::of(&self.projections, &request.tenant, request.min_position, when).await?;
        let (totals, freshness) = asked.ask(|reader| reader.totals()).await?;
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

    async fn trait_history(
        &self,
        request: Request<TraitHistoryRequest>,
    ) -> Result<Response<TraitHistoryResponse>, Status> {
        Ok(Response::new(Self::trait_history(self, request.into_inner()).await?))
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
