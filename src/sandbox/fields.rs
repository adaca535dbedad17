//! The `fields` parameter: which parts of an answer are wanted, as `items(id,start/dateTime),nextPageToken`.

use axum::{
    Json,
    body::{Body, to_bytes},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::Value;

use super::envelope::ApiError;

/// A field and what is wanted of it; all of it where nothing more is said.
#[derive(Debug, Default, PartialEq, Eq)]
struct Mask(Vec<(String, Option<Mask>)>);

/// The answer without what `mask` leaves out; errors stay whole.
pub(super) async fn keep(mask: &str, response: Response) -> Response {
    let Some(mask) = Mask::parse(mask) else {
        let message = format!("Invalid field selection {mask}");
        return ApiError::new(StatusCode::BAD_REQUEST, "invalidParameter", message).at("fields").into_response();
    };
    if !response.status().is_success() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let Ok(answer) = serde_json::from_slice::<Value>(&bytes) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    let kept = Json(mask.apply(answer)).into_response();
    Response::from_parts(parts, kept.into_body())
}

impl Mask {
    /// Reads a mask; `None` when it is not one.
    fn parse(text: &str) -> Option<Self> {
        let (mask, rest) = Self::read(text)?;
        rest.is_empty().then_some(mask)
    }

    /// A list of fields, and what follows it.
    fn read(mut text: &str) -> Option<(Self, &str)> {
        let mut fields = Vec::new();
        loop {
            let (field, rest) = Self::read_field(text)?;
            fields.push(field);
            match rest.strip_prefix(',') {
                Some(more) => text = more,
                None => return Some((Self(fields), rest)),
            }
        }
    }

    fn read_field(text: &str) -> Option<((String, Option<Self>), &str)> {
        let end = text.find(['/', '(', ')', ',']).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        if name.is_empty() {
            return None;
        }
        let name = name.to_owned();
        if let Some(inner) = rest.strip_prefix('/') {
            let (field, rest) = Self::read_field(inner)?;
            return Some(((name, Some(Self(vec![field]))), rest));
        }
        let Some(inner) = rest.strip_prefix('(') else { return Some(((name, None), rest)) };
        let (mask, rest) = Self::read(inner)?;
        Some(((name, Some(mask)), rest.strip_prefix(')')?))
    }

    /// Lists are looked through: a mask speaks of their entries.
    fn apply(&self, value: Value) -> Value {
        match value {
            Value::Array(entries) => entries.into_iter().map(|entry| self.apply(entry)).collect(),
            Value::Object(object) => {
                let kept =
                    object.into_iter().filter_map(|(name, value)| self.keep(&name, value).map(|own| (name, own)));
                Value::Object(kept.collect())
            }
            other => other,
        }
    }

    /// What is wanted of a field; `None` when it is not named.
    fn keep(&self, name: &str, value: Value) -> Option<Value> {
        let mut kept = None;
        for (_, mask) in self.0.iter().filter(|(field, _)| field == name || field == "*") {
            let Some(mask) = mask else { return Some(value) };
            let part = mask.apply(value.clone());
            kept = Some(match kept {
                Some(known) => merge(known, part),
                None => part,
            });
        }
        kept
    }
}

/// Two selections of one value, together.
fn merge(one: Value, other: Value) -> Value {
    match (one, other) {
        (Value::Object(mut one), Value::Object(other)) => {
            for (name, value) in other {
                let merged = match one.remove(&name) {
                    Some(known) => merge(known, value),
                    None => value,
                };
                one.insert(name, merged);
            }
            Value::Object(one)
        }
        (Value::Array(one), Value::Array(other)) => {
            one.into_iter().zip(other).map(|(one, other)| merge(one, other)).collect()
        }
        (one, _) => one,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_mask_keeps_what_it_names() {
        let answer =
            json!({"items": [{"id": 1, "start": {"date": "x", "zone": "y"}, "end": 2}], "etag": "e", "kind": "k"});
        let kept = |mask: &str| Mask::parse(mask).map(|mask| mask.apply(answer.clone()));
        assert_eq!(kept("etag"), Some(json!({"etag": "e"})));
        assert_eq!(kept("items(id,start/date)"), Some(json!({"items": [{"id": 1, "start": {"date": "x"}}]})));
        assert_eq!(kept("items/id,items/end"), Some(json!({"items": [{"id": 1, "end": 2}]})));
        assert_eq!(kept("*"), Some(answer.clone()));
        assert_eq!(kept("none"), Some(json!({})));
        for bad in ["", "a(b", "a)b", "a,,b", "a/"] {
            assert_eq!(kept(bad), None, "{bad}");
        }
    }
}
