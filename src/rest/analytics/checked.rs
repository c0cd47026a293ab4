//! An operation that was put together from parts that may not fit.

use crate::error::{Error, Result};
use crate::rest::answer::Answer;
use crate::rest::arguments::Arguments;
use crate::rest::operation::{Method, Operation};
use crate::rest::paging::{Paged, Paging, Sheet};

/// An operation from a builder: when what was given to the builder cannot be sent, calling it is the error that says so.
///
/// Positions in its pages are those of the operation itself.
#[derive(Clone, Debug)]
#[must_use = "an operation does nothing until it is executed"]
pub struct Checked<O> {
    operation: O,
    fault: Fault,
}

/// The first thing that was wrong.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fault(Option<Box<str>>);

impl Fault {
    /// Keeps the value, or what is wrong with it.
    pub(crate) fn take<T>(&mut self, value: Result<T>) -> Option<T> {
        match value {
            Ok(value) => Some(value),
            Err(error) => {
                self.say(&error.summary());
                None
            }
        }
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.0.get_or_insert_with(|| text.into());
    }

    pub(crate) fn check(&self) -> Result<()> {
        self.0.as_deref().map_or(Ok(()), |text| Err(Error::config(text)))
    }
}

impl<O> Checked<O> {
    pub(crate) fn new(operation: O, fault: Fault) -> Self {
        Self { operation, fault }
    }

    /// The operation.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) when it cannot be sent.
    pub fn into_operation(self) -> Result<O> {
        self.fault.check().map(|()| self.operation)
    }
}

impl<O: Operation> Operation for Checked<O> {
    type Response = O::Response;

    const METHOD: Method = O::METHOD;
    const TEMPLATE: &'static str = O::TEMPLATE;

    fn arguments(&self) -> Arguments {
        let mut arguments = self.operation.arguments();
        if let Err(error) = self.fault.check() {
            arguments.body = Some(Err(error));
        }
        arguments
    }

    fn response(answer: Answer) -> Result<Self::Response> {
        O::response(answer)
    }
}

impl<O: Paged> Paged for Checked<O> {
    type Item = O::Item;

    const PAGING: Paging = O::PAGING;

    fn sheet(page: Self::Response) -> Sheet<Self::Item> {
        O::sheet(page)
    }
}
