//! Multi-node parallel jobs, in AWS Batch's shapes.

use super::ecs::{EcsProperties, EcsPropertiesOverride};
use super::{ConsumableResourceProperties, ContainerOverrides, ContainerProperties};
use serde::{Deserialize, Serialize};

/// `NodeProperties` of a definition, and of a job as `DescribeJobs` shows it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeProperties {
    pub num_nodes: u32,
    /// The index of the node that starts first, and whose end is the job's.
    pub main_node: u32,
    pub node_range_properties: Vec<NodeRangeProperty>,
}

/// `NodeRangeProperty`: what the nodes of a range run; of nested ranges the narrower holds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeRangeProperty {
    /// `0:3`, `:3`, `4:`; see [`NodeRange`].
    pub target_nodes: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<ContainerProperties>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub instance_types: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ecs_properties: Option<EcsProperties>,
    /// Refused by the local engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eks_properties: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumable_resource_properties: Option<ConsumableResourceProperties>,
}

/// `NodeOverrides` of `SubmitJob`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeOverrides {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_nodes: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub node_property_overrides: Vec<NodePropertyOverride>,
}

/// `NodePropertyOverride`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodePropertyOverride {
    pub target_nodes: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_overrides: Option<ContainerOverrides>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ecs_properties_override: Option<EcsPropertiesOverride>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub instance_types: Vec<String>,
    /// Refused by the local engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eks_properties_override: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumable_resource_properties_override: Option<ConsumableResourceProperties>,
}

/// `NodePropertiesSummary`: of the whole job `num_nodes`, of a node its index and whether it is the main one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodePropertiesSummary {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_main_node: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_nodes: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_index: Option<u32>,
}

/// `NodeDetails` of one node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeDetails {
    pub node_index: u32,
    pub is_main_node: bool,
}

/// Nodes by their indexes, both ends inclusive. `0:3`; `:3` begins at 0, `4:` and `:` have no end, `2` is node 2 alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeRange {
    pub first: u32,
    /// `None`: to the last node, however many there are.
    pub last: Option<u32>,
}

impl NodeRange {
    /// `None` where the text is no range.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| text.parse::<u32>().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
        let (first, last) = match text.split_once(':') {
            Some((first, last)) => {
                let end = |text: &str| if text.is_empty() { Some(None) } else { number(text).map(Some) };
                (end(first)?.unwrap_or(0), end(last)?)
            }
            None => (number(text)?, Some(number(text)?)),
        };
        last.is_none_or(|last| first <= last).then_some(Self { first, last })
    }

    pub fn contains(self, index: u32) -> bool {
        self.first <= index && self.last.is_none_or(|last| index <= last)
    }

    /// How many nodes of a job of `count` it holds, when it is compared with another.
    fn width(self, count: u32) -> u32 {
        self.last.unwrap_or(count.saturating_sub(1)).saturating_sub(self.first)
    }
}

/// Of the ranges that hold a node the narrowest; of equal ones the last.
pub fn narrowest<T>(items: &[T], range: impl Fn(&T) -> &str, index: u32, count: u32) -> Option<&T> {
    let holding = items.iter().rev().filter_map(|item| Some((NodeRange::parse(range(item))?, item)));
    holding.filter(|(range, _)| range.contains(index)).min_by_key(|(range, _)| range.width(count)).map(|(_, item)| item)
}

impl NodeProperties {
    /// What a node of a job of `count` nodes runs.
    pub fn of_node(&self, index: u32, count: u32) -> Option<&NodeRangeProperty> {
        narrowest(&self.node_range_properties, |range| &range.target_nodes, index, count)
    }
}

impl NodeOverrides {
    /// What a job overrides for a node of a job of `count` nodes.
    pub fn of_node(&self, index: u32, count: u32) -> Option<&NodePropertyOverride> {
        narrowest(&self.node_property_overrides, |range| &range.target_nodes, index, count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_with_open_ends_and_nothing_else() {
        let range = |first, last| Some(NodeRange { first, last });
        let cases = [
            ("0:3", range(0, Some(3))),
            (":3", range(0, Some(3))),
            ("4:", range(4, None)),
            ("2", range(2, Some(2))),
            ("0:0", range(0, Some(0))),
            ("3:2", None),
            (":", range(0, None)),
            ("", None),
            ("a:b", None),
            ("+1:2", None),
            ("1:2:3", None),
        ];
        for (text, expected) in cases {
            assert_eq!(NodeRange::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn of_nested_ranges_the_narrower_holds() {
        let range = |target: &str| NodeRangeProperty { target_nodes: target.into(), ..NodeRangeProperty::default() };
        let properties = NodeProperties {
            num_nodes: 8,
            main_node: 0,
            node_range_properties: vec![range("4:5"), range("0:"), range("0")],
        };
        let found = |index| properties.of_node(index, 8).map(|range| range.target_nodes.as_str());
        assert_eq!([0, 1, 4, 5, 6].map(found), [Some("0"), Some("0:"), Some("4:5"), Some("4:5"), Some("0:")]);
    }
}
