//! `CustomerService`: who is this, and what do we know of them?

use tonic::{Request, Response, Status};

use super::projections::{Projections, customer_name, no_customer};
use super::{QueryError, convert, page_token};
use crate::wire::v1::customer_service_server::CustomerService;
use crate::wire::v1::{
    CustomerRef, GetCustomerRequest, GetCustomerResponse, ListTimelineRequest, ListTimelineResponse, TotalsRequest,
    TotalsResponse, customer_ref,
};

const DEFAULT_PAGE: u32 = 50;
const LARGEST_PAGE: u32 = 500;

#[derive(Clone)]
pub struct Customers {
    projections: Projections,
}

impl Customers {
    pub fn new(projections: Projections) -> Self {
        Self { projections }
    }

    async fn get(&self, request: GetCustomerRequest) -> Result<GetCustomerResponse, QueryError> {
        let name = customer_name(request.customer.as_ref())?;
        let asked = name.clone();
        let (found, freshness) =
            self.projections.ask(&request.tenant, request.min_position, move |reader| reader.customer(&asked)).await?;
        let found = found.ok_or_else(|| no_customer(&name))?;
        Ok(GetCustomerResponse { customer: Some(convert::customer(&found)), freshness: Some(freshness) })
    }

    async fn list_timeline(&self, request: ListTimelineRequest) -> Result<ListTimelineResponse, QueryError> {
        let name = customer_name(request.customer.as_ref())?;
        let question = question(request.customer.as_ref());
        let before = page_token::read(&question, &request.page_token)?;
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
        let next_page_token = last.map(|last| page_token::write(&question, &last.key)).unwrap_or_default();
        let entries = page.entries.into_iter().map(convert::timeline_entry).collect();
        Ok(ListTimelineResponse { entries, next_page_token, freshness: Some(freshness) })
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

fn page_size(asked: u32) -> Result<usize, QueryError> {
    match asked {
        0 => Ok(DEFAULT_PAGE as usize),
        1..=LARGEST_PAGE => Ok(asked as usize),
        _ => Err(QueryError::Argument { field: "page_size", rule: format!("is {asked}; at most {LARGEST_PAGE}") }),
    }
}

#[tonic::async_trait]
impl CustomerService for Customers {
    async fn get(&self, request: Request<GetCustomerRequest>) -> Result<Response<GetCustomerResponse>, Status> {
        Ok(Response::new(Self::get(self, request.into_inner()).await?))
    }

    async fn list_timeline(
        &self,
        request: Request<ListTimelineRequest>,
    ) -> Result<Response<ListTimelineResponse>, Status> {
        Ok(Response::new(Self::list_timeline(self, request.into_inner()).await?))
    }

    async fn totals(&self, request: Request<TotalsRequest>) -> Result<Response<TotalsResponse>, Status> {
        Ok(Response::new(Self::totals(self, request.into_inner()).await?))
    }
}
