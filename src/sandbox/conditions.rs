//! The control plane's other half: the conditions under which a client has to live. Budgets, faults, grants and cursors
//! that end, and what was asked.

use super::{
    behaviour::Behaviour,
    control::Control,
    error::Error,
    faults::{Fault, FaultMatch, FaultPlan, When},
    journal::Entry,
    oauth::GrantChange,
    quota::{Quota, Spent},
    state::Change,
};

impl Control {
    /// Sets the budgets, with nothing used yet; `None`, as at the start, lets everything through. Not kept over a restart.
    pub fn set_quota(&self, quota: Option<Quota>) {
        self.world.ledger.set(quota);
    }

    /// The budgets in force.
    pub fn quota(&self) -> Option<Quota> {
        self.world.ledger.quota()
    }

    /// What was spent today of Gmail and of Calendar, while there was a quota.
    pub fn spent_today(&self) -> [Spent; 2] {
        self.world.ledger.spent_today(self.now())
    }

    /// Sets Google's habits.
    pub fn behave(&self, behaviour: Behaviour) {
        *self.world.behaviour.write() = behaviour;
    }

    /// Google's habits as they are set.
    pub fn behaviour(&self) -> Behaviour {
        self.world.behaviour.read().clone()
    }

    /// Plans trouble. Of several plans that fit, a request meets the one made first. Not kept over a restart.
    pub fn plan_fault(&self, plan: FaultPlan) {
        self.world.faults.add(plan);
    }

    /// Refuses the next matching requests.
    pub fn fail_next(&self, which: FaultMatch, fault: Fault) {
        let when = When::Next(fault.times);
        self.plan_fault(FaultPlan { which, effect: fault.into(), latency_ms: 0, when });
    }

    /// Forgets every planned fault.
    pub fn clear_faults(&self) {
        self.world.faults.clear();
    }

    /// The requests so far, oldest first.
    pub fn journal(&self) -> Vec<Entry> {
        self.world.journal.entries()
    }

    /// Empties the journal.
    pub fn clear_journal(&self) {
        self.world.journal.clear();
    }

    /// Lets every history id handed out so far expire: the next `history.list` answers 404.
    pub fn expire_history(&self, email: &str) -> Result<(), Error> {
        self.world.commit(Change::ExpireHistory { email: email.to_owned() }).map(drop)
    }

    /// Lets every sync token of the account die: the next use answers 410.
    pub fn invalidate_sync_tokens(&self, email: &str) -> Result<(), Error> {
        self.world.commit(Change::InvalidateSyncTokens { email: email.to_owned() }).map(drop)
    }

    /// Takes back what the person granted, as they can in their Google Account: every token dies.
    pub fn revoke_grants(&self, email: &str) -> Result<(), Error> {
        self.change_grant(email, |email| GrantChange::Revoked { email })
    }

    /// Ends the account's access tokens; its refresh tokens live on.
    pub fn expire_access_tokens(&self, email: &str) -> Result<(), Error> {
        self.change_grant(email, |email| GrantChange::AccessExpired { email })
    }

    /// Ends the account's refresh tokens; access tokens live on until their time.
    pub fn expire_refresh_tokens(&self, email: &str) -> Result<(), Error> {
        self.change_grant(email, |email| GrantChange::RefreshExpired { email, mail_only: false })
    }

    /// Gives the person a new password, which ends the refresh tokens that reach mail.
    pub fn change_password(&self, email: &str) -> Result<(), Error> {
        self.change_grant(email, |email| GrantChange::RefreshExpired { email, mail_only: true })
    }

    /// Takes some scopes back; tokens live on with the others, and the next refresh says which those are.
    pub fn narrow_grants(&self, email: &str, scopes: &[&str]) -> Result<(), Error> {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        self.change_grant(email, |email| GrantChange::Narrowed { email, scopes })
    }

    /// Signs identity tokens with a new key from now on; the old one stays published. Not kept over a restart.
    pub fn rotate_signing_key(&self) -> Result<(), Error> {
        self.world.keys.rotate()
    }

    fn change_grant(&self, email: &str, change: impl FnOnce(String) -> GrantChange) -> Result<(), Error> {
        self.world.commit_grant(change(self.world.known_account(email)?.email.clone()))
    }
}
