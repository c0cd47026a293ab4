//! The macro that makes an operation a type.

#![allow(dead_code)] // Not every family has parameters of every kind.

use crate::core::secret::Secret;
use crate::events::Timestamp;
use crate::rest::arguments::Arguments;

/// One value in a path or a query.
pub(crate) trait Parameter {
    fn text(&self) -> String;

    fn put_path(&self, name: &'static str, to: Arguments) -> Arguments {
        to.path(name, self.text())
    }
}

impl Parameter for Box<str> {
    fn text(&self) -> String {
        self.to_string()
    }
}

impl Parameter for Timestamp {
    fn text(&self) -> String {
        self.as_str().to_owned()
    }
}

impl Parameter for i64 {
    fn text(&self) -> String {
        self.to_string()
    }
}

impl Parameter for bool {
    fn text(&self) -> String {
        self.to_string()
    }
}

impl Parameter for Secret {
    fn text(&self) -> String {
        self.expose().to_owned()
    }

    fn put_path(&self, name: &'static str, to: Arguments) -> Arguments {
        to.secret_path(name, self.clone())
    }
}

/// Adds a parameter when it has a value.
pub(crate) fn put_query(
    to: Arguments,
    name: &'static str,
    value: Option<&dyn Parameter>,
) -> Arguments {
    match value {
        Some(value) => to.query(name, value.text()),
        None => to,
    }
}

/// Adds a header when it has a value.
pub(crate) fn put_header(
    to: Arguments,
    name: &'static str,
    value: Option<&dyn Parameter>,
) -> Arguments {
    match value {
        Some(value) => to.header(name, value.text()),
        None => to,
    }
}

/// The Rust type of a kind of parameter.
#[allow(unused_macros)] // Not every family has parameters.
macro_rules! kind {
    (text) => { Box<str> };
    (secret) => { crate::core::secret::Secret };
    (time) => { crate::events::Timestamp };
    (integer) => { i64 };
    (flag) => { bool };
}
#[allow(unused_imports)] // As above.
pub(crate) use kind;

/// How an answer is read.
macro_rules! answer {
    (model $response:ty) => {
        type Response = $response;

        fn response(answer: $crate::rest::answer::Answer) -> $crate::error::Result<$response> {
            answer.json()
        }
    };
    (raw) => {
        type Response = bytes::Bytes;

        fn response(answer: $crate::rest::answer::Answer) -> $crate::error::Result<bytes::Bytes> {
            Ok(answer.body().clone())
        }
    };
    (nothing) => {
        type Response = ();

        fn response(answer: $crate::rest::answer::Answer) -> $crate::error::Result<()> {
            answer.nothing()
        }
    };
    (location) => {
        type Response = $crate::core::secret::Secret;

        fn response(answer: $crate::rest::answer::Answer) -> $crate::error::Result<Self::Response> {
            answer.location()
        }
    };
}
pub(crate) use answer;

/// Defines an operation: a struct with an argument of `new` for each parameter that is required, and a method for each
/// that is not.
///
/// `path`, `need` (of the query) and `many` (a list of the query) are required, in this order, and `body` after them;
/// `query`, `list` and `header` are not. `pages` says that the answer is one page of many. There are hundreds of these: what does not depend on the type is a function
/// called, not code repeated.
macro_rules! operation {
    (
        $(#[$doc:meta])*
        pub struct $name:ident = $method:ident $template:literal -> $answer:ident($($response:ty)?);
        $(path $(#[$path_doc:meta])* $path:ident: $path_kind:ident = $path_name:literal;)*
        $(need $(#[$need_doc:meta])* $need:ident: $need_kind:ident = $need_name:literal;)*
        $(many $(#[$many_doc:meta])* $many:ident: $many_way:ident = $many_name:literal;)*
        $(query $(#[$query_doc:meta])* $query:ident: $query_kind:ident = $query_name:literal;)*
        $(list $(#[$list_doc:meta])* $list:ident: $list_way:ident = $list_name:literal;)*
        $(header $(#[$header_doc:meta])* $header:ident: $header_kind:ident = $header_name:literal;)*
        $(body $body:ty;)?
        $(also $also:ident;)*
        $(pages $items:ident: $item:ty, by $paging:expr $(, $of_page:ident = $known:ident)*;)?
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        #[must_use = "an operation does nothing until it is executed"]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$path_doc])* pub $path: $crate::rest::define::kind!($path_kind),)*
            $($(#[$need_doc])* pub $need: $crate::rest::define::kind!($need_kind),)*
            $($(#[$many_doc])* pub $many: Vec<Box<str>>,)*
            $($(#[$query_doc])* pub $query: Option<$crate::rest::define::kind!($query_kind)>,)*
            $($(#[$list_doc])* pub $list: Vec<Box<str>>,)*
            $($(#[$header_doc])* pub $header: Option<$crate::rest::define::kind!($header_kind)>,)*
            $(/// What is sent.
            pub body: $body,)?
        }

        impl $name {
            /// The operation with what it cannot do without.
            pub fn new(
                $($path: impl Into<$crate::rest::define::kind!($path_kind)>,)*
                $($need: impl Into<$crate::rest::define::kind!($need_kind)>,)*
                $($many: impl IntoIterator<Item = impl Into<Box<str>>>,)*
                $(body: $body,)?
            ) -> Self {
                Self {
                    $($path: $path.into(),)*
                    $($need: $need.into(),)*
                    $($many: $many.into_iter().map(Into::into).collect(),)*
                    $($query: None,)*
                    $($list: Vec::new(),)*
                    $($header: None,)*
                    $(body: { let body: $body = body; body },)?
                }
            }

            $($(#[$query_doc])*
            pub fn $query(
                mut self,
                $query: impl Into<$crate::rest::define::kind!($query_kind)>,
            ) -> Self {
                self.$query = Some($query.into());
                self
            })*

            $($(#[$list_doc])*
            pub fn $list(mut self, $list: impl IntoIterator<Item = impl Into<Box<str>>>) -> Self {
                self.$list = $list.into_iter().map(Into::into).collect();
                self
            })*

            $($(#[$header_doc])*
            pub fn $header(
                mut self,
                $header: impl Into<$crate::rest::define::kind!($header_kind)>,
            ) -> Self {
                self.$header = Some($header.into());
                self
            })*
        }

        impl $crate::rest::operation::Operation for $name {
            $crate::rest::define::answer!($answer $($response)?);

            const METHOD: $crate::rest::operation::Method =
                $crate::rest::operation::Method::$method;
            const TEMPLATE: &'static str = $template;

            fn arguments(&self) -> $crate::rest::arguments::Arguments {
                #[allow(unused_imports)] // Not every operation has parameters of both kinds.
                use $crate::rest::define::{Parameter as _, put_header, put_query};

                let to = $crate::rest::arguments::Arguments::new();
                $(let to = self.$path.put_path($path_name, to);)*
                $(let to = put_query(to, $need_name, Some(&self.$need));)*
                $(let to = to.required($many_name, &self.$many).$many_way($many_name, &self.$many);)*
                $(let to = put_query(to, $query_name, self.$query.as_ref().map(|value| value as _));)*
                $(let to = to.$list_way($list_name, &self.$list);)*
                $(let to = put_header(to, $header_name, self.$header.as_ref().map(|value| value as _));)*
                $(let to = to.json::<$body>(&self.body);)?
                $(let to = to.$also();)*
                to
            }
        }

        $(impl $crate::rest::paging::Paged for $name {
            type Item = $item;

            const PAGING: $crate::rest::paging::Paging = {
                use $crate::rest::paging::Paging::*;
                $paging
            };

            fn sheet(page: Self::Response) -> $crate::rest::paging::Sheet<$item> {
                $crate::rest::paging::Sheet {
                    items: page.$items.unwrap_or_default(),
                    $($of_page: page.$known,)*
                    ..$crate::rest::paging::Sheet::new(Vec::new())
                }
            }
        })?
    };
}
pub(crate) use operation;
