//! What one process hosts: the gateway, the projector with some models or all, and so which services.
//!
//! One process hosts everything, unless it is told otherwise. Several share one log on a NATS server, and may share a data
//! folder: a read model lies in a folder named after its models.

use std::fmt;

use rapport_customer::Model;
use thiserror::Error;

use crate::wire::v1::{
    admin_service_server, customer_service_server, export_service_server, feedback_service_server,
    identity_service_server, ingest_service_server, journey_service_server, replay_service_server,
};

/// What a process does with the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Takes events in.
    Gateway,
    /// Folds them into read models, and answers from these.
    Projector,
}

impl Role {
    pub const ALL: [Self; 2] = [Self::Gateway, Self::Projector];

    pub fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Projector => "projector",
        }
    }
}

/// Our gRPC services; those of gRPC itself, health and reflection, are always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    Ingest,
    Replay,
    Export,
    Admin,
    Identity,
    Customer,
    Journey,
    Feedback,
}

impl Service {
    pub const ALL: [Self; 8] = [
        Self::Ingest,
        Self::Replay,
        Self::Export,
        Self::Admin,
        Self::Identity,
        Self::Customer,
        Self::Journey,
        Self::Feedback,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Ingest => ingest_service_server::SERVICE_NAME,
            Self::Replay => replay_service_server::SERVICE_NAME,
            Self::Export => export_service_server::SERVICE_NAME,
            Self::Admin => admin_service_server::SERVICE_NAME,
            Self::Identity => identity_service_server::SERVICE_NAME,
            Self::Customer => customer_service_server::SERVICE_NAME,
            Self::Journey => journey_service_server::SERVICE_NAME,
            Self::Feedback => feedback_service_server::SERVICE_NAME,
        }
    }

    /// The arguments of a process that hosts it and little else.
    fn hosted_with(self) -> String {
        match self {
            Self::Ingest => "--roles gateway".to_owned(),
            Self::Replay | Self::Export | Self::Admin | Self::Identity => "--roles projector".to_owned(),
            Self::Customer | Self::Journey | Self::Feedback => {
                let model = Model::ALL.into_iter().find(|model| served_by(*model) == Some(self));
                format!("--roles projector --models {}", model.map_or("all", Model::name))
            }
        }
    }
}

/// The service that answers from a model.
fn served_by(model: Model) -> Option<Service> {
    match model {
        Model::Identity => None,
        Model::Profile => Some(Service::Customer),
        Model::Journey => Some(Service::Journey),
        Model::Feedback => Some(Service::Feedback),
    }
}

/// At least one role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosting {
    gateway: bool,
    /// Whose answers are given, in the order of [`Model::ALL`]; none without the projector. Identity is among them only
    /// if it is alone, for it is there anyway.
    models: Vec<Model>,
}

impl Default for Hosting {
    fn default() -> Self {
        Self::new(true, &Model::ALL)
    }
}

impl Hosting {
    /// The gateway or not, and a projector of these models; no projector without any.
    pub fn new(gateway: bool, models: &[Model]) -> Self {
        assert!(gateway || !models.is_empty(), "a process without a role does nothing");
        let alone = models.iter().all(|model| *model == Model::Identity);
        let named = |model: &Model| models.contains(model) && (alone || *model != Model::Identity);
        Self { gateway, models: Model::ALL.into_iter().filter(named).collect() }
    }

    pub fn has(&self, role: Role) -> bool {
        match role {
            Role::Gateway => self.gateway,
            Role::Projector => !self.models.is_empty(),
        }
    }

    /// The models whose answers are given.
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// The models that are folded for that: with all that they build on.
    pub fn folded(&self) -> Vec<Model> {
        match self.models[..] {
            [] => Vec::new(),
            _ => Model::with_all_below(&self.models),
        }
    }

    pub fn hosts(&self, service: Service) -> bool {
        match service {
            Service::Ingest => self.has(Role::Gateway),
            Service::Replay => true,
            // Identity is folded with every model.
            Service::Export | Service::Admin | Service::Identity => self.has(Role::Projector),
            Service::Customer | Service::Journey | Service::Feedback => {
                self.models.iter().any(|model| served_by(*model) == Some(service))
            }
        }
    }

    pub fn services(&self) -> impl Iterator<Item = Service> {
        Service::ALL.into_iter().filter(|service| self.hosts(*service))
    }

    /// The folder of a tenant's read model. Processes with other models have other folders.
    pub fn readmodel_folder(&self) -> String {
        if self.models == Self::default().models {
            return "readmodel".to_owned();
        }
        format!("readmodel-{}", self.names().join("+"))
    }

    fn names(&self) -> Vec<&'static str> {
        self.models.iter().map(|model| model.name()).collect()
    }
}

/// As arguments.
impl fmt::Display for Hosting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roles: Vec<&str> = Role::ALL.into_iter().filter(|role| self.has(*role)).map(Role::name).collect();
        write!(f, "--roles {}", roles.join(","))?;
        if self.has(Role::Projector) {
            write!(f, " --models {}", self.names().join(","))?;
        }
        Ok(())
    }
}

/// A call that this process cannot answer, whatever its request is.
#[derive(Debug, Error)]
pub enum NotHosted {
    #[error(
        "{} is not hosted by this process, which was started with {hosting} and hosts {}; \
         one with {} hosts it", .service.name(), listed(.hosting), .service.hosted_with()
    )]
    Service { service: Service, hosting: Hosting },
    #[error("{called:?} is no service of Rapport; this process hosts {}", listed(.hosting))]
    NoService { called: String, hosting: Hosting },
    #[error("{service} has no method {called:?}; it has {}", .methods.join(", "))]
    NoMethod { service: String, called: String, methods: Vec<String> },
    #[error(
        "customer: the replay of one customer needs a read model, and this process has none: it was started with \
         {hosting}. One with --roles projector has it"
    )]
    NoReadModel { hosting: Hosting },
}

fn listed(hosting: &Hosting) -> String {
    hosting.services().map(Service::name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_hosted_unless_said_otherwise() {
        let all = Hosting::default();
        assert!(Service::ALL.into_iter().all(|service| all.hosts(service)));
        assert_eq!((all.folded().as_slice(), all.readmodel_folder().as_str()), (&Model::ALL[..], "readmodel"));
        assert_eq!(Hosting::new(true, &all.models), all, "identity is there without being named");
    }

    #[test]
    fn what_a_model_builds_on_is_folded_and_answers_nothing() {
        for model in Model::ALL {
            let hosting = Hosting::new(false, &[model]);
            assert!(hosting.folded().contains(&Model::Identity) && hosting.folded().contains(&model));
            assert_eq!(hosting.models(), [model]);
            assert_eq!(hosting.to_string(), format!("--roles projector --models {}", model.name()));
        }
    }

    #[test]
    fn each_set_of_models_has_a_folder_of_its_own() {
        assert_eq!(Hosting::new(false, &[Model::Identity]).readmodel_folder(), "readmodel-identity");
        let mut folders: Vec<String> =
            Model::ALL.into_iter().map(|model| Hosting::new(true, &[model]).readmodel_folder()).collect();
        folders.sort();
        folders.dedup();
        assert_eq!(folders.len(), Model::ALL.len());
    }

    #[test]
    fn every_service_of_the_contract_is_known() {
        let pool = prost_reflect::DescriptorPool::decode(crate::wire::DESCRIPTORS).unwrap();
        let described: Vec<String> = pool.services().map(|service| service.full_name().to_owned()).collect();
        assert_eq!(described.len(), Service::ALL.len(), "{described:?}");
        for service in Service::ALL {
            assert!(described.iter().any(|name| name == service.name()), "{}", service.name());
        }
    }

    #[test]
    fn what_hosts_a_service_hosts_it() {
        for service in Service::ALL {
            let with = service.hosted_with();
            let hosting = match with.split_once(" --models ") {
                Some((_, name)) => {
                    Hosting::new(false, &[Model::ALL.into_iter().find(|model| model.name() == name).unwrap()])
                }
                None => {
                    Hosting::new(with.ends_with("gateway"), if with.ends_with("gateway") { &[] } else { &Model::ALL })
                }
            };
            assert!(hosting.hosts(service), "{with} does not host {}", service.name());
        }
    }
}
