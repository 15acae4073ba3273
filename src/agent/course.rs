//! The course of a task, pure: which of its containers may start, which have to stop, and when it is over.
//!
//! The rules are those of ECS (API reference, `ContainerDependency` and `ContainerDefinition.essential`): a container
//! starts once all that it depends on is as it wants it; the first essential container that ends stops the others; and
//! one that others depend on is stopped after them.

use crate::model::{ContainerCondition, TaskContainer};

#[derive(Debug)]
pub(super) struct Course<'a> {
    containers: &'a [TaskContainer],
    states: Vec<State>,
    stopping: bool,
    /// The essential container that ended first.
    decisive: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent fact of a container")]
struct State {
    stage: Stage,
    started: bool,
    healthy: bool,
    /// It was told to stop.
    told: bool,
    /// It has not come in time to where others wait for it.
    late: bool,
    /// It has no health check to pass.
    unchecked: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    #[default]
    Waiting,
    Launched,
    Over(Option<i32>),
}

/// What is to be done with the container of this number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Launch(usize),
    Stop(usize),
    /// It will never be started, for this reason; without one it is not needed any more.
    GiveUp(usize, Option<String>),
}

/// Whether what a container depends on is as it must be.
enum Met {
    Yes,
    NotYet,
    Never(String),
}

impl<'a> Course<'a> {
    pub(super) fn of(containers: &'a [TaskContainer]) -> Self {
        Self { containers, states: vec![State::default(); containers.len()], stopping: false, decisive: None }
    }

    pub(super) fn started(&mut self, number: usize) {
        self.states[number].started = true;
    }

    pub(super) fn healthy(&mut self, number: usize) {
        self.states[number].healthy = true;
    }

    pub(super) fn unchecked(&mut self, number: usize) {
        self.states[number].unchecked = true;
    }

    /// Its start timeout is over.
    pub(super) fn late(&mut self, number: usize) {
        self.states[number].late = true;
    }

    pub(super) fn ended(&mut self, number: usize, code: Option<i32>) {
        self.states[number].stage = Stage::Over(code);
        if self.containers[number].essential && self.decisive.is_none() {
            self.decisive = Some(number);
            self.stopping = true;
        }
    }

    pub(super) fn stop(&mut self) {
        self.stopping = true;
    }

    pub(super) fn is_over(&self) -> bool {
        self.states.iter().all(|state| matches!(state.stage, Stage::Over(_)))
    }

    /// The container whose exit is the task's.
    pub(super) fn decisive(&self) -> usize {
        self.decisive.unwrap_or(0)
    }

    /// What is to be done now; each step is given once.
    pub(super) fn next(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        // Whatever is given up may decide about others.
        while self.round(&mut steps) {}
        steps
    }

    fn round(&mut self, steps: &mut Vec<Step>) -> bool {
        for number in 0..self.containers.len() {
            match self.states[number].stage {
                Stage::Waiting => {
                    let given_up = match self.may_start(number) {
                        _ if self.stopping => None,
                        Met::NotYet => continue,
                        Met::Yes => {
                            self.states[number].stage = Stage::Launched;
                            steps.push(Step::Launch(number));
                            continue;
                        }
                        Met::Never(why) => Some(why),
                    };
                    // What is not needed any more decides nothing.
                    if given_up.is_some() {
                        self.ended(number, None);
                    } else {
                        self.states[number].stage = Stage::Over(None);
                    }
                    steps.push(Step::GiveUp(number, given_up));
                    return true;
                }
                Stage::Launched if self.stopping && !self.states[number].told && self.may_stop(number) => {
                    self.states[number].told = true;
                    steps.push(Step::Stop(number));
                }
                Stage::Launched | Stage::Over(_) => {}
            }
        }
        false
    }

    fn may_start(&self, number: usize) -> Met {
        let mut all = Met::Yes;
        for dependency in &self.containers[number].depends_on {
            let name = &dependency.container_name;
            let Some(other) = self.containers.iter().position(|container| container.name == *name) else {
                return Met::Never(format!("it depends on the container `{name}`, which its task does not have"));
            };
            match met(dependency.condition, self.states[other], name) {
                Met::Yes => {}
                Met::NotYet if self.states[other].late => {
                    let seconds = self.containers[other].start_timeout.unwrap_or_default();
                    let condition = condition_name(dependency.condition);
                    return Met::Never(format!(
                        "the container `{name}` it depends on was not {condition} within {seconds} s"
                    ));
                }
                Met::NotYet => all = Met::NotYet,
                never @ Met::Never(_) => return never,
            }
        }
        all
    }

    /// Those that need it to run have ended.
    fn may_stop(&self, number: usize) -> bool {
        let name = &self.containers[number].name;
        let needs = |condition| matches!(condition, ContainerCondition::Start | ContainerCondition::Healthy);
        self.containers.iter().zip(&self.states).all(|(container, state)| {
            state.stage != Stage::Launched
                || !container.depends_on.iter().any(|on| on.container_name == *name && needs(on.condition))
        })
    }
}

fn met(condition: ContainerCondition, other: State, name: &str) -> Met {
    let exit = match other.stage {
        Stage::Over(Some(code)) => format!("exited with {code}"),
        _ => "was never started".to_owned(),
    };
    let over = matches!(other.stage, Stage::Over(_));
    let never = || Met::Never(format!("the container `{name}` it depends on {exit}"));
    match condition {
        ContainerCondition::Start if other.started => Met::Yes,
        ContainerCondition::Complete if over && other.started => Met::Yes,
        ContainerCondition::Success if other.stage == Stage::Over(Some(0)) => Met::Yes,
        ContainerCondition::Healthy if other.healthy => Met::Yes,
        ContainerCondition::Healthy if other.unchecked => {
            Met::Never(format!("the image of the container `{name}` it depends on has no health check"))
        }
        _ if over => never(),
        _ => Met::NotYet,
    }
}

fn condition_name(condition: ContainerCondition) -> &'static str {
    match condition {
        ContainerCondition::Start => "started",
        ContainerCondition::Complete => "complete",
        ContainerCondition::Success => "successful",
        ContainerCondition::Healthy => "healthy",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TaskContainerDependency;

    /// `name` or `name!` (essential), then `on:CONDITION` for each dependency.
    fn task(lines: &[&str]) -> Vec<TaskContainer> {
        let container = |line: &&str| {
            let mut words = line.split(' ');
            let name = words.next().expect("a name");
            let depends_on = words.map(|word| {
                let (name, condition) = word.split_once(':').expect("a condition");
                let condition = serde_json::from_value(condition.into()).expect("a condition");
                TaskContainerDependency { container_name: name.to_owned(), condition }
            });
            TaskContainer {
                name: name.trim_end_matches('!').to_owned(),
                essential: name.ends_with('!'),
                depends_on: depends_on.collect(),
                start_timeout: Some(9),
                ..TaskContainer::default()
            }
        };
        lines.iter().map(container).collect()
    }

    /// Plays `name+` (started), `name*` (healthy), `name?` (has no check), `name~` (late), `name=CODE` (ended), `stop`;
    /// and gives after each what is to be done: `+name`, `-name`, `!name: why`.
    fn play(lines: &[&str], script: &[&str]) -> (Vec<String>, Option<String>) {
        let containers = task(lines);
        let mut course = Course::of(&containers);
        let find = |name: &str| containers.iter().position(|container| container.name == name).expect("a name");
        let mut told = Vec::new();
        for word in std::iter::once(&"").chain(script) {
            match word.char_indices().last() {
                None => {}
                _ if *word == "stop" => course.stop(),
                Some((at, '+')) => course.started(find(&word[..at])),
                Some((at, '*')) => course.healthy(find(&word[..at])),
                Some((at, '?')) => course.unchecked(find(&word[..at])),
                Some((at, '~')) => course.late(find(&word[..at])),
                Some(_) => {
                    let (name, code) = word.split_once('=').expect("an end");
                    course.ended(find(name), code.parse().ok());
                }
            }
            let steps = course.next().into_iter().map(|step| match step {
                Step::Launch(number) => format!("+{}", containers[number].name),
                Step::Stop(number) => format!("-{}", containers[number].name),
                Step::GiveUp(number, None) => format!("!{}", containers[number].name),
                Step::GiveUp(number, Some(why)) => format!("!{}: {why}", containers[number].name),
            });
            told.push(steps.collect::<Vec<_>>().join(" "));
        }
        (told, course.is_over().then(|| containers[course.decisive()].name.clone()))
    }

    #[test]
    fn a_container_starts_once_what_it_depends_on_is_as_it_wants_it() {
        type Case<'a> = (&'a [&'a str], &'a [&'a str], &'a [&'a str], Option<&'a str>);
        let table: &[Case] = &[
            (&["a!", "b!"], &["a+", "b+"], &["+a +b", "", ""], None),
            (&["a!", "b a:START"], &["a+", "b+"], &["+a", "+b", ""], None),
            (&["a", "b! a:COMPLETE"], &["a+", "a=3", "b+", "b=0"], &["+a", "", "+b", "", ""], Some("b")),
            (&["a", "b! a:SUCCESS"], &["a+", "a=0", "b+", "b=0"], &["+a", "", "+b", "", ""], Some("b")),
            (
                &["a", "b! a:SUCCESS"],
                &["a+", "a=3"],
                &["+a", "", "!b: the container `a` it depends on exited with 3"],
                Some("b"),
            ),
            (&["a", "b! a:HEALTHY"], &["a+", "a*", "b+"], &["+a", "", "+b", ""], None),
            (
                &["a", "b! a:HEALTHY"],
                &["a+", "a?"],
                &["+a", "", "!b: the image of the container `a` it depends on has no health check -a"],
                None,
            ),
            (
                &["a", "b! a:START"],
                &["a=x"],
                &["+a", "!b: the container `a` it depends on was never started"],
                Some("b"),
            ),
            (
                &["a", "b! a:COMPLETE"],
                &["a+", "a~"],
                &["+a", "", "!b: the container `a` it depends on was not complete within 9 s -a"],
                None,
            ),
            (
                &["a!", "b c:START"],
                &["a+"],
                &["+a !b: it depends on the container `c`, which its task does not have", ""],
                None,
            ),
            (&["a", "b a:COMPLETE", "c! b:COMPLETE"], &["a+", "a=0", "b+", "b=0"], &["+a", "", "+b", "", "+c"], None),
        ];
        for (lines, script, expect, over) in table {
            let (told, decisive) = play(lines, script);
            assert_eq!(told, *expect, "{lines:?}");
            assert_eq!(decisive.as_deref(), *over, "{lines:?}");
        }
    }

    #[test]
    fn the_first_essential_container_that_ends_stops_the_others_and_those_that_are_needed_last() {
        type Case<'a> = (&'a [&'a str], &'a [&'a str], &'a [&'a str], Option<&'a str>);
        let table: &[Case] = &[
            (&["a!", "b!"], &["a+", "b+", "b=2", "a=143"], &["+a +b", "", "", "-a", ""], Some("b")),
            (&["a!", "b"], &["a+", "b+", "b=2"], &["+a +b", "", "", ""], None),
            (&["a!", "b"], &["a+", "b+", "b=2", "a=0"], &["+a +b", "", "", "", ""], Some("a")),
            (&["a!", "b", "c a:COMPLETE"], &["a+", "b+", "a=0", "b=143"], &["+a +b", "", "", "-b !c", ""], Some("a")),
            (
                &["db", "app! db:START", "log"],
                &["db+", "app+", "log+", "stop", "app=0", "db=0", "log=0"],
                &["+db +log", "+app", "", "", "-app -log", "-db", "", ""],
                Some("app"),
            ),
            (&["a!", "b a:START"], &["stop", "a=x"], &["+a", "-a !b", ""], Some("a")),
        ];
        for (lines, script, expect, over) in table {
            let (told, decisive) = play(lines, script);
            assert_eq!(told, *expect, "{lines:?} {script:?}");
            assert_eq!(decisive.as_deref(), *over, "{lines:?}");
        }
    }
}
