-- Every statement of this package. A block is a name, a sentence, its contract, one statement.

-- name: insert_events
-- Write a batch; an event that is there already is left alone.
-- Takes: arrays of equal length in binary format, one element per event; payloads are jsonb.
-- Gives: event_id, event_date, recorded_at of every new row; one that is missing was a replay.
-- Runs as: workflow_audit_writer, autocommit, prepared (one text for every batch size).
INSERT INTO public.audit_events (
    event_id, event_version, event_timestamp, event_date, event_type, event_category, event_action,
    event_outcome, actor_type, actor_id, resource_type, resource_id, resource_name, correlation_id,
    namespace, cluster_id, event_data, event_metadata, duration_ms, error_code, error_message,
    retention_days, is_sensitive, top_workflow_id, top_confidence)
SELECT *
  FROM unnest(
    %(event_id)b::uuid[], %(event_version)b::text[], %(event_timestamp)b::timestamptz[],
    %(event_date)b::date[], %(event_type)b::text[], %(event_category)b::text[],
    %(event_action)b::text[], %(event_outcome)b::text[], %(actor_type)b::text[],
    %(actor_id)b::text[], %(resource_type)b::text[], %(resource_id)b::text[],
    %(resource_name)b::text[], %(correlation_id)b::text[], %(namespace)b::text[],
    %(cluster_id)b::text[], %(event_data)b::jsonb[], %(event_metadata)b::jsonb[],
    %(duration_ms)b::int4[], %(error_code)b::text[], %(error_message)b::text[],
    %(retention_days)b::int4[], %(is_sensitive)b::bool[], %(top_workflow_id)b::text[],
    %(top_confidence)b::float8[])
    ON CONFLICT (event_id, event_date) DO NOTHING
RETURNING event_id, event_date, recorded_at;

-- name: find_replays
-- Look up events that were there already.
-- Takes: event_id, event_date: arrays; the dates only spare partitions that cannot hold them.
-- Gives: event_id, event_date, recorded_at, correlation_id, resource_id, resource_name; perhaps more
-- rows than asked for (an id with another of the dates), for the caller to pass over.
-- Runs as: workflow_audit_writer.
SELECT event_id, event_date, recorded_at, correlation_id, resource_id, resource_name
  FROM public.audit_events
 WHERE event_id = ANY (%(event_id)b::uuid[])
   AND event_date = ANY (%(event_date)b::date[]);

-- name: find_dates
-- Look up on which dates events are stored: an id is unique on each of them only.
-- Takes: event_id: an array; first, last: dates between which they are looked for.
-- Gives: event_id, event_date.
-- Runs as: workflow_audit_writer.
SELECT event_id, event_date
  FROM public.audit_events
 WHERE event_id = ANY (%(event_id)b::uuid[])
   AND event_date BETWEEN %(first)b AND %(last)b;

-- name: find_executed_event
-- Look up the event of a search that the operator ran itself, by its key.
-- Gives: all columns; no row without it.
-- Runs as: workflow_audit_writer.
SELECT * FROM public.audit_executed_event(%(event_id)s, %(event_date)s);

-- name: ensure_partition
-- Create the partition of a day's month when it is missing.
-- Gives: whether it was created now. Raises AU002 for a day out of bounds.
-- Runs as: workflow_audit_writer.
SELECT public.audit_ensure_partition(%(day)s);

-- name: set_up_session
-- Limits of every connection. Not sent as libpq's `options`: those would replace the ones in the
-- connection string, and PgBouncer refuses them. A server that does not wait for its disk
-- (synchronous_commit = off) would lose acknowledged events, so such a setting is overruled.
SELECT set_config('statement_timeout', %(statement_ms)s, false),
       set_config('idle_in_transaction_session_timeout', %(idle_ms)s, false),
       set_config('TimeZone', 'UTC', false),
       CASE WHEN current_setting('synchronous_commit') = 'off'
            THEN set_config('synchronous_commit', 'on', false) END;

-- name: table_facts
-- Size of all partitions with indexes and TOAST, their number, and rows as the planner knows them
-- (-1 in a partition: never analysed yet).
SELECT coalesce(sum(pg_total_relation_size(leaf.relid)), 0)::bigint AS bytes,
       count(*) AS partitions,
       coalesce(sum(greatest(class.reltuples, 0)), 0)::bigint AS estimated_rows
  FROM pg_partition_tree(to_regclass('public.audit_events')) AS leaf
  JOIN pg_class AS class ON class.oid = leaf.relid
 WHERE leaf.isleaf AND leaf.level > 0;

-- name: schema_is_there
-- Gives: whether the version table and a table audit_events exist.
SELECT to_regclass('public.workflow_audit_schema') IS NOT NULL,
       to_regclass('public.audit_events') IS NOT NULL;

-- name: schema_revision
-- Gives: the revision, and the oldest one whose programs still work with it (NULL: those of every
-- revision); no row while the first migration has not finished. As JSON, because the column is not
-- there before the first revision that takes something away.
SELECT version_num, to_jsonb(found) ->> 'oldest_program'
  FROM public.workflow_audit_schema AS found;

-- name: lock_migrations
-- One migration at a time; the lock is the session's and ends with it.
SELECT pg_advisory_lock(hashtextextended('workflow_audit.migrations', 0));

-- name: lacking_preparations
-- What prepare.sql has still to do here. One role after the other: a function that is asked about
-- a role that does not exist raises an error.
-- Gives: a sentence for each; no row when the database is prepared.
WITH roles (name) AS (
    VALUES ('workflow_audit_owner'), ('workflow_audit_writer'),
           ('workflow_audit_reader'), ('workflow_audit_retention')
)
SELECT 'role ' || name || ' is missing' FROM roles WHERE to_regrole(name) IS NULL
UNION ALL
SELECT 'role ' || name || ' may not connect or use the schema public'
  FROM roles JOIN pg_roles ON rolname = name
 WHERE NOT has_database_privilege(pg_roles.oid, current_database(), 'CONNECT')
    OR NOT has_schema_privilege(pg_roles.oid, 'public', 'USAGE')
UNION ALL
SELECT 'role workflow_audit_owner may not create tables in the schema public'
  FROM pg_roles
 WHERE rolname = 'workflow_audit_owner' AND NOT has_schema_privilege(oid, 'public', 'CREATE')
UNION ALL
SELECT 'login ' || current_user || ' may not become workflow_audit_owner'
  FROM pg_roles
 WHERE rolname = 'workflow_audit_owner' AND NOT pg_has_role(current_user, oid, 'SET')
UNION ALL
SELECT 'PUBLIC has rights in the database ' || datname
  FROM pg_database
 WHERE datname = current_database()
   AND EXISTS (SELECT FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) WHERE grantee = 0)
UNION ALL
SELECT 'PUBLIC has rights in the schema public'
  FROM pg_namespace
 WHERE nspname = 'public'
   AND EXISTS (SELECT FROM aclexplode(coalesce(nspacl, acldefault('n', nspowner))) WHERE grantee = 0);

-- name: become_owner
-- From here on everything belongs to workflow_audit_owner.
SET ROLE workflow_audit_owner;

-- name: limit_lock_waits
-- Whoever wants a table after a migration that waits for it, waits behind it: also who only records.
-- Takes: the longest wait for one lock, in milliseconds.
SELECT set_config('lock_timeout', %(milliseconds)s, false);

-- name: sessions_in_the_way
-- Who uses our tables just now, the longest first; a migration waits for them.
-- Gives: process id, login and program of up to five sessions.
SELECT pid, usename, application_name
  FROM pg_locks
  JOIN pg_class ON pg_class.oid = relation
  JOIN pg_stat_activity USING (pid)
 WHERE relowner = to_regrole('workflow_audit_owner') AND granted AND pid <> pg_backend_pid()
 GROUP BY pid, usename, application_name, backend_start
 ORDER BY backend_start
 LIMIT 5;

-- name: sum_up
-- Add what was recorded since the last time to the sums of statistics.
-- Takes: most: events at the most.
-- Gives: how many positions it went on; 0 when there is nothing new.
-- Runs as: workflow_audit_writer.
SELECT public.audit_sum_up(%(most)s);
