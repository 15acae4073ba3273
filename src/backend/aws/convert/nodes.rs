//! Multi-node parallel jobs: what a definition says of their nodes, and what a job overrides.

use super::definition::{container, new_container};
use super::job::consumables;
use super::request::{new_consumables, new_overrides};
use super::task::{new_override, new_tasks, tasks};
use super::{NotSent, count, list, signed, some_list, try_list};
use crate::model::{NodeOverrides, NodeProperties, NodePropertyOverride, NodeRangeProperty};
use aws_sdk_batch::types;

pub fn nodes(given: types::NodeProperties) -> NodeProperties {
    let range = |range: types::NodeRangeProperty| NodeRangeProperty {
        target_nodes: range.target_nodes.unwrap_or_default(),
        container: range.container.map(container),
        instance_types: range.instance_types.unwrap_or_default(),
        ecs_properties: range.ecs_properties.map(tasks),
        eks_properties: None,
        consumable_resource_properties: range.consumable_resource_properties.map(consumables),
    };
    NodeProperties {
        num_nodes: count(given.num_nodes).unwrap_or_default(),
        main_node: count(given.main_node).unwrap_or_default(),
        node_range_properties: list(given.node_range_properties, range),
    }
}

pub fn new_nodes(wanted: NodeProperties) -> Result<types::NodeProperties, NotSent> {
    Ok(types::NodeProperties::builder()
        .set_num_nodes(signed(Some(wanted.num_nodes)))
        .set_main_node(signed(Some(wanted.main_node)))
        .set_node_range_properties(Some(try_list(wanted.node_range_properties, new_range)?))
        .build())
}

fn new_range(wanted: NodeRangeProperty) -> Result<types::NodeRangeProperty, NotSent> {
    let at = format!("nodeRangeProperties of `{}`", wanted.target_nodes);
    if wanted.eks_properties.is_some() {
        return Err(NotSent::member(format!("{at}.eksProperties")));
    }
    let single = wanted.container.map(|one| new_container(&format!("{at}.container"), one)).transpose()?;
    let several = wanted.ecs_properties.map(|tasks| new_tasks(&format!("{at}.ecsProperties"), tasks)).transpose()?;
    Ok(types::NodeRangeProperty::builder()
        .target_nodes(wanted.target_nodes)
        .set_container(single)
        .set_ecs_properties(several)
        .set_instance_types(some_list(wanted.instance_types, |kind| kind))
        .set_consumable_resource_properties(wanted.consumable_resource_properties.map(new_consumables))
        .build())
}

pub fn new_node_overrides(wanted: NodeOverrides) -> Result<types::NodeOverrides, NotSent> {
    let ranges = try_list(wanted.node_property_overrides, new_range_override)?;
    Ok(types::NodeOverrides::builder()
        .set_num_nodes(signed(wanted.num_nodes))
        .set_node_property_overrides((!ranges.is_empty()).then_some(ranges))
        .build())
}

fn new_range_override(wanted: NodePropertyOverride) -> Result<types::NodePropertyOverride, NotSent> {
    if wanted.eks_properties_override.is_some() {
        let at = format!("nodePropertyOverrides of `{}`.eksPropertiesOverride", wanted.target_nodes);
        return Err(NotSent::member(at));
    }
    Ok(types::NodePropertyOverride::builder()
        .target_nodes(wanted.target_nodes)
        .set_container_overrides(wanted.container_overrides.map(new_overrides))
        .set_ecs_properties_override(wanted.ecs_properties_override.map(new_override))
        .set_instance_types(some_list(wanted.instance_types, |kind| kind))
        .set_consumable_resource_properties_override(
            wanted.consumable_resource_properties_override.map(new_consumables),
        )
        .build())
}
