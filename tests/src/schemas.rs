//! Checks the programs' JSON output against docs/schemas.
//!
//! These schemas use a small part of JSON Schema, and this is a check of that part: a keyword that it does not know ends the test. A crate for all
//! of it would more than double the dependencies that only tests need (docs/decisions/0016-json-schemas.md).

use std::{fs, path::Path};

use serde_json::{Map, Value};

/// Checks a document against the schema that it names.
///
/// # Panics
/// Where it does not fit, or there is no such schema.
pub fn assert_valid(document: &Value) {
    let identifier = document["schema"].as_str().unwrap_or_else(|| panic!("no schema is named in {document}"));
    let name = identifier.strip_prefix("seedgrid.").and_then(|name| name.split('/').next()).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/schemas/{name}.json"));
    let schema: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let mut wrong = Vec::new();
    Checker { root: &schema, at: String::new() }.check(&schema, document, &mut wrong);
    assert!(wrong.is_empty(), "{identifier} does not fit {}:\n{}", path.display(), wrong.join("\n"));
}

struct Checker<'s> {
    root: &'s Value,
    /// The place in the document, for messages.
    at: String,
}

impl Checker<'_> {
    fn check(&self, schema: &Value, value: &Value, wrong: &mut Vec<String>) {
        let Some(keywords) = schema.as_object() else {
            assert_eq!(schema, &Value::Bool(true), "a schema is a table, or true");
            return;
        };
        for (keyword, said) in keywords {
            if !self.keyword(keywords, keyword, said, value, wrong) {
                let at = if self.at.is_empty() { "/" } else { &self.at };
                wrong.push(format!("{at}: {value} is not what `{keyword}: {said}` says"));
            }
        }
    }

    /// Whether the value fits this keyword. Faults in nested values are reported where they are.
    fn keyword(
        &self,
        keywords: &Map<String, Value>,
        keyword: &str,
        said: &Value,
        value: &Value,
        wrong: &mut Vec<String>,
    ) -> bool {
        let fits = |schema: &Value| {
            let mut wrong = Vec::new();
            self.check(schema, value, &mut wrong);
            wrong.is_empty()
        };
        match keyword {
            "$schema" | "$defs" | "title" | "description" | "format" => true,
            "$ref" => {
                let path = said.as_str().and_then(|path| path.strip_prefix('#')).expect("a reference into the file");
                self.check(self.root.pointer(path).expect("the reference leads to a schema"), value, wrong);
                true
            }
            "type" => match said {
                Value::Array(types) => types.iter().any(|one| is_a(value, one)),
                one => is_a(value, one),
            },
            "const" => value == said,
            "enum" => items(said).contains(value),
            "anyOf" => items(said).iter().any(fits),
            "oneOf" => items(said).iter().filter(|one| fits(one)).count() == 1,
            "minimum" => value.as_f64().is_none_or(|number| Some(number) >= said.as_f64()),
            "maximum" => value.as_f64().is_none_or(|number| Some(number) <= said.as_f64()),
            "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= said.as_u64().unwrap()),
            "maxItems" => value.as_array().is_none_or(|items| items.len() as u64 <= said.as_u64().unwrap()),
            "pattern" => {
                assert_eq!(said, "^[0-9]+$", "the only pattern");
                value.as_str().is_none_or(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
            }
            "required" => {
                let is_there = |name: &Value| name.as_str().is_some_and(|name| value.get(name).is_some());
                !value.is_object() || items(said).iter().all(is_there)
            }
            "items" => {
                let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
                list.iter()
                    .enumerate()
                    .for_each(|(index, item)| self.below(&index.to_string()).check(said, item, wrong));
                true
            }
            "properties" => {
                for (name, schema) in said.as_object().expect("a table") {
                    if let Some(field) = value.get(name) {
                        self.below(name).check(schema, field, wrong);
                    }
                }
                true
            }
            "additionalProperties" => {
                let named = keywords.get("properties").and_then(Value::as_object);
                for (name, field) in value.as_object().into_iter().flatten() {
                    if !named.is_some_and(|named| named.contains_key(name)) {
                        if said == &Value::Bool(false) {
                            return false;
                        }
                        self.below(name).check(said, field, wrong);
                    }
                }
                true
            }
            _ => panic!("the keyword `{keyword}` is not known here"),
        }
    }

    fn below(&self, name: &str) -> Self {
        Self { root: self.root, at: format!("{}/{name}", self.at) }
    }
}

fn items(list: &Value) -> &[Value] {
    list.as_array().expect("a list")
}

fn is_a(value: &Value, kind: &Value) -> bool {
    match kind.as_str().expect("a word") {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        kind => panic!("the type `{kind}` is not known here"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn frozen(name: &str) -> Value {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name);
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    #[test]
    fn frozen_reports_fit_their_schema() {
        for name in ["paper-small.report.json", "table3.report.json"] {
            assert_valid(&frozen(name));
        }
    }

    #[test]
    fn large_seeds_are_strings_of_digits() {
        let mut report = frozen("paper-small.report.json");
        let seed = &mut report["stages"][0]["seeds"][0];
        assert!(seed.is_number());
        *seed = json!(u64::MAX.to_string());
        assert_valid(&report);
    }

    #[test]
    fn values_that_do_not_fit_are_found() {
        let report = frozen("paper-small.report.json");
        let spoil: [fn(&mut Value); 4] = [
            |report| report["schema"] = json!("seedgrid.report/1"),
            |report| report["complete"] = json!("yes"),
            |report| report["stages"][0]["seeds"][0] = json!("one"),
            |report| drop(report["stages"][0]["configurations"][0].as_object_mut().unwrap().remove("error")),
        ];
        for (index, spoil) in spoil.iter().enumerate() {
            let mut report = report.clone();
            spoil(&mut report);
            assert!(std::panic::catch_unwind(|| assert_valid(&report)).is_err(), "{index}");
        }
    }
}
