//! Credentials as values of bodies: read and written like any text, and never shown.

use crate::core::secret::Secret;
use crate::events::read::{Failed, Source, Value};
use crate::events::write::{Sink, Write};

impl Value for Secret {
    fn read(from: &mut dyn Source) -> Result<Option<Self>, Failed> {
        Ok(<Box<str> as Value>::read(from)?.map(|text| Self::new(text.into_string())))
    }
}

impl Write for Secret {
    fn write(&self, to: &mut dyn Sink) -> Result<(), Failed> {
        to.text(self.expose())
    }
}
