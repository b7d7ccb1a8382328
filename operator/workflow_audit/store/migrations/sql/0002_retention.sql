-- Revision 0002: retention. Runs as workflow_audit_owner; only adds, so that 0001 goes on writing.
--
-- What always holds, whoever calls and whatever they ask for:
-- - A single row is removed only when it is older than its own retention_days and not held. The row
--   trigger of audit_events checks that, so that it also binds the functions below.
-- - A partition is dropped only when the same is so of every row in it, and its month is over.
-- - What a caller says can only keep rows longer: a row of which the rules say nothing stays.
-- - A hold that is committed holds: removals and changes of holds wait for each other.
-- - Whatever is removed, placed or released leaves a line in the same transaction.
-- A day is 24 hours, and the clock is this server's.


-- The trace.

CREATE TABLE public.retention_operations (
    operation_id      uuid                     NOT NULL DEFAULT gen_random_uuid(),
    happened_at       timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    operation         text                     NOT NULL,
    cluster_id        varchar(255)             NOT NULL,
    run_id            uuid,
    month             date,
    namespace         varchar(253),
    policy            text,
    policy_namespace  varchar(253),
    policy_generation bigint,
    reason            text                     NOT NULL,
    removed_rows      bigint                   NOT NULL DEFAULT 0,
    oldest            timestamp with time zone,
    newest            timestamp with time zone,
    details           jsonb                    NOT NULL DEFAULT '{}',
    login             text                     NOT NULL DEFAULT session_user,
    CONSTRAINT retention_operations_pkey PRIMARY KEY (operation_id),
    CONSTRAINT retention_operations_operation_check
        CHECK (operation IN ('drop_partition', 'remove_events', 'place_hold', 'release_hold',
                             'finish_run'))
);

COMMENT ON TABLE public.retention_operations IS
    'Append-only: what retention did, why, by which policy, and how many rows; see docs/retention.md';

CREATE INDEX retention_operations_time_idx
    ON public.retention_operations (cluster_id, operation, happened_at);
CREATE INDEX retention_operations_run_idx ON public.retention_operations (run_id);

CREATE FUNCTION public.audit_refuse_trace_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RAISE EXCEPTION 'the trace of retention is append-only: % on %.% is refused',
        TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'AU001';
END
$function$;

CREATE TRIGGER audit_refuse_change
    BEFORE UPDATE OR DELETE OR TRUNCATE ON public.retention_operations
    FOR EACH STATEMENT EXECUTE FUNCTION public.audit_refuse_trace_change();
CREATE TRIGGER audit_refuse_row_change
    BEFORE UPDATE OR DELETE ON public.retention_operations
    FOR EACH ROW EXECUTE FUNCTION public.audit_refuse_trace_change();
ALTER TABLE public.retention_operations ENABLE ALWAYS TRIGGER audit_refuse_change;
ALTER TABLE public.retention_operations ENABLE ALWAYS TRIGGER audit_refuse_row_change;


-- Legal holds: those of the policies, mirrored by the operators.

CREATE TABLE public.legal_holds (
    hold_id           uuid                     NOT NULL DEFAULT gen_random_uuid(),
    cluster_id        varchar(255)             NOT NULL,
    policy            text                     NOT NULL,
    policy_namespace  varchar(253),
    policy_uid        uuid                     NOT NULL,
    policy_generation bigint                   NOT NULL,
    name              varchar(63)              NOT NULL,
    reason            text                     NOT NULL,
    correlation_ids   text[]                   NOT NULL,
    workflow_ids      text[]                   NOT NULL,
    held_from         timestamp with time zone,
    held_to           timestamp with time zone,
    placed_at         timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT legal_holds_pkey PRIMARY KEY (hold_id),
    CONSTRAINT legal_holds_name_key
        UNIQUE NULLS NOT DISTINCT (cluster_id, policy, policy_namespace, name)
);

COMMENT ON TABLE public.legal_holds IS
    'The legal holds that are in force; without policy_namespace they are about all namespaces';

-- The holds that are about an event. To name a request or a workflow holds more, never less: one of
-- them is enough. An event that names no cluster might be anybody's.
--
-- A plain SQL function, so that PostgreSQL puts its query into that of the caller; with search_path
-- set it would not. Only the functions below call it, and theirs is set.
CREATE FUNCTION public.audit_holds_on(
    event_cluster text, event_namespace text, event_time timestamp with time zone,
    event_correlation text, event_top_workflow text, event_data jsonb)
    RETURNS TABLE (hold_id uuid)
    LANGUAGE sql STABLE
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
$function$;


-- What may go.

CREATE FUNCTION public.audit_expired(event_time timestamp with time zone, days integer)
    RETURNS boolean
    LANGUAGE sql STABLE
AS $function$
    SELECT event_time + make_interval(hours => 24 * days) <= now()
$function$;

-- The events of a range of days, the rule for each, and whether it may go.
-- `rules` is {namespace: {policy: {"days": 30, "policy": ..., "namespace": ..., "generation": ...}}}.
-- The rule "" is for events whose policy has none of its own. Without a rule, without days, or of
-- another cluster, `expired` is not true, and the event stays.
CREATE FUNCTION public.audit_candidates(cluster text, first_day date, next_month date, rules jsonb)
    RETURNS TABLE (event_id uuid, event_date date, namespace varchar,
                   event_timestamp timestamp with time zone, bytes integer,
                   rule jsonb, expired boolean, held boolean)
    LANGUAGE sql STABLE
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
$function$;


-- The one way past the guard of audit_events. The setting alone does nothing: anybody can set it.
-- The owner alone does nothing either, and with both the row itself must be one that may go.
CREATE OR REPLACE FUNCTION public.audit_refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    -- Else the setting of the function that deletes would have this planned anew for each row, at
    -- 0.2 ms; so it is 0.01 ms.
    SET plan_cache_mode = force_generic_plan
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
$function$;


-- The partitions that are one whole month each; of others retention removes single rows only.
CREATE FUNCTION public.audit_partitions()
    RETURNS TABLE (partition regclass, first_day date, next_month date)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    SET DateStyle = 'ISO'
AS $function$
    SELECT bound.partition, bound.days[1]::date, bound.days[2]::date
      FROM (SELECT class.oid::regclass AS partition,
                   regexp_match(pg_get_expr(class.relpartbound, class.oid),
                                '^FOR VALUES FROM \(''([0-9-]+)''\) TO \(''([0-9-]+)''\)$') AS days
              FROM pg_inherits JOIN pg_class AS class ON class.oid = inhrelid
             WHERE inhparent = 'public.audit_events'::regclass) AS bound
     WHERE bound.days[1]::date = date_trunc('month', bound.days[1]::timestamp)::date
       AND bound.days[2]::date = (bound.days[1]::date + interval '1 month')::date
$function$;


-- The removals.

-- Begins each removal: what it must be told, and that no hold changes until it ends. Under another
-- isolation level a hold that was placed while it waited would stay unseen.
CREATE FUNCTION public.audit_begin_removal(run uuid, cluster text, month date, rules jsonb)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
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
$function$;

-- Looks at the next events of a namespace and month, by (event_timestamp, event_id), and removes those
-- of them that may go. `most` bounds what is looked at, not what goes: a batch is as quick where
-- everything is held, and the planner, which cannot guess how much may go, reads the index.
-- Gives how many it looked at and removed, and the key where the next batch begins.
CREATE FUNCTION public.audit_remove_events(
    run uuid, cluster text, month date, wanted_namespace text, rules jsonb,
    since timestamp with time zone, since_id uuid, most integer)
    RETURNS TABLE (seen bigint, removed bigint,
                   reached timestamp with time zone, reached_id uuid)
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    -- Planned with its values, so that one partition is looked at, by (namespace, event_timestamp).
    SET plan_cache_mode = force_custom_plan
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
$function$;

COMMENT ON FUNCTION
    public.audit_remove_events(uuid, text, date, text, jsonb, timestamptz, uuid, integer) IS
    'Removes those of the next events of a namespace and month that are expired and not held';

CREATE FUNCTION public.audit_drop_partition(run uuid, cluster text, month date, rules jsonb)
    RETURNS TABLE (dropped boolean, removed bigint)
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_custom_plan
    -- Whoever waits for the lock on audit_events makes every writer wait behind it.
    SET lock_timeout = '100ms'
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
$function$;

COMMENT ON FUNCTION public.audit_drop_partition(uuid, text, date, jsonb) IS
    'Drops the partition of a month that is over, if every event in it is expired and none is held';

CREATE FUNCTION public.audit_count_expired(cluster text, month date, rules jsonb)
    RETURNS TABLE (policy text, policy_namespace text, events bigint, bytes bigint,
                   oldest timestamp with time zone, held bigint)
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_custom_plan
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
$function$;

COMMENT ON FUNCTION public.audit_count_expired(text, date, jsonb) IS
    'Counts what the rules would let go in a month, by policy; touches nothing';


-- Holds, and the end of a run.

-- Places a hold, or changes it; false when it is there already, or a later generation has placed it.
CREATE FUNCTION public.audit_place_hold(
    cluster text, hold_policy text, hold_policy_namespace text, uid uuid, generation bigint,
    hold_name text, hold_reason text, correlations text[], workflows text[],
    from_time timestamp with time zone, to_time timestamp with time zone)
    RETURNS boolean
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
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
$function$;

COMMENT ON FUNCTION public.audit_place_hold(text, text, text, uuid, bigint, text, text, text[], text[],
                                            timestamptz, timestamptz) IS
    'Places a legal hold or changes it; true when it did';

-- Releases a hold that its policy does not have any more; without uid and generation, because the
-- policy is gone. False when there is none, or a later generation of this policy has placed it.
CREATE FUNCTION public.audit_release_hold(hold uuid, uid uuid, generation bigint, why text)
    RETURNS boolean
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
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
$function$;

COMMENT ON FUNCTION public.audit_release_hold(uuid, uuid, bigint, text) IS
    'Releases a legal hold; true when it did';

CREATE FUNCTION public.audit_finish_run(run uuid, cluster text, details jsonb)
    RETURNS timestamp with time zone
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
    INSERT INTO public.retention_operations (
        operation, cluster_id, run_id, reason, removed_rows, oldest, newest, details)
    SELECT 'finish_run', cluster, run, 'everything that could go is gone',
           coalesce(sum(removed_rows), 0), min(oldest), max(newest), audit_finish_run.details
      FROM public.retention_operations AS operations
     WHERE operations.run_id = run AND operations.cluster_id = cluster
    RETURNING happened_at
$function$;

COMMENT ON FUNCTION public.audit_finish_run(uuid, text, jsonb) IS
    'Notes that a run of retention has come to its end, and how much it removed in all';


-- Rights. Retention reads which namespaces have events, and its own trace; all else is functions.

REVOKE ALL ON TABLE public.retention_operations, public.legal_holds
  FROM PUBLIC, workflow_audit_writer, workflow_audit_reader, workflow_audit_retention;
REVOKE ALL ON FUNCTION
    public.audit_refuse_trace_change(),
    public.audit_holds_on(text, text, timestamptz, text, text, jsonb),
    public.audit_expired(timestamptz, integer),
    public.audit_candidates(text, date, date, jsonb),
    public.audit_partitions(),
    public.audit_begin_removal(uuid, text, date, jsonb),
    public.audit_remove_events(uuid, text, date, text, jsonb, timestamptz, uuid, integer),
    public.audit_drop_partition(uuid, text, date, jsonb),
    public.audit_count_expired(text, date, jsonb),
    public.audit_place_hold(text, text, text, uuid, bigint, text, text, text[], text[],
                            timestamptz, timestamptz),
    public.audit_release_hold(uuid, uuid, bigint, text),
    public.audit_finish_run(uuid, text, jsonb)
  FROM PUBLIC;

GRANT SELECT ON public.retention_operations, public.legal_holds
   TO workflow_audit_reader, workflow_audit_retention;
GRANT SELECT (namespace, event_date) ON public.audit_events TO workflow_audit_retention;
GRANT EXECUTE ON FUNCTION
    public.audit_partitions(),
    public.audit_remove_events(uuid, text, date, text, jsonb, timestamptz, uuid, integer),
    public.audit_drop_partition(uuid, text, date, jsonb),
    public.audit_count_expired(text, date, jsonb),
    public.audit_place_hold(text, text, text, uuid, bigint, text, text, text[], text[],
                            timestamptz, timestamptz),
    public.audit_release_hold(uuid, uuid, bigint, text),
    public.audit_finish_run(uuid, text, jsonb)
   TO workflow_audit_retention;
