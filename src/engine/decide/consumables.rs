//! Consumable resources: create, update, delete; and what a job takes of them.

use super::{Ruling, refuse, validate};
use crate::engine::Engine;
use crate::engine::command::{Answer, Refusal};
use crate::engine::event::{Event, NodeCount};
use crate::engine::state::Consumable;
use crate::model::validate::{client_token, resource_name};
use crate::model::{
    ConsumableKind, ConsumableResourceProperties, CreateConsumableResourceRequest, JobDefinition, Millis,
    SubmitJobRequest, UpdateConsumableResourceRequest, UpdateConsumableResourceResponse,
};
use std::collections::BTreeMap;

/// Quantities by the names of their resources.
type Amounts = BTreeMap<String, u64>;

impl Engine {
    pub(super) fn create_consumable(
        &self,
        request: &CreateConsumableResourceRequest,
        now: Millis,
    ) -> Result<Ruling, Refusal> {
        let name = &request.consumable_resource_name;
        resource_name("consumableResourceName", name)?;
        if self.core.consumables.contains_key(name) {
            return refuse(format!("Object already exists: the consumable resource {name}"));
        }
        let total = quantity("totalQuantity", request.total_quantity.unwrap_or(0))?;
        let kind = match request.resource_type.as_deref() {
            None | Some("REPLENISHABLE") => ConsumableKind::Replenishable,
            Some("NON_REPLENISHABLE") => ConsumableKind::NonReplenishable,
            Some(other) => {
                return refuse(format!("resourceType is `{other}`; it takes REPLENISHABLE or NON_REPLENISHABLE"));
            }
        };
        validate::tags(&request.tags)?;
        let tags = request.tags.clone();
        let created = Event::ConsumableCreated { at: now, name: name.clone(), total, kind, tags };
        let arn = self.core.settings.place.batch_arn("consumable-resource", name);
        let outcome = format!("created, {} of {total}", kind.as_str());
        Ok(Ruling::done("CreateConsumableResource", name, outcome, vec![created])
            .answering(Answer::Created { arn, name: name.clone() }))
    }

    pub(super) fn update_consumable(
        &self,
        request: &UpdateConsumableResourceRequest,
        now: Millis,
    ) -> Result<Ruling, Refusal> {
        let (name, consumable) = self.find_consumable(&request.consumable_resource)?;
        let token = request.client_token.as_deref();
        token.map(client_token).transpose()?;
        let (Some(operation), Some(given)) = (request.operation.as_deref(), request.quantity) else {
            let missing = if request.operation.is_none() { "operation" } else { "quantity" };
            return refuse(format!(
                "{missing} is missing; an update takes operation SET, ADD or REMOVE and a quantity"
            ));
        };
        let given = quantity("quantity", given)?;
        let was = consumable.total;
        let total = match operation {
            "SET" => Some(given),
            "ADD" => was.checked_add(given).filter(|total| i64::try_from(*total).is_ok()),
            "REMOVE" => was.checked_sub(given),
            other => return refuse(format!("operation is `{other}`; it takes SET, ADD or REMOVE")),
        };
        let answer = |total_quantity| {
            Answer::Consumable(UpdateConsumableResourceResponse {
                consumable_resource_name: name.to_owned(),
                consumable_resource_arn: self.core.settings.place.batch_arn("consumable-resource", name),
                total_quantity,
            })
        };
        if token.is_some_and(|token| consumable.knows(token, now)) {
            let outcome = format!("the same request came before; its total stays {was}");
            return Ok(Ruling::done("UpdateConsumableResource", name, outcome, vec![]).answering(answer(was)));
        }
        let Some(total) = total else {
            return refuse(format!(
                "quantity is `{given}`; {operation} would take the total of {name} from {was} out of 0 to {}",
                i64::MAX
            ));
        };
        let updated =
            Event::ConsumableUpdated { at: now, name: name.to_owned(), total, token: token.map(ToOwned::to_owned) };
        let outcome = format!("{was} -> {total}");
        Ok(Ruling::done("UpdateConsumableResource", name, outcome, vec![updated]).answering(answer(total)))
    }

    pub(super) fn delete_consumable(&self, name_or_arn: &str, now: Millis) -> Result<Ruling, Refusal> {
        let (name, _) = self.find_consumable(name_or_arn)?;
        let deleted = Event::ConsumableDeleted { at: now, name: name.to_owned() };
        Ok(Ruling::done("DeleteConsumableResource", name, "deleted", vec![deleted]))
    }

    pub(in crate::engine) fn find_consumable(&self, name_or_arn: &str) -> Result<(&str, &Consumable), Refusal> {
        let name = self.core.settings.place.local_name("consumable-resource", name_or_arn);
        match name.and_then(|name| self.core.consumables.get_key_value(name)) {
            Some((name, consumable)) => Ok((name, consumable)),
            None => refuse(format!("ConsumableResource {name_or_arn} not found.")),
        }
    }

    /// What a job takes, its definition's with those of the submission in place of the same; and what of it its nodes take,
    /// each what its range says ("the quantity of that resource each instance of the job requires").
    pub(super) fn resolve_consumables(
        &self,
        definition: &JobDefinition,
        request: &SubmitJobRequest,
        nodes: Option<NodeCount>,
    ) -> Result<(Amounts, Amounts), Refusal> {
        let overrides = request.consumable_resource_properties_override.as_ref();
        let mut all = self.taken(definition.consumable_resource_properties.iter().chain(overrides))?;
        let mut of_nodes = Amounts::new();
        let count = nodes.map_or(0, |nodes| nodes.count);
        for index in 0..count {
            let range = definition.node_properties.as_ref().and_then(|nodes| nodes.of_node(index, count));
            let range = range.and_then(|range| range.consumable_resource_properties.as_ref());
            let own = request.node_overrides.as_ref().and_then(|nodes| nodes.of_node(index, count));
            let own = own.and_then(|own| own.consumable_resource_properties_override.as_ref());
            add(&mut of_nodes, self.taken(range.into_iter().chain(own))?);
        }
        add(&mut all, of_nodes.clone());
        Ok((all, of_nodes))
    }

    /// The amounts that lists name together; of a resource that several name, the last one's.
    fn taken<'a>(&self, lists: impl Iterator<Item = &'a ConsumableResourceProperties>) -> Result<Amounts, Refusal> {
        let mut amounts = Amounts::new();
        for properties in lists {
            check_properties(properties)?;
            for requirement in &properties.consumable_resource_list {
                let (name, _) = self.find_consumable(&requirement.consumable_resource)?;
                amounts.insert(name.to_owned(), quantity("consumableResourceList.quantity", requirement.quantity)?);
            }
        }
        amounts.retain(|_, quantity| *quantity > 0);
        Ok(amounts)
    }
}

fn add(sum: &mut Amounts, amounts: Amounts) {
    for (name, quantity) in amounts {
        let whole = sum.entry(name).or_default();
        *whole = whole.saturating_add(quantity);
    }
}

/// What can be wrong in itself; whether the resources are there is looked at when a job is submitted.
pub(super) fn check_properties(properties: &ConsumableResourceProperties) -> Result<(), Refusal> {
    let list = &properties.consumable_resource_list;
    for (index, requirement) in list.iter().enumerate() {
        let name = &requirement.consumable_resource;
        if name.is_empty() {
            return refuse("consumableResourceList.consumableResource is missing; it takes a name or an ARN");
        }
        quantity("consumableResourceList.quantity", requirement.quantity)?;
        if list[..index].iter().any(|other| other.consumable_resource == *name) {
            return refuse(format!("consumableResourceList names {name} twice"));
        }
    }
    Ok(())
}

fn quantity(field: &str, given: i64) -> Result<u64, Refusal> {
    u64::try_from(given).or_else(|_| refuse(format!("{field} is `{given}`; it takes 0 or more")))
}
