//! `CustomerService`: who is this, and what do we know of them?

use rapport_readmodel::{CustomerAnswer, CustomerKey, CustomerName, Moment};
use rapport_touchpoint::OrderKey;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::arguments::{customer_filter, customer_name, page_size};
use super::past::{Asked, moment};
use super::projections::Projections;
use super::watch::{Watching, watch};
use super::{QueryError, convert, page_token};
use crate::wire::v1::customer_service_server::CustomerService;
use crate::wire::v1::{
    CustomerRef, FindRequest, FindResponse, Freshness, GetCustomerRequest, GetCustomerResponse, KnownAt,
    ListTimelineRequest, ListTimelineResponse, TotalsRequest, TotalsResponse, TraitHistoryRequest,
    TraitHistoryResponse, WatchRequest, customer_ref,
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
        let (found, freshness) = self.one(&request, &name).await?;
        let (tenant, _) = self.projections.find(&request.tenant)?;
        let customer = convert::customer(&found, &tenant.definitions.journeys);
        Ok(GetCustomerResponse { customer: Some(customer), freshness: Some(freshness) })
    }

    async fn one(
        &self,
        request: &GetCustomerRequest,
        name: &CustomerName,
    ) -> Result<(CustomerAnswer, Freshness), QueryError> {
        let GetCustomerRequest { tenant, min_position, as_of, known_at, .. } = request;
        customer_then(&self.projections, (tenant, *min_position), (as_of.as_ref(), known_at.as_ref()), name).await
    }

    async fn list_timeline(&self, request: ListTimelineRequest) -> Result<ListTimelineResponse, QueryError> {
        let name = customer_name(request.customer.as_ref())?;
        let moment = self.moment(&request.tenant, request.as_of.as_ref(), request.known_at.as_ref()).await?;
        let question = format!("{}{}", question(request.customer.as_ref()), bound(moment.as_ref()));
        let before = page_token::read(&question, &request.page_token, |bytes| Some(OrderKey::from_bytes(bytes)))?;
        let page_size = page_size(request.page_size)?;
        let (named, min_position) = (name.clone(), request.min_position);
        let asked = Asked { tenant: &request.tenant, min_position, moment, of: Some(&name) };
        let (page, freshness) = asked
            .ask_of_one(&self.projections, move |reader| reader.timeline(&named, before.as_ref(), page_size))
            .await?;
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
        let moment = self.moment(&request.tenant, request.as_of.as_ref(), request.known_at.as_ref()).await?;
        let (named, min_position, of_trait) = (name.clone(), request.min_position, request.r#trait);
        let asked = Asked { tenant: &request.tenant, min_position, moment, of: Some(&name) };
        let (history, freshness) =
            asked.ask_of_one(&self.projections, move |reader| reader.trait_history(&named, &of_trait, most)).await?;
        let changes = history.values.into_iter().map(convert::trait_change).collect();
        Ok(TraitHistoryResponse { changes, changes_in_all: history.in_all, freshness: Some(freshness) })
    }

    async fn moment(
        &self,
        tenant: &str,
        as_of: Option<&prost_types::Timestamp>,
        known_at: Option<&KnownAt>,
    ) -> Result<Option<Moment>, QueryError> {
        moment(&self.projections, tenant, as_of, known_at).await
    }

    async fn find(&self, request: FindRequest) -> Result<FindResponse, QueryError> {
        let (tenant, projection) = self.projections.find(&request.tenant)?;
        let maps = tenant.definitions.journeys.clone();
        let filter = customer_filter(request.filter.as_ref(), &maps, projection.models())?;
        let page_size = page_size(request.page_size)?;
        let moment = self.moment(&request.tenant, request.as_of.as_ref(), request.known_at.as_ref()).await?;
        let asked = Asked { tenant: &request.tenant, min_position: request.min_position, moment, of: None };
        let question = format!("find {} {filter:?}", asked.binding(&self.projections)?);
        let after = page_token::read(&question, &request.page_token, |bytes| CustomerKey::from_bytes(&bytes))?;
        let (page, freshness) =
            asked.ask(&self.projections, move |reader| reader.find(&filter, after, page_size)).await?;
        let next_page_token = page.next.map(|next| page_token::write(&question, &next.to_bytes())).unwrap_or_default();
        let customers = page.customers.iter().map(|customer| convert::customer(customer, &maps)).collect();
        Ok(FindResponse { customers, next_page_token, freshness: Some(freshness) })
    }

    async fn totals(&self, request: TotalsRequest) -> Result<TotalsResponse, QueryError> {
        let moment = self.moment(&request.tenant, request.as_of.as_ref(), request.known_at.as_ref()).await?;
        let asked = Asked { tenant: &request.tenant, min_position: request.min_position, moment, of: None };
        let (totals, freshness) = asked.ask(&self.projections, |reader| reader.totals()).await?;
        Ok(TotalsResponse { freshness: Some(freshness), ..convert::totals(&totals) })
    }
}

/// One customer, now or at the moment that a request means.
pub(super) async fn customer_then(
    projections: &Projections,
    (tenant, min_position): (&str, u64),
    (as_of, known_at): (Option<&prost_types::Timestamp>, Option<&KnownAt>),
    name: &CustomerName,
) -> Result<(CustomerAnswer, Freshness), QueryError> {
    let moment = moment(projections, tenant, as_of, known_at).await?;
    if moment.is_none() {
        return projections.customer(tenant, min_position, name).await;
    }
    let asked = name.clone();
    let of_one = Asked { tenant, min_position, moment, of: Some(name) };
    of_one.ask_of_one(projections, move |reader| reader.customer(&asked)).await
}

/// A page token is good for one moment.
fn bound(moment: Option<&Moment>) -> String {
    moment.map(|moment| format!(" {moment:?}")).unwrap_or_default()
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
