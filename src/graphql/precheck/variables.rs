//! Checks the values of variables against the types the document declares, as far as that needs no schema.
//!
//! async-graphql finds a missing or ill-typed variable only where a field uses it, and then as an error of that field; the
//! specification makes it an error of the request.

use async_graphql::{
    Value, Variables,
    parser::types::{BaseType, OperationDefinition, Type},
};

use super::{Refusal, clip};
use crate::graphql::code::Code;

/// Refuses values that cannot be what `operation` declares its variables to be.
///
/// Enums and input objects are left to the schema.
///
/// # Errors
/// [`Code::BadUserInput`] with the first such variable's name.
pub(super) fn check(operation: &OperationDefinition, variables: &Variables) -> Result<(), Refusal> {
    for definition in operation.variable_definitions.iter().map(|definition| &definition.node) {
        let fits = match variables.get(&definition.name.node) {
            Some(value) => fits(value, &definition.var_type.node),
            None => definition.var_type.node.nullable || definition.default_value.is_some(),
        };
        if !fits {
            let name = clip(&definition.name.node);
            let expected = clip(&definition.var_type.node.to_string());
            let message = format!("Variable \"${name}\" has no value of type \"{expected}\".");
            return Err(Refusal::at(Code::BadUserInput, message, definition.name.pos));
        }
    }
    Ok(())
}

/// Recursion is bounded: a type's brackets are bounded by the lexer.
fn fits(value: &Value, expected: &Type) -> bool {
    match (value, &expected.base) {
        (Value::Null, _) => expected.nullable,
        (Value::List(items), BaseType::List(item)) => items.iter().all(|value| fits(value, item)),
        // A single value stands for a list of one.
        (value, BaseType::List(item)) => fits(value, item),
        (value, BaseType::Named(name)) => fits_scalar(value, name),
    }
}

fn fits_scalar(value: &Value, name: &str) -> bool {
    match (name, value) {
        ("Int", Value::Number(number)) => number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        ("Float", Value::Number(_)) | ("String" | "ID", Value::String(_)) | ("Boolean", Value::Boolean(_)) => true,
        ("ID", Value::Number(number)) => number.is_i64() || number.is_u64(),
        ("Int" | "Float" | "String" | "Boolean" | "ID", _) => false,
        _ => true,
    }
}
