//! `users.settings.sendAs.list`: the addresses a person may send from.

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{envelope::ApiResult, world::SharedWorld},
    access::{Needs, admit},
};

/// An address beside the account's own that its owner may send from, or wants to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// The address.
    pub address: String,
    /// Whether its owner has shown that it is theirs; until then it is pending.
    pub is_verified: bool,
    /// Whether Gmail takes the address for the person's own, as it does with new ones. Without, they write in the name of
    /// somebody else.
    pub is_treated_as_alias: bool,
}

pub(super) async fn send_as(
    State(world): State<SharedWorld>,
    Path(user): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    let caller = admit(&world, &headers, &user, Needs::Content, "caribou.api.proto.SettingsService.ListSendAs")?;
    let account = &caller.account;
    let own = json!({
        "sendAsEmail": account.email, "displayName": account.name, "replyToAddress": "", "signature": "",
        "isPrimary": true, "isDefault": true,
    });
    let aliases = account.aliases.read();
    let others = aliases.iter().map(|alias| {
        json!({
            "sendAsEmail": alias.address, "displayName": "", "replyToAddress": "", "signature": "",
            "treatAsAlias": alias.is_treated_as_alias,
            "verificationStatus": if alias.is_verified { "accepted" } else { "pending" },
        })
    });
    Ok(Json(json!({ "sendAs": std::iter::once(own).chain(others).collect::<Vec<_>>() })))
}
