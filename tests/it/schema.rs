//! The schema as clients get it.

use async_graphql::parser::{
    Positioned, parse_schema,
    types::{FieldDefinition, InputValueDefinition, TypeKind, TypeSystemDefinition},
};
use omnisync::{domain::status::ShortcomingCode, graphql};

/// When this fails and the change is meant: `cargo run -- schema > schema.graphql`.
#[test]
fn the_exported_schema_is_in_step() {
    assert!(graphql::sdl() == include_str!("../../schema.graphql"), "write schema.graphql anew");
}

/// The names of the definitions without a description, as `Type.field(argument)`.
struct Nameless(Vec<String>);

impl Nameless {
    fn look(&mut self, name: String, description: Option<&Positioned<String>>) {
        if description.is_none_or(|text| text.node.trim().is_empty()) {
            self.0.push(name);
        }
    }

    fn inputs(&mut self, owner: &str, inputs: &[Positioned<InputValueDefinition>]) {
        for input in inputs {
            self.look(format!("{owner}({})", input.node.name), input.node.description.as_ref());
        }
    }

    fn fields(&mut self, owner: &str, fields: &[Positioned<FieldDefinition>]) {
        for field in fields {
            let name = format!("{owner}.{}", field.node.name);
            self.inputs(&name, &field.node.arguments);
            self.look(name, field.node.description.as_ref());
        }
    }
}

#[test]
fn every_definition_has_a_description() {
    let document = parse_schema(graphql::sdl()).unwrap();
    let mut nameless = Nameless(Vec::new());
    for definition in &document.definitions {
        match definition {
            TypeSystemDefinition::Type(definition) => {
                let (name, definition) = (definition.node.name.to_string(), &definition.node);
                match &definition.kind {
                    TypeKind::Object(object) => nameless.fields(&name, &object.fields),
                    TypeKind::Interface(interface) => nameless.fields(&name, &interface.fields),
                    TypeKind::InputObject(input) => nameless.inputs(&name, &input.fields),
                    TypeKind::Enum(words) => {
                        for word in &words.values {
                            let word = &word.node;
                            nameless.look(format!("{name}.{}", word.value), word.description.as_ref());
                        }
                    }
                    TypeKind::Scalar | TypeKind::Union(_) => {}
                }
                nameless.look(name, definition.description.as_ref());
            }
            // `@include`, `@skip` and `@specifiedBy` are the specification's.
            TypeSystemDefinition::Directive(_) | TypeSystemDefinition::Schema(_) => {}
        }
    }
    assert_eq!(nameless.0, [""; 0]);
}

/// The words of `Refusal::code`, read from the source: an enum with fields has no list of its variants.
fn refusals() -> impl Iterator<Item = &'static str> {
    let (_, after) = include_str!("../../src/sync/error.rs").split_once("fn code").expect("the function is there");
    let (body, _) = after.split_once("\n    }\n").expect("it ends");
    body.split('"').skip(1).step_by(2)
}

#[test]
fn the_readme_explains_every_code() {
    let readme = include_str!("../../README.md");
    let codes = graphql::code::Code::ALL.iter().map(|code| code.as_str());
    let codes = codes.chain(refusals()).map(str::to_owned);
    let codes = codes.chain(ShortcomingCode::ALL.iter().map(|code| code.as_str().to_uppercase()));
    let missing: Vec<String> = codes.filter(|code| !readme.contains(&format!("`{code}`"))).collect();
    assert_eq!(missing, [""; 0]);
    assert!(refusals().count() > 10);
}
