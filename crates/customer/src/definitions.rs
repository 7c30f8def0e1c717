//! What is the company's to decide: its days and its journeys.

use std::sync::Arc;

use crate::{JourneyMaps, Zone};

#[derive(Debug, Clone)]
pub struct Definitions {
    pub zone: Zone,
    pub journeys: Arc<JourneyMaps>,
}
