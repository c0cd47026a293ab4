//! A type of frames: how it is recognised, and when it is sound.

use std::fmt;
use std::sync::Arc;

use super::media_frame::FrameView;
use super::media_header::MediaHeader;
use super::payload_type::PayloadType;
use super::schema::{JsonType, Schema};
use crate::error::{Error, Result};

/// What a validator says: the reason of a refusal is text, or any error.
pub type ValidatorResult = std::result::Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Looks at a frame of its type after the schema; plain data in, a verdict out.
///
/// Every closure of this form is one. Not asked of a frame in which something is wrong already. One that panics has
/// refused the frame.
pub trait Validate: Send + Sync {
    /// Whether the frame is sound.
    ///
    /// # Errors
    /// Why it is not. The reason becomes part of the frame's error: keep what callers said out of it.
    fn validate(&self, frame: &FrameView<'_>) -> ValidatorResult;
}

impl<F: Fn(&FrameView<'_>) -> ValidatorResult + Send + Sync> Validate for F {
    fn validate(&self, frame: &FrameView<'_>) -> ValidatorResult {
        self(frame)
    }
}

const _: fn(&dyn Validate) = |_| {};

/// A type of frames, for [`PipelineBuilder::register`](super::PipelineBuilder::register).
///
/// ```
/// use genesys_cloud::media::{FrameType, FrameView, JsonType, Pipeline, Schema};
///
/// let score = FrameType::json("acme.score")
///     .schema(Schema::new().required("value", JsonType::Number))
///     .validate(|frame: &FrameView<'_>| match frame.member("value") {
///         Some(text) if text.starts_with('-') => Err("a score is not negative".into()),
///         _ => Ok(()),
///     });
/// let video = FrameType::binary("acme.video", 0x81);
/// let pipeline = Pipeline::builder().register(score).register(video).build()?;
/// # Ok::<(), genesys_cloud::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "a type is known to a pipeline when it is registered"]
pub struct FrameType {
    pub(super) kind: PayloadType,
    pub(super) sign: Sign,
    pub(super) schema: Schema,
    pub(super) validator: Option<Arc<dyn Validate>>,
}

/// By what a type is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// The value of `type` is its name.
    Name,
    /// A binary message begins with this byte.
    Byte(u8),
}

impl FrameType {
    /// JSON objects whose `type` is this name.
    pub fn json(name: &str) -> Self {
        Self::new(name, Sign::Name)
    }

    /// Binary messages that begin with this byte.
    pub fn binary(name: &str, lead: u8) -> Self {
        Self::new(name, Sign::Byte(lead))
    }

    fn new(name: &str, sign: Sign) -> Self {
        let kind = PayloadType::named(name);
        Self { kind, sign, schema: Schema::new(), validator: None }
    }

    /// Which fields its JSON must have. Default: none.
    pub fn schema(mut self, schema: Schema) -> Self {
        self.schema = schema;
        self
    }

    /// What else must be true. Default: nothing.
    pub fn validate(mut self, validator: impl Validate + 'static) -> Self {
        self.validator = Some(Arc::new(validator));
        self
    }

    /// The types that every pipeline knows. A type that is registered under one of their names replaces it.
    pub(super) fn built_in() -> [Self; 3] {
        let update = Schema::new()
            .required("id", JsonType::String)
            .required("type", JsonType::String)
            .required("routing", JsonType::Object);
        [
            Self::json("interaction.update").schema(update),
            Self::json("keepalive"),
            Self::binary("telephony.media", MediaHeader::LEAD),
        ]
    }

    /// Whether it can be used.
    pub(super) fn check(&self) -> Result<()> {
        let name = self.kind.as_str();
        if name.is_empty() || name == "unknown" || name == "unread" {
            return Err(Error::config(format!("a type of frames cannot be named {name:?}")));
        }
        match self.sign {
            Sign::Byte(b'{' | b' ' | b'\t' | b'\n' | b'\r') => Err(Error::config(format!(
                "frames of {name} cannot be told from JSON: choose a leading byte that is neither a brace nor white space"
            ))),
            Sign::Byte(_) if !self.schema.is_empty() => Err(Error::config(format!(
                "{name} is binary and has a schema, which is for JSON: use a validator"
            ))),
            _ => self.schema.check(),
        }
    }
}

impl fmt::Debug for FrameType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameType")
            .field("kind", &self.kind)
            .field("sign", &self.sign)
            .field("schema", &self.schema)
            .field("validator", &self.validator.is_some())
            .finish()
    }
}
