//! The services that this process hosts, started, with word of each for the health service.

use std::convert::Infallible;

use axum::response::IntoResponse;
use rapport_customer::Model;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic_health::server::HealthReporter;

use super::{ServeError, described};
use crate::config::Config;
use crate::gateway::{Gateway, MAX_REQUEST_BYTES};
use crate::hosting::Role;
use crate::query::{Admin, Customers, Exports, Feedbacks, Identities, Journeys, Projections};
use crate::replay::Replays;
use crate::tenants::Tenants;
use crate::wire::v1::admin_service_server::AdminServiceServer;
use crate::wire::v1::customer_service_server::CustomerServiceServer;
use crate::wire::v1::export_service_server::ExportServiceServer;
use crate::wire::v1::feedback_service_server::FeedbackServiceServer;
use crate::wire::v1::identity_service_server::IdentityServiceServer;
use crate::wire::v1::ingest_service_server::IngestServiceServer;
use crate::wire::v1::journey_service_server::JourneyServiceServer;
use crate::wire::v1::replay_service_server::ReplayServiceServer;

pub(super) struct Services {
    pub routes: Routes,
    /// If this process has that role.
    pub gateway: Option<Gateway>,
    pub projections: Option<Projections>,
}

pub(super) async fn start(
    config: &Config,
    tenants: &Tenants,
    stopping: &CancellationToken,
) -> Result<Services, ServeError> {
    let hosting = &config.hosting;
    let (health, health_service) = tonic_health::server::health_reporter();
    let routes = Routes::new(health_service)
        .add_service(described::reflection(hosting).build_v1()?)
        // Python's client asks in the old way only.
        .add_service(described::reflection(hosting).build_v1alpha()?);
    let mut hosted = Hosted { routes, health };

    let gateway = hosting
        .has(Role::Gateway)
        .then(|| Gateway::new(tenants.clone(), &config.limits, config.clock.clone(), stopping.clone()));
    if let Some(gateway) = &gateway {
        let ingest = IngestServiceServer::new(gateway.clone());
        hosted.add(ingest.max_decoding_message_size(MAX_REQUEST_BYTES)).await;
    }
    let projections = match hosting.has(Role::Projector) {
        true => Some(Projections::start(config, tenants, stopping).await?),
        false => None,
    };
    let replays = Replays::new(tenants.clone(), projections.clone(), hosting.clone(), stopping.clone());
    hosted.add(ReplayServiceServer::new(replays)).await;
    if let Some(projections) = &projections {
        hosted.add(AdminServiceServer::new(Admin::new(projections.clone()))).await;
        let exports = Exports::new(projections.clone(), stopping.clone());
        hosted.add(ExportServiceServer::new(exports)).await;
        hosted.add(IdentityServiceServer::new(Identities::new(projections.clone()))).await;
        for model in hosting.models() {
            match model {
                Model::Identity => {}
                Model::Profile => {
                    let customers = Customers::new(projections.clone(), stopping.clone());
                    hosted.add(CustomerServiceServer::new(customers)).await;
                }
                Model::Journey => hosted.add(JourneyServiceServer::new(Journeys::new(projections.clone()))).await,
                Model::Feedback => hosted.add(FeedbackServiceServer::new(Feedbacks::new(projections.clone()))).await,
            }
        }
    }
    Ok(Services { routes: hosted.routes, gateway, projections })
}

struct Hosted {
    routes: Routes,
    health: HealthReporter,
}

impl Hosted {
    async fn add<S>(&mut self, service: S)
    where
        S: Service<http::Request<Body>, Error = Infallible> + NamedService + Clone + Send + Sync + 'static,
        S::Response: IntoResponse,
        S::Future: Send + 'static,
    {
        self.health.set_serving::<S>().await;
        self.routes = std::mem::take(&mut self.routes).add_service(service);
    }
}
