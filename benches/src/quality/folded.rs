//! Who the read model takes them for: the real fold under some rules, and the customer of each event.

use std::sync::Arc;

use rapport_customer::identity::{Role, Rules, Usable};
use rapport_customer::{Definitions as OfTenant, Model};
use rapport_readmodel::{CustomerName, Definitions, Filter, Incoming, Origin, ReadModel, Reader};
use rapport_touchpoint::{Catalogue, Identifier, Place, Timestamp, receive};

use super::life::Touch;
use super::told;
use crate::Result;

const BATCH: usize = 2_000;
const PAGE: usize = 1_000;

pub struct Folded {
    /// By the place of the touch; `None` for what is nobody's.
    pub customers: Vec<Option<u32>>,
    /// Does the event say a person identifier that counts?
    pub names_person: Vec<bool>,
}

pub fn fold(touches: &[Touch], arrival: &[usize], rules: Rules) -> Result<Folded> {
    let definitions = Arc::new(definitions(rules));
    let origin = Origin { tenant: "quality".to_owned(), epoch: "quality".to_owned(), key: [7; 32] };
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("model.db");
    let mut model = ReadModel::open(&path, origin.clone(), definitions.clone())?;
    let mut position = 0;
    for places in arrival.chunks(BATCH) {
        let mut batch = Vec::with_capacity(places.len());
        for place in places {
            position += 1;
            let received = receive(told::event(*place, &touches[*place]), Timestamp::MAX, &definitions.catalogue)
                .map_err(|broken| format!("a touchpoint was made up that is not valid: {broken:?}"))?;
            batch.push(Incoming::decode(position, Timestamp::MAX, Place::Touchpoints, received.json(), &definitions));
        }
        let (count, applied) = (batch.len() as u64, model.apply(batch)?);
        if applied.fresh != count {
            return Err(format!("of {count} touchpoints {} counted", applied.fresh).into());
        }
    }
    let reader = Reader::open(&path, origin, definitions.clone())?;
    let customers = customers(&reader, touches.len())?;
    let names_person = touches.iter().map(|touch| names_person(touch, &definitions)).collect();
    Ok(Folded { customers, names_person })
}

fn definitions(rules: Rules) -> Definitions {
    let catalogue = Arc::new(Catalogue::built_in());
    let OfTenant { zone, journeys, .. } = OfTenant::standard(&catalogue);
    Definitions { rules, zone, journeys, catalogue, models: vec![Model::Identity] }
}

/// Asks for every customer, and then for its history.
fn customers(reader: &Reader, touches: usize) -> Result<Vec<Option<u32>>> {
    let mut of_event = vec![None; touches];
    let (mut number, mut after) = (0, None);
    loop {
        let page = reader.find(&Filter::default(), after, PAGE)?.content;
        for customer in page.customers {
            let name = CustomerName::Id(customer.id);
            let mut last = None;
            while let Some(entries) =
                reader.history(&name, last.as_ref(), PAGE)?.content.filter(|page| !page.is_empty())
            {
                for entry in &entries {
                    let place: usize = entry.touchpoint.order.id.parse()?;
                    if of_event[place].replace(number).is_some() {
                        return Err(format!("event {place} is two customers'").into());
                    }
                }
                last = entries.last().map(|entry| entry.key.clone());
            }
            number += 1;
        }
        after = page.next;
        if after.is_none() {
            return Ok(of_event);
        }
    }
}

fn names_person(touch: &Touch, definitions: &Definitions) -> bool {
    touch.identifiers.iter().any(|(namespace, value)| {
        let identifier = Identifier { namespace: (*namespace).to_owned(), value: value.clone() };
        Usable::of(&identifier, &definitions.rules)
            .is_some_and(|usable| usable.role(&definitions.rules) == Role::Person)
    })
}
