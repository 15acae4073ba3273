//! What an agent holds, pure: which attempts are being started, run or are over, and what each message leads to.

use super::message::{Exit, Held, Start, ToAgent, ToEngine};
use crate::model::{AttemptId, Millis};
use std::collections::BTreeMap;

/// Every attempt in an agent's hands, from [`ToAgent::Start`] to [`ToAgent::Acknowledge`].
#[derive(Debug, Default)]
pub(super) struct Hold {
    attempts: BTreeMap<AttemptId, State>,
    end_asked: bool,
    closing: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum State {
    Starting,
    Running { since: Millis, address: Option<String> },
    Over(Exit),
}

/// What the agent has to do next.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Order {
    Launch(Box<Start>),
    /// Also while it is being started.
    Stop {
        attempt: AttemptId,
        grace_seconds: u32,
    },
    /// Lost when no engine is there; [`Hold::repeat`] says it again to the next one.
    Tell(ToEngine),
}

impl Hold {
    pub(super) fn hear(&mut self, message: ToAgent, now: Millis) -> Vec<Order> {
        match message {
            // An agent that is closing takes nothing on: its engine sees it end, and places the attempt elsewhere.
            ToAgent::Start(start) if self.closing || self.attempts.contains_key(&start.attempt) => Vec::new(),
            ToAgent::Start(start) => {
                self.attempts.insert(start.attempt.clone(), State::Starting);
                vec![Order::Launch(start)]
            }
            ToAgent::Stop { attempt, grace_seconds } => match self.attempts.get(&attempt) {
                Some(State::Starting | State::Running { .. }) => vec![Order::Stop { attempt, grace_seconds }],
                Some(State::Over(exit)) => vec![Order::Tell(ToEngine::Exited { attempt, exit: exit.clone() })],
                None => {
                    let exit = Exit { at: now, ..Exit::default() };
                    vec![Order::Tell(ToEngine::Exited { attempt, exit })]
                }
            },
            ToAgent::Acknowledge { attempt } => {
                if let Some(State::Over(_)) = self.attempts.get(&attempt) {
                    self.attempts.remove(&attempt);
                }
                Vec::new()
            }
            ToAgent::End => {
                self.end_asked = true;
                Vec::new()
            }
        }
    }

    pub(super) fn started(&mut self, attempt: AttemptId, at: Millis, address: Option<String>) -> Vec<Order> {
        match self.attempts.get_mut(&attempt) {
            Some(state @ State::Starting) => {
                *state = State::Running { since: at, address: address.clone() };
                vec![Order::Tell(ToEngine::Started { attempt, at, address })]
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn exited(&mut self, attempt: AttemptId, exit: Exit) -> Vec<Order> {
        match self.attempts.get_mut(&attempt) {
            Some(state @ (State::Starting | State::Running { .. })) => {
                *state = State::Over(exit.clone());
                vec![Order::Tell(ToEngine::Exited { attempt, exit })]
            }
            _ => Vec::new(),
        }
    }

    /// The agent is to end: everything that runs has to stop, and nothing new is taken on.
    pub(super) fn close(&mut self, grace_seconds: u32) -> Vec<Order> {
        self.closing = true;
        self.attempts
            .iter()
            .filter(|(_, state)| !matches!(state, State::Over(_)))
            .map(|(attempt, _)| Order::Stop { attempt: attempt.clone(), grace_seconds })
            .collect()
    }

    /// For [`ToEngine::Hello`].
    pub(super) fn held(&self) -> Vec<Held> {
        let held = |(attempt, state): (&AttemptId, &State)| {
            let (started_at, address, exit) = match state {
                State::Starting => (None, None, None),
                State::Running { since, address } => (Some(*since), address.clone(), None),
                State::Over(exit) => (exit.started_at, None, Some(exit.clone())),
            };
            Held { attempt: attempt.clone(), started_at, address, exit }
        };
        self.attempts.iter().map(held).collect()
    }

    /// What a new connection is told after the greeting; the one before may have lost it.
    pub(super) fn repeat(&self) -> Vec<ToEngine> {
        self.attempts
            .iter()
            .filter_map(|(attempt, state)| match state {
                State::Starting => None,
                State::Running { since, address } => {
                    Some(ToEngine::Started { attempt: attempt.clone(), at: *since, address: address.clone() })
                }
                State::Over(exit) => Some(ToEngine::Exited { attempt: attempt.clone(), exit: exit.clone() }),
            })
            .collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.attempts.is_empty()
    }

    /// Whether anything is being started or runs.
    pub(super) fn is_busy(&self) -> bool {
        self.attempts.values().any(|state| !matches!(state, State::Over(_)))
    }

    /// Whether the engine has asked it to end and nothing is left.
    pub(super) fn may_end(&self) -> bool {
        self.end_asked && self.attempts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::tests::{self, id};

    fn start(job: &str) -> ToAgent {
        ToAgent::Start(Box::new(tests::start(job, &["true"])))
    }

    fn stop(job: &str) -> ToAgent {
        ToAgent::Stop { attempt: id(job), grace_seconds: 7 }
    }

    fn acknowledge(job: &str) -> ToAgent {
        ToAgent::Acknowledge { attempt: id(job) }
    }

    fn exit(code: Option<i32>) -> Exit {
        Exit { at: 30, started_at: code.map(|_| 20), code, ..Exit::default() }
    }

    enum Step {
        Hear(ToAgent),
        Started(&'static str),
        Exited(&'static str, Option<i32>),
        Close,
    }
    use Step::{Close, Exited, Hear, Started};

    /// Plays the steps and gives what the last one led to, in words.
    fn play(steps: Vec<Step>) -> (Hold, Vec<String>) {
        let mut hold = Hold::default();
        let mut last = Vec::new();
        for step in steps {
            last = match step {
                Hear(message) => hold.hear(message, 99),
                Started(job) => hold.started(id(job), 20, None),
                Exited(job, code) => hold.exited(id(job), exit(code)),
                Close => hold.close(3),
            };
        }
        let words = last
            .into_iter()
            .map(|order| match order {
                Order::Launch(start) => format!("launch {}", start.attempt.job),
                Order::Stop { attempt, grace_seconds } => format!("stop {} in {grace_seconds}", attempt.job),
                Order::Tell(ToEngine::Started { attempt, at, .. }) => format!("started {} at {at}", attempt.job),
                Order::Tell(ToEngine::Exited { attempt, exit }) => {
                    format!("exited {} {:?} at {}", attempt.job, exit.code, exit.at)
                }
                Order::Tell(other) => format!("{other:?}"),
            })
            .collect();
        (hold, words)
    }

    #[test]
    fn each_message_leads_to_what_the_state_of_its_attempt_calls_for() {
        let table: Vec<(&str, Vec<Step>, &[&str])> = vec![
            ("a start launches", vec![Hear(start("a"))], &["launch a"]),
            ("a second start of what starts", vec![Hear(start("a")), Hear(start("a"))], &[]),
            ("a second start of what runs", vec![Hear(start("a")), Started("a"), Hear(start("a"))], &[]),
            ("a start of what is over", vec![Hear(start("a")), Exited("a", Some(0)), Hear(start("a"))], &[]),
            ("its start is told", vec![Hear(start("a")), Started("a")], &["started a at 20"]),
            (
                "its end is told",
                vec![Hear(start("a")), Started("a"), Exited("a", Some(3))],
                &["exited a Some(3) at 30"],
            ),
            ("an end without a start is told", vec![Hear(start("a")), Exited("a", None)], &["exited a None at 30"]),
            ("a second end is not", vec![Hear(start("a")), Exited("a", Some(3)), Exited("a", Some(4))], &[]),
            ("a stop while it starts", vec![Hear(start("a")), Hear(stop("a"))], &["stop a in 7"]),
            ("a stop while it runs", vec![Hear(start("a")), Started("a"), Hear(stop("a"))], &["stop a in 7"]),
            (
                "a stop of what is over tells its end again",
                vec![Hear(start("a")), Exited("a", Some(3)), Hear(stop("a"))],
                &["exited a Some(3) at 30"],
            ),
            ("a stop of what is not held", vec![Hear(stop("b"))], &["exited b None at 99"]),
            (
                "an acknowledged attempt is not held",
                vec![Hear(start("a")), Exited("a", Some(3)), Hear(acknowledge("a")), Hear(stop("a"))],
                &["exited a None at 99"],
            ),
            (
                "an acknowledgement of what runs changes nothing",
                vec![Hear(start("a")), Hear(acknowledge("a")), Hear(stop("a"))],
                &["stop a in 7"],
            ),
            (
                "closing stops what is not over",
                vec![Hear(start("a")), Hear(start("b")), Exited("a", Some(0)), Close],
                &["stop b in 3"],
            ),
            ("a closing agent takes nothing on", vec![Close, Hear(start("a"))], &[]),
        ];
        for (case, steps, expect) in table {
            assert_eq!(play(steps).1, expect, "{case}");
        }
    }

    #[test]
    fn a_greeting_names_everything_held_and_what_is_known_of_it() {
        let (hold, _) = play(vec![
            Hear(start("a")),
            Hear(start("b")),
            Started("b"),
            Hear(start("c")),
            Started("c"),
            Exited("c", Some(9)),
        ]);
        assert_eq!(
            hold.held(),
            vec![
                Held { attempt: id("a"), started_at: None, address: None, exit: None },
                Held { attempt: id("b"), started_at: Some(20), address: None, exit: None },
                Held { attempt: id("c"), started_at: Some(20), address: None, exit: Some(exit(Some(9))) },
            ]
        );
        assert_eq!(
            hold.repeat(),
            vec![
                ToEngine::Started { attempt: id("b"), at: 20, address: None },
                ToEngine::Exited { attempt: id("c"), exit: exit(Some(9)) },
            ]
        );
    }

    #[test]
    fn an_agent_that_is_asked_to_end_does_so_once_it_holds_nothing() {
        let (mut hold, _) = play(vec![Hear(start("a")), Hear(ToAgent::End)]);
        assert!(!hold.may_end() && hold.is_busy());
        hold.exited(id("a"), exit(Some(0)));
        assert!(!hold.may_end() && !hold.is_busy() && !hold.is_empty());
        hold.hear(acknowledge("a"), 0);
        assert!(hold.may_end() && hold.is_empty());
    }
}
