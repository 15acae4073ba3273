//! Sizes of EC2 instance types.

/// What an instance of a type offers to jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstanceType {
    pub vcpus: u32,
    /// What registers for jobs: less than the nominal size, as the host keeps some for itself.
    pub memory_mib: u64,
}

/// Families whose memory is linear in vCPUs: GiB for each.
const FAMILIES: [(&str, f64); 42] = [
    ("c4", 1.875),
    ("c5", 2.0),
    ("c5a", 2.0),
    ("c5d", 2.0),
    ("c5n", 2.625),
    ("c6a", 2.0),
    ("c6i", 2.0),
    ("c6g", 2.0),
    ("c7a", 2.0),
    ("c7i", 2.0),
    ("c7g", 2.0),
    ("c8i", 2.0),
    ("c8g", 2.0),
    ("m4", 4.0),
    ("m5", 4.0),
    ("m5a", 4.0),
    ("m5d", 4.0),
    ("m6a", 4.0),
    ("m6i", 4.0),
    ("m6g", 4.0),
    ("m7a", 4.0),
    ("m7i", 4.0),
    ("m7g", 4.0),
    ("m8i", 4.0),
    ("m8g", 4.0),
    ("r4", 7.625),
    ("r5", 8.0),
    ("r5a", 8.0),
    ("r5d", 8.0),
    ("r6a", 8.0),
    ("r6i", 8.0),
    ("r6g", 8.0),
    ("r7a", 8.0),
    ("r7i", 8.0),
    ("r7g", 8.0),
    ("r8i", 8.0),
    ("r8g", 8.0),
    ("i3", 7.625),
    ("i4i", 8.0),
    ("t2", 4.0),
    ("t3", 4.0),
    ("t3a", 4.0),
];

/// Sizes in ascending order with their vCPUs. `medium` exists in the Graviton families.
const SIZES: [(&str, u32); 10] = [
    ("medium", 1),
    ("large", 2),
    ("xlarge", 4),
    ("2xlarge", 8),
    ("4xlarge", 16),
    ("8xlarge", 32),
    ("12xlarge", 48),
    ("16xlarge", 64),
    ("24xlarge", 96),
    ("48xlarge", 192),
];

/// What `optimal` and `default_x86_64` stand for (AWS Batch user guide, 2025-11).
const DEFAULT_X86_64: [&str; 4] = ["m6i", "c6i", "r6i", "c7i"];

impl InstanceType {
    /// The size of one type, as `m5.large`; `None` where the name is unknown.
    pub fn named(name: &str) -> Option<Self> {
        let (family, size) = name.split_once('.')?;
        let (_, gib_per_vcpu) = FAMILIES.iter().find(|(known, _)| *known == family)?;
        let (_, vcpus) = SIZES.iter().find(|(known, _)| *known == size)?;
        Some(Self::of(*vcpus, *gib_per_vcpu))
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sizes are small and positive")]
    fn of(vcpus: u32, gib_per_vcpu: f64) -> Self {
        let nominal = (f64::from(vcpus) * gib_per_vcpu * 1024.0) as u64;
        // A host registers about 97.5 % of its memory, less 32 MiB that its agent keeps.
        Self { vcpus, memory_mib: nominal * 975 / 1000 - 32 }
    }

    /// The concrete types that an entry of `instanceTypes` stands for, smallest first: a type, a family, or
    /// `optimal` / `default_x86_64`. Empty where the entry is unknown.
    pub fn expand(entry: &str) -> Vec<(String, Self)> {
        let families: &[&str] = match entry {
            "optimal" | "default_x86_64" => &DEFAULT_X86_64,
            one if one.contains('.') => {
                return Self::named(one).map(|size| (one.to_owned(), size)).into_iter().collect();
            }
            ref family => std::slice::from_ref(family),
        };
        let mut types: Vec<(String, Self)> = families
            .iter()
            .flat_map(|family| SIZES[1..].iter().map(move |(size, _)| format!("{family}.{size}")))
            .filter_map(|name| Self::named(&name).map(|size| (name, size)))
            .collect();
        types.sort_by(|a, b| (a.1.vcpus, a.1.memory_mib, &a.0).cmp(&(b.1.vcpus, b.1.memory_mib, &b.0)));
        types
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_the_size_of_its_family_and_registers_less_than_its_nominal_memory() {
        assert_eq!(InstanceType::named("c5.2xlarge").map(|t| t.vcpus), Some(8));
        let large = InstanceType::named("m4.large").expect("known");
        assert!(large.memory_mib < 8192 && large.memory_mib > 7800, "{large:?}");
        assert_eq!(InstanceType::named("zz9.large"), None);
    }

    #[test]
    fn keywords_and_families_expand_to_types_from_small_to_large() {
        let optimal = InstanceType::expand("optimal");
        assert!(optimal.windows(2).all(|pair| pair[0].1.vcpus <= pair[1].1.vcpus));
        assert!(optimal.iter().any(|(name, _)| name == "m6i.large"));
        assert_eq!(InstanceType::expand("c5")[0].0, "c5.large");
        assert!(InstanceType::expand("nonsense").is_empty());
    }
}
