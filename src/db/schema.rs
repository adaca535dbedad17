// The tables as Diesel sees them: a rendering of the migrated database, held equal to it by `tests/it/migrations.rs`,
// which also writes it anew when a migration has changed it.

diesel::table! {
    accounts (user_id, account_id) {
        user_id -> Uuid,
        account_id -> Uuid,
        provider -> Text,
        subject -> Text,
        email -> Text,
        scopes -> Array<Text>,
        state -> Text,
        state_reason -> Nullable<Text>,
        access_token -> Nullable<Bytea>,
        refresh_token -> Nullable<Bytea>,
        access_expires_at -> Nullable<Timestamptz>,
        linked_at -> Timestamptz,
        updated_at -> Timestamptz,
        deletion_policy -> Text,
        tombstone_days -> Int4,
        addresses -> Array<Text>,
    }
}

diesel::table! {
    batch_items (user_id, batch_id, stream_id, source_id) {
        user_id -> Uuid,
        batch_id -> Uuid,
        stream_id -> Uuid,
        source_id -> Text,
        outcome -> Text,
        version -> Nullable<Int8>,
    }
}

diesel::table! {
    batch_throughput (user_id, batch_id, at) {
        user_id -> Uuid,
        batch_id -> Uuid,
        at -> Timestamptz,
        n_settled -> Int8,
    }
}

diesel::table! {
    batches (user_id, batch_id) {
        user_id -> Uuid,
        batch_id -> Uuid,
        account_id -> Uuid,
        preview_id -> Uuid,
        origin -> Text,
        state -> Text,
        generation -> Int4,
        seq -> Int8,
        idempotency_key -> Nullable<Text>,
        exclusions -> Jsonb,
        n_listed -> Int8,
        n_stored -> Int8,
        n_unchanged -> Int8,
        n_filtered -> Int8,
        n_failed -> Int8,
        n_gone -> Int8,
        n_normalized -> Int8,
        n_removed -> Int8,
        n_restored -> Int8,
        listing_done -> Bool,
        throttled_until -> Nullable<Timestamptz>,
        deletions_allowed -> Bool,
        error_class -> Nullable<Text>,
        error -> Nullable<Text>,
        created_at -> Timestamptz,
        started_at -> Nullable<Timestamptz>,
        finished_at -> Nullable<Timestamptz>,
        undone_at -> Nullable<Timestamptz>,
        undone_from -> Nullable<Text>,
        redo_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    blocklist (user_id, entry) {
        user_id -> Uuid,
        entry -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    connect_attempts (user_id, attempt_id) {
        user_id -> Uuid,
        attempt_id -> Uuid,
        provider -> Text,
        services -> Array<Text>,
        nonce -> Text,
        verifier -> Bytea,
        browser_hash -> Nullable<Bytea>,
        return_to -> Text,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        consumed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    contact_dismissals (user_id, contact_id, other_id) {
        user_id -> Uuid,
        contact_id -> Uuid,
        other_id -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    contact_names (user_id, contact_id) {
        user_id -> Uuid,
        contact_id -> Uuid,
        name -> Text,
    }
}

diesel::table! {
    contacts (user_id, contact_id) {
        user_id -> Uuid,
        contact_id -> Uuid,
        name -> Nullable<Text>,
        n_wrote_to -> Int4,
        n_wrote -> Int4,
        n_met -> Int4,
        first_at -> Timestamptz,
        last_at -> Timestamptz,
        is_decided -> Bool,
    }
}

diesel::table! {
    identities (user_id, address) {
        user_id -> Uuid,
        address -> Text,
        contact_id -> Uuid,
        names -> Array<Text>,
        name -> Nullable<Text>,
        n_wrote_to -> Int4,
        n_wrote -> Int4,
        n_met -> Int4,
        first_at -> Nullable<Timestamptz>,
        last_at -> Nullable<Timestamptz>,
        is_hidden -> Bool,
        decided_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    interaction_people (user_id, interaction_id, address) {
        user_id -> Uuid,
        interaction_id -> Uuid,
        address -> Text,
        occurred_at -> Timestamptz,
        relation -> Text,
        name -> Nullable<Text>,
    }
}

diesel::table! {
    interactions (user_id, interaction_id) {
        user_id -> Uuid,
        interaction_id -> Uuid,
        account_id -> Uuid,
        stream_id -> Uuid,
        group_key -> Text,
        occurrence -> Text,
        batch_id -> Uuid,
        service -> Text,
        kind -> Text,
        direction -> Nullable<Text>,
        subject -> Text,
        body_text -> Text,
        snippet -> Text,
        occurred_at -> Timestamptz,
        ends_at -> Nullable<Timestamptz>,
        all_day_from -> Nullable<Date>,
        all_day_to -> Nullable<Date>,
        thread -> Nullable<Text>,
        universal_id -> Nullable<Text>,
        location -> Nullable<Text>,
        status -> Nullable<Text>,
        participants -> Jsonb,
        labels -> Array<Text>,
        attachments -> Jsonb,
        version -> Int8,
        normalizer_version -> Int4,
        deleted_at -> Nullable<Timestamptz>,
        reply_text -> Nullable<Text>,
        category -> Nullable<Text>,
        sent_at -> Nullable<Timestamptz>,
        details -> Jsonb,
        about -> Nullable<Text>,
    }
}

diesel::table! {
    items (user_id, stream_id, source_id) {
        user_id -> Uuid,
        stream_id -> Uuid,
        source_id -> Text,
        batch_id -> Uuid,
        outcome -> Text,
        reason -> Nullable<Text>,
        group_key -> Nullable<Text>,
        version -> Nullable<Int8>,
        ordinal -> Int8,
        attempts -> Int2,
        next_try_at -> Nullable<Timestamptz>,
        to_project -> Bool,
        listed_at -> Timestamptz,
        updated_at -> Timestamptz,
        purge_at -> Nullable<Timestamptz>,
        universal_hash -> Nullable<Bytea>,
    }
}

diesel::table! {
    jobs (user_id, job_id) {
        user_id -> Uuid,
        job_id -> Uuid,
        kind -> Text,
        batch_id -> Uuid,
        stream_id -> Nullable<Uuid>,
        state -> Text,
        attempt -> Int4,
        generation -> Int4,
        signal -> Int8,
        run_at -> Timestamptz,
        lease_owner -> Nullable<Text>,
        lease_until -> Nullable<Timestamptz>,
        checkpoint -> Jsonb,
        listed -> Bool,
        error_class -> Nullable<Text>,
        error -> Nullable<Text>,
        created_at -> Timestamptz,
        finished_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    previews (user_id, preview_id) {
        user_id -> Uuid,
        preview_id -> Uuid,
        account_id -> Uuid,
        snapshot -> Jsonb,
        hash -> Text,
        facts -> Jsonb,
        samples -> Nullable<Bytea>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    raw_events (user_id, provider, stream_id, source_id, version) {
        user_id -> Uuid,
        provider -> Text,
        stream_id -> Uuid,
        source_id -> Text,
        version -> Int8,
        kind -> Text,
        group_key -> Text,
        batch_id -> Uuid,
        payload -> Bytea,
        size_bytes -> Int4,
        fetched_at -> Timestamptz,
    }
}

diesel::table! {
    streams (user_id, stream_id) {
        user_id -> Uuid,
        stream_id -> Uuid,
        account_id -> Uuid,
        service -> Text,
        collection_id -> Text,
        name -> Text,
        time_zone -> Nullable<Text>,
        preview_id -> Nullable<Uuid>,
        window_from -> Nullable<Timestamptz>,
        window_to -> Nullable<Timestamptz>,
        cursor -> Nullable<Text>,
        listed -> Bool,
        completed_at -> Nullable<Timestamptz>,
        audited_at -> Nullable<Timestamptz>,
        n_audited -> Nullable<Int8>,
        n_gaps -> Nullable<Int8>,
        created_at -> Timestamptz,
        projected_by -> Int4,
        reprojected_to -> Nullable<Text>,
        reprojection -> Nullable<Jsonb>,
    }
}

diesel::table! {
    sync_audit (user_id, audit_id) {
        user_id -> Uuid,
        audit_id -> Uuid,
        at -> Timestamptz,
        action -> Text,
        outcome -> Text,
        actor -> Text,
        account_id -> Nullable<Uuid>,
        preview_id -> Nullable<Uuid>,
        batch_id -> Nullable<Uuid>,
        request_id -> Nullable<Text>,
        client -> Nullable<Text>,
        counts -> Jsonb,
    }
}

diesel::table! {
    sync_preferences (user_id) {
        user_id -> Uuid,
        gmail_query -> Text,
        mail_days_back -> Int4,
        calendar_days_back -> Int4,
        calendar_days_ahead -> Int4,
        private_events -> Bool,
        excluded_senders -> Array<Text>,
        excluded_domains -> Array<Text>,
        updated_at -> Timestamptz,
        contact_policy -> Text,
    }
}

diesel::table! {
    timeline_changes (user_id, interaction_id) {
        user_id -> Uuid,
        interaction_id -> Uuid,
        position -> Int8,
        added_at_position -> Int8,
        changed_at -> Timestamptz,
    }
}

diesel::table! {
    timelines (user_id) {
        user_id -> Uuid,
        position -> Int8,
        forgotten_to -> Int8,
        followed_until -> Nullable<Timestamptz>,
        purge_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    undone_events (user_id, stream_id, source_id, version) {
        user_id -> Uuid,
        stream_id -> Uuid,
        source_id -> Text,
        version -> Int8,
        provider -> Text,
        kind -> Text,
        group_key -> Text,
        batch_id -> Uuid,
        payload -> Bytea,
        size_bytes -> Int4,
        fetched_at -> Timestamptz,
        purge_at -> Timestamptz,
    }
}

diesel::table! {
    undone_items (user_id, batch_id, stream_id, source_id) {
        user_id -> Uuid,
        batch_id -> Uuid,
        stream_id -> Uuid,
        source_id -> Text,
        outcome -> Text,
        version -> Nullable<Int8>,
        reason -> Nullable<Text>,
        purge_at -> Timestamptz,
    }
}

diesel::table! {
    undone_streams (user_id, batch_id, stream_id) {
        user_id -> Uuid,
        batch_id -> Uuid,
        stream_id -> Uuid,
        cursor -> Nullable<Text>,
        listed -> Bool,
        purge_at -> Timestamptz,
    }
}

diesel::table! {
    users (user_id) {
        user_id -> Uuid,
        data_key -> Bytea,
        wrapping_key_id -> Text,
        created_at -> Timestamptz,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    accounts,
    batch_items,
    batch_throughput,
    batches,
    blocklist,
    connect_attempts,
    contact_dismissals,
    contact_names,
    contacts,
    identities,
    interaction_people,
    interactions,
    items,
    jobs,
    previews,
    raw_events,
    streams,
    sync_audit,
    sync_preferences,
    timeline_changes,
    timelines,
    undone_events,
    undone_items,
    undone_streams,
    users
);
