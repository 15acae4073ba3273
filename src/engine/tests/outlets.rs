//! Where what jobs print goes.

use super::tasks::two_containers;
use super::world::{World, definition, job, tried};
use crate::engine::command::Action;
use crate::model::{
    ContainerProperties, LogConfiguration, NodeProperties, NodeRangeProperty, RegisterJobDefinitionRequest,
    SubmitJobRequest,
};

fn logging(driver: &str, options: &[(&str, &str)]) -> LogConfiguration {
    let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    LogConfiguration { log_driver: driver.to_owned(), options, ..LogConfiguration::default() }
}

fn logged(name: &str, logging: LogConfiguration) -> RegisterJobDefinitionRequest {
    let mut request = definition(name, "1", "64");
    request.container_properties.as_mut().expect("one").log_configuration = Some(logging);
    request
}

#[test]
fn a_stream_and_its_group_are_those_of_the_log_configuration() {
    let long = "d".repeat(128);
    let cases = [
        (logging("awslogs", &[]), "/aws/batch/job", format!("{long}/default/")),
        (logging("awslogs", &[("awslogs-group", "/own/group")]), "/own/group", format!("{long}/default/")),
        (logging("awslogs", &[("awslogs-stream-prefix", "night/7")]), "/aws/batch/job", "night/7/default/".to_owned()),
        (
            logging("awslogs", &[("awslogs-group", "own"), ("awslogs-stream-prefix", "p")]),
            "own",
            "p/default/".to_owned(),
        ),
        (
            logging("splunk", &[("awslogs-group", "own"), ("awslogs-stream-prefix", "p")]),
            "/aws/batch/job",
            format!("{long}/default/"),
        ),
    ];
    for (given, group, prefix) in cases {
        let mut world = World::small(1);
        let told = format!("{given:?}");
        world.ask(Action::RegisterJobDefinition(Box::new(logged(&long, given)))).expect("registered");
        let id = world.submit(SubmitJobRequest { job_definition: long.clone(), ..tried("a", 2) });
        world.run(&id, 1);
        world.register_all();
        let second = world.live(&id);
        world.started(&second);
        let stream = |task: &str| format!("{prefix}{task}");
        let mut tasks: Vec<String> = world.starts.values().map(|start| start.task_id.clone()).collect();
        assert_eq!(tasks.len(), 2, "{told}");
        let last = world.starts[&second].task_id.clone();
        let detail = world.job(&id);
        assert_eq!(detail.container.as_ref().and_then(|one| one.log_stream_name.clone()), Some(stream(&last)));
        assert_eq!(detail.logs().len(), 2, "each attempt has its own, {told}");
        let extra = detail.extra.expect("ours");
        assert_eq!(extra.log_group_name.as_deref().unwrap_or("/aws/batch/job"), group, "{told}");
        assert_eq!(extra.log_stream_name, Some(stream(&last)), "{told}");
        let key = |task: &String| crate::model::log_key(group, &stream(task));
        assert_eq!(world.starts[&second].containers[0].log_stream, key(&last), "{told}");
        let mut expected: Vec<String> = tasks.drain(..).map(|task| key(&task)).collect();
        let mut forgotten = world.engine.log_streams(std::slice::from_ref(&id));
        expected.sort();
        forgotten.sort();
        assert_eq!(forgotten, expected, "what is forgotten is what was written, {told}");
    }
}

#[test]
fn each_container_and_each_node_writes_where_its_own_configuration_says() {
    let mut world = World::small(4);
    let mut pair = two_containers();
    let task = &mut pair.ecs_properties.as_mut().expect("a task").task_properties[0];
    task.containers[0].log_configuration = Some(logging("awslogs", &[("awslogs-group", "/main")]));
    world.ask(Action::RegisterJobDefinition(Box::new(pair))).expect("registered");
    let id = world.submit(SubmitJobRequest { job_definition: "pair".into(), ..job("a") });
    world.register_all();
    let start = &world.starts[&world.live(&id)];
    let streams: Vec<&str> = start.containers.iter().map(|one| one.log_stream.as_str()).collect();
    let expected = [format!("+%2Fmain/pair/main/{}", start.task_id), format!("pair/setup/{}", start.task_id)];
    assert_eq!(streams, expected);
    let container = ContainerProperties {
        log_configuration: Some(logging("awslogs", &[("awslogs-group", "/nodes")])),
        ..definition("nodes", "1", "64").container_properties.expect("one")
    };
    let range =
        NodeRangeProperty { target_nodes: "0:".into(), container: Some(container), ..NodeRangeProperty::default() };
    let nodes = RegisterJobDefinitionRequest {
        job_definition_name: "nodes".into(),
        kind: "multinode".into(),
        node_properties: Some(NodeProperties { num_nodes: 2, main_node: 0, node_range_properties: vec![range] }),
        ..RegisterJobDefinitionRequest::default()
    };
    world.ask(Action::RegisterJobDefinition(Box::new(nodes))).expect("registered");
    assert_eq!(world.engine.log_groups(), ["/main", "/nodes"], "they are there before anything is written");
}

#[test]
fn what_cannot_be_the_name_of_a_group_or_of_streams_is_refused() {
    let cases = [
        ("awslogs-group", "a b", "awslogs-group is `a b`; it takes 1 to 512 letters"),
        ("awslogs-group", &"/".repeat(100), "awslogs-group is 300 letters long"),
        ("awslogs-stream-prefix", "../../etc", "awslogs-stream-prefix is `../../etc`; it takes"),
        ("awslogs-stream-prefix", "a:b", "awslogs-stream-prefix is `a:b`"),
        ("awslogs-stream-prefix", "@eu-west-1", "not beginning with `@`"),
        ("awslogs-stream-prefix", "a//b", "in parts divided by single `/`"),
    ];
    let mut world = World::small(1);
    for (option, value, expected) in cases {
        let request = logged("bad", logging("awslogs", &[(option, value)]));
        let refusal = world.ask(Action::RegisterJobDefinition(Box::new(request))).expect_err(value).to_string();
        assert!(refusal.contains(expected), "{refusal}");
        let other = logged("good", logging("splunk", &[(option, value)]));
        world.ask(Action::RegisterJobDefinition(Box::new(other))).expect("another driver's options are its own");
    }
}
