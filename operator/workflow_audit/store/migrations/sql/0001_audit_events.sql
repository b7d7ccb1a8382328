-- Revision 0001: the table of audit events. Runs as workflow_audit_owner.
-- Columns 1 to 36 are kubernaut's (names, types, order, defaults); docs/reference/audit-event.md
-- says what they mean.

CREATE TABLE public.audit_events (
    event_id             uuid                     NOT NULL,
    event_version        varchar(10)              NOT NULL DEFAULT '1.0',
    event_timestamp      timestamp with time zone NOT NULL,
    event_date           date                     NOT NULL,
    event_type           varchar(100)             NOT NULL,
    event_category       varchar(50)              NOT NULL,
    event_action         varchar(50)              NOT NULL,
    event_outcome        varchar(20)              NOT NULL,
    actor_type           varchar(50)              NOT NULL,
    actor_id             varchar(255)             NOT NULL,
    actor_ip             inet,
    resource_type        varchar(100)             NOT NULL,
    resource_id          varchar(255)             NOT NULL,
    resource_name        varchar(255),
    correlation_id       varchar(255)             NOT NULL,
    parent_event_id      uuid,
    parent_event_date    date,
    trace_id             varchar(255),
    span_id              varchar(255),
    namespace            varchar(253),
    cluster_id           varchar(255),
    event_data           jsonb                    NOT NULL,
    event_metadata       jsonb,
    severity             varchar(20),
    duration_ms          integer,
    error_code           varchar(50),
    error_message        text,
    retention_days       integer                  NOT NULL DEFAULT 2555,
    is_sensitive         boolean                  NOT NULL DEFAULT false,
    event_hash           text,
    previous_event_hash  text,
    legal_hold           boolean                  NOT NULL DEFAULT false,
    legal_hold_reason    text,
    legal_hold_placed_by text,
    legal_hold_placed_at timestamp with time zone,
    hash_algorithm       varchar(20)              NOT NULL DEFAULT 'sha256-unkeyed',
    recorded_at          timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    top_workflow_id      varchar(255),
    -- Eight bytes and not four: a four-byte 0.6597 arrives in Python as 0.6596999764442444.
    top_confidence       double precision,
    -- event_date is part of the key because PostgreSQL wants the partition key in it.
    CONSTRAINT audit_events_pkey PRIMARY KEY (event_id, event_date),
    CONSTRAINT audit_events_retention_days_check CHECK (retention_days BETWEEN 1 AND 2555),
    CONSTRAINT audit_events_event_outcome_check
        CHECK (event_outcome IN ('success', 'failure', 'pending')),
    -- Rows are routed before any trigger runs, so the writer sends the date and this proves it.
    CONSTRAINT audit_events_event_date_check
        CHECK (event_date = (event_timestamp AT TIME ZONE 'UTC')::date),
    CONSTRAINT audit_events_event_data_check CHECK (jsonb_typeof(event_data) = 'object')
) PARTITION BY RANGE (event_date);

COMMENT ON TABLE public.audit_events IS
    'Append-only: one immutable row for each workflow search; see docs/reference/audit-event.md';

-- All ascending: read backwards they give the newest first just as well, and events arrive in the
-- order of time, so that pages fill up. Descending, each page is split in the middle for good: a
-- third more bytes in these four. The second one serves the cursor (event_timestamp, event_id) < (x, y).
CREATE INDEX audit_events_correlation_idx
    ON public.audit_events (correlation_id, event_timestamp);
CREATE INDEX audit_events_type_idx
    ON public.audit_events (event_type, event_timestamp, event_id);
CREATE INDEX audit_events_top_workflow_idx
    ON public.audit_events (top_workflow_id, event_timestamp);
CREATE INDEX audit_events_namespace_idx
    ON public.audit_events (namespace, event_timestamp);
CREATE INDEX audit_events_time_brin
    ON public.audit_events USING brin (event_timestamp);


-- Immutability.
--
-- The statement triggers refuse also what touches no row, and TRUNCATE; they hold for the very
-- table that a statement names, so each partition gets its own (audit_ensure_partition). The row
-- trigger is cloned by PostgreSQL to every partition, also to one attached by hand, and meets
-- logical replication, which fires no statement triggers. ENABLE ALWAYS: a session with
-- session_replication_role = replica does not get past them. Superusers are refused too.
--
-- Room for retention (a later revision): whole partitions are dropped, which is DDL and meets no
-- trigger; a function that deletes single rows is SECURITY DEFINER, owned by workflow_audit_owner,
-- and this function then lets a DELETE pass when current_user is workflow_audit_owner AND a
-- transaction-local setting says so. The setting alone must never do: anybody can set it.

CREATE FUNCTION public.audit_refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RAISE EXCEPTION 'audit events are append-only: % on %.% is refused',
        TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'AU001',
              HINT = 'A correction is a new event; old events are removed by retention only.';
END
$function$;

CREATE TRIGGER audit_refuse_change
    BEFORE UPDATE OR DELETE OR TRUNCATE ON public.audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION public.audit_refuse_change();
CREATE TRIGGER audit_refuse_row_change
    BEFORE UPDATE OR DELETE ON public.audit_events
    FOR EACH ROW EXECUTE FUNCTION public.audit_refuse_change();
ALTER TABLE public.audit_events ENABLE ALWAYS TRIGGER audit_refuse_change;
ALTER TABLE public.audit_events ENABLE ALWAYS TRIGGER audit_refuse_row_change;


-- Partitions.

CREATE FUNCTION public.audit_ensure_partition(day date) RETURNS boolean
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    today      constant date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
    first_day  date;
    next_month date;
    partition  text;
BEGIN
    -- The bound keeps a wrong clock, or a writer gone astray, from creating thousands of tables.
    IF day IS NULL OR day < date '2020-01-01' OR day > today + interval '13 months' THEN
        RAISE EXCEPTION 'event_date % is out of bounds', day
            USING ERRCODE = 'AU002',
                  HINT = 'Events are accepted from 2020-01-01 to 13 months from today.';
    END IF;
    first_day  := date_trunc('month', day::timestamp)::date;
    next_month := (first_day + interval '1 month')::date;
    partition  := 'audit_events_' || to_char(first_day, 'YYYY_MM');

    IF EXISTS (SELECT FROM pg_inherits
                WHERE inhparent = 'public.audit_events'::regclass
                  AND inhrelid = to_regclass(format('public.%I', partition))) THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('workflow_audit.partitions', 0));
    IF EXISTS (SELECT FROM pg_inherits
                WHERE inhparent = 'public.audit_events'::regclass
                  AND inhrelid = to_regclass(format('public.%I', partition))) THEN
        RETURN false;
    END IF;
    IF to_regclass(format('public.%I', partition)) IS NOT NULL THEN
        RAISE EXCEPTION 'table public.% exists, but is no partition of audit_events', partition
            USING ERRCODE = 'AU003',
                  HINT = 'Attach it, rename it or drop it; then events of its month are accepted.';
    END IF;

    -- LIKE and ATTACH rather than PARTITION OF: readers and writers of audit_events go on, whereas
    -- PARTITION OF waits for the longest query and makes everybody wait behind it.
    EXECUTE format('CREATE TABLE public.%I (LIKE public.audit_events INCLUDING DEFAULTS '
                   'INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMPRESSION)', partition);
    EXECUTE format('CREATE TRIGGER audit_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE '
                   'ON public.%I FOR EACH STATEMENT EXECUTE FUNCTION public.audit_refuse_change()',
                   partition);
    EXECUTE format('ALTER TABLE public.%I ENABLE ALWAYS TRIGGER audit_refuse_change', partition);
    -- Nothing is granted on a partition, whatever default privileges an administrator has set:
    -- it is reached through its parent.
    EXECUTE format('REVOKE ALL ON public.%I FROM PUBLIC, workflow_audit_writer, '
                   'workflow_audit_reader, workflow_audit_retention', partition);
    EXECUTE format('ALTER TABLE public.audit_events ATTACH PARTITION public.%I '
                   'FOR VALUES FROM (%L) TO (%L)', partition, first_day, next_month);
    RETURN true;
END
$function$;

COMMENT ON FUNCTION public.audit_ensure_partition(date) IS
    'Creates the partition of this day''s month when it is missing; true when it did';


-- Rights. Writer: inserts, except what only the database or an auditor may say (recorded_at, hashes,
-- legal holds), and reads just what ON CONFLICT and the look-up of a replay need.

REVOKE ALL ON TABLE public.audit_events FROM PUBLIC;
REVOKE ALL ON FUNCTION public.audit_refuse_change() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.audit_ensure_partition(date) FROM PUBLIC;

GRANT INSERT (event_id, event_version, event_timestamp, event_date, event_type, event_category,
              event_action, event_outcome, actor_type, actor_id, actor_ip, resource_type,
              resource_id, resource_name, correlation_id, parent_event_id, parent_event_date,
              trace_id, span_id, namespace, cluster_id, event_data, event_metadata, severity,
              duration_ms, error_code, error_message, retention_days, is_sensitive,
              top_workflow_id, top_confidence),
      SELECT (event_id, event_date, recorded_at, correlation_id, resource_id)
   ON public.audit_events TO workflow_audit_writer;
GRANT EXECUTE ON FUNCTION public.audit_ensure_partition(date) TO workflow_audit_writer;
GRANT SELECT ON public.audit_events TO workflow_audit_reader;
GRANT SELECT ON public.workflow_audit_schema
   TO workflow_audit_writer, workflow_audit_reader, workflow_audit_retention;
