//! AWS's regions, by the form of their names.

/// The beginnings of regions' names and the partition that each belongs to, as AWS's SDKs have them.
const PARTITIONS: [(&str, &str); 16] = [
    ("us-gov", "aws-us-gov"),
    ("us-isob", "aws-iso-b"),
    ("us-isof", "aws-iso-f"),
    ("us-iso", "aws-iso"),
    ("eu-isoe", "aws-iso-e"),
    ("eusc-de", "aws-eusc"),
    ("cn", "aws-cn"),
    ("us", "aws"),
    ("eu", "aws"),
    ("ap", "aws"),
    ("sa", "aws"),
    ("ca", "aws"),
    ("me", "aws"),
    ("af", "aws"),
    ("il", "aws"),
    ("mx", "aws"),
];

/// The partition of a region: `aws` for `eu-west-1`, `aws-cn` for `cn-north-1`. `None` where the text has not the form
/// of a region's name.
pub fn partition(region: &str) -> Option<&'static str> {
    let (place, number) = region.rsplit_once('-')?;
    let (beginning, side) = place.rsplit_once('-')?;
    let lower = |text: &str| (1..=16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase());
    let counted = (1..=2).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    let found = PARTITIONS.iter().find(|(name, _)| *name == beginning);
    found.filter(|_| lower(side) && counted).map(|(_, partition)| *partition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_tells_its_partition_and_other_texts_are_none() {
        let regions = [
            ("us-east-1", "aws"),
            ("ap-southeast-7", "aws"),
            ("mx-central-1", "aws"),
            ("cn-northwest-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("us-isof-south-1", "aws-iso-f"),
            ("eusc-de-east-1", "aws-eusc"),
        ];
        for (region, expected) in regions {
            assert_eq!(partition(region), Some(expected), "{region}");
        }
        let others = [
            "",
            "us-east",
            "us-east-",
            "us-east-123",
            "US-EAST-1",
            "us-east-1a",
            "xx-east-1",
            "us--1",
            "aws-global",
            "us-east-1 ",
        ];
        for other in others {
            assert_eq!(partition(other), None, "{other}");
        }
    }
}
