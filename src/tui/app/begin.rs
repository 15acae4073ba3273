//! The first things on a fresh machine: an environment, a queue and a definition for processes.

use crate::model::{Starter, starter_for, starter_vcpus};
use crate::tui::requests::{Act, Outline, Step};

/// Makes the first environment, queue and definition, one after the other.
pub(super) fn act(processors: usize) -> Act {
    let Starter { environment, queue, definition } = starter_for(starter_vcpus(processors), processors);
    Act {
        title: "create environment `local`, queue `default` and definition `host`".into(),
        done: Outline::Words("created environment `local`, queue `default` and definition `host`".into()),
        steps: vec![
            Step::CreateEnvironment(Box::new(environment)),
            Step::CreateQueue(queue),
            Step::RegisterDefinition(Box::new(definition)),
        ],
        in_order: true,
    }
}
