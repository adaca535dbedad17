//! Which addresses are the person's own: mail is sent or received by them.

use super::{Flow, Slice};
use crate::{
    app::App,
    db::{accounts, people, reprojection},
    domain::{people::mailbox, quota::Call},
    providers::{Class, Provider},
    sync::{Result, calls::Called},
};

impl Slice<'_> {
    /// Asks for the addresses of the account's mailbox. Where they are others than before, what is here is rebuilt in the
    /// background. `Some` says how the slice goes on instead; mail comes in without an answer, too.
    pub(super) async fn learn_addresses(&mut self, app: &App) -> Result<Option<Flow>> {
        let ask = app.google.addresses(&self.session.access);
        let addresses = match self.session.call(app, Call::GmailAddresses, ask).await? {
            Called::Answered(addresses) => addresses,
            Called::Held(hold) => return self.hold(hold).await.map(Some),
            Called::Refused(error) => match error.class {
                Class::Throttled(_) | Class::Unauthorized | Class::NeedsReauth | Class::Transient => {
                    return self.refused(app, error).await.map(Some);
                }
                _ => {
                    tracing::warn!(job.id = %self.claim.job_id, error = %error, "the provider does not tell an account's addresses");
                    return Ok(None);
                }
            },
        };
        let account = &mut self.session.account;
        let mut tx = app.db.begin(self.session.user).await?;
        if accounts::know_addresses(&mut tx, account.account_id, &addresses).await? {
            reprojection::begin_with_mail(&mut tx, account.account_id).await?;
            people::hold(&mut tx).await?;
            let touched: Vec<String> = account.addresses.iter().chain(&addresses).map(|one| mailbox(one)).collect();
            people::hide(&mut tx, &touched).await?;
        }
        tx.commit().await?;
        account.addresses = addresses;
        Ok(None)
    }
}
