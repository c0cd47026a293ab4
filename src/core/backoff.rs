//! Delay arithmetic: pure, saturating, randomness given from outside.

use std::time::Duration;

/// Full jitter: a uniform share of an exponentially growing, capped delay, never under `floor`.
///
/// `attempt` counts from 0; `unit` is a random number in `0.0..1.0`.
pub(crate) fn full_jitter(
    base: Duration,
    cap: Duration,
    floor: Duration,
    attempt: u32,
    unit: f64,
) -> Duration {
    let factor = 1u32.checked_shl(attempt).unwrap_or(u32::MAX);
    let ceiling = base.saturating_mul(factor).min(cap);
    ceiling.mul_f64(unit.clamp(0.0, 1.0)).max(floor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    #[test]
    fn grows_by_two_up_to_the_cap_and_never_overflows() {
        let at = |attempt| full_jitter(S(1), S(60), Duration::ZERO, attempt, 1.0);
        assert_eq!(
            [at(0), at(1), at(5), at(6), at(31), at(32), at(u32::MAX)].map(|d| d.as_secs()),
            [1, 2, 32, 60, 60, 60, 60]
        );
    }

    #[test]
    fn floor_holds_when_the_dice_say_zero() {
        assert_eq!(full_jitter(S(1), S(60), S(1) / 10, 3, 0.0), S(1) / 10);
    }
}
