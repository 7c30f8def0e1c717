//! `JourneyService`: where are customers on their way?

use rapport_customer::journey::FunnelQuestion;
use rapport_readmodel::{Listed, TransitionsQuestion};
use tonic::{Request, Response, Status};

use super::arguments::{bucket, customer_name, days, journey, moments, page_size, stage};
use super::listing::{Listing, Page};
use super::past::Asked;
use super::projections::Projections;
use super::{QueryError, convert};
use crate::wire::v1::journey_service_server::JourneyService;
use crate::wire::v1::{
    FunnelRequest, FunnelResponse, GetJourneyRequest, GetJourneyResponse, TransitionsRequest, TransitionsResponse,
};

#[derive(Clone)]
pub struct Journeys {
    projections: Projections,
}

impl Journeys {
    pub fn new(projections: Projections) -> Self {
        Self { projections }
    }

    async fn get(&self, request: GetJourneyRequest) -> Result<GetJourneyResponse, QueryError> {
        let when = (request.as_of.as_ref(), request.known_at.as_ref());
        let asked = Asked::of(&self.projections, &request.tenant, request.min_position, when).await?;
        let definitions = asked.definitions();
        let maps = &definitions.journeys;
        if !request.journey.is_empty() {
            journey(maps, &request.journey)?;
        }
        let name = customer_name(request.customer.as_ref())?;
        let (found, freshness) = asked.customer_found(&name).await?;
        let mut journeys = convert::journeys(&found.states, maps);
        journeys.retain(|progress| request.journey.is_empty() || progress.journey == request.journey);
        Ok(GetJourneyResponse { customer_id: found.id.to_string(), journeys, freshness: Some(freshness) })
    }

    async fn funnel(&self, request: FunnelRequest) -> Result<FunnelResponse, QueryError> {
        let when = (request.as_of.as_ref(), request.known_at.as_ref());
        let asked = Asked::of(&self.projections, &request.tenant, request.min_position, when).await?;
        let definitions = asked.definitions();
        let map = journey(&definitions.journeys, &request.journey)?;
        let name = map.name.clone();
        let (days, bucket) = (days(&request.from_day, &request.until_day)?, bucket(request.bucket)?);
        let (by_channel, channel) = (request.by_channel, request.channel.clone());
        let (of, within) = (name.clone(), definitions.clone());
        let (funnel, freshness) = asked
            .ask(move |reader| {
                let (_, map) = within.journeys.find(&of).expect("the journey was found");
                let channel = (!channel.is_empty()).then_some(channel.as_str());
                reader.funnel(&FunnelQuestion { map, days, bucket, by_channel, channel })
            })
            .await?;
        let rows = funnel.rows.iter().map(|(of, row)| convert::funnel_row(map, of, row)).collect();
        Ok(FunnelResponse { journey: name, rows, freshness: Some(freshness) })
    }

    async fn transitions(&self, request: TransitionsRequest) -> Result<TransitionsResponse, QueryError> {
        let when = (request.as_of.as_ref(), request.known_at.as_ref());
        let asked = Asked::of(&self.projections, &request.tenant, request.min_position, when).await?;
        let definitions = asked.definitions();
        let maps = &definitions.journeys;
        let named = (!request.journey.is_empty()).then(|| journey(maps, &request.journey)).transpose()?;
        let to = match request.to.as_str() {
            "" => None,
            to => Some(stage(named.map_or_else(|| journey(maps, ""), Ok)?, "to", to)?.to_owned()),
        };
        let customer = request.customer.as_ref().map(|customer| customer_name(Some(customer))).transpose()?;
        let (from_time, until_time) =
            moments(("from_time", request.from_time.as_ref()), ("until_time", request.until_time.as_ref()))?;
        let page_size = page_size(request.page_size)?;
        let journey = match (&to, named) {
            // A stage is one of a journey.
            (Some(_), None) => maps.iter().next().map(|map| map.name.clone()),
            (_, named) => named.map(|map| map.name.clone()),
        };
        let listed = Listed { customer: customer.clone(), from_time, until_time };
        let question = TransitionsQuestion { listed, journey, to };
        let page = Page { asked: asked.about(customer.as_ref()), token: &request.page_token };
        let Listing { entries, next_page_token, freshness } =
            page.list(question, move |reader, question, after| reader.transitions(question, after, page_size)).await?;
        let transitions = entries.into_iter().map(convert::transition).collect();
        Ok(TransitionsResponse { transitions, next_page_token, freshness: Some(freshness) })
    }
}

#[tonic::async_trait]
impl JourneyService for Journeys {
    async fn get(&self, request: Request<GetJourneyRequest>) -> Result<Response<GetJourneyResponse>, Status> {
        Ok(Response::new(Self::get(self, request.into_inner()).await?))
    }

    async fn funnel(&self, request: Request<FunnelRequest>) -> Result<Response<FunnelResponse>, Status> {
        Ok(Response::new(Self::funnel(self, request.into_inner()).await?))
    }

    async fn transitions(&self, request: Request<TransitionsRequest>) -> Result<Response<TransitionsResponse>, Status> {
        Ok(Response::new(Self::transitions(self, request.into_inner()).await?))
    }
}
