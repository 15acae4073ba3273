//! What this machine has, and how much of it is promised to jobs.
//!
//! Instances are only names for parts of one machine. Whatever their types say, the jobs that are placed on them never ask
//! for more than the machine has, unless their environment carries the tag `batchdeck:overcommit` = `true`: such an
//! environment neither counts here nor is it held back.

use super::Engine;
use super::event::Need;
use serde::{Deserialize, Serialize};
use std::fmt;

/// This machine, or a share of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Machine {
    /// Thousandths of a vCPU.
    pub vcpus_milli: u64,
    pub memory_mib: u64,
    pub gpus: u32,
}

impl Machine {
    pub fn holds(self, need: Need) -> bool {
        need.vcpus_milli <= self.vcpus_milli && need.memory_mib <= self.memory_mib && need.gpus <= self.gpus
    }

    #[must_use]
    pub fn with(self, share: Self) -> Self {
        Self {
            vcpus_milli: self.vcpus_milli + share.vcpus_milli,
            memory_mib: self.memory_mib + share.memory_mib,
            gpus: self.gpus + share.gpus,
        }
    }

    #[must_use]
    pub fn without(self, share: Self) -> Self {
        Self {
            vcpus_milli: self.vcpus_milli.saturating_sub(share.vcpus_milli),
            memory_mib: self.memory_mib.saturating_sub(share.memory_mib),
            gpus: self.gpus.saturating_sub(share.gpus),
        }
    }
}

impl From<Need> for Machine {
    fn from(need: Need) -> Self {
        Self { vcpus_milli: need.vcpus_milli, memory_mib: need.memory_mib, gpus: need.gpus }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        words(f, self.vcpus_milli, self.memory_mib, self.gpus)
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        words(f, self.vcpus_milli, self.memory_mib, self.gpus)
    }
}

/// `2 vCPUs, 512 MiB and 1 GPU`.
fn words(f: &mut fmt::Formatter<'_>, milli: u64, mib: u64, gpus: u32) -> fmt::Result {
    let plural = |one: bool| if one { "" } else { "s" };
    let vcpus = super::container::vcpus_text(milli);
    write!(f, "{vcpus} vCPU{}", plural(milli == 1000))?;
    match gpus {
        0 => write!(f, " and {mib} MiB"),
        _ => write!(f, ", {mib} MiB and {gpus} GPU{}", plural(gpus == 1)),
    }
}

/// What of the machine is not promised yet, kept while placements are thought out. Without a machine there is no end to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Budget {
    left: Option<Machine>,
}

impl Budget {
    pub fn holds(&self, need: Need) -> bool {
        self.left.is_none_or(|left| left.holds(need))
    }

    pub fn take(&mut self, need: Need) {
        self.left = self.left.map(|left| left.without(need.into()));
    }

    /// No more than what is left, in thousandths of a vCPU and in MiB.
    pub fn at_most(&self, milli: u64, mib: u64) -> (u64, u64) {
        self.left.map_or((milli, mib), |left| (milli.min(left.vcpus_milli), mib.min(left.memory_mib)))
    }
}

impl Engine {
    /// What of the machine is promised to this engine's jobs, those of environments that overcommit left out.
    pub fn promised(&self) -> Machine {
        let mut sum = Machine::default();
        for (name, fleet) in self.index.hosts.fleets() {
            if self.core.environments.get(name).is_none_or(|found| !found.overcommits()) {
                sum = sum.with(fleet.promised);
            }
        }
        sum
    }

    /// What engines of other regions have promised of the same machine. To be told before [`Engine::advance`].
    pub fn set_promised_elsewhere(&mut self, elsewhere: Machine) {
        self.elsewhere = elsewhere;
    }

    /// What is left beside the engine's own promises and those elsewhere.
    pub(super) fn budget(&self) -> Budget {
        let left = self.core.settings.machine.map(|machine| machine.without(self.promised()).without(self.elsewhere));
        Budget { left }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_told_in_words() {
        let machine = Machine { vcpus_milli: 2000, memory_mib: 7985, gpus: 0 };
        assert_eq!(machine.to_string(), "2 vCPUs and 7985 MiB");
        let need = Need { vcpus_milli: 1000, memory_mib: 512, gpus: 1 };
        assert_eq!(need.to_string(), "1 vCPU, 512 MiB and 1 GPU");
        assert_eq!(Need { vcpus_milli: 250, gpus: 2, ..need }.to_string(), "0.25 vCPUs, 512 MiB and 2 GPUs");
    }
}
