//! What a definition's containers must be, alone, in a task of several, and in a multi-node job; and what a job may
//! override of them (AWS Batch API reference, `EcsTaskProperties`, `NodeProperties` and their overrides).

use super::consumables::check_properties;
use super::{refuse, validate};
use crate::engine::command::Refusal;
use crate::engine::container::SizeError;
use crate::engine::event::{Need, NodeCount};
use crate::engine::work::{Node, Overrides, Work};
use crate::model::{
    ContainerOverrides, ContainerProperties, DEFAULT_LOG_GROUP, EcsProperties, EcsPropertiesOverride, JobDefinition,
    LogConfiguration, NodeProperties, NodeRange, RegisterJobDefinitionRequest, SubmitJobRequest,
    TaskContainerProperties, log_key, narrowest,
};
use std::collections::BTreeSet;

const CONTAINERS: usize = 10;
const NODES: u32 = 1_000;
const NODE_GROUPS: usize = 5;
/// Of a file or a directory, in bytes.
const LONGEST_NAME: usize = 255;

impl From<SizeError> for Refusal {
    fn from(error: SizeError) -> Self {
        Self::Client(error.to_string())
    }
}

/// Exactly one kind of properties, as the type asks.
pub fn check_definition(request: &RegisterJobDefinitionRequest) -> Result<(), Refusal> {
    if request.eks_properties.is_some() {
        return refuse(
            "eksProperties is given; the local engine runs no EKS jobs: use containerProperties, ecsProperties or nodeProperties",
        );
    }
    let given = [
        request.container_properties.as_ref().map(|_| "containerProperties"),
        request.ecs_properties.as_ref().map(|_| "ecsProperties"),
        request.node_properties.as_ref().map(|_| "nodeProperties"),
    ];
    let given: Vec<&str> = given.into_iter().flatten().collect();
    let takes = match request.kind.as_str() {
        "container" => "containerProperties or ecsProperties",
        "multinode" => "nodeProperties",
        other => return refuse(format!("type is `{other}`; it takes `container` or `multinode`")),
    };
    let fits = |name: &&str| (*name == "nodeProperties") == (request.kind == "multinode");
    if given.len() != 1 || !given.iter().all(fits) {
        let given =
            if given.is_empty() { "none of them is given".to_owned() } else { format!("given: {}", given.join(", ")) };
        return refuse(format!("a definition of type `{}` takes {takes}, and one alone; {given}", request.kind));
    }
    for capability in &request.platform_capabilities {
        if !["EC2", "FARGATE"].contains(&capability.as_str()) {
            return refuse(format!("platformCapabilities holds `{capability}`; it takes EC2 or FARGATE"));
        }
        if request.kind == "multinode" && capability == "FARGATE" {
            return refuse("platformCapabilities holds FARGATE; multi-node parallel jobs run on EC2 alone");
        }
    }
    match (&request.container_properties, &request.ecs_properties, &request.node_properties) {
        (Some(container), _, _) => check_container("containerProperties", container),
        (None, Some(tasks), _) => check_tasks("ecsProperties", tasks),
        (None, None, Some(nodes)) => check_nodes(nodes),
        (None, None, None) => Ok(()),
    }
}

fn check_container(at: &str, properties: &ContainerProperties) -> Result<(), Refusal> {
    check_image(at, &properties.image)?;
    check_logging(properties.log_configuration.as_ref())?;
    Work::One { properties, overrides: None }.need()?;
    validate::environment(&properties.environment)?;
    validate::command(&properties.command)
}

fn check_image(at: &str, image: &str) -> Result<(), Refusal> {
    let is_image = |letter: char| letter.is_ascii_alphanumeric() || "-_:./#@".contains(letter);
    if !(1..=255).contains(&image.len()) || !image.chars().all(is_image) {
        return refuse(format!(
            "{at}.image is `{image}`; it takes 1 to 255 letters, digits and - _ : . / # @, \
             or `host` for a process on this machine"
        ));
    }
    Ok(())
}

/// AWS finds out when the container starts, and it never does. Here a group is the name of a directory.
fn check_logging(logging: Option<&LogConfiguration>) -> Result<(), Refusal> {
    let Some(logging) = logging else { return Ok(()) };
    if let Some(group) = logging.group() {
        crate::model::validate::log_group("awslogs-group", group)?;
        let directory = log_key(group, "").len() - 1;
        if group != DEFAULT_LOG_GROUP && directory > LONGEST_NAME {
            return refuse(format!(
                "awslogs-group is {} letters long, each `/` counted as three; on this machine it takes {LONGEST_NAME}",
                directory - 1
            ));
        }
    }
    logging.stream_prefix().map_or(Ok(()), |prefix| Ok(crate::model::validate::log_stream_prefix(prefix)?))
}

fn check_tasks(at: &str, properties: &EcsProperties) -> Result<(), Refusal> {
    let [task] = properties.task_properties.as_slice() else {
        let count = properties.task_properties.len();
        return refuse(format!("{at}.taskProperties has {count} elements; it takes exactly one"));
    };
    let containers = &task.containers;
    if !(1..=CONTAINERS).contains(&containers.len()) {
        return refuse(format!("{at} has {} containers; a task takes 1 to {CONTAINERS}", containers.len()));
    }
    let mut names = BTreeSet::new();
    for container in containers {
        let name = &container.name;
        crate::model::validate::resource_name("the name of a container", name)?;
        if !names.insert(name.as_str()) {
            return refuse(format!("{at} has two containers called `{name}`; each takes a name of its own"));
        }
        check_image(at, &container.image)?;
        check_logging(container.log_configuration.as_ref())?;
        validate::environment(&container.environment)?;
        validate::command(&container.command)?;
    }
    if !containers.iter().any(TaskContainerProperties::is_essential) {
        return refuse(format!("{at} has no essential container; the job would never end: make one essential"));
    }
    check_order(at, containers)?;
    Work::Several { task, overrides: &[] }.need()?;
    Ok(())
}

/// Containers depend on others of their task, and not in a circle.
fn check_order(at: &str, containers: &[TaskContainerProperties]) -> Result<(), Refusal> {
    for container in containers {
        for dependency in &container.depends_on {
            let target = &dependency.container_name;
            if *target == container.name || containers.iter().all(|other| other.name != *target) {
                return refuse(format!(
                    "{at}: the container `{}` depends on `{target}`, which is no other container of its task",
                    container.name
                ));
            }
        }
    }
    let mut settled: BTreeSet<&str> = BTreeSet::new();
    loop {
        let free = |container: &&TaskContainerProperties| {
            !settled.contains(container.name.as_str())
                && container.depends_on.iter().all(|other| settled.contains(other.container_name.as_str()))
        };
        let ready: Vec<&str> = containers.iter().filter(free).map(|container| container.name.as_str()).collect();
        if ready.is_empty() {
            break;
        }
        settled.extend(ready);
    }
    match containers.iter().find(|container| !settled.contains(container.name.as_str())) {
        Some(container) => refuse(format!(
            "{at}: the container `{}` waits for itself through its dependsOn; take one dependency out",
            container.name
        )),
        None => Ok(()),
    }
}

fn check_nodes(nodes: &NodeProperties) -> Result<(), Refusal> {
    check_node_count(nodes.num_nodes, nodes.main_node)?;
    let ranges = &nodes.node_range_properties;
    if !(1..=NODE_GROUPS).contains(&ranges.len()) {
        return refuse(format!("nodeRangeProperties has {} entries; it takes 1 to {NODE_GROUPS}", ranges.len()));
    }
    for range in ranges {
        let at = &range.target_nodes;
        let last = nodes.num_nodes - 1;
        let within = |range: NodeRange| range.first <= last && range.last.is_none_or(|end| end <= last);
        if !NodeRange::parse(at).is_some_and(within) {
            return refuse(format!(
                "targetNodes is `{at}`; it takes a range of the nodes 0 to {last}, like `0:{last}` or `0:`"
            ));
        }
        if range.eks_properties.is_some() {
            return refuse(format!("the nodes `{at}` have eksProperties; the local engine runs no EKS jobs"));
        }
        range.consumable_resource_properties.as_ref().map(check_properties).transpose()?;
        match (&range.container, &range.ecs_properties) {
            (Some(container), None) => check_container(&format!("the nodes `{at}`: container"), container)?,
            (None, Some(tasks)) => check_tasks(&format!("the nodes `{at}`: ecsProperties"), tasks)?,
            _ => return refuse(format!("the nodes `{at}` take container or ecsProperties, and one alone")),
        }
    }
    let uncovered = (0..nodes.num_nodes).find(|index| nodes.of_node(*index, nodes.num_nodes).is_none());
    match uncovered {
        Some(index) => refuse(format!("no range of nodeRangeProperties holds node {index}; every node needs one")),
        None => Ok(()),
    }
}

fn check_node_count(count: u32, main: u32) -> Result<(), Refusal> {
    if !(1..=NODES).contains(&count) {
        return refuse(format!("numNodes is `{count}`; it takes 1 to {NODES}"));
    }
    if main >= count {
        return refuse(format!("mainNode is `{main}`, but there are {count} nodes; it takes 0 to {}", count - 1));
    }
    Ok(())
}

/// What a submission overrides must be there to be overridden. Gives the number of nodes of a multi-node job.
pub fn check_overrides(definition: &JobDefinition, request: &SubmitJobRequest) -> Result<Option<NodeCount>, Refusal> {
    let label = definition.label();
    if request.eks_properties_override.is_some() {
        return refuse("eksPropertiesOverride is given; the local engine runs no EKS jobs: leave it out");
    }
    let single = request.container_overrides.as_ref();
    let task = request.ecs_properties_override.as_ref();
    if let Some(nodes) = &definition.node_properties {
        if single.is_some() || task.is_some() {
            return refuse(format!(
                "{label} is a multi-node parallel definition; override its containers with nodeOverrides"
            ));
        }
        return check_node_overrides(nodes, request).map(Some);
    }
    if request.node_overrides.is_some() {
        return refuse(format!(
            "nodeOverrides is given, but {label} is no multi-node parallel definition; leave it out"
        ));
    }
    check_kind(&label, definition.container_properties.is_some(), definition.ecs_properties.as_ref(), single, task)?;
    Ok(None)
}

fn check_kind(
    at: &str,
    is_single: bool,
    tasks: Option<&EcsProperties>,
    single: Option<&ContainerOverrides>,
    task: Option<&EcsPropertiesOverride>,
) -> Result<(), Refusal> {
    if single.is_some() && !is_single {
        return refuse(format!("containerOverrides is given, but {at} has ecsProperties; use ecsPropertiesOverride"));
    }
    if task.is_some() && is_single {
        return refuse(format!("ecsPropertiesOverride is given, but {at} has one container; use containerOverrides"));
    }
    if let Some(overrides) = single {
        validate::environment(&overrides.environment)?;
        validate::command_override(&overrides.command)?;
    }
    let known = tasks.and_then(|tasks| tasks.task_properties.first());
    let given = task.map_or(&[][..], |task| &task.task_properties);
    if given.len() > 1 {
        return refuse(format!("ecsPropertiesOverride.taskProperties has {} elements; it takes one", given.len()));
    }
    for container in given.iter().flat_map(|task| &task.containers) {
        let name = &container.name;
        if !known.is_some_and(|task| task.containers.iter().any(|known| known.name == *name)) {
            return refuse(format!("ecsPropertiesOverride names the container `{name}`, which {at} does not have"));
        }
        validate::environment(&container.environment)?;
        validate::command_override(&container.command)?;
    }
    Ok(())
}

/// Another number of nodes needs a range with an open end that still begins below it.
fn check_node_overrides(nodes: &NodeProperties, request: &SubmitJobRequest) -> Result<NodeCount, Refusal> {
    let overrides = request.node_overrides.clone().unwrap_or_default();
    let count = overrides.num_nodes.unwrap_or(nodes.num_nodes);
    if let Some(count) = overrides.num_nodes {
        check_node_count(count, nodes.main_node)?;
        let ranges = nodes.node_range_properties.iter().filter_map(|range| NodeRange::parse(&range.target_nodes));
        let open: Vec<NodeRange> = ranges.filter(|range| range.last.is_none()).collect();
        if open.is_empty() {
            return refuse(
                "nodeOverrides.numNodes is given, but no range of the definition has an open end, like `1:`",
            );
        }
        if let Some(range) = open.iter().find(|range| range.first >= count) {
            return refuse(format!(
                "nodeOverrides.numNodes is `{count}`; the range `{}:` of the definition asks for more nodes than that",
                range.first
            ));
        }
    }
    for own in &overrides.node_property_overrides {
        let at = &own.target_nodes;
        let Some(range) = NodeRange::parse(at).filter(|range| range.first < count) else {
            return refuse(format!(
                "nodeOverrides: targetNodes is `{at}`; it takes a range of the nodes 0 to {}",
                count - 1
            ));
        };
        if own.eks_properties_override.is_some() {
            return refuse(format!(
                "nodeOverrides: `{at}` has eksPropertiesOverride; the local engine runs no EKS jobs"
            ));
        }
        // Of nested ranges each node has its own: what is overridden must fit all that it is about.
        for index in range.first..=range.last.unwrap_or(count - 1).min(count - 1) {
            let Some(given) = narrowest(&nodes.node_range_properties, |range| &range.target_nodes, index, count) else {
                continue;
            };
            check_kind(
                &format!("node {index}"),
                given.container.is_some(),
                given.ecs_properties.as_ref(),
                own.container_overrides.as_ref(),
                own.ecs_properties_override.as_ref(),
            )?;
        }
    }
    Ok(NodeCount { count, main: nodes.main_node })
}

/// The room that a job asks for: of a multi-node job, what all its nodes ask for together.
pub fn whole_need(
    definition: &JobDefinition,
    overrides: Overrides<'_>,
    nodes: Option<NodeCount>,
) -> Result<Need, Refusal> {
    let missing =
        || Refusal::Client(format!("JobDefinition {} has no container that can be run here", definition.label()));
    let need = |node| Ok::<Need, Refusal>(Work::of(definition, overrides, node).ok_or_else(missing)?.need()?);
    let Some(nodes) = nodes else { return need(None) };
    let mut whole = Need::default();
    for index in 0..nodes.count {
        let one = need(Some(Node { index, count: nodes.count }))?;
        whole.vcpus_milli += one.vcpus_milli;
        whole.memory_mib += one.memory_mib;
        whole.gpus = whole.gpus.saturating_add(one.gpus);
    }
    Ok(whole)
}
