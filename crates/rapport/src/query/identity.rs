//! `IdentityService`: who is who, and why?

use rapport_customer::identity::CustomerId;
use rapport_readmodel::{CustomerName, RefusalPlace, VoidPlace, Without};
use rapport_touchpoint::{EventName, Identifier, OrderKey};
use tonic::{Request, Response, Status};

use super::arguments::{customer_name, cut, page_size};
use super::projections::{Projections, no_customer};
use super::{QueryError, convert, page_token};
use crate::deciding;
use crate::wire::v1::identity_service_server::IdentityService;
use crate::wire::v1::{
    ExplainRequest, ExplainResponse, ListDecisionsRequest, ListDecisionsResponse, ListRefusalsRequest,
    ListRefusalsResponse, ListVoidIdentifiersRequest, ListVoidIdentifiersResponse, explain_request,
};

#[derive(Clone)]
pub struct Identities {
    projections: Projections,
}

impl Identities {
    pub fn new(projections: Projections) -> Self {
        Self { projections }
    }

    async fn explain(&self, request: ExplainRequest) -> Result<ExplainResponse, QueryError> {
        let asked = match CustomerId::parse(&request.identifier) {
            Some(id) => CustomerName::Id(id),
            None => CustomerName::Identifier(identifier("identifier", &request.identifier)?),
        };
        let without = match &request.without {
            None => None,
            Some(explain_request::Without::Link(link)) => {
                Some(Without::Link(identifier("link.one", &link.one)?, identifier("link.other", &link.other)?))
            }
            Some(explain_request::Without::Decision(id)) => Some(Without::Decision(self.decision(&request, id).await?)),
        };
        let live = self.projections.serving(&request.tenant, request.min_position).await?;
        let (found, freshness) =
            self.projections.ask_of(&live, move |reader| reader.explain(&asked, without.as_ref())).await?;
        let found = found.ok_or_else(|| QueryError::NoIdentifier { name: cut(&request.identifier) })?;
        let rules = &live.reader.definitions().rules;
        Ok(ExplainResponse { freshness: Some(freshness), ..convert::explanation(&found, rules) })
    }

    /// One that there is.
    async fn decision(&self, request: &ExplainRequest, id: &str) -> Result<EventName, QueryError> {
        let name = deciding::name(id);
        let asked = name.clone();
        let (tenant, min_position) = (&request.tenant, request.min_position);
        let (found, _) = self.projections.ask(tenant, min_position, move |reader| reader.decision(&asked)).await?;
        found.map(|_| name).ok_or_else(|| QueryError::NoDecision { field: "decision", id: cut(id) })
    }

    async fn decisions(&self, request: ListDecisionsRequest) -> Result<ListDecisionsResponse, QueryError> {
        let of = request.customer.as_ref().map(|customer| customer_name(Some(customer))).transpose()?;
        let page_size = page_size(request.page_size)?;
        let question = format!("decisions {of:?}");
        let before = page_token::read(&question, &request.page_token, |bytes| Some(OrderKey::from_bytes(bytes)))?;
        let asked = of.clone();
        let live = self.projections.serving(&request.tenant, request.min_position).await?;
        let (page, freshness) = self
            .projections
            .ask_of(&live, move |reader| reader.decisions(asked.as_ref(), before.as_ref(), page_size))
            .await?;
        let page = page.ok_or_else(|| of.as_ref().map_or(QueryError::BrokenOff, no_customer))?;
        let next_page_token = page.next.map(|next| page_token::write(&question, next.as_bytes())).unwrap_or_default();
        let rules = &live.reader.definitions().rules;
        let decisions = page.decisions.iter().map(|entry| convert::decision(entry, rules)).collect();
        Ok(ListDecisionsResponse { decisions, next_page_token, freshness: Some(freshness) })
    }

    async fn refusals(&self, request: ListRefusalsRequest) -> Result<ListRefusalsResponse, QueryError> {
        let of = request.customer.as_ref().map(|customer| customer_name(Some(customer))).transpose()?;
        let page_size = page_size(request.page_size)?;
        let live = self.projections.serving(&request.tenant, request.min_position).await?;
        // Places mean something in one file only.
        let question = format!("refusals {} {of:?}", live.generation);
        let after = page_token::read(&question, &request.page_token, |bytes| RefusalPlace::from_bytes(&bytes))?;
        let asked = of.clone();
        let (page, freshness) = self
            .projections
            .ask_of(&live, move |reader| reader.refusals(asked.as_ref(), after.as_ref(), page_size))
            .await?;
        let page = page.ok_or_else(|| of.as_ref().map_or(QueryError::BrokenOff, no_customer))?;
        let rules = &live.reader.definitions().rules;
        Ok(ListRefusalsResponse {
            refusals: page.refusals.iter().map(|found| convert::refusal(found, rules)).collect(),
            by_rule: convert::refusals_by_rule(&page, rules),
            next_page_token: page.next.map(|next| page_token::write(&question, &next.to_bytes())).unwrap_or_default(),
            freshness: Some(freshness),
        })
    }

    async fn void(&self, request: ListVoidIdentifiersRequest) -> Result<ListVoidIdentifiersResponse, QueryError> {
        let page_size = page_size(request.page_size)?;
        let live = self.projections.serving(&request.tenant, request.min_position).await?;
        // Places mean something in one file only.
        let question = format!("void {}", live.generation);
        let after = page_token::read(&question, &request.page_token, |bytes| VoidPlace::from_bytes(&bytes))?;
        let (page, freshness) =
            self.projections.ask_of(&live, move |reader| reader.void_identifiers(after, page_size)).await?;
        let rules = &live.reader.definitions().rules;
        Ok(ListVoidIdentifiersResponse {
            identifiers: page.identifiers.iter().map(|found| convert::void(found, rules)).collect(),
            next_page_token: page.next.map(|next| page_token::write(&question, &next.to_bytes())).unwrap_or_default(),
            by_namespace: page.by_namespace.into_iter().collect(),
            freshness: Some(freshness),
        })
    }
}

pub(super) fn identifier(field: &'static str, text: &str) -> Result<Identifier, QueryError> {
    Identifier::parse(text).map_err(|rule| QueryError::Argument { field, rule: format!("{:?} {rule}", cut(text)) })
}

#[tonic::async_trait]
impl IdentityService for Identities {
    async fn explain(&self, request: Request<ExplainRequest>) -> Result<Response<ExplainResponse>, Status> {
        Ok(Response::new(Self::explain(self, request.into_inner()).await?))
    }

    async fn list_decisions(
        &self,
        request: Request<ListDecisionsRequest>,
    ) -> Result<Response<ListDecisionsResponse>, Status> {
        Ok(Response::new(self.decisions(request.into_inner()).await?))
    }

    async fn list_refusals(
        &self,
        request: Request<ListRefusalsRequest>,
    ) -> Result<Response<ListRefusalsResponse>, Status> {
        Ok(Response::new(self.refusals(request.into_inner()).await?))
    }

    async fn list_void_identifiers(
        &self,
        request: Request<ListVoidIdentifiersRequest>,
    ) -> Result<Response<ListVoidIdentifiersResponse>, Status> {
        Ok(Response::new(self.void(request.into_inner()).await?))
    }
}
