//! `contexts`: every context that can be opened, and where it leads.

use super::Done;
use super::error::exit;
use super::table::{Cell, Table, left};
use super::world::Setting;
use crate::cli::{Format, ListArgs};
use crate::config::{Access, Context, Origin, Profiles, Reach};
use serde::Serialize;

pub fn run(args: &ListArgs, setting: &Setting) -> Done {
    let profiles = Profiles::read();
    let lines: Vec<Line<'_>> = setting.contexts.iter().map(|context| Line::of(context, setting, &profiles)).collect();
    match args.output {
        Format::Json => setting.output.json(&lines)?,
        Format::Table => setting.output.table(&table(&lines))?,
    }
    Ok(exit::DONE)
}

/// One context, as scripts read it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    name: &'a str,
    /// A verb without `--context` goes there.
    current: bool,
    backend: &'static str,
    origin: &'static str,
    access: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a str>,
    /// That of the context, or else of its profile; the environment's is not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_directory: Option<String>,
    /// Those that it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contexts: Vec<&'a str>,
}

impl<'a> Line<'a> {
    fn of(context: &'a Context, setting: &Setting, profiles: &'a Profiles) -> Self {
        let current = context.name == setting.context.name;
        let line = Self {
            name: &context.name,
            current,
            backend: "local",
            origin: context.origin.as_str(),
            access: if current { setting.context.access } else { context.access }.as_str(),
            profile: None,
            region: None,
            endpoint: None,
            data_directory: None,
            contexts: Vec::new(),
        };
        match &context.reach {
            Reach::Several { members } => Self { backend: "several", contexts: names(members), ..line },
            Reach::Local { data_directory } => {
                Self { data_directory: Some(data_directory.display().to_string()), ..line }
            }
            Reach::Aws { profile, region, endpoint, .. } => {
                let of_profile = || profiles.region(profile.as_deref().unwrap_or("default"));
                Self {
                    backend: "aws",
                    profile: profile.as_deref(),
                    region: region.as_deref().or_else(of_profile),
                    endpoint: endpoint.as_deref(),
                    ..line
                }
            }
        }
    }
}

fn table(lines: &[Line<'_>]) -> Table {
    let mut table = Table::new(&["", "NAME", "BACKEND", "FROM", "ACCESS", "REGION", "PLACE"].map(left));
    for line in lines {
        let profile = line.profile.map(|profile| format!("profile {profile}"));
        let several = (!line.contexts.is_empty()).then(|| line.contexts.join(", "));
        let place = line.endpoint.map(str::to_owned).or(profile).or_else(|| line.data_directory.clone()).or(several);
        table.row(vec![
            Cell::new(if line.current { "▸" } else { "" }),
            Cell::new(line.name),
            Cell::new(line.backend),
            Cell::new(line.origin).dim(),
            Cell::new(line.access),
            Cell::optional(line.region),
            Cell::optional(place),
        ]);
    }
    table
}

fn names(members: &[Context]) -> Vec<&str> {
    members.iter().map(|member| member.name.as_str()).collect()
}

/// Whether one may act in a context, and where it leads, in few words: `read-only · AWS profile ops · eu-west-1`.
pub fn outline(context: &Context) -> String {
    let mut parts = Vec::new();
    if context.access != Access::Write {
        parts.push("read-only".to_owned());
    }
    match &context.reach {
        Reach::Local { data_directory } => parts.push(format!("local engine · {}", data_directory.display())),
        Reach::Several { members } => parts.push(format!("{} as one", names(members).join(", "))),
        Reach::Aws { profile, region, endpoint, .. } => {
            parts.push(match (profile, context.origin) {
                (_, Origin::Profile) => "AWS profile".to_owned(),
                (Some(profile), _) => format!("AWS profile {profile}"),
                (None, Origin::BuiltIn) => "AWS of the environment".to_owned(),
                (None, _) => "AWS".to_owned(),
            });
            parts.extend(region.clone());
            parts.extend(endpoint.clone());
        }
    }
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_says_where_it_leads_and_whether_one_may_act_there() {
        let aws = |origin, access, profile: Option<&str>, region: Option<&str>| Context {
            name: "x".to_owned(),
            origin,
            access,
            reach: Reach::Aws {
                profile: profile.map(str::to_owned),
                region: region.map(str::to_owned),
                endpoint: None,
                calls_per_second: None,
                queues: Vec::new(),
                history: true,
                log_group: None,
            },
            scheduler_role: None,
        };
        let local = Context {
            reach: Reach::Local { data_directory: "/d".into() },
            ..aws(Origin::BuiltIn, Access::Write, None, None)
        };
        let cases = [
            (local, "local engine · /d"),
            (aws(Origin::BuiltIn, Access::Guarded, None, None), "read-only · AWS of the environment"),
            (aws(Origin::Profile, Access::Guarded, Some("x"), None), "read-only · AWS profile"),
            (
                aws(Origin::Config, Access::Configured, Some("ops"), Some("eu-west-1")),
                "read-only · AWS profile ops · eu-west-1",
            ),
            (aws(Origin::Config, Access::Write, None, None), "AWS"),
        ];
        for (context, expected) in cases {
            assert_eq!(outline(&context), expected);
        }
    }
}
