//! Binary media frames: a header, and a tone in real time.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::frames::Event;

/// The first byte of every media frame.
const MARK: u8 = 0x80;

/// One period of a tone, as mu-law: at 8,000 Hz it has 1 kHz and 0 dBm0.
/// Source: ITU-T G.711, table 6 (digital milliwatt).
const TONE_PCMU: [u8; 8] = [0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e];

/// The same, decoded.
const TONE_L16: [i16; 8] = [-8_828, -20_860, -20_860, -8_828, 8_828, 20_860, 20_860, 8_828];

/// Rates that can be asked for, in Hz.
const RATES: [u32; 6] = [8_000, 16_000, 24_000, 32_000, 44_100, 48_000];

/// Lengths of a frame that can be asked for, in milliseconds.
const FRAME_MILLIS: std::ops::RangeInclusive<u64> = 5..=1_000;

/// Length of a frame when none is asked for, in milliseconds.
const FRAME_MILLIS_DEFAULT: u64 = 20;

/// How much of what is overdue is still sent; what is older is skipped, and its position with it.
const BACKLOG: Duration = Duration::from_secs(30);

/// How samples are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Pcmu,
    /// Linear, 16 bits, big-endian.
    L16,
}

/// A tone that goes on for ever.
#[derive(Debug)]
pub(super) struct Media {
    format: Format,
    rate: u32,
    /// Samples of one frame.
    frame: u64,
    start: Instant,
    /// Samples so far.
    position: u64,
}

impl Media {
    pub(super) fn new(format: Format, rate: u32, frame_millis: u64, start: Instant) -> Self {
        let frame = (u64::from(rate) * frame_millis / 1_000).max(1);
        Self { format, rate, frame, start, position: 0 }
    }

    /// The media that a client asks for: `{"format":"PCMU"|"L16","rate":8000,"frameMillis":20}`.
    pub(super) fn read(wish: &Value, start: Instant) -> Result<Self, String> {
        let format = match wish.get("format").and_then(Value::as_str) {
            Some("PCMU") => Format::Pcmu,
            Some("L16") => Format::L16,
            _ => return Err("media.format must be PCMU or L16".to_owned()),
        };
        let number = |name: &str, default: u64| match wish.get(name) {
            None | Some(Value::Null) => Some(default),
            Some(value) => value.as_u64(),
        };
        let rate = number("rate", u64::from(RATES[0]))
            .and_then(|rate| RATES.into_iter().find(|known| u64::from(*known) == rate))
            .ok_or_else(|| format!("media.rate must be one of {RATES:?}"))?;
        let millis = number("frameMillis", FRAME_MILLIS_DEFAULT)
            .filter(|millis| FRAME_MILLIS.contains(millis))
            .ok_or_else(|| format!("media.frameMillis must be in {FRAME_MILLIS:?}"))?;
        Ok(Self::new(format, rate, millis, start))
    }

    /// When the next frame is due: at the end of its samples, as if they were recorded just then.
    pub(super) fn wake(&self) -> Instant {
        let end = self.time_of(self.position + self.frame);
        self.start.checked_add(end).unwrap_or(self.start)
    }

    /// Puts the frames that are due by now into `out`.
    pub(super) fn due(&mut self, now: Instant, topic: &str, out: &mut Vec<Event>) {
        let elapsed = now.saturating_duration_since(self.start);
        if let Some(floor) = elapsed.checked_sub(BACKLOG) {
            let length = self.time_of(self.frame).as_nanos().max(1);
            let skipped = u64::try_from(floor.as_nanos() / length).unwrap_or(u64::MAX);
            self.position = self.position.max(skipped.saturating_mul(self.frame));
        }
        while self.time_of(self.position + self.frame) <= elapsed {
            out.push(Event::binary(topic, self.next_frame()));
        }
    }

    /// The next frame, whenever it is due.
    pub(super) fn next_frame(&mut self) -> Vec<u8> {
        let format = match self.format {
            Format::Pcmu => 0,
            Format::L16 => 1,
        };
        let mut bytes = vec![MARK, format, 0, 0];
        bytes.extend_from_slice(&self.rate.to_be_bytes());
        bytes.extend_from_slice(&self.position.to_be_bytes());
        let places =
            (self.position..self.position + self.frame).map(|sample| (sample % 8) as usize);
        match self.format {
            Format::Pcmu => bytes.extend(places.map(|place| TONE_PCMU[place])),
            Format::L16 => bytes.extend(places.flat_map(|place| TONE_L16[place].to_be_bytes())),
        }
        self.position += self.frame;
        bytes
    }

    fn time_of(&self, samples: u64) -> Duration {
        let rate = u64::from(self.rate);
        let nanos = (samples % rate) * 1_000_000_000 / rate;
        Duration::from_secs(samples / rate) + Duration::from_nanos(nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn bytes(event: &Event) -> Vec<u8> {
        event.message.clone().into_data().to_vec()
    }

    #[tokio::test(start_paused = true)]
    async fn frames_come_in_real_time_and_positions_count_samples() {
        let start = Instant::now();
        let wish = json!({ "format": "L16", "rate": 16_000, "frameMillis": 10 });
        let mut media = Media::read(&wish, start).unwrap();
        let mut out = Vec::new();
        media.due(start + Duration::from_millis(9), "m", &mut out);
        assert!(out.is_empty());
        assert_eq!(media.wake(), start + Duration::from_millis(10));
        media.due(start + Duration::from_millis(35), "m", &mut out);
        assert_eq!(out.len(), 3);
        let last = bytes(&out[2]);
        assert_eq!(last.len(), 16 + 2 * 160);
        assert_eq!(last[..4], [0x80, 1, 0, 0]);
        assert_eq!(last[4..8], 16_000_u32.to_be_bytes());
        assert_eq!(last[8..16], 320_u64.to_be_bytes());
        assert_eq!(last[16..18], (-8_828_i16).to_be_bytes());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_long_overdue_is_skipped_with_its_position() {
        let start = Instant::now();
        let mut media = Media::read(&json!({ "format": "PCMU" }), start).unwrap();
        let mut out = Vec::new();
        media.due(start + Duration::from_secs(3_600), "m", &mut out);
        assert_eq!(out.len(), 1_500, "30 s of 20 ms each");
        assert_eq!(bytes(&out[1_499])[8..16], (3_600 * 8_000_u64 - 160).to_be_bytes());
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        for bad in [
            json!({}),
            json!("PCMU"),
            json!({ "format": "PCMU", "rate": 7 }),
            json!({ "format": "PCMU", "frameMillis": 0 }),
            json!({ "format": "L16", "frameMillis": "20" }),
        ] {
            assert!(Media::read(&bad, Instant::now()).is_err(), "{bad}");
        }
    }
}
