//! The one table of actions. Keys, help, the line of hints and the palette are all drawn from it.

use crate::config::CommandView;

/// Where the keys go: a pane, a screen, or what lies on top of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    Queues,
    Environments,
    Jobs,
    Log,
    /// The log on the whole screen.
    LogScreen,
    Job,
    Array,
    Instances,
    Schedules,
    Definitions,
    Definition,
    Audit,
    /// What is watched for while nobody looks.
    Watches,
    /// Groups of jobs that failed alike.
    Failures,
    /// What ended and failed of late, what waits, and what changed.
    Pulse,
    /// What Batch has told `EventBridge`.
    Events,
    /// What was spent.
    Cost,
    /// What runs have used against what they ask for.
    Usage,
    /// What a job depends on, and what depends on it.
    Tree,
    /// Why a job, a queue or an environment is as it is.
    Why,
    /// A text to read on top of a screen: help, an entry of the record.
    Text,
    /// Fields to fill in, with buttons.
    Form,
    Palette,
    /// The line in which a filter is typed.
    Filter,
}

impl Place {
    pub const ALL: [Place; 24] = [
        Self::Queues,
        Self::Environments,
        Self::Jobs,
        Self::Log,
        Self::LogScreen,
        Self::Job,
        Self::Array,
        Self::Instances,
        Self::Schedules,
        Self::Definitions,
        Self::Definition,
        Self::Audit,
        Self::Watches,
        Self::Failures,
        Self::Pulse,
        Self::Events,
        Self::Cost,
        Self::Usage,
        Self::Tree,
        Self::Why,
        Self::Text,
        Self::Form,
        Self::Palette,
        Self::Filter,
    ];

    /// Whether plain keys are typed into a field here; the global keys do not work then.
    pub fn takes_text(self) -> bool {
        matches!(self, Self::Form | Self::Palette | Self::Filter)
    }

    /// Whether the keys go to a log.
    pub fn is_log(self) -> bool {
        matches!(self, Self::Log | Self::LogScreen)
    }

    /// The places that a view of a command in the config means.
    pub fn of_view(view: CommandView) -> &'static [Self] {
        match view {
            CommandView::Queues => &[Self::Queues],
            CommandView::Environments => &[Self::Environments],
            CommandView::Jobs => &[Self::Jobs],
            CommandView::Job => &[Self::Job],
            CommandView::Array => &[Self::Array],
            CommandView::Log => &[Self::Log, Self::LogScreen],
            CommandView::Tree => &[Self::Tree],
            CommandView::Why => &[Self::Why],
            CommandView::Instances => &[Self::Instances],
            CommandView::Schedules => &[Self::Schedules],
            CommandView::Definitions => &[Self::Definitions, Self::Definition],
        }
    }

    /// What help calls it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Queues => "queues",
            Self::Environments => "compute environments",
            Self::Jobs => "jobs",
            Self::Log => "log",
            Self::LogScreen => "full log",
            Self::Job => "job",
            Self::Array => "array",
            Self::Instances => "instances",
            Self::Schedules => "schedules",
            Self::Definitions => "job definitions",
            Self::Definition => "job definition",
            Self::Audit => "record of actions",
            Self::Watches => "watches",
            Self::Failures => "failures",
            Self::Pulse => "pulse",
            Self::Events => "events",
            Self::Cost => "cost",
            Self::Usage => "usage",
            Self::Tree => "dependencies",
            Self::Why => "why",
            Self::Text => "text",
            Self::Form => "form",
            Self::Palette => "palette",
            Self::Filter => "filter",
        }
    }
}

/// Where an action works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Wherever no text is typed.
    Everywhere,
    At(&'static [Place]),
}

impl Scope {
    pub fn covers(self, place: Place) -> bool {
        match self {
            Self::Everywhere => !place.takes_text(),
            Self::At(places) => places.contains(&place),
        }
    }
}

/// What an action needs of the context and the backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    Nothing,
    /// It changes the world: refused in a read-only context.
    Write,
    /// It changes the world of a local engine.
    WriteLocal,
    Schedules,
    /// A schedule is changed.
    WriteSchedules,
    Audit,
}

/// What may be written after the name of an action in the palette. An action that must be told asks for it when it is
/// called by a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    Nothing,
    /// A filter of the list that it shows; none clears it.
    Rows(Place),
    /// `job ID`, `queue NAME` or `environment NAME`; none means what is under the cursor.
    Subject,
    /// The id or the name of a job; none means the one under the cursor.
    JobHere,
    /// The id or the name of a job.
    Job,
    Queue,
    Environment,
    Definition,
    Theme,
    /// The name of a context; none offers them.
    Context,
    /// Names of columns, with blanks between; none offers them.
    Columns,
    /// The name of a saved view.
    View,
    /// The name of a saved form; none offers them.
    Template,
    /// The name of a command of the config.
    Command,
    /// A name that one makes up.
    Name,
    /// What to watch for; none asks for it.
    Condition,
    /// A path.
    File,
    /// A path, or `clipboard`; none makes up a name.
    FileOrClipboard,
}

impl Takes {
    /// Whether the action can do nothing without it.
    pub fn is_needed(self) -> bool {
        !matches!(
            self,
            Self::Nothing
                | Self::Rows(_)
                | Self::Subject
                | Self::JobHere
                | Self::Context
                | Self::Template
                | Self::Columns
                | Self::FileOrClipboard
                | Self::Condition
        )
    }

    /// What stands for it in lists of actions.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Nothing | Self::Subject | Self::JobHere | Self::Context | Self::Template => "",
            Self::Rows(_) => "[FILTER]",
            Self::Columns => "[NAMES]",
            Self::Job => "ID",
            Self::File => "FILE",
            Self::FileOrClipboard => "[FILE]",
            Self::Condition => "[CONDITION]",
            Self::Queue
            | Self::Environment
            | Self::Definition
            | Self::Theme
            | Self::View
            | Self::Name
            | Self::Command => "NAME",
        }
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Info {
    pub action: Action,
    /// Its name in the config file and in the palette.
    pub name: &'static str,
    /// One or two words for the line of hints; empty: it is not hinted at.
    pub hint: &'static str,
    /// What it does, for help and the palette.
    pub doc: &'static str,
    pub scope: Scope,
    pub need: Need,
    pub takes: Takes,
    /// Default keys; a sequence is written with spaces.
    pub keys: &'static [&'static str],
}

macro_rules! takes {
    () => {
        Takes::Nothing
    };
    ($takes:expr) => {
        $takes
    };
}

macro_rules! actions {
    ($($action:ident $name:literal $scope:expr, $need:ident, [$($key:literal),*], $hint:literal, $doc:literal $(, $takes:expr)?;)+) => {
        /// Everything that a key, a hint or the palette can ask of the console.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $(#[doc = $doc] $action),+
        }

        /// The table, in the order in which help and hints show it.
        pub const TABLE: &[Info] = &[
            $(Info {
                action: Action::$action,
                name: $name,
                hint: $hint,
                doc: $doc,
                scope: $scope,
                need: Need::$need,
                takes: takes!($($takes)?),
                keys: &[$($key),*],
            }),+
        ];
    };
}

use Place::{
    Array, Audit, Cost, Definition, Definitions, Environments, Events, Failures, Filter, Form, Instances, Job, Jobs,
    Log, LogScreen, Palette, Queues, Schedules, Tree, Usage, Watches,
};
use Scope::{At, Everywhere};
use Takes::{JobHere, Rows, Subject};

const PANES: &[Place] = &[Queues, Environments, Jobs, Log];
const LOGS: &[Place] = &[Log, LogScreen];
const TYPING: &[Place] = &[Form, Palette, Filter];

actions! {
    // What one does with the thing under the cursor.
    Open "open" Everywhere, Nothing, ["enter"], "open", "open what is under the cursor";
    Why "why" At(&[Queues, Environments, Jobs, Array, Job, Instances, Failures, Events, Tree]), Nothing, ["w"], "why", "why it waits, failed or does not move, and what to do", Subject;
    Logs "logs" At(&[Jobs, Array, Job, Log, LogScreen, Failures, Events, Tree, Place::Why]), Nothing, ["l"], "logs", "the job's log on the whole screen, and back", JobHere;
    ChooseLog "choose-log" At(&[Jobs, Array, Job, Log, LogScreen]), Nothing, ["L"], "", "choose the log of an attempt, a container or a node";
    Merge "merge-logs" At(&[Jobs, Array, Job, Log, LogScreen]), Nothing, ["M"], "", "the logs of the marked jobs, of all children or of all attempts as one, by time; and back";
    RootBlocker "root-blocker" At(&[Tree]), Nothing, ["b"], "root blocker", "go to the job that holds all of it up, and open it";
    Tree "tree" At(&[Jobs, Array, Job, Place::Why]), Nothing, ["t"], "tree", "what it depends on and what depends on it, with what holds it up", JobHere;
    Watch "watch" At(&[Queues, Environments, Instances, Jobs, Array, Job, Log, LogScreen, Tree, Place::Why]), Nothing, ["T"], "", "tell when it ends, fails, waits too long or is silent: watch the job, queue or environment", Takes::Condition;
    AckWatch "acknowledge" At(&[Watches]), Nothing, ["a"], "acknowledge", "take note of what has fired: it calls nobody any more";
    AckAll "acknowledge-all" At(&[Watches]), Nothing, ["A"], "", "take note of all that has fired";
    SilenceWatch "silence" At(&[Watches]), Nothing, ["z"], "silence", "let the watch go on and tell nobody, or tell again";
    EditWatch "edit-watch" At(&[Watches]), Nothing, ["e"], "edit", "watch for something else";
    RemoveWatch "remove-watch" At(&[Watches]), Nothing, ["x"], "remove", "forget the watch";
    Stop "stop" At(&[Jobs, Array, Job, Log, LogScreen, Tree, Place::Why]), Write, ["x"], "stop", "cancel or terminate the marked jobs, or the selected one";
    Reprioritise "reprioritise" At(&[Queues, Jobs, Array, Job]), Write, ["p"], "priority", "give a waiting job or a queue another priority";
    Switch "switch" At(&[Queues, Environments, Instances]), Write, ["e"], "enable/disable", "enable or disable the queue or the compute environment";
    Resubmit "resubmit" At(&[Jobs, Array, Job, Failures, Tree, Place::Why]), Write, ["c", "r"], "again", "submit the job again, after a look at it in the form; where several are marked, all of them";
    Rerun "rerun" At(&[Jobs, Array, Failures]), Write, ["R"], "rerun", "submit marked jobs, a group or failed children again: all alike, with or without changes";
    Mark "mark" At(&[Jobs, Array]), Nothing, ["space"], "mark", "mark the job for the next action, and go down";
    Hold "hold" At(&[Queues, Jobs, Array, Job]), WriteLocal, ["H"], "hold/release", "hold back what waits, or all of the queue; or release it";
    Move "move" At(&[Jobs, Array, Job]), Write, ["m"], "move", "move what waits to the front or to another queue";
    Maximum "maximum" At(&[Environments, Instances]), Write, ["m"], "maximum", "set how many vCPUs the compute environment may have at most";
    Interrupt "interrupt" At(&[Instances]), WriteLocal, ["x"], "interrupt", "take the instance away as Spot does, after a notice or at once";
    MarkAll "mark-all" At(&[Jobs, Array]), Nothing, ["*"], "", "mark all that are listed, or none";
    NextStates "next-states" At(&[Jobs, Array]), Nothing, ["s", "right", "]"], "states", "list the jobs of the next states";
    PreviousStates "previous-states" At(&[Jobs, Array]), Nothing, ["left", "["], "", "list the jobs of the states before";
    AllQueues "all-queues" At(&[Jobs]), Nothing, ["a"], "all queues", "list the jobs of all queues, or of the selected one";
    LongerSpan "longer-span" At(&[Failures, Cost]), Nothing, ["s", "right", "]"], "longer", "look further back in time";
    ShorterSpan "shorter-span" At(&[Failures, Cost]), Nothing, ["left", "["], "shorter", "look less far back in time";
    CostBy "cost-by" At(&[Cost]), Nothing, ["o"], "sum by", "add up by the next: queue, environment, share, definition";
    Sort "sort" At(&[Queues, Environments, Jobs, Array]), Nothing, ["o"], "sort", "sort by the next column";
    Columns "columns" At(&[Jobs, Array, Instances, Schedules, Definitions, Failures, Events, Audit]), Nothing, [], "", "which columns this list has, to take away and to add; with names, these and in this order, or `default`", Takes::Columns;
    ReverseSort "reverse-sort" At(&[Queues, Environments, Jobs, Array]), Nothing, ["O"], "", "turn the order around";
    Search "search" At(LOGS), Nothing, ["/"], "search", "search the log: a text, or /a regular expression; case counts where there are capitals";
    NextHit "next-hit" At(LOGS), Nothing, ["n"], "", "the next hit; at the end it goes on from the first line";
    PreviousHit "previous-hit" At(LOGS), Nothing, ["N"], "", "the hit before";
    Keep "keep" At(LOGS), Nothing, ["&"], "only", "show only the lines with a text or a /regular expression; !… those without";
    Follow "follow" At(LOGS), Nothing, ["f"], "follow", "follow the log as it grows, or stop there";
    Wrap "wrap" At(LOGS), Nothing, ["w"], "wrap", "wrap long lines, or cut them";
    NextError "next-error" At(LOGS), Nothing, ["e"], "errors", "the next line that reports an error";
    PreviousError "previous-error" At(LOGS), Nothing, ["E"], "", "the line before that reports an error";
    Times "times" At(LOGS), Nothing, ["t"], "", "times as everywhere, in UTC, how long ago, or none";
    Unfold "unfold" At(LOGS), Nothing, ["J"], "", "lines of JSON with the message first, or as they are";
    Printed "printed-colours" At(LOGS), Nothing, ["C"], "", "the colours that the job printed, or those of levels";
    AllTimes "all-times" At(&[LogScreen]), Nothing, ["0"], "", "the lines of all times";
    LastMinute "last-minute" At(&[LogScreen]), Nothing, ["1"], "", "only the lines of the last minute";
    Last5Minutes "last-5-minutes" At(&[LogScreen]), Nothing, ["2"], "", "only those of the last 5 minutes";
    Last15Minutes "last-15-minutes" At(&[LogScreen]), Nothing, ["3"], "", "only those of the last 15 minutes";
    Last30Minutes "last-30-minutes" At(&[LogScreen]), Nothing, ["4"], "", "only those of the last 30 minutes";
    LastHour "last-hour" At(&[LogScreen]), Nothing, ["5"], "", "only those of the last hour";
    Last6Hours "last-6-hours" At(&[LogScreen]), Nothing, ["6"], "", "only those of the last 6 hours";
    MarkLine "mark-line" At(LOGS), Nothing, ["m"], "", "mark the line that is pointed at or the first one shown, or take the mark off";
    NextMark "next-mark" At(LOGS), Nothing, ["'"], "", "the next marked line";
    Histogram "histogram" At(LOGS), Nothing, ["h"], "", "when the lines were written, and the errors among them";
    SaveLog "save-log" At(LOGS), Nothing, ["o"], "", "save the whole log, or what the filter keeps of it, to a file";
    Pipe "pipe" At(LOGS), Nothing, ["|"], "", "pipe it to a command";
    PreviousAttempt "previous-attempt" At(&[Log, LogScreen, Job]), Nothing, ["["], "attempt", "the log of the attempt before";
    NextAttempt "next-attempt" At(&[Log, LogScreen, Job]), Nothing, ["]"], "", "the log of the attempt after";
    NewSchedule "new-schedule" At(&[Schedules]), WriteSchedules, ["n"], "new", "make a schedule";
    PauseSchedule "pause-schedule" At(&[Schedules]), WriteSchedules, ["p", "e"], "pause/resume", "pause the schedule, or let it run again";
    RunSchedule "run-schedule" At(&[Schedules]), WriteSchedules, ["r"], "run now", "submit the schedule's job now";
    DeleteSchedule "delete-schedule" At(&[Schedules]), WriteSchedules, ["x"], "delete", "delete the schedule";
    Begin "begin" At(PANES), WriteLocal, ["i"], "", "make a first compute environment, queue and job definition for this machine";

    // Fields, buttons, lines to type in.
    Accept "accept" At(TYPING), Nothing, ["enter"], "ok", "go to the next field, press the button, take the line";
    Send "send" At(&[Form]), Nothing, ["alt-enter", "f2"], "send", "send the form from any field, where it asks for nothing destructive";
    Cancel "cancel" At(TYPING), Nothing, ["esc", "ctrl-c"], "leave", "leave without doing anything";
    NextField "next-field" At(&[Form]), Nothing, ["tab", "down", "ctrl-n"], "next", "the next field";
    PreviousField "previous-field" At(&[Form]), Nothing, ["backtab", "up", "ctrl-p"], "", "the field before";
    Complete "complete" At(&[Palette, Filter]), Nothing, ["tab"], "complete", "complete the word";
    NextMatch "next-match" At(&[Palette, Filter]), Nothing, ["down", "ctrl-n"], "next", "the next line of what matches";
    PreviousMatch "previous-match" At(&[Palette, Filter]), Nothing, ["up", "ctrl-p", "backtab"], "", "the line before";
    Choose "choose" At(&[Form]), Nothing, ["f3", "ctrl-o"], "list", "choose what the field takes from a list: queues, revisions, parameters, variables, other jobs";
    EditJson "edit-json" At(&[Form]), Nothing, ["f6", "alt-e"], "JSON", "the form for a job as JSON in $EDITOR; what is saved there is the form";
    SaveTemplate "save-template" At(&[Form]), Nothing, ["f4", "alt-s"], "save as template", "save the form for a job under a name, to be opened again";
    ScrollDown "scroll-down" At(&[Form]), Nothing, ["pagedown"], "", "what the form tells, further down";
    ScrollUp "scroll-up" At(&[Form]), Nothing, ["pageup"], "", "what the form tells, further up";
    EditLeft "edit-left" At(TYPING), Nothing, ["left"], "", "a letter left; the choice before";
    EditRight "edit-right" At(TYPING), Nothing, ["right"], "choice", "a letter right; the next choice";
    EditHome "edit-home" At(TYPING), Nothing, ["home", "ctrl-a"], "", "the start of the field";
    EditEnd "edit-end" At(TYPING), Nothing, ["end", "ctrl-e"], "", "the end of the field";
    EditBackspace "edit-backspace" At(TYPING), Nothing, ["backspace", "ctrl-h"], "", "remove the letter before the cursor";
    EditDelete "edit-delete" At(TYPING), Nothing, ["delete"], "", "remove the letter under the cursor";
    EditDeleteWord "edit-delete-word" At(TYPING), Nothing, ["ctrl-w"], "", "remove the word before the cursor";
    EditClear "edit-clear" At(TYPING), Nothing, ["ctrl-u"], "", "empty the field";

    // Finding one's way.
    Submit "submit" Everywhere, Write, ["n"], "submit", "submit a job from a form";
    Filter "filter" Everywhere, Nothing, ["/"], "filter", "list only what matches: letters, 'as written, /regex, status=failed, !not";
    Palette "palette" Everywhere, Nothing, [":"], "command", "run any action or open any view by its name";
    Help "help" Everywhere, Nothing, ["?", "f1"], "help", "every key that works here";
    Back "back" Everywhere, Nothing, ["esc"], "", "clear the filter, or go back a step; never quits";
    BackOrQuit "back-or-quit" Everywhere, Nothing, ["q"], "", "go back a step; at the first screen, quit";
    Quit "quit" Everywhere, Nothing, ["ctrl-c"], "", "leave the console; jobs go on";
    TakeBack "take-back" Everywhere, Nothing, ["u"], "take back", "take back the action that waits to be sent; afterwards, submit again what it has stopped";
    TryAgain "try-again" Everywhere, Write, ["r"], "try again", "try again what was refused of the last action";
    Shell "shell" Everywhere, Write, ["s", "!"], "shell", "a shell in the container or the working directory of a job that runs", JobHere;
    RunCommand "run" Everywhere, Nothing, [], "", "a command of your own from the config, on what is under the cursor", Takes::Command;
    Template "template" Everywhere, Write, ["N"], "", "submit from a template: a form that was saved", Takes::Template;
    ForgetTemplate "forget-template" Everywhere, Nothing, [], "", "forget the template of this name", Takes::Template;
    Compare "compare" At(&[Definitions, Definition]), Nothing, ["="], "compare", "what differs between this revision and another one";
    Down "down" Everywhere, Nothing, ["j", "down"], "", "a line down";
    Up "up" Everywhere, Nothing, ["k", "up"], "", "a line up";
    PageDown "page-down" Everywhere, Nothing, ["ctrl-f", "pagedown"], "", "a page down";
    PageUp "page-up" Everywhere, Nothing, ["ctrl-b", "pageup"], "", "a page up";
    HalfDown "half-page-down" Everywhere, Nothing, ["ctrl-d"], "", "half a page down";
    HalfUp "half-page-up" Everywhere, Nothing, ["ctrl-u"], "", "half a page up";
    Top "top" Everywhere, Nothing, ["g", "home"], "", "to the first line";
    Bottom "bottom" Everywhere, Nothing, ["G", "end"], "", "to the last line; in a log, follow it again";
    NextPane "next-pane" Everywhere, Nothing, ["tab"], "", "to the next pane";
    PreviousPane "previous-pane" Everywhere, Nothing, ["backtab"], "", "to the pane before";
    PaneQueues "queues" Everywhere, Nothing, ["1"], "", "to the queues", Rows(Queues);
    PaneEnvironments "environments" Everywhere, Nothing, ["2"], "", "to the compute environments", Rows(Environments);
    PaneJobs "jobs" Everywhere, Nothing, ["3"], "", "to the jobs", Rows(Jobs);
    PaneLog "pane-log" Everywhere, Nothing, ["4"], "", "to the log";
    Zoom "zoom" At(&[Queues, Environments, Jobs, Log]), Nothing, ["z", "F"], "", "this pane on the whole screen, and back";
    Grow "grow" At(&[Queues, Environments, Jobs, Log]), Nothing, ["+"], "", "this pane higher, at the expense of the one beside it";
    Shrink "shrink" At(&[Queues, Environments, Jobs, Log]), Nothing, ["_"], "", "this pane lower";
    ViewOverview "overview" Everywhere, Nothing, ["v o"], "", "the four panes";
    ViewSchedules "schedules" Everywhere, Schedules, ["S", "v s"], "", "the schedules", Rows(Schedules);
    ViewDefinitions "definitions" Everywhere, Nothing, ["D", "v d"], "", "the job definitions", Rows(Definitions);
    ViewFailures "failures" Everywhere, Nothing, ["E", "v f"], "", "what failed, grouped by what it was and how it ended", Rows(Failures);
    ViewPulse "pulse" Everywhere, Nothing, ["P", "v p"], "", "what ended and failed of late, what waits, what it costs, what changed";
    ViewEvents "events" Everywhere, Nothing, ["v n"], "", "what happened, as Batch tells EventBridge: each change of a state, and queues that are blocked", Rows(Events);
    ViewCost "cost" Everywhere, Nothing, ["v m"], "", "what was spent, by queue, environment, share or definition; jobs and idle capacity apart", Rows(Cost);
    ViewUsage "usage" Everywhere, Nothing, ["v u"], "", "what runs have used against what they ask for, a better size, and whether AWS Lambda would do", Rows(Usage);
    ViewAudit "audit" Everywhere, Audit, ["A", "v a"], "", "who did what, when and why", Rows(Audit);
    ViewWatches "watches" Everywhere, Nothing, ["v w"], "", "what is watched for while nobody looks, and what has come true", Rows(Watches);
    OpenQueue "queue" Everywhere, Nothing, [], "", "the jobs of this queue", Takes::Queue;
    OpenEnvironment "environment" Everywhere, Nothing, [], "", "the instances of this compute environment", Takes::Environment;
    OpenJob "job" Everywhere, Nothing, [], "", "the job of this id or name", Takes::Job;
    OpenDefinition "definition" Everywhere, Nothing, [], "", "this job definition", Takes::Definition;
    Before "before" Everywhere, Nothing, ["-"], "", "to the view before, and from there back";
    Backward "backward" Everywhere, Nothing, ["[", "alt-left", "ctrl-o"], "", "back through the views that were shown";
    Forward "forward" Everywhere, Nothing, ["]", "alt-right"], "", "forward again";
    Bookmark "bookmark" Everywhere, Nothing, ["b"], "", "set a bookmark here, or take it away";
    Bookmarks "bookmarks" Everywhere, Nothing, ["B"], "", "go to a bookmark or a saved view";
    SaveView "save" Everywhere, Nothing, [], "", "save this view, with filter, order and states, under this name", Takes::Name;
    GoToView "view" Everywhere, Nothing, [], "", "go to the saved view of this name", Takes::View;
    ForgetView "forget" Everywhere, Nothing, [], "", "forget the saved view of this name", Takes::View;
    Copy "copy" Everywhere, Nothing, ["y"], "", "copy the id or the name of what is under the cursor; in a log the marked lines, or the line that is pointed at or the first one shown";
    CopyOther "copy-other" Everywhere, Nothing, ["Y"], "", "choose what to copy of it: ARN, JSON, a command line";
    Describe "describe" At(&[Queues, Environments, Jobs, Array, Job, Instances, Schedules, Definitions, Audit, Watches, Failures, Events, Tree]), Nothing, ["d"], "", "all of what is under the cursor, as JSON";
    Page "pager" Everywhere, Nothing, ["v v"], "", "what is under the cursor in $PAGER";
    Edit "editor" Everywhere, Nothing, ["v e"], "", "what is under the cursor in $EDITOR, as a copy";
    OpenPage "web-page" Everywhere, Nothing, ["U"], "", "copy the address of its page on AWS, and open it in $BROWSER";
    Export "export" Everywhere, Nothing, ["W"], "", "write what is shown to a file: .txt as it is shown, .csv or .json all rows", Takes::File;
    Handover "handover" Everywhere, Nothing, ["v h"], "", "write what is shown, why it is so, the end of the log and what was done to a Markdown file, or to the `clipboard`; with a recording that `batchdeck replay` opens", Takes::FileOrClipboard;
    ChooseTheme "theme" Everywhere, Nothing, [], "", "put on this theme", Takes::Theme;
    NextTheme "next-theme" Everywhere, Nothing, ["v t"], "", "the next theme";
    Context "context" Everywhere, Nothing, ["v c"], "", "another context, or several as one (`prod,lab`)", Takes::Context;
    Write "write" Everywhere, Nothing, [], "", "act in a context that starts read-only, until it is left";
    ReadOnly "read-only" Everywhere, Nothing, [], "", "refuse again what would change anything";
    Mfa "mfa" Everywhere, Nothing, [], "", "type the code of an MFA device, where a role is assumed with one";
    Mouse "mouse" Everywhere, Nothing, [], "", "take clicks and the wheel, or leave the mouse to the terminal, which selects text";
    Refresh "refresh" Everywhere, Nothing, ["ctrl-r", "f5"], "", "read everything anew, and draw the screen anew";
}

// The places that no row names alone are still places where the global keys work.
const _: &[Place] = &[Instances, Definitions, Definition, Audit, Place::Pulse];

/// Short names that people's hands know, and what they stand for.
pub const ALIASES: [(&str, &str); 22] = [
    ("q", "quit"),
    ("q!", "quit"),
    ("h", "help"),
    ("s", "schedules"),
    ("sched", "schedules"),
    ("jq", "queues"),
    ("ce", "environments"),
    ("env", "environment"),
    ("jd", "definitions"),
    ("ctx", "context"),
    ("def", "definition"),
    ("j", "job"),
    ("who", "audit"),
    ("cancel", "stop"),
    ("terminate", "stop"),
    ("failed", "jobs failed"),
    ("running", "jobs running"),
    ("waiting", "jobs waiting"),
    ("log", "logs"),
    ("go", "view"),
    ("w", "export"),
    ("marks", "bookmarks"),
];

/// The action that a line begins with, and what is written after its name.
pub fn read_line(line: &str) -> Option<(&'static Info, &str)> {
    let line = line.trim();
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let meant = ALIASES.iter().find(|(short, _)| *short == name).map(|(_, meant)| *meant);
    match meant {
        // It stands for a whole line.
        Some(whole) if whole.contains(' ') => rest.is_empty().then(|| read_line(whole)).flatten(),
        other => Some((Action::named(other.unwrap_or(name))?.info(), rest.trim_start())),
    }
}

impl Action {
    /// Its row in the table.
    pub fn info(self) -> &'static Info {
        TABLE.iter().find(|info| info.action == self).unwrap_or(&TABLE[0])
    }

    /// The action of this name.
    pub fn named(name: &str) -> Option<Self> {
        TABLE.iter().find(|info| info.name == name).map(|info| info.action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_a_name_of_its_own_and_a_doc() {
        for (at, info) in TABLE.iter().enumerate() {
            assert!(!info.doc.is_empty() && !info.name.is_empty());
            assert!(TABLE[..at].iter().all(|other| other.name != info.name), "{} stands twice", info.name);
            assert_eq!(Action::named(info.name), Some(info.action));
            assert_eq!(info.action.info().name, info.name);
        }
    }

    #[test]
    fn a_line_begins_with_the_name_of_an_action_or_a_short_one() {
        let read = |line| read_line(line).map(|(info, rest)| (info.name, rest));
        let cases = [
            ("jobs queue=main  exit=1 ", Some(("jobs", "queue=main  exit=1"))),
            ("q", Some(("quit", ""))),
            ("j 3f2a", Some(("job", "3f2a"))),
            ("failed", Some(("jobs", "failed"))),
            ("failed since=2h", None),
            ("xyzzy", None),
            ("", None),
        ];
        for (line, expected) in cases {
            assert_eq!(read(line), expected, "{line}");
        }
        for (short, line) in ALIASES {
            assert!(read_line(line).is_some() && read_line(short).is_some(), "{short} stands for {line}");
        }
    }
}
