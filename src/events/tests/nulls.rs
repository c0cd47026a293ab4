//! Nulls in lists.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::events::body::body;
use crate::events::cursor::Cursor;
use crate::events::json::Json;
use crate::events::members::Members;
use crate::events::read::Source;

body! {
    /// Lists of every kind.
    #[expect(unreachable_pub, reason = "the macro makes public types")]
    pub struct Lists {
        /// Texts.
        texts: Vec<Box<str>> = "texts",
        /// Lists of lists.
        nested: Vec<Vec<Vec<i64>>> = "nested",
        /// Lists by name.
        named: Members<Vec<bool>> = "named",
        /// Anything.
        anything: Vec<Json> = "anything",
        /// The same again.
        bodies: Vec<Lists> = "bodies",
    }
}

/// By the one reader and by the other.
fn read(text: &str) -> [Lists; 2] {
    let mut quick = Lists::default();
    let mut cursor = Cursor::new(text);
    assert!(cursor.body(&mut quick).unwrap());
    cursor.end().unwrap();
    [quick, serde_json::from_str(text).unwrap()]
}

fn lists() -> impl Strategy<Value = Value> {
    let or_null =
        |values: BoxedStrategy<Value>| prop_oneof![1 => Just(Value::Null), 2 => values].boxed();
    let list = move |values| or_null(vec(or_null(values), 0..4).prop_map(Value::from).boxed());
    let integers = any::<i64>().prop_map(Value::from).boxed();
    let truths = list(any::<bool>().prop_map(Value::from).boxed());
    let leaf = (
        list("[a-z]?".prop_map(Value::from).boxed()),
        list(list(list(integers.clone()))),
        vec(truths, 0..4),
    )
        .prop_map(|(texts, nested, named)| {
            let named: serde_json::Map<_, _> =
                named.into_iter().enumerate().map(|(n, list)| (n.to_string(), list)).collect();
            json!({"texts": texts, "nested": nested, "named": named, "anything": [null, 1, texts]})
        });
    leaf.prop_recursive(2, 8, 3, move |inner| {
        let bodies = list(inner.boxed());
        (list("[a-z]?".prop_map(Value::from).boxed()), bodies)
            .prop_map(|(texts, bodies)| json!({"bodies": bodies, "texts": texts}))
    })
}

#[test]
fn a_null_in_a_list_is_no_value_and_is_written_where_it_was() {
    let text = r#"{"texts":[null,"a",null,null,"b"],"anything":[null,1],"bodies":[null,{"texts":[null]}]}"#;
    for lists in read(text) {
        assert_eq!(lists.texts.as_deref().map(<[_]>::len), Some(2));
        assert_eq!(lists.anything.as_deref().map(<[_]>::len), Some(2));
        assert_eq!(lists.bodies.as_ref().unwrap()[0].texts, Some(Vec::new()));
        assert!(lists.extra.is_empty());
        assert_eq!(serde_json::to_string(&lists).unwrap(), text);
    }
}

#[test]
fn a_null_at_the_end_of_an_inner_list_is_not_one_behind_it() {
    for text in [
        r#"{"nested":[[[1,null]],[[2]]]}"#,
        r#"{"nested":[[[1],null],[[2]]]}"#,
        r#"{"nested":[[[1]],null,[[2]]]}"#,
        r#"{"nested":[[[1]],[null,[2]]]}"#,
        r#"{"nested":[[[1]],[[null,2]]]}"#,
        r#"{"named":{"a":[true,null],"b":[null],"c":null,"d":[null,false]}}"#,
    ] {
        for lists in read(text) {
            assert_eq!(serde_json::to_string(&lists).unwrap(), text);
        }
    }
}

#[test]
fn a_list_that_was_changed_is_written_with_its_own_values() {
    for mut lists in read(r#"{"texts":["a",null,"b",null]}"#) {
        lists.texts = Some(vec!["c".into()]);
        assert_eq!(serde_json::to_string(&lists).unwrap(), r#"{"texts":["c",null]}"#);
        lists.texts = None;
        assert_eq!(serde_json::to_string(&lists).unwrap(), "{}");
    }
}

#[test]
fn of_a_list_that_comes_twice_the_last_counts() {
    for lists in read(r#"{"texts":[null,"a"],"texts":["b"]}"#) {
        assert_eq!(serde_json::to_string(&lists).unwrap(), r#"{"texts":["b"]}"#);
    }
}

proptest! {
    #[test]
    fn no_null_is_lost_or_moved(value in lists()) {
        let [quick, careful] = read(&value.to_string());
        prop_assert_eq!(serde_json::to_value(&quick).unwrap(), value);
        prop_assert_eq!(quick, careful);
    }
}
