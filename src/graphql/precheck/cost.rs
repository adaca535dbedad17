//! Adds up what a document asks for, each fragment visited once however often it is spread.

use std::collections::HashMap;

use async_graphql::{
    Name, Pos, Positioned, Value, Variables,
    parser::types::{
        Directive, ExecutableDocument, Field, FragmentDefinition, OperationDefinition, Selection, SelectionSet,
    },
};

use super::{Refusal, clip};
use crate::graphql::code::Code;

/// Selection sets, fields and spreads within each other, fragments expanded. The executor recurses to the same depth.
const MAX_NESTING: usize = 32;
/// Directives in one place.
const MAX_DIRECTIVES: usize = 10;
/// Lists of fields or types within each other inside `__schema` or `__type`, each of which multiplies the answer; the
/// introspection query that tools send needs one.
const MAX_INTROSPECTION_LISTS: usize = 2;
/// How many items a connection is taken to have when the document does not say.
const ASSUMED_PAGE: usize = 25;
/// Lists without pages that are longer than one as a rule, and how long each is taken to be.
const LISTS: [(&str, usize); 5] = [("accounts", 2), ("jobs", 3), ("quotas", 2), ("services", 2), ("streams", 2)];
/// Fields that read and work through a whole mail, or much else, and what each counts for: for few of them, not for a page.
const COSTLY: [(&str, usize); 3] = [("html", 1_000), ("insights", 1_000), ("contactSuggestions", 500)];

/// What a selection set comes to with its fragments expanded. Sums stop at `usize::MAX`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    /// Fields within each other, introspection counted as one.
    pub(super) depth: usize,
    /// Fields, spreads and inline fragments.
    pub(super) nodes: usize,
    /// Fields, each times the items of the pages around it.
    pub(super) cost: usize,
    /// The part of `cost` that lies directly in `edges` or `nodes`.
    page_cost: usize,
    /// Selection sets within each other.
    nesting: usize,
    /// Introspection lists within each other.
    introspection_lists: usize,
}

impl Sum {
    fn add(&mut self, other: Self) {
        self.depth = self.depth.max(other.depth);
        self.nodes = self.nodes.saturating_add(other.nodes);
        self.cost = self.cost.saturating_add(other.cost);
        self.page_cost = self.page_cost.saturating_add(other.page_cost);
        self.nesting = self.nesting.max(other.nesting);
        self.introspection_lists = self.introspection_lists.max(other.introspection_lists);
    }

    /// This selection as the content of one more spread or inline fragment.
    fn spread(self) -> Self {
        Self { nodes: self.nodes.saturating_add(1), nesting: self.nesting + 1, ..self }
    }
}

/// Walks a document's definitions, each once.
pub(super) struct Walk<'a> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    variables: &'a Variables,
    /// Holds the default values of variables.
    operation: &'a OperationDefinition,
    introspection: bool,
    /// `None` while a fragment is being walked, so that one which spreads itself is found.
    sums: HashMap<&'a str, Option<Sum>>,
    /// Aliases found so far.
    pub(super) aliases: usize,
    /// Selections visited so far.
    #[cfg(test)]
    pub(super) visited: usize,
}

impl<'a> Walk<'a> {
    /// `operation` is the one that will run; `introspection` says whether `__schema` and `__type` may be asked for.
    pub(super) fn new(
        document: &'a ExecutableDocument,
        operation: &'a OperationDefinition,
        variables: &'a Variables,
        introspection: bool,
    ) -> Self {
        let fragments = &document.fragments;
        Self {
            fragments,
            variables,
            operation,
            introspection,
            sums: HashMap::new(),
            aliases: 0,
            #[cfg(test)]
            visited: 0,
        }
    }

    /// The sum of an operation.
    ///
    /// # Errors
    /// A refusal of what cannot be added up or may not be asked for.
    pub(super) fn operation(&mut self, operation: &'a OperationDefinition) -> Result<Sum, Refusal> {
        check_directives(&operation.directives)?;
        for definition in &operation.variable_definitions {
            check_directives(&definition.node.directives)?;
        }
        self.selection_set(&operation.selection_set.node, 1)
    }

    /// The sum of a fragment, remembered. An unknown fragment is nothing; validation will name it.
    ///
    /// # Errors
    /// As [`Walk::operation`], and [`Code::GraphqlValidationFailed`] for a fragment that spreads itself.
    pub(super) fn fragment(&mut self, name: &str, level: usize) -> Result<Sum, Refusal> {
        let Some((name, fragment)) = self.fragments.get_key_value(name) else { return Ok(Sum::default()) };
        match self.sums.get(name.as_str()) {
            Some(Some(sum)) if level + sum.nesting > MAX_NESTING + 1 => return Err(too_deep(fragment.pos)),
            Some(Some(sum)) => return Ok(*sum),
            Some(None) => {
                let message = format!("Fragment \"{}\" spreads itself.", clip(name));
                return Err(Refusal::at(Code::GraphqlValidationFailed, message, fragment.pos));
            }
            None => {}
        }
        self.sums.insert(name, None);
        check_directives(&fragment.node.directives)?;
        let sum = self.selection_set(&fragment.node.selection_set.node, level)?;
        self.sums.insert(name, Some(sum));
        Ok(sum)
    }

    fn selection_set(&mut self, set: &'a SelectionSet, level: usize) -> Result<Sum, Refusal> {
        let mut sum = Sum::default();
        for selection in &set.items {
            #[cfg(test)]
            {
                self.visited += 1;
            }
            if level > MAX_NESTING {
                return Err(too_deep(selection.pos));
            }
            check_directives(selection.node.directives())?;
            sum.add(match &selection.node {
                Selection::Field(field) => self.field(field, level)?,
                Selection::FragmentSpread(spread) => {
                    self.fragment(&spread.node.fragment_name.node, level + 1)?.spread()
                }
                Selection::InlineFragment(inline) => {
                    self.selection_set(&inline.node.selection_set.node, level + 1)?.spread()
                }
            });
        }
        Ok(sum)
    }

    fn field(&mut self, field: &'a Positioned<Field>, level: usize) -> Result<Sum, Refusal> {
        let Positioned { node: field, pos } = field;
        self.aliases += usize::from(field.alias.is_some());
        let within = self.selection_set(&field.selection_set.node, level + 1)?;
        let name = field.name.node.as_str();
        let introspects = matches!(name, "__schema" | "__type");
        if introspects && !self.introspection {
            let message =
                format!("This server does not answer `{name}`; its schema is published with its documentation.");
            return Err(Refusal::at(Code::IntrospectionDisabled, message, *pos));
        }
        if introspects && within.introspection_lists > MAX_INTROSPECTION_LISTS {
            let message = format!("More than {MAX_INTROSPECTION_LISTS} lists within lists of introspection.");
            return Err(over(Code::DocumentTooDeep, MAX_INTROSPECTION_LISTS, message, *pos));
        }
        let items = match self.page_size(field) {
            Some(size) => within.cost.saturating_mul(size),
            None => {
                let listed = LISTS.iter().find(|(list, _)| *list == name).map_or(1, |(_, n)| *n);
                let paged = within.page_cost.saturating_mul(ASSUMED_PAGE - 1);
                within.cost.saturating_mul(listed).saturating_add(paged)
            }
        };
        let own = COSTLY.iter().find(|(costly, _)| *costly == name).map_or(1, |(_, cost)| *cost);
        let cost = items.saturating_add(own);
        let lists = matches!(name, "fields" | "inputFields" | "interfaces" | "possibleTypes");
        Ok(Sum {
            depth: if introspects { 1 } else { within.depth + 1 },
            nodes: within.nodes.saturating_add(1),
            cost,
            page_cost: if matches!(name, "edges" | "nodes") { cost } else { 0 },
            nesting: within.nesting + 1,
            introspection_lists: within.introspection_lists + usize::from(lists),
        })
    }

    /// How many items a field is asked for by `first` or `last`, at least one; `None` when it is not asked.
    fn page_size(&self, field: &Field) -> Option<usize> {
        let asked = |name: &str| {
            let argument = field.get_argument(name)?.node.clone();
            let Ok(Value::Number(number)) = argument.into_const_with(|name| self.variable(&name).ok_or(())) else {
                return None;
            };
            // A negative size is the resolver's to refuse.
            number.as_i64().map(|number| usize::try_from(number).unwrap_or_default().max(1))
        };
        asked("first").max(asked("last"))
    }

    fn variable(&self, name: &str) -> Option<Value> {
        self.variables.get(name).cloned().or_else(|| {
            let mut definitions = self.operation.variable_definitions.iter().map(|definition| &definition.node);
            let definition = definitions.find(|definition| definition.name.node == name)?;
            definition.default_value.as_ref().map(|value| value.node.clone())
        })
    }
}

fn check_directives(directives: &[Positioned<Directive>]) -> Result<(), Refusal> {
    match directives.get(MAX_DIRECTIVES) {
        Some(extra) => {
            let message = format!("More than {MAX_DIRECTIVES} directives in one place.");
            Err(over(Code::TooManyDirectives, MAX_DIRECTIVES, message, extra.pos))
        }
        None => Ok(()),
    }
}

fn too_deep(pos: Pos) -> Refusal {
    let message = format!("The document is nested deeper than {MAX_NESTING} selections, fragments expanded.");
    over(Code::DocumentTooDeep, MAX_NESTING, message, pos)
}

fn over(code: Code, limit: usize, message: String, pos: Pos) -> Refusal {
    Refusal { position: Some(pos), ..Refusal::over(code, limit, message) }
}
