//! `interrupt`.

use super::error::{Doing, exit};
use super::world::Setting;
use super::{Done, resolve};
use crate::backend::Why;
use crate::cli::{Format, InterruptArgs};
use crate::model::{Instance, validate};

pub async fn run(args: &InterruptArgs, setting: Setting) -> Done {
    setting.require_writable("interrupt")?;
    args.reason.as_deref().map_or(Ok(()), validate::reason)?;
    let world = setting.open().await?;
    let found = resolve::instance(&world, &args.instance).await?;
    let id = found.instance_id.clone();
    let why = Why { reason: args.reason.clone() };
    world.backend.interrupt_instance(&id, args.now, why).await.doing(format!("interrupting the instance {id}"))?;
    match args.output {
        Format::Json => world.output().json(&found)?,
        Format::Table => world.output().text(&told(&found, args.now))?,
    }
    Ok(exit::DONE)
}

/// What becomes of it and of its jobs.
fn told(instance: &Instance, at_once: bool) -> String {
    let id = &instance.instance_id;
    let jobs = match instance.running_jobs {
        0 => return format!("instance {id}: interrupted; it had no job and ends now\n"),
        1 => "its job".to_owned(),
        count => format!("its {count} jobs"),
    };
    let end = format!("`Host EC2 (instance {id}) terminated.`; what has attempts left is tried again");
    if at_once {
        format!("instance {id}: taken away with {jobs}\n  attempts end with {end}\n")
    } else {
        format!(
            "instance {id}: has its notice; it takes no new job, and in 2 minutes it is taken away with {jobs}\n  \
             attempts that run then end with {end}\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::InstanceId;

    #[test]
    fn what_becomes_of_an_instance_and_its_jobs_is_told() {
        let of =
            |running_jobs| Instance { instance_id: InstanceId("i-0a".into()), running_jobs, ..Instance::default() };
        let end = "end with `Host EC2 (instance i-0a) terminated.`; what has attempts left is tried again\n";
        let cases = [
            (0, true, "instance i-0a: interrupted; it had no job and ends now\n".to_owned()),
            (1, true, format!("instance i-0a: taken away with its job\n  attempts {end}")),
            (
                2,
                false,
                format!(
                    "instance i-0a: has its notice; it takes no new job, and in 2 minutes it is taken away with its 2 \
                     jobs\n  attempts that run then {end}"
                ),
            ),
        ];
        for (jobs, at_once, expected) in cases {
            assert_eq!(told(&of(jobs), at_once), expected);
        }
    }
}
