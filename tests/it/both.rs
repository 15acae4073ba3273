//! The same walk on both backends: the engine seen as itself, and seen as AWS through its own API.

use crate::console_aws::with_endpoint;
use crate::support::House;
use crate::wire;
use std::fs;

/// From where an engine is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Engine,
    Aws,
}

impl Side {
    /// A house in which `init` was done.
    pub fn house(self) -> House {
        self.furnish(House::new(), &[])
    }

    /// A house with an engine in it and nothing else, that has `config` besides what makes it seen from this side.
    pub fn bare(self, house: House, config: &str) -> House {
        if self == Self::Engine {
            fs::write(house.path().join("config.toml"), config).expect("written");
            house.ok(&["engine", "start"]);
            return house;
        }
        house.ok(&["engine", "start", "--http", "127.0.0.1:0"]);
        let told = wire::variables(&house.ok(&["engine", "env"]));
        let config = format!("context = 'work'\n[contexts.work]\nbackend = 'aws'\n{config}");
        fs::write(house.path().join("config.toml"), config).expect("written");
        let of = |name: &str| told.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
        let house = with_endpoint(house, of("AWS_ENDPOINT_URL_BATCH"));
        let keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"];
        keys.iter().fold(house, |house, name| house.with_variable(name, of(name)))
    }

    /// Does `init` with `arguments`. The verbs and the console of the house see its engine from this side then; what only
    /// an engine can do is asked for with `--context local`.
    pub fn furnish(self, house: House, arguments: &[&str]) -> House {
        self.furnish_with(house, arguments, "")
    }

    /// The same, with `config` besides.
    pub fn furnish_with(self, house: House, arguments: &[&str], config: &str) -> House {
        let house = self.bare(house, config);
        house.ok(&[&["--context", "local", "init"], arguments].concat());
        house
    }

    /// Makes a queue on the environment that `init` has made, and waits until it takes jobs.
    pub fn queue(house: &House, name: &str, priority: &str) {
        let on = ["--environments", "local", "--priority", priority];
        house.ok(&[&["--context", "local", "queues", "create", name], on.as_slice()].concat());
        house.until("the queue takes jobs", &["--context", "local", "queues"], |all| {
            let mut all = all.as_array().into_iter().flatten();
            all.any(|queue| queue["jobQueueName"] == name && queue["status"] == "VALID")
        });
    }

    /// What the status line says where all is well.
    pub fn is_well(self) -> &'static str {
        match self {
            Self::Engine => "engine ok",
            Self::Aws => "aws ok",
        }
    }
}

/// Two tests of each walk, a function of a [`Side`]: `on_the_engine::NAME` and `on_aws::NAME`.
macro_rules! on_both {
    ($($walk:ident),* $(,)?) => {
        mod on_the_engine {
            $(
                #[test]
                fn $walk() {
                    super::$walk($crate::both::Side::Engine);
                }
            )*
        }

        mod on_aws {
            $(
                #[test]
                fn $walk() {
                    super::$walk($crate::both::Side::Aws);
                }
            )*
        }
    };
}
pub(crate) use on_both;
