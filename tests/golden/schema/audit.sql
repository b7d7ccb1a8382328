table audit_events: partitioned by RANGE (event_date), owner workflow_audit_owner, Append-only: one immutable row for each workflow search; see docs/reference/audit-event.md
table audit_events_2024_02: partition FOR VALUES FROM ('2024-02-01') TO ('2024-03-01'), owner workflow_audit_owner
table workflow_audit_schema: plain, owner workflow_audit_owner
column audit_events.event_id uuid NOT NULL
column audit_events.event_version character varying(10) NOT NULL DEFAULT '1.0'::character varying
column audit_events.event_timestamp timestamp with time zone NOT NULL
column audit_events.event_date date NOT NULL
column audit_events.event_type character varying(100) NOT NULL
column audit_events.event_category character varying(50) NOT NULL
column audit_events.event_action character varying(50) NOT NULL
column audit_events.event_outcome character varying(20) NOT NULL
column audit_events.actor_type character varying(50) NOT NULL
column audit_events.actor_id character varying(255) NOT NULL
column audit_events.actor_ip inet
column audit_events.resource_type character varying(100) NOT NULL
column audit_events.resource_id character varying(255) NOT NULL
column audit_events.resource_name character varying(255)
column audit_events.correlation_id character varying(255) NOT NULL
column audit_events.parent_event_id uuid
column audit_events.parent_event_date date
column audit_events.trace_id character varying(255)
column audit_events.span_id character varying(255)
column audit_events.namespace character varying(253)
column audit_events.cluster_id character varying(255)
column audit_events.event_data jsonb NOT NULL
column audit_events.event_metadata jsonb
column audit_events.severity character varying(20)
column audit_events.duration_ms integer
column audit_events.error_code character varying(50)
column audit_events.error_message text
column audit_events.retention_days integer NOT NULL DEFAULT 2555
column audit_events.is_sensitive boolean NOT NULL DEFAULT false
column audit_events.event_hash text
column audit_events.previous_event_hash text
column audit_events.legal_hold boolean NOT NULL DEFAULT false
column audit_events.legal_hold_reason text
column audit_events.legal_hold_placed_by text
column audit_events.legal_hold_placed_at timestamp with time zone
column audit_events.hash_algorithm character varying(20) NOT NULL DEFAULT 'sha256-unkeyed'::character varying
column audit_events.recorded_at timestamp with time zone NOT NULL DEFAULT clock_timestamp()
column audit_events.top_workflow_id character varying(255)
column audit_events.top_confidence double precision
column audit_events_2024_02.event_id uuid NOT NULL
column audit_events_2024_02.event_version character varying(10) NOT NULL DEFAULT '1.0'::character varying
column audit_events_2024_02.event_timestamp timestamp with time zone NOT NULL
column audit_events_2024_02.event_date date NOT NULL
column audit_events_2024_02.event_type character varying(100) NOT NULL
column audit_events_2024_02.event_category character varying(50) NOT NULL
column audit_events_2024_02.event_action character varying(50) NOT NULL
column audit_events_2024_02.event_outcome character varying(20) NOT NULL
column audit_events_2024_02.actor_type character varying(50) NOT NULL
column audit_events_2024_02.actor_id character varying(255) NOT NULL
column audit_events_2024_02.actor_ip inet
column audit_events_2024_02.resource_type character varying(100) NOT NULL
column audit_events_2024_02.resource_id character varying(255) NOT NULL
column audit_events_2024_02.resource_name character varying(255)
column audit_events_2024_02.correlation_id character varying(255) NOT NULL
column audit_events_2024_02.parent_event_id uuid
column audit_events_2024_02.parent_event_date date
column audit_events_2024_02.trace_id character varying(255)
column audit_events_2024_02.span_id character varying(255)
column audit_events_2024_02.namespace character varying(253)
column audit_events_2024_02.cluster_id character varying(255)
column audit_events_2024_02.event_data jsonb NOT NULL
column audit_events_2024_02.event_metadata jsonb
column audit_events_2024_02.severity character varying(20)
column audit_events_2024_02.duration_ms integer
column audit_events_2024_02.error_code character varying(50)
column audit_events_2024_02.error_message text
column audit_events_2024_02.retention_days integer NOT NULL DEFAULT 2555
column audit_events_2024_02.is_sensitive boolean NOT NULL DEFAULT false
column audit_events_2024_02.event_hash text
column audit_events_2024_02.previous_event_hash text
column audit_events_2024_02.legal_hold boolean NOT NULL DEFAULT false
column audit_events_2024_02.legal_hold_reason text
column audit_events_2024_02.legal_hold_placed_by text
column audit_events_2024_02.legal_hold_placed_at timestamp with time zone
column audit_events_2024_02.hash_algorithm character varying(20) NOT NULL DEFAULT 'sha256-unkeyed'::character varying
column audit_events_2024_02.recorded_at timestamp with time zone NOT NULL DEFAULT clock_timestamp()
column audit_events_2024_02.top_workflow_id character varying(255)
column audit_events_2024_02.top_confidence double precision
column workflow_audit_schema.version_num character varying(32) NOT NULL
constraint audit_events_2024_02.audit_events_2024_02_pkey PRIMARY KEY (event_id, event_date)
constraint audit_events_2024_02.audit_events_event_data_check CHECK ((jsonb_typeof(event_data) = 'object'::text))
constraint audit_events_2024_02.audit_events_event_date_check CHECK ((event_date = ((event_timestamp AT TIME ZONE 'UTC'::text))::date))
constraint audit_events_2024_02.audit_events_event_outcome_check CHECK (((event_outcome)::text = ANY ((ARRAY['success'::character varying, 'failure'::character varying, 'pending'::character varying])::text[])))
constraint audit_events_2024_02.audit_events_retention_days_check CHECK (((retention_days >= 1) AND (retention_days <= 2555)))
constraint audit_events.audit_events_event_data_check CHECK ((jsonb_typeof(event_data) = 'object'::text))
constraint audit_events.audit_events_event_date_check CHECK ((event_date = ((event_timestamp AT TIME ZONE 'UTC'::text))::date))
constraint audit_events.audit_events_event_outcome_check CHECK (((event_outcome)::text = ANY ((ARRAY['success'::character varying, 'failure'::character varying, 'pending'::character varying])::text[])))
constraint audit_events.audit_events_pkey PRIMARY KEY (event_id, event_date)
constraint audit_events.audit_events_retention_days_check CHECK (((retention_days >= 1) AND (retention_days <= 2555)))
constraint workflow_audit_schema.workflow_audit_schema_pkc PRIMARY KEY (version_num)
CREATE INDEX audit_events_2024_02_correlation_id_event_timestamp_idx ON public.audit_events_2024_02 USING btree (correlation_id, event_timestamp)
CREATE INDEX audit_events_2024_02_event_timestamp_idx ON public.audit_events_2024_02 USING brin (event_timestamp)
CREATE INDEX audit_events_2024_02_event_type_event_timestamp_event_id_idx ON public.audit_events_2024_02 USING btree (event_type, event_timestamp, event_id)
CREATE INDEX audit_events_2024_02_namespace_event_timestamp_idx ON public.audit_events_2024_02 USING btree (namespace, event_timestamp)
CREATE UNIQUE INDEX audit_events_2024_02_pkey ON public.audit_events_2024_02 USING btree (event_id, event_date)
CREATE INDEX audit_events_2024_02_top_workflow_id_event_timestamp_idx ON public.audit_events_2024_02 USING btree (top_workflow_id, event_timestamp)
CREATE INDEX audit_events_correlation_idx ON ONLY public.audit_events USING btree (correlation_id, event_timestamp)
CREATE INDEX audit_events_namespace_idx ON ONLY public.audit_events USING btree (namespace, event_timestamp)
CREATE UNIQUE INDEX audit_events_pkey ON ONLY public.audit_events USING btree (event_id, event_date)
CREATE INDEX audit_events_time_brin ON ONLY public.audit_events USING brin (event_timestamp)
CREATE INDEX audit_events_top_workflow_idx ON ONLY public.audit_events USING btree (top_workflow_id, event_timestamp)
CREATE INDEX audit_events_type_idx ON ONLY public.audit_events USING btree (event_type, event_timestamp, event_id)
CREATE UNIQUE INDEX workflow_audit_schema_pkc ON public.workflow_audit_schema USING btree (version_num)
trigger CREATE TRIGGER audit_refuse_change BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_events_2024_02 FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change() (always)
trigger CREATE TRIGGER audit_refuse_row_change BEFORE DELETE OR UPDATE ON public.audit_events_2024_02 FOR EACH ROW EXECUTE FUNCTION audit_refuse_change() (always)
trigger CREATE TRIGGER audit_refuse_change BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_events FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change() (always)
trigger CREATE TRIGGER audit_refuse_row_change BEFORE DELETE OR UPDATE ON public.audit_events FOR EACH ROW EXECUTE FUNCTION audit_refuse_change() (always)
function, owner workflow_audit_owner
CREATE OR REPLACE FUNCTION public.audit_ensure_partition(day date)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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
$function$

function, owner workflow_audit_owner
CREATE OR REPLACE FUNCTION public.audit_refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
    RAISE EXCEPTION 'audit events are append-only: % on %.% is refused',
        TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'AU001',
              HINT = 'A correction is a new event; old events are removed by retention only.';
END
$function$

grant SELECT on audit_events.* to workflow_audit_reader
grant INSERT on audit_events.actor_id to workflow_audit_writer
grant INSERT on audit_events.actor_ip to workflow_audit_writer
grant INSERT on audit_events.actor_type to workflow_audit_writer
grant INSERT on audit_events.cluster_id to workflow_audit_writer
grant INSERT, SELECT on audit_events.correlation_id to workflow_audit_writer
grant INSERT on audit_events.duration_ms to workflow_audit_writer
grant INSERT on audit_events.error_code to workflow_audit_writer
grant INSERT on audit_events.error_message to workflow_audit_writer
grant INSERT on audit_events.event_action to workflow_audit_writer
grant INSERT on audit_events.event_category to workflow_audit_writer
grant INSERT on audit_events.event_data to workflow_audit_writer
grant INSERT, SELECT on audit_events.event_date to workflow_audit_writer
grant INSERT, SELECT on audit_events.event_id to workflow_audit_writer
grant INSERT on audit_events.event_metadata to workflow_audit_writer
grant INSERT on audit_events.event_outcome to workflow_audit_writer
grant INSERT on audit_events.event_timestamp to workflow_audit_writer
grant INSERT on audit_events.event_type to workflow_audit_writer
grant INSERT on audit_events.event_version to workflow_audit_writer
grant INSERT on audit_events.is_sensitive to workflow_audit_writer
grant INSERT on audit_events.namespace to workflow_audit_writer
grant INSERT on audit_events.parent_event_date to workflow_audit_writer
grant INSERT on audit_events.parent_event_id to workflow_audit_writer
grant SELECT on audit_events.recorded_at to workflow_audit_writer
grant INSERT, SELECT on audit_events.resource_id to workflow_audit_writer
grant INSERT on audit_events.resource_name to workflow_audit_writer
grant INSERT on audit_events.resource_type to workflow_audit_writer
grant INSERT on audit_events.retention_days to workflow_audit_writer
grant INSERT on audit_events.severity to workflow_audit_writer
grant INSERT on audit_events.span_id to workflow_audit_writer
grant INSERT on audit_events.top_confidence to workflow_audit_writer
grant INSERT on audit_events.top_workflow_id to workflow_audit_writer
grant INSERT on audit_events.trace_id to workflow_audit_writer
grant SELECT on workflow_audit_schema.* to workflow_audit_reader
grant SELECT on workflow_audit_schema.* to workflow_audit_retention
grant SELECT on workflow_audit_schema.* to workflow_audit_writer
grant EXECUTE on function audit_ensure_partition to workflow_audit_writer
grant CONNECT on database to workflow_audit_owner
grant CONNECT on database to workflow_audit_reader
grant CONNECT on database to workflow_audit_retention
grant CONNECT on database to workflow_audit_writer
grant CREATE on schema public to workflow_audit_owner
grant USAGE on schema public to workflow_audit_owner
grant USAGE on schema public to workflow_audit_reader
grant USAGE on schema public to workflow_audit_retention
grant USAGE on schema public to workflow_audit_writer
