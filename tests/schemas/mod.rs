//! JSON Schemas of what the programs write, made from its types and compared with the files in docs/schemas. A part of both programs' unit
//! tests, as the types are their own.

#![allow(clippy::unwrap_used, reason = "tests may")]

use std::{env, fs, path::Path};

use schemars::{
    JsonSchema, Schema,
    generate::SchemaSettings,
    transform::{RecursiveTransform, Transform},
};
use serde_json::{Map, Value, json};

/// Where this is set, the files are written instead of being compared with.
const WRITE: &str = "SEEDGRID_GOLDEN_WRITE";

/// Compares docs/schemas/NAME.json with the schema of `T`, whose field `schema` is `seedgrid.NAME/VERSION`.
///
/// # Panics
/// Where they differ.
pub(crate) fn assert_file_matches<T: JsonSchema>(identifier: &str) {
    let name = identifier.strip_prefix("seedgrid.").and_then(|name| name.split('/').next()).expect("seedgrid.NAME/N");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/schemas/{name}.json"));
    let text = serde_json::to_string_pretty(&schema_of::<T>(identifier)).unwrap() + "\n";
    if env::var_os(WRITE).is_some() {
        fs::write(&path, text).unwrap();
    } else {
        let there = fs::read_to_string(&path).unwrap_or_default();
        assert!(there == text, "{} is not what the types say: {WRITE}=1 cargo test schemas writes it", path.display());
    }
}

fn schema_of<T: JsonSchema>(identifier: &str) -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), json!(identifier));
    let field = schema.get_mut("properties").and_then(|fields| fields.get_mut("schema")).expect("a field `schema`");
    *field = json!({ "const": identifier, "description": "The name and the version of this schema." });
    RecursiveTransform(large_numbers).transform(&mut schema);
    RecursiveTransform(descriptions).transform(&mut schema);
    schema
}

/// Whole numbers above 2^53 - 1 are written as strings of their digits.
fn large_numbers(schema: &mut Schema) {
    let Some(fields) = schema.as_object_mut() else { return };
    if fields.get("format").and_then(Value::as_str) == Some("uint64") {
        let types = match fields.get("type") {
            Some(Value::Array(types)) => types.clone(),
            one => one.cloned().into_iter().collect(),
        };
        let types: Vec<Value> = types.into_iter().chain([json!("string")]).collect();
        let number = Map::from_iter([("type".to_owned(), json!(types)), ("pattern".to_owned(), json!("^[0-9]+$"))]);
        fields.remove("format");
        fields.extend(number);
    }
}

/// Descriptions come from the types' documentation: one line each, in the words of JSON. Every field has one.
fn descriptions(schema: &mut Schema) {
    let Some(fields) = schema.as_object_mut() else { return };
    if let Some(Value::String(text)) = fields.get_mut("description") {
        *text = text.replace('\n', " ").replace("None if", "null if");
        assert!(!text.contains("None") && !text.contains("[`"), "`{text}` is not in the words of JSON");
    }
    // The variants of an enum are described as a whole.
    if fields.get("additionalProperties") == Some(&Value::Bool(false)) {
        return;
    }
    for (name, field) in fields.get("properties").and_then(Value::as_object).into_iter().flatten() {
        assert!(field.get("description").is_some(), "the field `{name}` has no description");
    }
}
