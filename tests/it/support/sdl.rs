//! `schema.graphql` as a source of tests: an operation for every root field, asking for all there is to see, and every place
//! where a client may put an id. A field that is added later is tested without a line here.

use std::collections::HashMap;

use async_graphql::parser::{
    parse_schema,
    types::{BaseType, FieldDefinition, InputValueDefinition, Type, TypeDefinition, TypeKind, TypeSystemDefinition},
};
use serde_json::{Value, json};

/// How deep an operation looks into what it gets: connection, edge, node, and one object below.
const DEPTH: usize = 4;

pub(crate) struct Sdl(HashMap<String, TypeDefinition>);

/// One root field, asked for everything.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    /// `Query`, `Mutation` or `Subscription`.
    pub(crate) root: &'static str,
    pub(crate) field: String,
    pub(crate) document: String,
    /// What its required arguments may hold.
    pub(crate) variables: Value,
}

/// A place in an operation's variables where a text of the client goes.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) operation: Operation,
    /// The way there: an argument, then input fields.
    pub(crate) path: Vec<String>,
    pub(crate) is_list: bool,
}

impl Place {
    /// The operation's variables with this text in this place.
    pub(crate) fn holding(&self, text: &str) -> Value {
        let mut variables = self.operation.variables.clone();
        let mut at = &mut variables;
        for step in &self.path {
            if !at[step].is_object() && step != self.path.last().expect("a way") {
                at[step] = json!({});
            }
            at = &mut at[step];
        }
        *at = if self.is_list { json!([text]) } else { json!(text) };
        variables
    }

    /// As people would write it: `Mutation.undo(input.batchId)`.
    pub(crate) fn name(&self) -> String {
        format!("{}.{}({})", self.operation.root, self.operation.field, self.path.join("."))
    }
}

fn named(ty: &Type) -> (&str, bool) {
    match &ty.base {
        BaseType::Named(name) => (name.as_str(), false),
        BaseType::List(inner) => (named(inner).0, true),
    }
}

impl Sdl {
    pub(crate) fn read() -> Self {
        let document = parse_schema(include_str!("../../../schema.graphql")).expect("schema.graphql can be read");
        let types = document.definitions.into_iter().filter_map(|definition| match definition {
            TypeSystemDefinition::Type(found) => Some((found.node.name.node.to_string(), found.node)),
            _ => None,
        });
        Self(types.collect())
    }

    fn fields(&self, name: &str) -> &[async_graphql::Positioned<FieldDefinition>] {
        match self.0.get(name).map(|found| &found.kind) {
            Some(TypeKind::Object(object)) => &object.fields,
            Some(TypeKind::Interface(interface)) => &interface.fields,
            _ => &[],
        }
    }

    /// An operation for every root field.
    pub(crate) fn operations(&self) -> Vec<Operation> {
        let mut all = Vec::new();
        for root in ["Query", "Mutation", "Subscription"] {
            all.extend(self.fields(root).iter().map(|field| self.operation(root, &field.node)));
        }
        all
    }

    fn operation(&self, root: &'static str, field: &FieldDefinition) -> Operation {
        let name = field.name.node.as_str();
        let arguments: Vec<&InputValueDefinition> = field.arguments.iter().map(|argument| &argument.node).collect();
        let default = |a: &InputValueDefinition| a.default_value.as_ref().map(|value| format!(" = {}", value.node));
        let declared =
            |a: &&InputValueDefinition| format!("${}: {}{}", a.name.node, a.ty.node, default(a).unwrap_or_default());
        let declared: Vec<String> = arguments.iter().map(declared).collect();
        let given: Vec<String> = arguments.iter().map(|a| format!("{0}: ${0}", a.name.node)).collect();
        let wrap = |list: Vec<String>| if list.is_empty() { String::new() } else { format!("({})", list.join(", ")) };
        let selection = self.selection(named(&field.ty.node).0, DEPTH);
        let document = format!("{} {} {{ {name}{} {selection} }}", root.to_lowercase(), wrap(declared), wrap(given));
        let mut variables = self.required(&arguments);
        // Small pages: an operation that asks for all there is to see of two mails, HTML included, asks for too much.
        if arguments.iter().any(|argument| argument.name.node == "first") {
            variables["first"] = json!(1);
        }
        // A span ends after it begins.
        if variables["to"].is_string() {
            variables["to"] = json!("2026-11-30T00:00:00Z");
        }
        Operation { root, field: name.to_owned(), document, variables }
    }

    /// Every field of a type that can be asked for without arguments, pages left out.
    fn selection(&self, name: &str, depth: usize) -> String {
        let fields = self.fields(name);
        if fields.is_empty() {
            return String::new();
        }
        let mut parts = vec!["__typename".to_owned()];
        for field in fields.iter().map(|field| &field.node) {
            let inner = named(&field.ty.node).0;
            let is_leaf = self.fields(inner).is_empty();
            let is_free = |a: &InputValueDefinition| a.ty.node.nullable || a.default_value.is_some();
            let is_asked = field.arguments.iter().all(|a| is_free(&a.node)) && !inner.ends_with("Connection");
            if is_asked && (is_leaf || depth > 1) {
                parts.push(format!("{} {}", field.name.node, self.selection(inner, depth - 1)));
            }
        }
        for (kind, found) in &self.0 {
            if matches!(&found.kind, TypeKind::Object(object) if object.implements.iter().any(|of| of.node == name)) {
                parts.push(format!("... on {kind} {}", self.selection(kind, depth - 1)));
            }
        }
        format!("{{ {} }}", parts.join(" "))
    }

    fn required(&self, arguments: &[&InputValueDefinition]) -> Value {
        let needed = arguments.iter().filter(|a| !a.ty.node.nullable && a.default_value.is_none());
        Value::Object(needed.map(|a| (a.name.node.to_string(), self.sample(&a.ty.node))).collect())
    }

    fn sample(&self, ty: &Type) -> Value {
        if let BaseType::List(inner) = &ty.base {
            return json!([self.sample(inner)]);
        }
        let name = named(ty).0;
        match (name, self.0.get(name).map(|found| &found.kind)) {
            ("Int", _) => json!(1),
            ("Boolean", _) => json!(false),
            ("DateTime", _) => json!("2026-11-01T00:00:00Z"),
            ("String" | "ID", _) => json!("sample"),
            (_, Some(TypeKind::Enum(words))) => json!(words.values[0].node.value.node.as_str()),
            (_, Some(TypeKind::InputObject(input))) => {
                self.required(&input.fields.iter().map(|field| &field.node).collect::<Vec<_>>())
            }
            _ => panic!("say what a required {name} may hold"),
        }
    }

    /// Every place that takes a value of this scalar.
    pub(crate) fn places(&self, scalar: &str) -> Vec<Place> {
        let mut found = Vec::new();
        for operation in self.operations() {
            let field = self.fields(operation.root).iter().find(|field| field.node.name.node == operation.field);
            for argument in &field.expect("it was listed").node.arguments {
                self.search(&operation, &argument.node, scalar, &[], &mut found);
            }
        }
        found
    }

    fn search(
        &self,
        operation: &Operation,
        at: &InputValueDefinition,
        scalar: &str,
        way: &[String],
        found: &mut Vec<Place>,
    ) {
        let (name, is_list) = named(&at.ty.node);
        let path = [way, &[at.name.node.to_string()]].concat();
        if name == scalar {
            found.push(Place { operation: operation.clone(), path, is_list });
        } else if let Some(TypeKind::InputObject(input)) = self.0.get(name).map(|found| &found.kind) {
            input.fields.iter().for_each(|field| self.search(operation, &field.node, scalar, &path, found));
        }
    }
}
