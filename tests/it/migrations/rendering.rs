//! The tables of a database as Diesel's macros.

use std::fmt::Write;

use crate::support::TestDatabase;

const HEADER: &str = "\
// The tables as Diesel sees them: a rendering of the migrated database, held equal to it by `tests/it/migrations.rs`,
// which also writes it anew when a migration has changed it.
";

/// Each column of each table in their order, with whether it may be null and its place in the primary key.
const COLUMNS: &str = "
    SELECT c.relname, a.attname, format_type(a.atttypid, NULL), a.attnotnull, coalesce(array_position(k.conkey, a.attnum), 0)
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND c.relname NOT LIKE '\\_\\_diesel%'
    ORDER BY c.relname COLLATE \"C\", a.attnum";

struct Table {
    name: String,
    key: Vec<(usize, String)>,
    columns: Vec<String>,
}

/// `src/db/schema.rs` for this database.
pub(super) async fn render(db: &TestDatabase) -> String {
    let mut tables: Vec<Table> = Vec::new();
    for row in db.rows(COLUMNS).await {
        let [table, column, ty, not_null, place] = row.as_slice() else { panic!("{row:?}") };
        if tables.last().is_none_or(|last| last.name != *table) {
            tables.push(Table { name: table.clone(), key: Vec::new(), columns: Vec::new() });
        }
        let last = tables.last_mut().expect("there is one");
        let place: usize = place.parse().expect("a number");
        if place > 0 {
            last.key.push((place, column.clone()));
        }
        // What only the database itself reads.
        if ty == "tsvector" {
            continue;
        }
        let ty = diesel_type(ty);
        last.columns.push(if not_null == "t" {
            format!("{column} -> {ty}")
        } else {
            format!("{column} -> Nullable<{ty}>")
        });
    }
    let mut text = HEADER.to_owned();
    for table in &mut tables {
        table.key.sort();
        let key: Vec<&str> = table.key.iter().map(|(_, column)| column.as_str()).collect();
        write!(text, "\ndiesel::table! {{\n    {} ({}) {{\n", table.name, key.join(", ")).expect("it is a string");
        for column in &table.columns {
            writeln!(text, "        {column},").expect("it is a string");
        }
        text.push_str("    }\n}\n");
    }
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    let all = names.join(",\n    ");
    write!(text, "\ndiesel::allow_tables_to_appear_in_same_query!(\n    {all}\n);\n").expect("it is a string");
    text
}

fn diesel_type(ty: &str) -> String {
    if let Some(inner) = ty.strip_suffix("[]") {
        return format!("Array<{}>", diesel_type(inner));
    }
    let known = match ty {
        "uuid" => "Uuid",
        "text" => "Text",
        "bytea" => "Bytea",
        "jsonb" => "Jsonb",
        "boolean" => "Bool",
        "smallint" => "Int2",
        "integer" => "Int4",
        "bigint" => "Int8",
        "date" => "Date",
        "timestamp with time zone" => "Timestamptz",
        other => panic!("say what Diesel calls {other}"),
    };
    known.to_owned()
}
