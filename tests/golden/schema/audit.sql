table audit_events: partitioned by RANGE (event_date), owner workflow_audit_owner, Append-only: one immutable row for each workflow search; see docs/reference/audit-event.md
table audit_events_2024_02: partition FOR VALUES FROM ('2024-02-01') TO ('2024-03-01'), owner workflow_audit_owner
table audit_query_days: plain, owner workflow_audit_owner, What was asked and how it went, summed up by day; read audit_query_statistics
table audit_query_days_everywhere: plain, owner workflow_audit_owner, What was asked in all namespaces, by day; read audit_query_statistics_everywhere
table audit_query_parts: view with {security_invoker=true}, owner workflow_audit_owner, Each search, as a line to add up
table audit_query_statistics: view with {security_invoker=true}, owner workflow_audit_owner, What was asked and how it went, by day; several lines of a day have to be added
table audit_query_statistics_everywhere: view with {security_invoker=true}, owner workflow_audit_owner, What was asked in all namespaces and how it went, by day; several lines of a day have to be added
table audit_summed_up: plain, owner workflow_audit_owner, Events up to this position are in the sums; whoever changes sums locks the row first
table audit_turn: plain, owner workflow_audit_owner, Locked by whoever records, so that positions are in the order of COMMIT; without rows
table audit_workflow_days: plain, owner workflow_audit_owner, What searches say of workflows, summed up by day; read audit_workflow_statistics
table audit_workflow_days_everywhere: plain, owner workflow_audit_owner, What searches of all namespaces say of workflows, by day; read audit_workflow_statistics_everywhere
table audit_workflow_parts: view with {security_invoker=true}, owner workflow_audit_owner, Each workflow that a search has listed, as a line to add up
table audit_workflow_statistics: view with {security_invoker=true}, owner workflow_audit_owner, What searches say of workflows, by day; several lines of a day have to be added
table audit_workflow_statistics_everywhere: view with {security_invoker=true}, owner workflow_audit_owner, What searches of all namespaces say of workflows, by day; several lines of a day have to be added
table legal_holds: plain, owner workflow_audit_owner, The legal holds that are in force; without policy_namespace they are about all namespaces
table retention_operations: plain, owner workflow_audit_owner, Append-only: what retention did, why, by which policy, and how many rows; see docs/retention.md
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
column audit_events.position bigint DEFAULT nextval('audit_positions'::regclass)
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
column audit_events_2024_02.position bigint DEFAULT nextval('audit_positions'::regclass)
column audit_query_days.event_date date NOT NULL
column audit_query_days.namespace character varying(253) NOT NULL
column audit_query_days.query_key bytea NOT NULL
column audit_query_days.filters jsonb
column audit_query_days.query_text text
column audit_query_days.searches bigint NOT NULL
column audit_query_days.failed bigint NOT NULL
column audit_query_days.empty bigint NOT NULL
column audit_query_days.won bigint NOT NULL
column audit_query_days.scored bigint NOT NULL
column audit_query_days.confidence_sum numeric
column audit_query_days_everywhere.event_date date NOT NULL
column audit_query_days_everywhere.query_key bytea NOT NULL
column audit_query_days_everywhere.filters jsonb
column audit_query_days_everywhere.query_text text
column audit_query_days_everywhere.searches bigint NOT NULL
column audit_query_days_everywhere.failed bigint NOT NULL
column audit_query_days_everywhere.empty bigint NOT NULL
column audit_query_days_everywhere.won bigint NOT NULL
column audit_query_days_everywhere.scored bigint NOT NULL
column audit_query_days_everywhere.confidence_sum numeric
column audit_query_parts.event_date date
column audit_query_parts.namespace character varying(253)
column audit_query_parts.query_key bytea
column audit_query_parts.filters jsonb
column audit_query_parts.query_text text
column audit_query_parts.searches bigint
column audit_query_parts.failed bigint
column audit_query_parts.empty bigint
column audit_query_parts.won bigint
column audit_query_parts.scored bigint
column audit_query_parts.confidence_sum numeric
column audit_query_parts.position bigint
column audit_query_parts.event_timestamp timestamp with time zone
column audit_query_statistics.event_date date
column audit_query_statistics.namespace character varying(253)
column audit_query_statistics.query_key bytea
column audit_query_statistics.filters jsonb
column audit_query_statistics.query_text text
column audit_query_statistics.searches bigint
column audit_query_statistics.failed bigint
column audit_query_statistics.empty bigint
column audit_query_statistics.won bigint
column audit_query_statistics.scored bigint
column audit_query_statistics.confidence_sum numeric
column audit_query_statistics_everywhere.event_date date
column audit_query_statistics_everywhere.query_key bytea
column audit_query_statistics_everywhere.filters jsonb
column audit_query_statistics_everywhere.query_text text
column audit_query_statistics_everywhere.searches bigint
column audit_query_statistics_everywhere.failed bigint
column audit_query_statistics_everywhere.empty bigint
column audit_query_statistics_everywhere.won bigint
column audit_query_statistics_everywhere.scored bigint
column audit_query_statistics_everywhere.confidence_sum numeric
column audit_summed_up.only_row boolean NOT NULL DEFAULT true
column audit_summed_up.position bigint NOT NULL
column audit_workflow_days.event_date date NOT NULL
column audit_workflow_days.namespace character varying(253) NOT NULL
column audit_workflow_days.workflow_id text NOT NULL
column audit_workflow_days.version text NOT NULL
column audit_workflow_days.listed bigint NOT NULL
column audit_workflow_days.won bigint NOT NULL
column audit_workflow_days.scored bigint NOT NULL
column audit_workflow_days.confidence_sum numeric
column audit_workflow_days.confidence_least numeric
column audit_workflow_days.confidence_greatest numeric
column audit_workflow_days.first_won timestamp with time zone
column audit_workflow_days.last_won timestamp with time zone
column audit_workflow_days.boost_unattributed bigint NOT NULL
column audit_workflow_days.boost_sum numeric
column audit_workflow_days.boost_least numeric
column audit_workflow_days.boost_greatest numeric
column audit_workflow_days.penalty_unattributed bigint NOT NULL
column audit_workflow_days.penalty_sum numeric
column audit_workflow_days.penalty_least numeric
column audit_workflow_days.penalty_greatest numeric
column audit_workflow_days_everywhere.event_date date NOT NULL
column audit_workflow_days_everywhere.workflow_id text NOT NULL
column audit_workflow_days_everywhere.version text NOT NULL
column audit_workflow_days_everywhere.listed bigint NOT NULL
column audit_workflow_days_everywhere.won bigint NOT NULL
column audit_workflow_days_everywhere.scored bigint NOT NULL
column audit_workflow_days_everywhere.confidence_sum numeric
column audit_workflow_days_everywhere.confidence_least numeric
column audit_workflow_days_everywhere.confidence_greatest numeric
column audit_workflow_days_everywhere.first_won timestamp with time zone
column audit_workflow_days_everywhere.last_won timestamp with time zone
column audit_workflow_days_everywhere.boost_unattributed bigint NOT NULL
column audit_workflow_days_everywhere.boost_sum numeric
column audit_workflow_days_everywhere.boost_least numeric
column audit_workflow_days_everywhere.boost_greatest numeric
column audit_workflow_days_everywhere.penalty_unattributed bigint NOT NULL
column audit_workflow_days_everywhere.penalty_sum numeric
column audit_workflow_days_everywhere.penalty_least numeric
column audit_workflow_days_everywhere.penalty_greatest numeric
column audit_workflow_parts.event_date date
column audit_workflow_parts.namespace character varying(253)
column audit_workflow_parts.workflow_id text
column audit_workflow_parts.version text
column audit_workflow_parts.listed bigint
column audit_workflow_parts.won bigint
column audit_workflow_parts.scored bigint
column audit_workflow_parts.confidence_sum numeric
column audit_workflow_parts.confidence_least numeric
column audit_workflow_parts.confidence_greatest numeric
column audit_workflow_parts.first_won timestamp with time zone
column audit_workflow_parts.last_won timestamp with time zone
column audit_workflow_parts.boost_unattributed bigint
column audit_workflow_parts.boost_sum numeric
column audit_workflow_parts.boost_least numeric
column audit_workflow_parts.boost_greatest numeric
column audit_workflow_parts.penalty_unattributed bigint
column audit_workflow_parts.penalty_sum numeric
column audit_workflow_parts.penalty_least numeric
column audit_workflow_parts.penalty_greatest numeric
column audit_workflow_parts.position bigint
column audit_workflow_parts.event_timestamp timestamp with time zone
column audit_workflow_statistics.event_date date
column audit_workflow_statistics.namespace character varying(253)
column audit_workflow_statistics.workflow_id text
column audit_workflow_statistics.version text
column audit_workflow_statistics.listed bigint
column audit_workflow_statistics.won bigint
column audit_workflow_statistics.scored bigint
column audit_workflow_statistics.confidence_sum numeric
column audit_workflow_statistics.confidence_least numeric
column audit_workflow_statistics.confidence_greatest numeric
column audit_workflow_statistics.first_won timestamp with time zone
column audit_workflow_statistics.last_won timestamp with time zone
column audit_workflow_statistics.boost_unattributed bigint
column audit_workflow_statistics.boost_sum numeric
column audit_workflow_statistics.boost_least numeric
column audit_workflow_statistics.boost_greatest numeric
column audit_workflow_statistics.penalty_unattributed bigint
column audit_workflow_statistics.penalty_sum numeric
column audit_workflow_statistics.penalty_least numeric
column audit_workflow_statistics.penalty_greatest numeric
column audit_workflow_statistics_everywhere.event_date date
column audit_workflow_statistics_everywhere.workflow_id text
column audit_workflow_statistics_everywhere.version text
column audit_workflow_statistics_everywhere.listed bigint
column audit_workflow_statistics_everywhere.won bigint
column audit_workflow_statistics_everywhere.scored bigint
column audit_workflow_statistics_everywhere.confidence_sum numeric
column audit_workflow_statistics_everywhere.confidence_least numeric
column audit_workflow_statistics_everywhere.confidence_greatest numeric
column audit_workflow_statistics_everywhere.first_won timestamp with time zone
column audit_workflow_statistics_everywhere.last_won timestamp with time zone
column audit_workflow_statistics_everywhere.boost_unattributed bigint
column audit_workflow_statistics_everywhere.boost_sum numeric
column audit_workflow_statistics_everywhere.boost_least numeric
column audit_workflow_statistics_everywhere.boost_greatest numeric
column audit_workflow_statistics_everywhere.penalty_unattributed bigint
column audit_workflow_statistics_everywhere.penalty_sum numeric
column audit_workflow_statistics_everywhere.penalty_least numeric
column audit_workflow_statistics_everywhere.penalty_greatest numeric
column legal_holds.hold_id uuid NOT NULL DEFAULT gen_random_uuid()
column legal_holds.cluster_id character varying(255) NOT NULL
column legal_holds.policy text NOT NULL
column legal_holds.policy_namespace character varying(253)
column legal_holds.policy_uid uuid NOT NULL
column legal_holds.policy_generation bigint NOT NULL
column legal_holds.name character varying(63) NOT NULL
column legal_holds.reason text NOT NULL
column legal_holds.correlation_ids text[] NOT NULL
column legal_holds.workflow_ids text[] NOT NULL
column legal_holds.held_from timestamp with time zone
column legal_holds.held_to timestamp with time zone
column legal_holds.placed_at timestamp with time zone NOT NULL DEFAULT clock_timestamp()
column retention_operations.operation_id uuid NOT NULL DEFAULT gen_random_uuid()
column retention_operations.happened_at timestamp with time zone NOT NULL DEFAULT clock_timestamp()
column retention_operations.operation text NOT NULL
column retention_operations.cluster_id character varying(255) NOT NULL
column retention_operations.run_id uuid
column retention_operations.month date
column retention_operations.namespace character varying(253)
column retention_operations.policy text
column retention_operations.policy_namespace character varying(253)
column retention_operations.policy_generation bigint
column retention_operations.reason text NOT NULL
column retention_operations.removed_rows bigint NOT NULL DEFAULT 0
column retention_operations.oldest timestamp with time zone
column retention_operations.newest timestamp with time zone
column retention_operations.details jsonb NOT NULL DEFAULT '{}'::jsonb
column retention_operations.login text NOT NULL DEFAULT SESSION_USER
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
constraint audit_query_days_everywhere.audit_query_days_everywhere_pkey PRIMARY KEY (event_date, query_key)
constraint audit_query_days.audit_query_days_pkey PRIMARY KEY (event_date, namespace, query_key)
constraint audit_summed_up.audit_summed_up_only_row_check CHECK (only_row)
constraint audit_summed_up.audit_summed_up_pkey PRIMARY KEY (only_row)
constraint audit_workflow_days_everywhere.audit_workflow_days_everywhere_pkey PRIMARY KEY (event_date, workflow_id, version)
constraint audit_workflow_days.audit_workflow_days_pkey PRIMARY KEY (event_date, namespace, workflow_id, version)
constraint legal_holds.legal_holds_name_key UNIQUE NULLS NOT DISTINCT (cluster_id, policy, policy_namespace, name)
constraint legal_holds.legal_holds_pkey PRIMARY KEY (hold_id)
constraint retention_operations.retention_operations_operation_check CHECK ((operation = ANY (ARRAY['drop_partition'::text, 'remove_events'::text, 'place_hold'::text, 'release_hold'::text, 'preview'::text, 'finish_run'::text])))
constraint retention_operations.retention_operations_pkey PRIMARY KEY (operation_id)
constraint workflow_audit_schema.workflow_audit_schema_pkc PRIMARY KEY (version_num)
CREATE INDEX audit_events_2024_02_correlation_id_event_timestamp_idx ON public.audit_events_2024_02 USING btree (correlation_id, event_timestamp)
CREATE INDEX audit_events_2024_02_event_timestamp_idx ON public.audit_events_2024_02 USING btree (event_timestamp) WHERE (namespace IS NOT NULL)
CREATE INDEX audit_events_2024_02_event_type_event_timestamp_idx ON public.audit_events_2024_02 USING btree (event_type, event_timestamp) WHERE (namespace IS NOT NULL)
CREATE INDEX audit_events_2024_02_namespace_event_timestamp_idx ON public.audit_events_2024_02 USING btree (namespace, event_timestamp)
CREATE UNIQUE INDEX audit_events_2024_02_pkey ON public.audit_events_2024_02 USING btree (event_id, event_date)
CREATE INDEX audit_events_2024_02_position_idx ON public.audit_events_2024_02 USING btree ("position") WHERE ("position" IS NOT NULL)
CREATE INDEX audit_events_2024_02_top_workflow_id_event_timestamp_idx ON public.audit_events_2024_02 USING btree (top_workflow_id, event_timestamp) WHERE (namespace IS NOT NULL)
CREATE INDEX audit_events_correlation_idx ON ONLY public.audit_events USING btree (correlation_id, event_timestamp)
CREATE INDEX audit_events_namespace_idx ON ONLY public.audit_events USING btree (namespace, event_timestamp)
CREATE UNIQUE INDEX audit_events_pkey ON ONLY public.audit_events USING btree (event_id, event_date)
CREATE INDEX audit_events_position_idx ON ONLY public.audit_events USING btree ("position") WHERE ("position" IS NOT NULL)
CREATE INDEX audit_events_time_idx ON ONLY public.audit_events USING btree (event_timestamp) WHERE (namespace IS NOT NULL)
CREATE INDEX audit_events_top_workflow_idx ON ONLY public.audit_events USING btree (top_workflow_id, event_timestamp) WHERE (namespace IS NOT NULL)
CREATE INDEX audit_events_type_idx ON ONLY public.audit_events USING btree (event_type, event_timestamp) WHERE (namespace IS NOT NULL)
CREATE UNIQUE INDEX audit_query_days_everywhere_pkey ON public.audit_query_days_everywhere USING btree (event_date, query_key)
CREATE UNIQUE INDEX audit_query_days_pkey ON public.audit_query_days USING btree (event_date, namespace, query_key)
CREATE UNIQUE INDEX audit_summed_up_pkey ON public.audit_summed_up USING btree (only_row)
CREATE UNIQUE INDEX audit_workflow_days_everywhere_pkey ON public.audit_workflow_days_everywhere USING btree (event_date, workflow_id, version)
CREATE UNIQUE INDEX audit_workflow_days_pkey ON public.audit_workflow_days USING btree (event_date, namespace, workflow_id, version)
CREATE UNIQUE INDEX legal_holds_name_key ON public.legal_holds USING btree (cluster_id, policy, policy_namespace, name) NULLS NOT DISTINCT
CREATE UNIQUE INDEX legal_holds_pkey ON public.legal_holds USING btree (hold_id)
CREATE UNIQUE INDEX retention_operations_pkey ON public.retention_operations USING btree (operation_id)
CREATE INDEX retention_operations_run_idx ON public.retention_operations USING btree (run_id)
CREATE INDEX retention_operations_time_idx ON public.retention_operations USING btree (cluster_id, operation, happened_at)
CREATE UNIQUE INDEX workflow_audit_schema_pkc ON public.workflow_audit_schema USING btree (version_num)
trigger CREATE TRIGGER audit_refuse_change BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_events_2024_02 FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change() (always)
trigger CREATE TRIGGER audit_refuse_row_change BEFORE DELETE OR UPDATE ON public.audit_events_2024_02 FOR EACH ROW EXECUTE FUNCTION audit_refuse_change() (always)
trigger CREATE TRIGGER audit_count_anew AFTER DELETE ON public.audit_events REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION audit_count_anew() (always)
trigger CREATE TRIGGER audit_refuse_change BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_events FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change() (always)
trigger CREATE TRIGGER audit_refuse_row_change BEFORE DELETE OR UPDATE ON public.audit_events FOR EACH ROW EXECUTE FUNCTION audit_refuse_change() (always)
trigger CREATE TRIGGER audit_take_turn BEFORE INSERT ON public.audit_events FOR EACH STATEMENT EXECUTE FUNCTION audit_take_turn() (always)
trigger CREATE TRIGGER audit_forget_month AFTER INSERT ON public.retention_operations FOR EACH ROW WHEN ((new.operation = 'drop_partition'::text)) EXECUTE FUNCTION audit_forget_month() (always)
trigger CREATE TRIGGER audit_refuse_change BEFORE DELETE OR UPDATE OR TRUNCATE ON public.retention_operations FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_trace_change() (always)
trigger CREATE TRIGGER audit_refuse_row_change BEFORE DELETE OR UPDATE ON public.retention_operations FOR EACH ROW EXECUTE FUNCTION audit_refuse_trace_change() (always)
function, owner workflow_audit_owner
CREATE OR REPLACE FUNCTION public.audit_add_up(since bigint, until bigint, day date, wanted_namespace text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
DECLARE
    begins constant timestamp with time zone := day::timestamp AT TIME ZONE 'UTC';
    ends   constant timestamp with time zone := (day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
    WITH added AS MATERIALIZED (
        SELECT part.event_date, part.namespace, part.workflow_id, part.version,
               sum(part.listed) AS listed, sum(part.won) AS won, sum(part.scored) AS scored,
               sum(part.confidence_sum) AS confidence_sum,
               min(part.confidence_least) AS confidence_least,
               max(part.confidence_greatest) AS confidence_greatest,
               min(part.first_won) AS first_won, max(part.last_won) AS last_won,
               sum(part.boost_unattributed) AS boost_unattributed,
               sum(part.boost_sum) AS boost_sum,
               min(part.boost_least) AS boost_least, max(part.boost_greatest) AS boost_greatest,
               sum(part.penalty_unattributed) AS penalty_unattributed,
               sum(part.penalty_sum) AS penalty_sum,
               min(part.penalty_least) AS penalty_least,
               max(part.penalty_greatest) AS penalty_greatest
          FROM public.audit_workflow_parts AS part
         WHERE (since IS NULL OR part.position > since)
           AND (part.position IS NULL OR part.position <= until)
           AND (day IS NULL OR part.event_date = day AND part.namespace = wanted_namespace
                               AND part.event_timestamp >= begins AND part.event_timestamp < ends)
         GROUP BY part.event_date, part.namespace, part.workflow_id, part.version),
    by_namespace AS (
        INSERT INTO public.audit_workflow_days AS known SELECT * FROM added
            ON CONFLICT ON CONSTRAINT audit_workflow_days_pkey DO UPDATE
           SET listed = known.listed + excluded.listed,
               won = known.won + excluded.won,
               scored = known.scored + excluded.scored,
               confidence_sum = coalesce(known.confidence_sum + excluded.confidence_sum,
                                         known.confidence_sum, excluded.confidence_sum),
               confidence_least = least(known.confidence_least, excluded.confidence_least),
               confidence_greatest = greatest(known.confidence_greatest,
                                              excluded.confidence_greatest),
               first_won = least(known.first_won, excluded.first_won),
               last_won = greatest(known.last_won, excluded.last_won),
               boost_unattributed = known.boost_unattributed + excluded.boost_unattributed,
               boost_sum = coalesce(known.boost_sum + excluded.boost_sum,
                                    known.boost_sum, excluded.boost_sum),
               boost_least = least(known.boost_least, excluded.boost_least),
               boost_greatest = greatest(known.boost_greatest, excluded.boost_greatest),
               penalty_unattributed = known.penalty_unattributed + excluded.penalty_unattributed,
               penalty_sum = coalesce(known.penalty_sum + excluded.penalty_sum,
                                      known.penalty_sum, excluded.penalty_sum),
               penalty_least = least(known.penalty_least, excluded.penalty_least),
               penalty_greatest = greatest(known.penalty_greatest, excluded.penalty_greatest))
    INSERT INTO public.audit_workflow_days_everywhere AS known
    SELECT added.event_date, added.workflow_id, added.version,
           sum(added.listed), sum(added.won), sum(added.scored),
           sum(added.confidence_sum), min(added.confidence_least), max(added.confidence_greatest),
           min(added.first_won), max(added.last_won),
           sum(added.boost_unattributed), sum(added.boost_sum),
           min(added.boost_least), max(added.boost_greatest),
           sum(added.penalty_unattributed), sum(added.penalty_sum),
           min(added.penalty_least), max(added.penalty_greatest)
      FROM added
     WHERE day IS NULL
     GROUP BY added.event_date, added.workflow_id, added.version
        ON CONFLICT ON CONSTRAINT audit_workflow_days_everywhere_pkey DO UPDATE
       SET listed = known.listed + excluded.listed,
           won = known.won + excluded.won,
           scored = known.scored + excluded.scored,
           confidence_sum = coalesce(known.confidence_sum + excluded.confidence_sum,
                                     known.confidence_sum, excluded.confidence_sum),
           confidence_least = least(known.confidence_least, excluded.confidence_least),
           confidence_greatest = greatest(known.confidence_greatest, excluded.confidence_greatest),
           first_won = least(known.first_won, excluded.first_won),
           last_won = greatest(known.last_won, excluded.last_won),
           boost_unattributed = known.boost_unattributed + excluded.boost_unattributed,
           boost_sum = coalesce(known.boost_sum + excluded.boost_sum,
                                known.boost_sum, excluded.boost_sum),
           boost_least = least(known.boost_least, excluded.boost_least),
           boost_greatest = greatest(known.boost_greatest, excluded.boost_greatest),
           penalty_unattributed = known.penalty_unattributed + excluded.penalty_unattributed,
           penalty_sum = coalesce(known.penalty_sum + excluded.penalty_sum,
                                  known.penalty_sum, excluded.penalty_sum),
           penalty_least = least(known.penalty_least, excluded.penalty_least),
           penalty_greatest = greatest(known.penalty_greatest, excluded.penalty_greatest);

    WITH added AS MATERIALIZED (
        SELECT part.event_date, part.namespace, part.query_key, part.filters, part.query_text,
               sum(part.searches) AS searches, sum(part.failed) AS failed,
               sum(part.empty) AS empty, sum(part.won) AS won, sum(part.scored) AS scored,
               sum(part.confidence_sum) AS confidence_sum
          FROM public.audit_query_parts AS part
         WHERE (since IS NULL OR part.position > since)
           AND (part.position IS NULL OR part.position <= until)
           AND (day IS NULL OR part.event_date = day AND part.namespace = wanted_namespace
                               AND part.event_timestamp >= begins AND part.event_timestamp < ends)
         GROUP BY part.event_date, part.namespace, part.query_key, part.filters, part.query_text),
    by_namespace AS (
        INSERT INTO public.audit_query_days AS known SELECT * FROM added
            ON CONFLICT ON CONSTRAINT audit_query_days_pkey DO UPDATE
           SET searches = known.searches + excluded.searches,
               failed = known.failed + excluded.failed,
               empty = known.empty + excluded.empty,
               won = known.won + excluded.won,
               scored = known.scored + excluded.scored,
               confidence_sum = coalesce(known.confidence_sum + excluded.confidence_sum,
                                         known.confidence_sum, excluded.confidence_sum))
    INSERT INTO public.audit_query_days_everywhere AS known
    SELECT added.event_date, added.query_key, added.filters, added.query_text,
           sum(added.searches), sum(added.failed), sum(added.empty), sum(added.won),
           sum(added.scored), sum(added.confidence_sum)
      FROM added
     WHERE day IS NULL
     GROUP BY added.event_date, added.query_key, added.filters, added.query_text
        ON CONFLICT ON CONSTRAINT audit_query_days_everywhere_pkey DO UPDATE
       SET searches = known.searches + excluded.searches,
           failed = known.failed + excluded.failed,
           empty = known.empty + excluded.empty,
           won = known.won + excluded.won,
           scored = known.scored + excluded.scored,
           confidence_sum = coalesce(known.confidence_sum + excluded.confidence_sum,
                                     known.confidence_sum, excluded.confidence_sum);
END
$function$

function, owner workflow_audit_owner
CREATE OR REPLACE FUNCTION public.audit_begin_removal(run uuid, cluster text, month date, rules jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
    IF run IS NULL OR cluster IS NULL OR month IS NULL OR jsonb_typeof(rules) IS DISTINCT FROM 'object'
    THEN
        RAISE EXCEPTION 'a removal needs a run, a cluster, a month and rules' USING ERRCODE = 'AU004';
    END IF;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'events are removed under the isolation level read committed only'
            USING ERRCODE = 'AU004';
    END IF;
    LOCK TABLE public.legal_holds IN SHARE MODE;
END
$function$

function, owner workflow_audit_owner
CREATE OR REPLACE FUNCTION public.audit_candidates(cluster text, first_day date, next_month date, rules jsonb)
 RETURNS TABLE(event_id uuid, event_date date, namespace character varying, event_timestamp timestamp with time zone, bytes integer, rule jsonb, expired boolean, held boolean)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT event.event_id, event.event_date, event.namespace, event.event_timestamp,
           pg_column_size(event.*), applied.rule,
           public.audit_expired(event.event_timestamp, event.retention_days)
           AND public.audit_expired(event.event_timestamp, (applied.rule ->> 'days')::integer),
           event.legal_hold
           OR EXISTS (SELECT FROM public.audit_holds_on(
                          event.cluster_id, event.namespace, event.event_timestamp,
                          event.correlation_id, event.top_workflow_id, event.event_data))
      FROM public.audit_events AS event
     CROSS JOIN LATERAL (
           SELECT CASE WHEN event.cluster_id IS NULL OR event.cluster_id = cluster
                       THEN coalesce(rules -> coalesce(event.namespace, '')
                                           -> (event.event_metadata ->> 'policy'),
                                     rules -> coalesce(event.namespace, '') -> '') END AS rule
           ) AS applied
     WHERE event.event_date >= first_day AND event.event_date < next_month
$function$

function, owner workflow_audit_owner
CREATE OR REPLACE FUNCTION public.audit_count_anew()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    summed   bigint;
    affected record;
BEGIN
    SELECT position INTO STRICT summed FROM public.audit_summed_up FOR UPDATE;
    FOR affected IN
        SELECT removed.event_date, array_agg(DISTINCT removed.namespace) AS namespaces FROM removed
         WHERE removed.namespace IS NOT NULL
           AND (removed.position IS NULL OR removed.position <= summed)
         GROUP BY removed.event_date
    LOOP
        DELETE FROM public.audit_workflow_days AS known
         WHERE known.event_date = affected.event_date
           AND known.namespace = ANY (affected.namespaces);
        DELETE FROM public.audit_query_days AS known
         WHERE known.event_date = affected.event_date
           AND known.namespace = ANY (affected.namespaces);
        PERFORM public.audit_add_up(NULL, summed, affected.event_date, namespace)
           FROM unnest(affected.namespaces) AS namespace;
        PERFORM public.audit_count_everywhere(affected.event_date);
    END LOOP;
    RETURN NULL;
END
$function$

function, owner workflow_audit_owner
CREATE OR REPLACE FUNCTION public.audit_count_everywhere(day date)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
BEGIN
    DELETE FROM public.audit_workflow_days_everywhere AS known
     WHERE day IS NULL OR known.event_date = day;
    INSERT INTO public.audit_workflow_days_everywhere
    SELECT part.event_date, part.workflow_id, part.version,
           sum(part.listed), sum(part.won), sum(part.scored),
           sum(part.confidence_sum), min(part.confidence_least), max(part.confidence_greatest),
           min(part.first_won), max(part.last_won),
           sum(part.boost_unattributed), sum(part.boost_sum),
           min(part.boost_least), max(part.boost_greatest),
           sum(part.penalty_unattributed), sum(part.penalty_sum),
           min(part.penalty_least), max(part.penalty_greatest)
      FROM public.audit_workflow_days AS part
     WHERE day IS NULL OR part.event_date = day
     GROUP BY part.event_date, part.workflow_id, part.version;

    DELETE FROM public.audit_query_days_everywhere AS known
     WHERE day IS NULL OR known.event_date = day;
    INSERT INTO public.audit_query_days_everywhere
    SELECT part.event_date, part.query_key, part.filters, part.query_text,
           sum(part.searches), sum(part.failed), sum(part.empty), sum(part.won),
           sum(part.scored), sum(part.confidence_sum)
      FROM public.audit_query_days AS part
     WHERE day IS NULL OR part.event_date = day
     GROUP BY part.event_date, part.query_key, part.filters, part.query_text;
END
$function$

function, owner workflow_audit_owner
CREATE OR REPLACE FUNCTION public.audit_count_expired(cluster text, month date, rules jsonb)
 RETURNS TABLE(policy text, policy_namespace text, events bigint, bytes bigint, oldest timestamp with time zone, held bigint)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
#variable_conflict use_variable
DECLARE
    starts constant date := date_trunc('month', month::timestamp)::date;
    ends   constant date := (starts + interval '1 month')::date;
    named  constant text[] := ARRAY(SELECT jsonb_object_keys(rules));
BEGIN
    RETURN QUERY
    SELECT candidate.rule ->> 'policy', candidate.rule ->> 'namespace',
           count(*) FILTER (WHERE NOT candidate.held),
           coalesce(sum(candidate.bytes) FILTER (WHERE NOT candidate.held), 0)::bigint,
           min(candidate.event_timestamp) FILTER (WHERE NOT candidate.held),
           count(*) FILTER (WHERE candidate.held)
      FROM public.audit_candidates(cluster, starts, ends, rules) AS candidate
     WHERE (candidate.namespace = ANY (named) OR '' = ANY (named) AND candidate.namespace IS NULL)
       AND candidate.expired
     GROUP BY 1, 2;
END
$function$

function, owner workflow_audit_owner
CREATE OR REPLACE FUNCTION public.audit_drop_partition(run uuid, cluster text, month date, rules jsonb)
 RETURNS TABLE(dropped boolean, removed bigint)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_custom_plan'
 SET lock_timeout TO '100ms'
AS $function$
#variable_conflict use_variable
DECLARE
    starts constant date := date_trunc('month', month::timestamp)::date;
    ends   constant date := (starts + interval '1 month')::date;
    doomed regclass;
    rows   bigint;
BEGIN
    PERFORM public.audit_begin_removal(run, cluster, month, rules);
    IF ends > date_trunc('month', now() AT TIME ZONE 'UTC')::date THEN
        RAISE EXCEPTION 'the month of % is not over: its partition stays', starts
            USING ERRCODE = 'AU005';
    END IF;
    SELECT known.partition INTO doomed
      FROM public.audit_partitions() AS known WHERE known.first_day = starts;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'audit_events has no partition for the month of %', starts
            USING ERRCODE = 'AU006';
    END IF;
    -- No event arrives between looking and dropping.
    EXECUTE format('LOCK TABLE %s IN SHARE MODE', doomed);
    IF EXISTS (SELECT FROM public.audit_candidates(cluster, starts, ends, rules) AS candidate
                WHERE (candidate.expired AND NOT candidate.held) IS NOT TRUE) THEN
        RETURN QUERY SELECT false, 0::bigint;
        RETURN;
    END IF;

    WITH counted AS (
        SELECT candidate.namespace, candidate.rule, count(*) AS events,
               min(candidate.event_timestamp) AS oldest, max(candidate.event_timestamp) AS newest
          FROM public.audit_candidates(cluster, starts, ends, rules) AS candidate
         GROUP BY candidate.namespace, candidate.rule
    ), traced AS (
        INSERT INTO public.retention_operations (
            operation, cluster_id, run_id, month, namespace, policy, policy_namespace,
            policy_generation, reason, removed_rows, oldest, newest, details)
        SELECT 'drop_partition', cluster, run, starts, counted.namespace, counted.rule ->> 'policy',
               counted.rule ->> 'namespace', (counted.rule ->> 'generation')::bigint,
               format('older than the %s days of the policy and than their own retention_days',
                      counted.rule ->> 'days'),
               counted.events, counted.oldest, counted.newest,
               jsonb_build_object('partition', doomed::text)
          FROM counted
    )
    SELECT coalesce(sum(counted.events), 0) INTO rows FROM counted;
    IF rows = 0 THEN
        INSERT INTO public.retention_operations (operation, cluster_id, run_id, month, reason, details)
        VALUES ('drop_partition', cluster, run, starts, 'its month is over, and it is empty',
                jsonb_build_object('partition', doomed::text));
    END IF;
    EXECUTE format('DROP TABLE %s', doomed);
    RETURN QUERY SELECT true, rows;
END
$function$

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
CREATE OR REPLACE FUNCTION public.audit_executed_event(id uuid, day date)
 RETURNS SETOF audit_events
 LANGUAGE sql
 STABLE SECURITY DEFINER ROWS 1
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
    SELECT *
      FROM public.audit_events
     WHERE event_id = id
       AND event_date = day
       AND event_metadata ? 'catalogue'
$function$

function, owner workflow_audit_owner
CREATE OR REPLACE FUNCTION public.audit_expired(event_time timestamp with time zone, days integer)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
    SELECT event_time + make_interval(hours => 24 * days) <= now()
$function$

function, owner workflow_audit_owner
CREATE OR REPLACE FUNCTION public.audit_finish_run(run uuid, cluster text, details jsonb)
 RETURNS timestamp with time zone
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
    INSERT INTO public.retention_operations (
        operation, cluster_id, run_id, reason, removed_rows, oldest, newest, details)
    SELECT 'finish_run', cluster, run, 'everything that could go is gone',
           coalesce(sum(removed_rows), 0), min(oldest), max(newest), audit_finish_run.details
      FROM public.retention_operations AS operations
     WHERE operations.run_id = run AND operations.cluster_id = cluster
    RETURNING happened_at
$function$

function, owner workflow_audit_owner
CREATE OR REPLACE FUNCTION public.audit_forget_month()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    next_month constant date := (NEW.month + interval '1 month')::date;
BEGIN
    PERFORM FROM public.audit_summed_up FOR UPDATE;
    DELETE FROM public.audit_workflow_days AS known
     WHERE known.event_date >= NEW.month AND known.event_date < next_month;
    DELETE FROM public.audit_query_days AS known
     WHERE known.event_date >= NEW.month AND known.event_date < next_month;
    DELETE FROM public.audit_workflow_days_everywhere AS known
     WHERE known.event_date >= NEW.month AND known.event_date < next_month;
    DELETE FROM public.audit_query_days_everywhere AS known
     WHERE known.event_date >= NEW.month AND known.event_date < next_month;
    RETURN NULL;
END
$function$

function, owner workflow_audit_owner
CREATE OR REPLACE FUNCTION public.audit_holds_on(event_cluster text, event_namespace text, event_time timestamp with time zone, event_correlation text, event_top_workflow text, event_data jsonb)
 RETURNS TABLE(hold_id uuid)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT hold.hold_id
      FROM public.legal_holds AS hold
     WHERE (event_cluster IS NULL OR hold.cluster_id = event_cluster)
       AND (hold.policy_namespace IS NULL OR hold.policy_namespace = event_namespace)
       AND (hold.held_from IS NULL OR event_time >= hold.held_from)
       AND (hold.held_to IS NULL OR event_time <= hold.held_to)
       AND (hold.correlation_ids = '{}' AND hold.workflow_ids = '{}'
            OR event_correlation = ANY (hold.correlation_ids)
            OR event_top_workflow = ANY (hold.workflow_ids)
            OR jsonb_path_query_array(event_data, 'lax $.results.workflows[*].workflow_id')
               ?| hold.workflow_ids)
$function$

function, owner workflow_audit_owner
CREATE OR REPLACE FUNCTION public.audit_note_previews(run uuid, cluster text, details jsonb)
 RETURNS timestamp with time zone
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
    INSERT INTO public.retention_operations (operation, cluster_id, run_id, reason, details)
    VALUES ('preview', cluster, run, 'counted for dryRun; nothing was touched', details)
    RETURNING happened_at
$function$

function, owner workflow_audit_owner
CREATE OR REPLACE FUNCTION public.audit_number(value jsonb)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE
RETURN CASE jsonb_typeof(value) WHEN 'number'::text THEN (value)::numeric ELSE NULL::numeric END

function, owner workflow_audit_owner
CREATE OR REPLACE FUNCTION public.audit_partitions()
 RETURNS TABLE(partition regclass, first_day date, next_month date)
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "DateStyle" TO 'ISO'
AS $function$
    SELECT bound.partition, bound.days[1]::date, bound.days[2]::date
      FROM (SELECT class.oid::regclass AS partition,
                   regexp_match(pg_get_expr(class.relpartbound, class.oid),
                                '^FOR VALUES FROM \(''([0-9-]+)''\) TO \(''([0-9-]+)''\)$') AS days
              FROM pg_inherits JOIN pg_class AS class ON class.oid = inhrelid
             WHERE inhparent = 'public.audit_events'::regclass) AS bound
     WHERE bound.days[1]::date = date_trunc('month', bound.days[1]::timestamp)::date
       AND bound.days[2]::date = (bound.days[1]::date + interval '1 month')::date
$function$

function, owner workflow_audit_owner
CREATE OR REPLACE FUNCTION public.audit_place_hold(cluster text, hold_policy text, hold_policy_namespace text, uid uuid, generation bigint, hold_name text, hold_reason text, correlations text[], workflows text[], from_time timestamp with time zone, to_time timestamp with time zone)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
    WITH placed AS (
        INSERT INTO public.legal_holds AS hold (
            cluster_id, policy, policy_namespace, policy_uid, policy_generation, name, reason,
            correlation_ids, workflow_ids, held_from, held_to)
        VALUES (cluster, hold_policy, hold_policy_namespace, uid, generation, hold_name,
                hold_reason, correlations, workflows, from_time, to_time)
            ON CONFLICT ON CONSTRAINT legal_holds_name_key DO UPDATE
           SET policy_uid = excluded.policy_uid, policy_generation = excluded.policy_generation,
               reason = excluded.reason, correlation_ids = excluded.correlation_ids,
               workflow_ids = excluded.workflow_ids, held_from = excluded.held_from,
               held_to = excluded.held_to, placed_at = excluded.placed_at
         WHERE (hold.policy_uid, hold.reason, hold.correlation_ids, hold.workflow_ids,
                hold.held_from, hold.held_to)
               IS DISTINCT FROM
               (excluded.policy_uid, excluded.reason, excluded.correlation_ids,
                excluded.workflow_ids, excluded.held_from, excluded.held_to)
           AND (hold.policy_uid <> excluded.policy_uid
                OR hold.policy_generation <= excluded.policy_generation)
        RETURNING hold.*
    )
    INSERT INTO public.retention_operations (
        operation, cluster_id, policy, policy_namespace, policy_generation, reason, details)
    SELECT 'place_hold', placed.cluster_id, placed.policy, placed.policy_namespace,
           placed.policy_generation, placed.reason, to_jsonb(placed)
      FROM placed;
    RETURN FOUND;
END
$function$

function, owner workflow_audit_owner
CREATE OR REPLACE FUNCTION public.audit_recent_queries()
 RETURNS SETOF audit_query_days
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
DECLARE
    summed bigint;
BEGIN
    SELECT position INTO STRICT summed FROM public.audit_summed_up;
    RETURN QUERY
    SELECT part.event_date, part.namespace, part.query_key, part.filters, part.query_text,
           part.searches, part.failed, part.empty, part.won, part.scored,
           part.confidence_sum
      FROM public.audit_query_parts AS part WHERE part.position > summed;
END
$function$

function, owner workflow_audit_owner
CREATE OR REPLACE FUNCTION public.audit_recent_workflows()
 RETURNS SETOF audit_workflow_days
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
DECLARE
    summed bigint;
BEGIN
    SELECT position INTO STRICT summed FROM public.audit_summed_up;
    RETURN QUERY
    SELECT part.event_date, part.namespace, part.workflow_id, part.version, part.listed, part.won,
           part.scored, part.confidence_sum, part.confidence_least, part.confidence_greatest,
           part.first_won, part.last_won,
           part.boost_unattributed, part.boost_sum, part.boost_least, part.boost_greatest,
           part.penalty_unattributed, part.penalty_sum, part.penalty_least, part.penalty_greatest
      FROM public.audit_workflow_parts AS part WHERE part.position > summed;
END
$function$

function, owner workflow_audit_owner
CREATE OR REPLACE FUNCTION public.audit_refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
BEGIN
    IF TG_OP = 'DELETE' AND current_user = 'workflow_audit_owner'
       AND current_setting('workflow_audit.removing', true) = 'expired' THEN
        IF TG_LEVEL = 'STATEMENT' THEN
            RETURN NULL;
        ELSIF public.audit_expired(OLD.event_timestamp, OLD.retention_days)
              AND NOT OLD.legal_hold
              AND NOT EXISTS (SELECT FROM public.audit_holds_on(
                                  OLD.cluster_id, OLD.namespace, OLD.event_timestamp,
                                  OLD.correlation_id, OLD.top_workflow_id, OLD.event_data)) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'audit events are append-only: % on %.% is refused',
        TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'AU001',
              HINT = 'A correction is a new event; old events are removed by retention only.';
END
$function$

function, owner workflow_audit_owner
CREATE OR REPLACE FUNCTION public.audit_refuse_trace_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
    RAISE EXCEPTION 'the trace of retention is append-only: % on %.% is refused',
        TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'AU001';
END
$function$

function, owner workflow_audit_owner
CREATE OR REPLACE FUNCTION public.audit_release_hold(hold uuid, uid uuid, generation bigint, why text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
    WITH released AS (
        DELETE FROM public.legal_holds AS placed
         WHERE placed.hold_id = hold
           AND (uid IS NULL OR placed.policy_uid <> uid OR placed.policy_generation <= generation)
        RETURNING placed.*
    )
    INSERT INTO public.retention_operations (
        operation, cluster_id, policy, policy_namespace, policy_generation, reason, details)
    SELECT 'release_hold', released.cluster_id, released.policy, released.policy_namespace,
           generation, why, to_jsonb(released)
      FROM released;
    RETURN FOUND;
END
$function$

function, owner workflow_audit_owner
CREATE OR REPLACE FUNCTION public.audit_remove_events(run uuid, cluster text, month date, wanted_namespace text, rules jsonb, since timestamp with time zone, since_id uuid, most integer)
 RETURNS TABLE(seen bigint, removed bigint, reached timestamp with time zone, reached_id uuid)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
#variable_conflict use_variable
DECLARE
    starts     constant date := date_trunc('month', month::timestamp)::date;
    ends       constant date := (starts + interval '1 month')::date;
    from_time  constant timestamp with time zone := coalesce(since, '-infinity');
    after_id   constant uuid := coalesce(since_id, '00000000-0000-0000-0000-000000000000');
    least_days integer;
BEGIN
    PERFORM public.audit_begin_removal(run, cluster, month, rules);
    IF wanted_namespace IS NULL OR most IS NULL OR most NOT BETWEEN 1 AND 100000 THEN
        RAISE EXCEPTION 'events are removed from one namespace, 1 to 100000 at a time'
            USING ERRCODE = 'AU004';
    END IF;
    -- Nothing younger can go, so the index need not be read any further.
    SELECT min((rule.value ->> 'days')::integer) INTO least_days
      FROM jsonb_each(rules -> wanted_namespace) AS rule;

    PERFORM set_config('workflow_audit.removing', 'expired', true);
    RETURN QUERY
    WITH looked_at AS MATERIALIZED (
        SELECT candidate.event_id, candidate.event_date, candidate.event_timestamp,
               candidate.rule, candidate.expired, candidate.held
          FROM public.audit_candidates(cluster, starts, ends, rules) AS candidate
         WHERE (candidate.namespace = wanted_namespace
                OR wanted_namespace = '' AND candidate.namespace IS NULL)
           AND candidate.event_timestamp >= from_time
           AND (candidate.event_timestamp, candidate.event_id) > (from_time, after_id)
           AND candidate.event_timestamp <= now() - make_interval(hours => 24 * least_days)
         ORDER BY candidate.event_timestamp, candidate.event_id
         LIMIT most
    ), gone AS (
        DELETE FROM public.audit_events AS event USING looked_at
         WHERE looked_at.expired AND NOT looked_at.held
           AND event.event_id = looked_at.event_id AND event.event_date = looked_at.event_date
           AND event.event_date >= starts AND event.event_date < ends
        RETURNING looked_at.rule, event.event_timestamp
    ), traced AS (
        INSERT INTO public.retention_operations (
            operation, cluster_id, run_id, month, namespace, policy, policy_namespace,
            policy_generation, reason, removed_rows, oldest, newest)
        SELECT 'remove_events', cluster, run, starts, nullif(wanted_namespace, ''),
               gone.rule ->> 'policy', gone.rule ->> 'namespace',
               (gone.rule ->> 'generation')::bigint,
               format('older than the %s days of the policy and than their own retention_days',
                      gone.rule ->> 'days'),
               count(*), min(gone.event_timestamp), max(gone.event_timestamp)
          FROM gone GROUP BY gone.rule
    )
    SELECT (SELECT count(*) FROM looked_at), (SELECT count(*) FROM gone),
           last_one.event_timestamp, last_one.event_id
      FROM (VALUES (1)) AS always
      LEFT JOIN (SELECT looked_at.event_timestamp, looked_at.event_id FROM looked_at
                  ORDER BY looked_at.event_timestamp DESC, looked_at.event_id DESC
                  LIMIT 1) AS last_one ON true;
    PERFORM set_config('workflow_audit.removing', '', true);
END
$function$

function, owner workflow_audit_owner
CREATE OR REPLACE FUNCTION public.audit_sum_up(most integer)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
DECLARE
    summed  bigint;
    reached bigint;
BEGIN
    -- Under another isolation level it would not see what was changed while it waited for the lock.
    IF most IS NULL OR most NOT BETWEEN 1 AND 100000
       OR current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'events are summed up 1 to 100000 at a time, under read committed'
            USING ERRCODE = 'AU007';
    END IF;
    SELECT position INTO STRICT summed FROM public.audit_summed_up FOR UPDATE;
    -- Positions are in the order of COMMIT: nothing will ever appear before the newest one.
    SELECT max(event.position) INTO reached
      FROM (SELECT position FROM public.audit_events
             WHERE position > summed ORDER BY position LIMIT most) AS event;
    IF reached IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM public.audit_add_up(summed, reached, NULL, NULL);
    UPDATE public.audit_summed_up SET position = reached;
    RETURN reached - summed;
END
$function$

function, owner workflow_audit_owner
CREATE OR REPLACE FUNCTION public.audit_take_turn()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
    LOCK TABLE public.audit_turn IN EXCLUSIVE MODE;
    RETURN NULL;
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
grant SELECT on audit_events.event_date to workflow_audit_retention
grant INSERT, SELECT on audit_events.event_id to workflow_audit_writer
grant INSERT on audit_events.event_metadata to workflow_audit_writer
grant INSERT on audit_events.event_outcome to workflow_audit_writer
grant INSERT on audit_events.event_timestamp to workflow_audit_writer
grant INSERT on audit_events.event_type to workflow_audit_writer
grant INSERT on audit_events.event_version to workflow_audit_writer
grant INSERT on audit_events.is_sensitive to workflow_audit_writer
grant INSERT on audit_events.namespace to workflow_audit_writer
grant SELECT on audit_events.namespace to workflow_audit_retention
grant INSERT on audit_events.parent_event_date to workflow_audit_writer
grant INSERT on audit_events.parent_event_id to workflow_audit_writer
grant SELECT on audit_events.recorded_at to workflow_audit_writer
grant INSERT, SELECT on audit_events.resource_id to workflow_audit_writer
grant INSERT, SELECT on audit_events.resource_name to workflow_audit_writer
grant INSERT on audit_events.resource_type to workflow_audit_writer
grant INSERT on audit_events.retention_days to workflow_audit_writer
grant INSERT on audit_events.severity to workflow_audit_writer
grant INSERT on audit_events.span_id to workflow_audit_writer
grant INSERT on audit_events.top_confidence to workflow_audit_writer
grant INSERT on audit_events.top_workflow_id to workflow_audit_writer
grant INSERT on audit_events.trace_id to workflow_audit_writer
grant SELECT on audit_query_days.* to workflow_audit_reader
grant SELECT on audit_query_days_everywhere.* to workflow_audit_reader
grant SELECT on audit_query_parts.* to workflow_audit_reader
grant SELECT on audit_query_statistics.* to workflow_audit_reader
grant SELECT on audit_query_statistics_everywhere.* to workflow_audit_reader
grant SELECT on audit_summed_up.* to workflow_audit_reader
grant SELECT on audit_workflow_days.* to workflow_audit_reader
grant SELECT on audit_workflow_days_everywhere.* to workflow_audit_reader
grant SELECT on audit_workflow_parts.* to workflow_audit_reader
grant SELECT on audit_workflow_statistics.* to workflow_audit_reader
grant SELECT on audit_workflow_statistics_everywhere.* to workflow_audit_reader
grant SELECT on legal_holds.* to workflow_audit_reader
grant SELECT on legal_holds.* to workflow_audit_retention
grant SELECT on retention_operations.* to workflow_audit_reader
grant SELECT on retention_operations.* to workflow_audit_retention
grant SELECT on workflow_audit_schema.* to workflow_audit_reader
grant SELECT on workflow_audit_schema.* to workflow_audit_retention
grant SELECT on workflow_audit_schema.* to workflow_audit_writer
grant EXECUTE on function audit_count_expired to workflow_audit_retention
grant EXECUTE on function audit_drop_partition to workflow_audit_retention
grant EXECUTE on function audit_ensure_partition to workflow_audit_writer
grant EXECUTE on function audit_executed_event to workflow_audit_writer
grant EXECUTE on function audit_finish_run to workflow_audit_retention
grant EXECUTE on function audit_note_previews to workflow_audit_retention
grant EXECUTE on function audit_number to workflow_audit_reader
grant EXECUTE on function audit_partitions to workflow_audit_retention
grant EXECUTE on function audit_place_hold to workflow_audit_retention
grant EXECUTE on function audit_recent_queries to workflow_audit_reader
grant EXECUTE on function audit_recent_workflows to workflow_audit_reader
grant EXECUTE on function audit_release_hold to workflow_audit_retention
grant EXECUTE on function audit_remove_events to workflow_audit_retention
grant EXECUTE on function audit_sum_up to workflow_audit_writer
grant CONNECT on database to workflow_audit_owner
grant CONNECT on database to workflow_audit_reader
grant CONNECT on database to workflow_audit_retention
grant CONNECT on database to workflow_audit_writer
grant CREATE on schema public to workflow_audit_owner
grant USAGE on schema public to workflow_audit_owner
grant USAGE on schema public to workflow_audit_reader
grant USAGE on schema public to workflow_audit_retention
grant USAGE on schema public to workflow_audit_writer
