//! EC2 instance types: the table that the program carries, and the keywords of `instanceTypes` in AWS Batch.

use super::{Architecture, nearest};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What an instance of a type offers to jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstanceType {
    pub vcpus: u32,
    /// What registers for jobs: less than the nominal size, as the host keeps some for itself.
    pub memory_mib: u64,
    /// NVIDIA GPUs.
    pub gpus: u32,
    pub architecture: Architecture,
}

/// Types by family, small to large.
type Families = BTreeMap<&'static str, Vec<(&'static str, InstanceType)>>;

static FAMILIES: LazyLock<Families> = LazyLock::new(|| {
    let table = include_str!("instance_types.txt");
    let rows = table.lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| read_family(row).expect("the table is as its generator writes it: a test holds that")).collect()
});

/// What `optimal` and `default_x86_64` stand for (AWS Batch user guide; `optimal` follows since 2025-11).
const DEFAULT_X86_64: [&str; 4] = ["m6i", "c6i", "r6i", "c7i"];
const DEFAULT_ARM64: [&str; 4] = ["m6g", "c6g", "r6g", "c7g"];
const KEYWORDS: [(&str, &[&str]); 3] =
    [("optimal", &DEFAULT_X86_64), ("default_x86_64", &DEFAULT_X86_64), ("default_arm64", &DEFAULT_ARM64)];

/// `c5 x86_64 large=2/4096 xlarge=4/8192`, and the GPUs behind another slash where there are some.
fn read_family(row: &'static str) -> Option<(&'static str, Vec<(&'static str, InstanceType)>)> {
    let mut words = row.split(' ');
    let family = words.next()?;
    let architecture = match words.next()? {
        "x86_64" => Architecture::X86,
        "arm64" => Architecture::Arm,
        _ => return None,
    };
    let sizes = words.map(|word| {
        let (size, figures) = word.split_once('=')?;
        let mut figures = figures.split('/');
        let vcpus = figures.next()?.parse().ok()?;
        let memory_mib = registered_mib(figures.next()?.parse().ok()?);
        let gpus = figures.next().map_or(Some(0), |gpus| gpus.parse().ok())?;
        Some((size, InstanceType { vcpus, memory_mib, gpus, architecture }))
    });
    Some((family, sizes.collect::<Option<_>>()?))
}

/// A host registers about 97.5 % of its memory, less 32 MiB that its agent keeps: 8192 MiB do not fit a host of 8 GiB
/// (AWS Batch user guide, "Compute resource memory management").
fn registered_mib(nominal: u64) -> u64 {
    nominal * 975 / 1000 - 32
}

impl InstanceType {
    /// The size of one type, as `m5.large`; `None` where the name is unknown.
    pub fn named(name: &str) -> Option<Self> {
        let (family, size) = name.split_once('.')?;
        let (_, found) = FAMILIES.get(family)?.iter().find(|(known, _)| *known == size)?;
        Some(*found)
    }

    /// The concrete types that an entry of `instanceTypes` stands for, smallest first: a type, a family without its bare
    /// metal, or `optimal`, `default_x86_64`, `default_arm64`. Empty where the entry is unknown.
    pub fn expand(entry: &str) -> Vec<(String, Self)> {
        if entry.contains('.') {
            return Self::named(entry).map(|found| (entry.to_owned(), found)).into_iter().collect();
        }
        let keyword = KEYWORDS.iter().find(|(word, _)| *word == entry);
        let families = keyword.map_or(std::slice::from_ref(&entry), |(_, families)| families);
        let sizes = families.iter().filter_map(|family| FAMILIES.get_key_value(family)).flat_map(|(family, sizes)| {
            let virtual_ones = sizes.iter().filter(|(size, _)| !size.starts_with("metal"));
            virtual_ones.map(move |(size, found)| (format!("{family}.{size}"), *found))
        });
        let mut types: Vec<_> = sizes.collect();
        types.sort_by(|a, b| a.1.order(&a.0).cmp(&b.1.order(&b.0)));
        types
    }

    /// From small to large; what is of one size goes by `name`.
    pub fn order<'a>(&self, name: &'a str) -> (u32, u64, u32, &'a str) {
        (self.vcpus, self.memory_mib, self.gpus, name)
    }

    /// The type, family or keyword that an unknown entry most likely meant.
    pub fn nearest(entry: &str) -> Option<String> {
        let Some((family, size)) = entry.split_once('.') else {
            let keywords = KEYWORDS.iter().map(|(word, _)| *word);
            return nearest(entry, keywords.chain(FAMILIES.keys().copied())).map(str::to_owned);
        };
        let family = FAMILIES.get_key_value(family).or_else(|| {
            let meant = nearest(family, FAMILIES.keys().copied())?;
            FAMILIES.get_key_value(meant)
        });
        let (family, sizes) = family?;
        let same = sizes.iter().map(|(known, _)| *known).find(|known| *known == size);
        let size = same.or_else(|| nearest(size, sizes.iter().map(|(known, _)| *known)))?;
        Some(format!("{family}.{size}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads_as_a_whole() {
        let types: usize = FAMILIES.values().map(Vec::len).sum();
        assert!(FAMILIES.len() > 150 && types > 1000, "{} families, {types} types", FAMILIES.len());
        for (family, sizes) in &*FAMILIES {
            assert!(sizes.iter().all(|(_, found)| found.vcpus > 0 && found.memory_mib > 0), "{family}");
            assert!(
                sizes.windows(2).all(|pair| pair[0].1.vcpus <= pair[1].1.vcpus),
                "{family} goes from small to large"
            );
        }
        assert_eq!(read_family("c5 sparc large=2/4096"), None);
        assert_eq!(read_family("c5 x86_64 large=2"), None);
    }

    #[test]
    fn a_type_has_the_size_that_aws_says_and_registers_less_than_its_nominal_memory() {
        let size = |name: &str| InstanceType::named(name).map(|t| (t.vcpus, t.gpus, t.architecture));
        assert_eq!(size("c5.9xlarge"), Some((36, 0, Architecture::X86)));
        assert_eq!(size("g4dn.12xlarge"), Some((48, 4, Architecture::X86)));
        assert_eq!(size("m7g.medium"), Some((1, 0, Architecture::Arm)));
        assert_eq!(size("g6f.large"), Some((2, 0, Architecture::X86)), "an eighth of a GPU is none");
        assert_eq!(size("m5.metal"), Some((96, 0, Architecture::X86)));
        let large = InstanceType::named("m4.large").expect("known");
        assert!(large.memory_mib < 8192 && large.memory_mib > 7800, "{large:?}");
        for unknown in ["zz9.large", "m5.enormous", "m5", "", "m5.", "mac1.metal.x"] {
            assert_eq!(InstanceType::named(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn keywords_and_families_expand_to_types_from_small_to_large() {
        let names = |entry: &str| InstanceType::expand(entry).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        let optimal = InstanceType::expand("optimal");
        assert!(optimal.windows(2).all(|pair| pair[0].1.vcpus <= pair[1].1.vcpus));
        assert_eq!(names("optimal")[..4], ["c6i.large", "c7i.large", "m6i.large", "r6i.large"]);
        assert_eq!(names("optimal"), names("default_x86_64"));
        assert!(InstanceType::expand("default_arm64").iter().all(|(_, found)| found.architecture == Architecture::Arm));
        assert_eq!(names("c5")[0], "c5.large");
        assert!(!names("c5").contains(&"c5.metal".to_owned()), "bare metal is named to be had");
        assert_eq!(names("c5.metal"), ["c5.metal"]);
        assert!(InstanceType::expand("nonsense").is_empty());
    }

    #[test]
    fn a_mistyped_entry_finds_the_one_that_was_meant() {
        let cases = [
            ("m5.larg", Some("m5.large")),
            ("m5.xlage", Some("m5.xlarge")),
            ("g4dm.xlarge", Some("g4dn.xlarge")),
            ("optmial", Some("optimal")),
            ("default_x86", Some("default_x86_64")),
            ("something.else", None),
        ];
        for (given, expected) in cases {
            assert_eq!(InstanceType::nearest(given).as_deref(), expected, "{given}");
        }
    }
}
