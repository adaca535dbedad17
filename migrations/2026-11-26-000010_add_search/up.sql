-- What the timeline's search looks up. The words of a text are cut, folded and stemmed here, by a configuration for each
-- language; the program says which language a text is in.
CREATE SCHEMA search;
COMMENT ON SCHEMA search IS 'Text search: a dictionary of word stems and a configuration for each language, named by its code (ISO 639-1).';
GRANT USAGE ON SCHEMA search TO omnisync_api, omnisync_worker;

-- Both come with PostgreSQL and are trusted: the owner of a database may create them. They may be there already, elsewhere.
-- btree_gin lets the index begin with whose rows they are.
CREATE EXTENSION IF NOT EXISTS btree_gin SCHEMA search;
CREATE EXTENSION IF NOT EXISTS unaccent SCHEMA search;

DO $$
DECLARE
    folding text := (
        SELECT format('%I.unaccent', n.nspname)
        FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'unaccent'
    );
    code text;
    stemmer text;
BEGIN
    CREATE TEXT SEARCH CONFIGURATION search.simple (COPY = pg_catalog.simple);
    EXECUTE format(
        'ALTER TEXT SEARCH CONFIGURATION search.simple
             ALTER MAPPING FOR asciihword, hword_asciipart, asciiword, hword, hword_part, word WITH %s, simple', folding);
    -- PostgreSQL's own configurations leave stop words out. Here they stay, so that a phrase is found as it was written, and a
    -- word that says nothing in one language is found in another.
    FOR code, stemmer IN SELECT * FROM (VALUES
        ('ar', 'arabic'), ('ca', 'catalan'), ('da', 'danish'), ('de', 'german'), ('el', 'greek'), ('en', 'english'),
        ('es', 'spanish'), ('fi', 'finnish'), ('fr', 'french'), ('hi', 'hindi'), ('hu', 'hungarian'), ('hy', 'armenian'),
        ('id', 'indonesian'), ('it', 'italian'), ('lt', 'lithuanian'), ('ne', 'nepali'), ('nl', 'dutch'), ('no', 'norwegian'),
        ('pt', 'portuguese'), ('ro', 'romanian'), ('ru', 'russian'), ('sr', 'serbian'), ('sv', 'swedish'), ('ta', 'tamil'),
        ('tr', 'turkish'), ('yi', 'yiddish')
    ) AS known (code, stemmer) LOOP
        EXECUTE format('CREATE TEXT SEARCH DICTIONARY search.%I (TEMPLATE = snowball, LANGUAGE = %L)', code, stemmer);
        EXECUTE format('CREATE TEXT SEARCH CONFIGURATION search.%I (COPY = pg_catalog.%I)', code, stemmer);
        EXECUTE format(
            'ALTER TEXT SEARCH CONFIGURATION search.%1$I
                 ALTER MAPPING FOR asciihword, hword_asciipart, asciiword, hword, hword_part, word WITH %2$s, search.%1$I',
            code, folding);
    END LOOP;
END
$$;

-- What is there already is found once it has been projected anew.
ALTER TABLE interactions ADD COLUMN search tsvector NOT NULL DEFAULT '';
ALTER TABLE interactions ALTER COLUMN search DROP DEFAULT;
COMMENT ON COLUMN interactions.search IS
    'The words by which it is found: of the subject (weight A), of the names and addresses of those who took part (B), and of the author''s own text (D).';
-- Serves the search of the timeline.
CREATE INDEX interactions_search ON interactions USING gin (user_id, search);

-- Row-level security looks at a row before anything else does that might tell of it, and a match of words might: so no search
-- by another role can use the index. For this role, the words are part of the policy, beside whose rows they are; it sees
-- nothing but what it looks for.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'omnisync_search') THEN
        CREATE ROLE omnisync_search NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
    END IF;
    -- The API takes the role on for a search. It must not inherit it, for then the policy below would always be the API's, too.
    IF (SELECT rolinherit FROM pg_roles WHERE rolname = 'omnisync_api') THEN
        ALTER ROLE omnisync_api NOINHERIT;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_auth_members WHERE roleid = 'omnisync_search'::regrole AND member = 'omnisync_api'::regrole
    ) THEN
        GRANT omnisync_search TO omnisync_api;
    END IF;
END
$$;

CREATE FUNCTION search.wanted() RETURNS tsquery
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('app.search', true), '')::tsquery $$;
COMMENT ON FUNCTION search.wanted() IS
    'What the running transaction searches for, from the setting app.search; NULL, which finds nothing, when none is set.';

GRANT USAGE ON SCHEMA public, search TO omnisync_search;
GRANT SELECT ON interactions TO omnisync_search;
CREATE POLICY interactions_search ON interactions AS RESTRICTIVE FOR SELECT TO omnisync_search
    USING (search @@ (SELECT search.wanted()));
