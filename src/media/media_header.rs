//! The header of the simulator's media frames.

/// How the audio of a frame is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MediaFormat {
    /// G.711 µ-law, 8 bits a sample.
    Pcmu,
    /// Linear, 16 bits a sample, big-endian.
    L16,
}

impl MediaFormat {
    /// Bytes of one sample of one channel.
    pub fn bytes_per_sample(self) -> usize {
        match self {
            Self::Pcmu => 1,
            Self::L16 => 2,
        }
    }
}

/// What stands before the audio of a media frame: its coding, and where in the call it belongs.
///
/// | bytes | what |
/// |---|---|
/// | 0 | 0x80 |
/// | 1 | format: 0 is PCMU, 1 is L16 |
/// | 2 to 3 | reserved, 0 |
/// | 4 to 7 | samples a second, big-endian |
/// | 8 to 15 | position of the first sample, counted from the begin of the stream, big-endian |
///
/// This is the layout of the simulator's frames. The platform publishes none: a frame that begins with 0x80 and has no
/// such header is still `telephony.media`, and its audio is opaque.
///
/// ```
/// use genesys_cloud::media::{MediaFormat, MediaHeader};
///
/// let header = MediaHeader::new(MediaFormat::Pcmu, 8_000, 160);
/// let mut frame = Vec::new();
/// header.write(&mut frame);
/// frame.extend([0xff; 160]);
/// assert_eq!(MediaHeader::parse(&frame), Some(header));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct MediaHeader {
    /// How the audio is coded.
    pub format: MediaFormat,
    /// Samples a second; never 0 in a header that was parsed.
    pub sample_rate: u32,
    /// Position of the frame's first sample, in samples.
    pub position: u64,
}

impl MediaHeader {
    /// The first byte of every media frame.
    pub const LEAD: u8 = 0x80;
    /// Bytes before the audio.
    pub const LEN: usize = 16;

    /// A header.
    pub fn new(format: MediaFormat, sample_rate: u32, position: u64) -> Self {
        Self { format, sample_rate, position }
    }

    /// The header that a frame begins with; `None` when it begins with anything else.
    pub fn parse(frame: &[u8]) -> Option<Self> {
        let (head, _) = frame.split_first_chunk::<{ Self::LEN }>()?;
        let [Self::LEAD, format, 0, 0, r0, r1, r2, r3, position @ ..] = *head else {
            return None;
        };
        let format = match format {
            0 => MediaFormat::Pcmu,
            1 => MediaFormat::L16,
            _ => return None,
        };
        let sample_rate = u32::from_be_bytes([r0, r1, r2, r3]);
        let position = u64::from_be_bytes(position);
        (sample_rate > 0).then_some(Self { format, sample_rate, position })
    }

    /// Appends the header.
    pub fn write(&self, out: &mut Vec<u8>) {
        let format = match self.format {
            MediaFormat::Pcmu => 0,
            MediaFormat::L16 => 1,
        };
        out.extend([Self::LEAD, format, 0, 0]);
        out.extend(self.sample_rate.to_be_bytes());
        out.extend(self.position.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_byte_has_its_place() {
        let mut out = Vec::new();
        MediaHeader::new(MediaFormat::L16, 0x0102_0304, 0x1112_1314_1516_1718).write(&mut out);
        let bytes = [0x80, 1, 0, 0, 1, 2, 3, 4, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18];
        assert_eq!(out, bytes);
    }

    #[test]
    fn what_is_no_header_is_none() {
        let mut good = Vec::new();
        MediaHeader::new(MediaFormat::Pcmu, 8_000, 0).write(&mut good);
        assert!(MediaHeader::parse(&good).is_some());
        assert_eq!(MediaHeader::parse(&good[..15]), None, "short");
        for (at, byte) in [(0, 0x81), (1, 2), (2, 1), (3, 1)] {
            let mut bad = good.clone();
            bad[at] = byte;
            assert_eq!(MediaHeader::parse(&bad), None, "byte {at}");
        }
        let mut silent = good.clone();
        silent[4..8].fill(0);
        assert_eq!(MediaHeader::parse(&silent), None, "a rate of 0");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(l16 in any::<bool>(), rate in 1u32.., position: u64, audio: Vec<u8>) {
            let format = if l16 { MediaFormat::L16 } else { MediaFormat::Pcmu };
            let header = MediaHeader::new(format, rate, position);
            let mut out = Vec::new();
            header.write(&mut out);
            out.extend(audio);
            prop_assert_eq!(MediaHeader::parse(&out), Some(header));
        }
    }
}
