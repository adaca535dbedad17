use std::fmt::Write;

use async_graphql::Variables;
use serde_json::json;

use super::*;

/// As of a document that was never met.
fn check(request: &mut Request, limits: &config::GraphQl) -> Result<Checked, Refusal> {
    Lately::default().check(request, limits)
}

fn limits() -> config::GraphQl {
    config::GraphQl::default()
}

fn checked(document: &str) -> Result<OperationType, Code> {
    check(&mut Request::new(document), &limits()).map(|checked| checked.kind).map_err(|refusal| refusal.code)
}

fn checked_with(document: &str, variables: serde_json::Value) -> Result<OperationType, Code> {
    let mut request = Request::new(document).variables(Variables::from_json(variables));
    check(&mut request, &limits()).map(|checked| checked.kind).map_err(|refusal| refusal.code)
}

#[test]
fn ordinary_documents_pass_and_say_what_they_do() {
    assert_eq!(checked("{ viewer { name } }"), Ok(OperationType::Query));
    assert_eq!(checked("mutation { undo { id } }"), Ok(OperationType::Mutation));
    assert_eq!(checked("subscription { progress }"), Ok(OperationType::Subscription));
    assert_eq!(checked("{ __typename ...F } fragment F on Query { a }"), Ok(OperationType::Query));
    let page =
        "query Q($n: Int = 100) { timeline(first: $n) { edges { cursor node { ...I } } pageInfo { hasNextPage } } }
         fragment I on Interaction { id subject participants { name address } }";
    assert_eq!(checked(page), Ok(OperationType::Query));
}

#[test]
fn each_limit_has_its_word() {
    let fragments: String = (0..51).fold(String::new(), |mut all, n| {
        let _ = write!(all, " fragment F{n} on Query {{ a }}");
        all
    });
    for (document, code) in [
        ("{".to_owned(), Code::GraphqlParseFailed),
        (String::new(), Code::GraphqlParseFailed),
        ("fragment F on Query { a }".to_owned(), Code::GraphqlParseFailed),
        ("query A { a } query A { a }".to_owned(), Code::GraphqlParseFailed),
        ("query A { a } query B { a }".to_owned(), Code::BadRequest),
        (format!("# {}\n{{ a }}", "x".repeat(MAX_BYTES)), Code::DocumentTooLarge),
        (format!("{{ {} }}", "a ".repeat(3_999)), Code::TooManyTokens),
        (format!("{{ {} }}", "a ".repeat(3_998)), Code::DocumentTooComplex),
        (format!("{}a{}", "{ a ".repeat(13), "}".repeat(13)), Code::DocumentTooDeep),
        (format!("{}a{}", "{ a ".repeat(33), "}".repeat(33)), Code::DocumentTooDeep),
        (format!("{{ a(x: {}{}) }}", "[".repeat(2_000), "]".repeat(1_000)), Code::DocumentTooDeep),
        (format!("{{ {} a {} }}", "... { ".repeat(40), "}".repeat(40)), Code::DocumentTooDeep),
        (format!("{{ {} }}", "b: a ".repeat(31)), Code::TooManyAliases),
        (format!("{{ a {} }}", "@x ".repeat(11)), Code::TooManyDirectives),
        (format!("query Q {} {{ a }}", "@x ".repeat(11)), Code::TooManyDirectives),
        (format!("{{ a }} {fragments}"), Code::TooManyFragments),
        (
            "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }".to_owned(),
            Code::GraphqlValidationFailed,
        ),
        ("{ a } fragment A on Query { b { ...A } }".to_owned(), Code::GraphqlValidationFailed),
    ] {
        let mut limits = limits();
        if code == Code::DocumentTooComplex {
            limits.max_complexity = 3_900;
        }
        let refusal = check(&mut Request::new(document.as_str()), &limits).unwrap_err();
        assert_eq!(refusal.code, code, "{:.120}", document);
        assert!(refusal.message.len() < 300, "{}", refusal.message);
        let is_limit = !matches!(code, Code::GraphqlParseFailed | Code::BadRequest | Code::GraphqlValidationFailed);
        assert_eq!(refusal.limit.is_some(), is_limit, "{code}");
        let says = |limit: usize| refusal.message.contains(&limit.to_string());
        assert!(refusal.limit.is_none_or(says), "{}", refusal.message);
    }
    assert_eq!(checked(&format!("{}a{}", "{ a ".repeat(11), "}".repeat(11))), Ok(OperationType::Query));
    assert_eq!(checked(&format!("{{ {} }}", "b: a ".repeat(30))), Ok(OperationType::Query));
    assert_eq!(checked(&format!("{{ a {} }}", "@x ".repeat(10))), Ok(OperationType::Query));
}

#[test]
fn pages_multiply_what_is_in_them() {
    let page =
        |size: &str| format!("query Q($n: Int) {{ timeline(first: {size}) {{ edges {{ node {{ id subject }} }} }} }}");
    assert_eq!(checked(&page("100")), Ok(OperationType::Query));
    assert_eq!(checked(&page("2000")), Err(Code::DocumentTooComplex));
    assert_eq!(checked(&page("2000000000")), Err(Code::DocumentTooComplex));
    assert_eq!(
        checked(&page("99999999999999999999999")),
        Ok(OperationType::Query),
        "not an Int: the schema refuses it"
    );
    assert_eq!(checked(&page("-5")), Ok(OperationType::Query), "the resolver refuses it");
    assert_eq!(checked_with(&page("$n"), json!({"n": 100})), Ok(OperationType::Query));
    assert_eq!(checked_with(&page("$n"), json!({"n": 2_000})), Err(Code::DocumentTooComplex));
    let by_default = page("$n").replace("$n: Int", "$n: Int = 2000");
    assert_eq!(checked(&by_default), Err(Code::DocumentTooComplex));
    assert_eq!(checked_with(&by_default, json!({"n": 10})), Ok(OperationType::Query));

    // Pages within pages, sizes given or left to the server, directly or through a fragment.
    let nested = "{ a(last: 50) { edges { node { b(first: 50) { nodes { c d } } } } } }";
    assert_eq!(checked(nested), Err(Code::DocumentTooComplex));
    let unsaid = "{ a { edges { node { b { nodes { c { nodes { d } } } } } } } }";
    assert_eq!(checked(unsaid), Err(Code::DocumentTooComplex));
    let spread = "{ a { ...E } } fragment E on A { edges { node { b { ...N } } } }
         fragment N on B { nodes { c { nodes { d } } } }";
    assert_eq!(checked(spread), Err(Code::DocumentTooComplex));
}

#[test]
fn introspection_is_refused_by_name_unless_it_is_on() {
    let documents = [
        "{ __schema { types { name } } }",
        "{ x: __type(name: \"Query\") { name } }",
        "{ ...F } fragment F on Query { __schema { types { name } } }",
        "{ a } fragment F on Query { ... { __type(name: \"Query\") { name } } }",
    ];
    let open = config::GraphQl { introspection: true, ..limits() };
    for document in documents {
        assert_eq!(checked(document), Err(Code::IntrospectionDisabled), "{document}");
        assert!(check(&mut Request::new(document), &open).is_ok(), "{document}");
    }
    assert_eq!(checked("{ __typename }"), Ok(OperationType::Query));

    // What tools send passes, although it is deeper than other documents may be.
    let types = format!("type {{ kind name {} }}", "ofType { kind name ".repeat(9) + &"}".repeat(9));
    let tools = format!(
        "{{ __schema {{ types {{ fields(includeDeprecated: true) {{ args {{ {types} }} {types} }} possibleTypes {{ name }} }} }} }}"
    );
    assert!(check(&mut Request::new(tools), &open).is_ok());
    let bomb = format!("{{ __schema {{ types {{ {} name {} }} }} }}", "fields { type { ".repeat(3), "} }".repeat(3));
    let refusal = check(&mut Request::new(bomb), &open).unwrap_err();
    assert_eq!(refusal.code, Code::DocumentTooDeep);
}

#[test]
fn variables_must_have_values_of_their_types() {
    for (declared, value, fits) in [
        ("ID!", json!(null), false),
        ("ID!", json!("x"), true),
        ("ID!", json!(7), true),
        ("ID!", json!(7.5), false),
        ("ID", json!(null), true),
        ("Int", json!(2_147_483_647_i64), true),
        ("Int", json!(2_147_483_648_i64), false),
        ("Int", json!(1.5), false),
        ("Int", json!("1"), false),
        ("Float", json!(1), true),
        ("Boolean", json!("true"), false),
        ("String", json!(1), false),
        ("[Int!]!", json!([1, 2]), true),
        ("[Int!]!", json!([1, null]), false),
        ("[Int!]!", json!(1), true),
        ("[[String]]", json!([["a"], null]), true),
        ("[[String]]", json!([[1]]), false),
        ("Filter", json!({"any": ["thing"]}), true),
    ] {
        let document = format!("query Q($v: {declared}) {{ a(v: $v) }}");
        let expected = if fits { Ok(OperationType::Query) } else { Err(Code::BadUserInput) };
        assert_eq!(checked_with(&document, json!({ "v": value.clone() })), expected, "{declared} {value}");
    }
    assert_eq!(checked("query Q($v: ID!) { a(v: $v) }"), Err(Code::BadUserInput));
    assert_eq!(checked("query Q($v: ID! = \"x\") { a(v: $v) }"), Ok(OperationType::Query));
}

#[test]
fn the_operation_is_found_by_name() {
    let named = |name: &str| {
        let request = Request::new("query A { a } mutation B { b }");
        check(&mut request.operation_name(name), &limits()).map(|checked| checked.kind).map_err(|refusal| refusal.code)
    };
    assert_eq!(named("A"), Ok(OperationType::Query));
    assert_eq!(named("B"), Ok(OperationType::Mutation));
    assert_eq!(named("C"), Err(Code::BadRequest));
}

/// Fragments of which each spreads the next twice, in the ways a limit could miss them.
fn bombs(levels: usize) -> Vec<String> {
    let body: [fn(usize) -> String; 4] = [
        |next| format!("...F{next} ...F{next}"),
        |next| format!("a: x {{ ...F{next} }} b: x {{ ...F{next} }}"),
        |next| format!("... on Query {{ ...F{next} }} ... {{ ...F{next} }}"),
        |next| format!("x {{ ...F{next} }} x {{ ...F{next} }}"),
    ];
    let mut bombs = Vec::new();
    for body in body {
        let chain = (0..levels).fold(String::new(), |mut all, n| {
            let _ = write!(all, " fragment F{n} on Query {{ {} }}", body(n + 1));
            all
        });
        let chain = format!("{chain} fragment F{levels} on Query {{ __typename }}");
        bombs.push(format!("{{ ...F0 }} {chain}"));
        // Not spread by the operation, but validation walks it all the same.
        bombs.push(format!("{{ __typename }} {chain}"));
    }
    bombs
}

/// However often fragments are spread, a selection is visited once: work grows as the document does. What it takes in time,
/// `cargo bench --bench precheck` says.
#[test]
fn no_document_is_more_work_than_it_is_long() {
    for levels in [10, 12, 20, 22, 30, 49] {
        for bomb in bombs(levels) {
            let document = parser::parse_query(&bomb).unwrap();
            let operation = operation(&document, None).unwrap();
            let nothing = Variables::default();
            let mut walk = cost::Walk::new(&document, operation, &nothing, false);
            let _ = walk.operation(operation);
            for name in document.fragments.keys() {
                let _ = walk.fragment(name, 1);
            }
            let n_tokens = (0..).find(|most| lexer::check(&bomb, *most).is_ok()).unwrap();
            assert!(walk.visited <= n_tokens, "{} selections visited of {n_tokens} tokens", walk.visited);
        }
    }
}

#[test]
fn the_cost_of_an_operation_is_what_it_asks_for() {
    for (document, variables, cost) in [
        ("{ a }", json!({}), 1),
        ("{ a b { c d } }", json!({}), 4),
        ("{ timeline(first: 10) { nodes { id subject } } }", json!({}), 31),
        ("query($n: Int) { timeline(first: $n) { nodes { id subject } } }", json!({"n": 100}), 301),
        ("{ ...F ...F } fragment F on Query { a b }", json!({}), 4),
        ("query A { a } query B { a b c }", json!({}), 3),
    ] {
        let mut request = Request::new(document).variables(Variables::from_json(variables));
        if document.contains("query B") {
            request = request.operation_name("B");
        }
        assert_eq!(check(&mut request, &limits()).unwrap().cost, cost, "{document}");
    }
}

#[test]
fn a_fragment_bomb_is_refused_by_its_size() {
    for levels in [12, 20, 49] {
        for bomb in bombs(levels) {
            let code = checked(&bomb).unwrap_err();
            let refused = [Code::DocumentTooComplex, Code::DocumentTooDeep, Code::TooManyAliases];
            assert!(refused.contains(&code), "{levels} levels: {code}");
        }
    }
}
