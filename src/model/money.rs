//! Amounts of money, in whole billionths of a US dollar: sums are exact.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;

/// US dollars. On the wire a number with at most nine decimals, which a double carries exactly up to a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Usd(i64);

/// Billionths in a dollar.
const SCALE: i64 = 1_000_000_000;
const DECIMALS: usize = 9;
/// The largest amount that is taken from outside: a double is exact up to there.
const MOST: f64 = 1_000_000.0;

impl Usd {
    pub const ZERO: Self = Self(0);

    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    pub const fn from_micros(micros: i64) -> Self {
        Self(micros * 1_000)
    }

    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// This price for `part` of a `whole` (milliseconds of an hour, MiB-milliseconds of a GiB-hour), rounded to the
    /// nearest billionth. More than an amount can hold is the most that it can hold.
    #[must_use]
    pub fn times(self, part: u128, whole: u128) -> Self {
        let price = u128::from(self.0.unsigned_abs());
        let nanos = price.saturating_mul(part).saturating_add(whole / 2).checked_div(whole).unwrap_or(0);
        let nanos = i64::try_from(nanos).unwrap_or(i64::MAX);
        Self(if self.0 < 0 { -nanos } else { nanos })
    }

    #[expect(clippy::cast_precision_loss, reason = "for people and the wire; sums are made before")]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / SCALE as f64
    }

    #[expect(clippy::cast_possible_truncation, reason = "bounded above")]
    #[expect(clippy::cast_precision_loss, reason = "the scale is a power of ten below 2^52")]
    fn of(amount: f64) -> Option<Self> {
        (0.0..=MOST).contains(&amount).then(|| Self((amount * SCALE as f64).round() as i64))
    }
}

/// Two decimals from ten cents on, else as many as show two digits: `$12.40`, `$0.0042`, `$0.00`.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut decimals = 2;
        let mut unit = SCALE / 10;
        while self.0 != 0 && self.0.abs() < unit && decimals < DECIMALS {
            decimals += 1;
            unit /= 10;
        }
        let sign = if self.0 < 0 { "-" } else { "" };
        f.pad(&format!("{sign}${:.decimals$}", self.to_f64().abs()))
    }
}

/// Why a text is no amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no amount of US dollars; give a plain number from 0 to 1,000,000, as 0.0425")]
pub struct NoAmount(String);

impl FromStr for Usd {
    type Err = NoAmount;

    fn from_str(text: &str) -> Result<Self, NoAmount> {
        text.parse().ok().and_then(Self::of).ok_or_else(|| NoAmount(text.to_owned()))
    }
}

impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.to_f64())
    }
}

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Amount;
        impl de::Visitor<'_> for Amount {
            type Value = Usd;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount of US dollars, as 0.0425")
            }

            fn visit_f64<E: de::Error>(self, amount: f64) -> Result<Usd, E> {
                Usd::of(amount).ok_or_else(|| E::custom(NoAmount(amount.to_string())))
            }

            fn visit_u64<E: de::Error>(self, amount: u64) -> Result<Usd, E> {
                amount.to_string().parse().map_err(E::custom)
            }

            fn visit_i64<E: de::Error>(self, amount: i64) -> Result<Usd, E> {
                amount.to_string().parse().map_err(E::custom)
            }

            fn visit_str<E: de::Error>(self, amount: &str) -> Result<Usd, E> {
                amount.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Amount)
    }
}

impl Add for Usd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Usd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Usd {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_shows_two_digits_however_small_it_is() {
        let cases = [
            (12_400_000_000, "$12.40"),
            (0, "$0.00"),
            (100_000_000, "$0.10"),
            (96_000_000, "$0.096"),
            (4_200_000, "$0.0042"),
            (7, "$0.000000007"),
            (-250_000_000, "-$0.25"),
        ];
        for (nanos, expected) in cases {
            assert_eq!(Usd::from_nanos(nanos).to_string(), expected);
        }
    }

    #[test]
    fn a_price_for_a_part_of_its_hour_is_rounded_once() {
        let hour = 3_600_000;
        assert_eq!(Usd::from_micros(96_000).times(60_000, hour), Usd::from_micros(1_600));
        assert_eq!(Usd::from_nanos(1).times(1, 2), Usd::from_nanos(1));
        assert_eq!(Usd::from_nanos(1).times(1, 3), Usd::ZERO);
        assert_eq!(Usd::from_micros(1).times(u128::MAX, 1).nanos(), i64::MAX);
    }

    #[test]
    fn amounts_survive_the_wire_and_nonsense_is_refused() {
        for nanos in [0, 1, 38_250_000, 24_480_000_000, 999_999_999_999_999] {
            let text = serde_json::to_string(&Usd::from_nanos(nanos)).expect("writes");
            assert_eq!(serde_json::from_str::<Usd>(&text).expect("reads").nanos(), nanos, "{text}");
        }
        assert_eq!(serde_json::from_str::<Usd>("\"0.0425\"").expect("a text"), Usd::from_micros(42_500));
        assert_eq!(serde_json::from_str::<Usd>("3").expect("a whole"), Usd::from_micros(3_000_000));
        for wrong in ["-1", "1e9", "\"a\"", "true"] {
            let refusal = serde_json::from_str::<Usd>(wrong).expect_err(wrong).to_string();
            assert!(refusal.contains("US dollars"), "{refusal}");
        }
    }
}
