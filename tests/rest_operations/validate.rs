//! Whether a value fits its published shape.

use serde_json::Value;

use crate::spec::{Schema, Spec};

/// Says where a value does not fit. A member may be missing, and it may be null as an item of a list may; one that is
/// not published may not be there.
pub(crate) fn validate(spec: &Spec, schema: &Schema, value: &Value) -> Result<(), String> {
    let fits = match (spec.resolve(schema), value) {
        (Schema::Any, _)
        | (Schema::Text | Schema::Time, Value::String(_))
        | (Schema::Number, Value::Number(_))
        | (Schema::Bool, Value::Bool(_)) => true,
        (Schema::Integer, Value::Number(number)) => number.is_i64() || number.is_u64(),
        (Schema::Enum(values), Value::String(text)) => values.contains(text),
        (Schema::List(items), Value::Array(values)) => {
            for (index, value) in values.iter().enumerate().filter(|(_, value)| !value.is_null()) {
                validate(spec, items, value).map_err(|fault| format!("[{index}]{fault}"))?;
            }
            true
        }
        (Schema::Map(values), Value::Object(members)) => {
            for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
                validate(spec, values, value).map_err(|fault| format!(".{name}{fault}"))?;
            }
            true
        }
        (Schema::Object(fields), Value::Object(members)) => {
            for (name, value) in members {
                let field = fields.iter().find(|(field, _)| field == name);
                let (_, schema) = field.ok_or_else(|| format!(".{name} is not published"))?;
                if !value.is_null() {
                    validate(spec, schema, value).map_err(|fault| format!(".{name}{fault}"))?;
                }
            }
            true
        }
        _ => false,
    };
    if fits { Ok(()) } else { Err(format!(" does not fit: {value}")) }
}

#[test]
fn the_validator_refuses_what_does_not_fit() {
    let text = r##"{"topics": [], "definitions": {"A": {"type": "object", "properties": {
        "n": {"type": "integer"}, "e": {"type": "string", "enum": ["x"]},
        "l": {"type": "array", "items": {"$ref": "#/definitions/A"}}}}}}"##;
    let spec = Spec::parse(text);
    let root = Schema::Reference("A".to_owned());
    let check = |text: &str| validate(&spec, &root, &serde_json::from_str(text).unwrap());
    assert_eq!(check(r#"{"n": 1, "e": "x", "l": [{"n": null}, null]}"#), Ok(()));
    for (text, fault) in [
        (r#"{"n": 1.5}"#, ".n does not fit: 1.5"),
        (r#"{"e": "y"}"#, ".e does not fit: \"y\""),
        (r#"{"l": [{}, {"m": 1}]}"#, ".l[1].m is not published"),
        (r#"{"l": [null, 7]}"#, ".l[1] does not fit: 7"),
        ("[]", " does not fit: []"),
        ("null", " does not fit: null"),
    ] {
        assert_eq!(check(text), Err(fault.to_owned()));
    }
}
