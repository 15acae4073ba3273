//! Every action of the one table is pressed in the real program on both backends, or is named here with the reason why
//! it is shown elsewhere.

mod deeds;
mod logs;
mod walk;
mod watches;
mod ways;

use batchdeck::tui::action::{Action, Need, TABLE};
use std::collections::BTreeSet;

/// What each walk presses; a walk that presses anything else, or less, fails.
const WALKS: [&[Action]; 4] = [ways::PRESSED, logs::PRESSED, deeds::PRESSED, watches::PRESSED];

/// What AWS has no call for. The walk of deeds presses these on AWS too, and sees what is said instead.
const NOT_ON_AWS: [Action; 3] = [Action::Hold, Action::Interrupt, Action::Begin];

#[test]
fn every_action_of_the_table_is_pressed_in_a_walk_on_both_backends() {
    let pressed: BTreeSet<Action> = WALKS.into_iter().flatten().copied().collect();
    let missing: Vec<&str> =
        TABLE.iter().filter(|info| !pressed.contains(&info.action)).map(|info| info.name).collect();
    assert!(missing.is_empty(), "no walk presses {missing:?}: add them to one of tests/it/actions");
    for info in TABLE {
        let is_local = info.need == Need::WriteLocal;
        assert_eq!(NOT_ON_AWS.contains(&info.action), is_local, "{}: what AWS cannot is named, and no more", info.name);
    }
}
