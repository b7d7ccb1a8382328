-- Revision 0006: statistics of searches, summed up by day. Runs as workflow_audit_owner.
--
-- Counting a month of searches anew for each question means reading all its events. So lines for each
-- day and namespace are kept, and a view adds what was recorded since they were written:
--
--     audit_workflow_statistics = audit_workflow_days + events behind audit_summed_up.position
--
-- What always holds, and what the tests check: the views say what counting all events would say, in
-- every snapshot. Sums are exact decimals, so that the order in which events come does not matter.
-- When retention removes events, their days are counted anew in the same transaction.
-- Why: docs/decisions/0016-statistics-are-summed-up.md.


-- One line of the parts is what one event says; lines of days are sums of such lines. scored: winners
-- that have a confidence, of which an average is made.

CREATE FUNCTION public.audit_number(value jsonb) RETURNS numeric
    LANGUAGE sql IMMUTABLE
    RETURN CASE jsonb_typeof(value) WHEN 'number' THEN value::numeric END;

COMMENT ON FUNCTION public.audit_number(jsonb) IS 'A number in JSON; NULL for anything else';

CREATE VIEW public.audit_workflow_parts WITH (security_invoker = true) AS
SELECT event.event_date, event.namespace, workflow.value ->> 'workflow_id' AS workflow_id,
       coalesce(workflow.value ->> 'version', '') AS version,
       1::bigint AS listed,
       wins.won::integer::bigint AS won,
       (wins.won AND scores.confidence IS NOT NULL)::integer::bigint AS scored,
       CASE WHEN wins.won THEN scores.confidence END AS confidence_sum,
       CASE WHEN wins.won THEN scores.confidence END AS confidence_least,
       CASE WHEN wins.won THEN scores.confidence END AS confidence_greatest,
       CASE WHEN wins.won THEN event.event_timestamp END AS first_won,
       CASE WHEN wins.won THEN event.event_timestamp END AS last_won,
       (scores.boost <> 0)::integer::bigint AS boost_unattributed,
       nullif(scores.boost, 0) AS boost_sum,
       nullif(scores.boost, 0) AS boost_least,
       nullif(scores.boost, 0) AS boost_greatest,
       (scores.penalty <> 0)::integer::bigint AS penalty_unattributed,
       nullif(scores.penalty, 0) AS penalty_sum,
       nullif(scores.penalty, 0) AS penalty_least,
       nullif(scores.penalty, 0) AS penalty_greatest,
       event.position, event.event_timestamp
  FROM public.audit_events AS event
 CROSS JOIN LATERAL jsonb_array_elements(
           CASE jsonb_typeof(event.event_data #> '{results,workflows}')
           WHEN 'array' THEN event.event_data #> '{results,workflows}' ELSE '[]' END) AS workflow
 CROSS JOIN LATERAL (
           SELECT public.audit_number(workflow.value #> '{scoring,confidence}') AS confidence,
                  coalesce(public.audit_number(
                      workflow.value #> '{scoring,unattributed,boost}'), 0) AS boost,
                  coalesce(public.audit_number(
                      workflow.value #> '{scoring,unattributed,penalty}'), 0) AS penalty
           -- So that each is taken out of the JSON once, and not for each column that uses it.
           OFFSET 0) AS scores
 CROSS JOIN LATERAL (
           SELECT workflow.value -> 'rank' IS NOT DISTINCT FROM '1'::jsonb AS won) AS wins
 WHERE event.event_type = 'workflow.catalog.search_completed'
   AND event.namespace IS NOT NULL
   AND jsonb_typeof(workflow.value -> 'workflow_id') = 'string';

COMMENT ON VIEW public.audit_workflow_parts IS 'Each workflow that a search has listed, as a line to add up';

-- query_key: what was asked, as a key of 16 bytes that nobody can forge two texts for.
CREATE VIEW public.audit_query_parts WITH (security_invoker = true) AS
SELECT event.event_date, event.namespace,
       substring(sha256(convert_to(
           jsonb_build_array(query.filters, query.text)::text, 'UTF8')) FOR 16) AS query_key,
       query.filters,
       query.text AS query_text,
       1::bigint AS searches,
       (event.event_outcome = 'failure')::integer::bigint AS failed,
       (event.event_outcome = 'success' AND event.top_workflow_id IS NULL)::integer::bigint AS empty,
       (event.top_workflow_id IS NOT NULL)::integer::bigint AS won,
       (event.top_confidence IS NOT NULL)::integer::bigint AS scored,
       event.top_confidence::numeric AS confidence_sum,
       event.position, event.event_timestamp
  FROM public.audit_events AS event
 CROSS JOIN LATERAL (
           SELECT CASE WHEN jsonb_typeof(event.event_data #> '{query,filters}') = 'object'
                       THEN event.event_data #> '{query,filters}'
                       WHEN jsonb_typeof(event.event_data -> 'query') = 'object' THEN '{}'
                  END AS filters,
                  event.event_data #>> '{query,text}' AS text
           OFFSET 0) AS query
 WHERE event.event_type = 'workflow.catalog.search_completed'
   AND event.namespace IS NOT NULL;

COMMENT ON VIEW public.audit_query_parts IS 'Each search, as a line to add up';


-- The sums.

CREATE TABLE public.audit_workflow_days (
    event_date           date         NOT NULL,
    namespace            varchar(253) NOT NULL,
    workflow_id          text         NOT NULL,
    version              text         NOT NULL,
    listed               bigint       NOT NULL,
    won                  bigint       NOT NULL,
    scored               bigint       NOT NULL,
    confidence_sum       numeric,
    confidence_least     numeric,
    confidence_greatest  numeric,
    first_won            timestamp with time zone,
    last_won             timestamp with time zone,
    boost_unattributed   bigint       NOT NULL,
    boost_sum            numeric,
    boost_least          numeric,
    boost_greatest       numeric,
    penalty_unattributed bigint       NOT NULL,
    penalty_sum          numeric,
    penalty_least        numeric,
    penalty_greatest     numeric,
    CONSTRAINT audit_workflow_days_pkey PRIMARY KEY (event_date, namespace, workflow_id, version)
);

COMMENT ON TABLE public.audit_workflow_days IS
    'What searches say of workflows, summed up by day; read audit_workflow_statistics';

CREATE TABLE public.audit_query_days (
    event_date     date         NOT NULL,
    namespace      varchar(253) NOT NULL,
    query_key      bytea        NOT NULL,
    filters        jsonb,
    query_text     text,
    searches       bigint       NOT NULL,
    failed         bigint       NOT NULL,
    empty          bigint       NOT NULL,
    won            bigint       NOT NULL,
    scored         bigint       NOT NULL,
    confidence_sum numeric,
    CONSTRAINT audit_query_days_pkey PRIMARY KEY (event_date, namespace, query_key)
);

COMMENT ON TABLE public.audit_query_days IS
    'What was asked and how it went, summed up by day; read audit_query_statistics';

CREATE TABLE public.audit_summed_up (
    only_row boolean NOT NULL DEFAULT true,
    position bigint  NOT NULL,
    CONSTRAINT audit_summed_up_pkey PRIMARY KEY (only_row),
    CONSTRAINT audit_summed_up_only_row_check CHECK (only_row)
);

COMMENT ON TABLE public.audit_summed_up IS
    'Events up to this position are in the sums; whoever changes sums locks the row first';

INSERT INTO public.audit_summed_up (position) VALUES (0);


-- Adds events to the sums: those behind `since` up to `until`. Without `since`, also those from
-- before positions were kept. With a day and a namespace only theirs.
CREATE FUNCTION public.audit_add_up(since bigint, until bigint, day date, wanted_namespace text)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    -- Planned with its values: what is NULL falls away, and one index is read.
    SET plan_cache_mode = force_custom_plan
AS $function$
DECLARE
    begins constant timestamp with time zone := day::timestamp AT TIME ZONE 'UTC';
    ends   constant timestamp with time zone := (day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
    INSERT INTO public.audit_workflow_days AS known
    SELECT part.event_date, part.namespace, part.workflow_id, part.version,
           sum(part.listed), sum(part.won), sum(part.scored),
           sum(part.confidence_sum), min(part.confidence_least), max(part.confidence_greatest),
           min(part.first_won), max(part.last_won),
           sum(part.boost_unattributed), sum(part.boost_sum),
           min(part.boost_least), max(part.boost_greatest),
           sum(part.penalty_unattributed), sum(part.penalty_sum),
           min(part.penalty_least), max(part.penalty_greatest)
      FROM public.audit_workflow_parts AS part
     WHERE (since IS NULL OR part.position > since)
       AND (part.position IS NULL OR part.position <= until)
       AND (day IS NULL OR part.event_date = day AND part.namespace = wanted_namespace
                           AND part.event_timestamp >= begins AND part.event_timestamp < ends)
     GROUP BY part.event_date, part.namespace, part.workflow_id, part.version
        ON CONFLICT ON CONSTRAINT audit_workflow_days_pkey DO UPDATE
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

    INSERT INTO public.audit_query_days AS known
    SELECT part.event_date, part.namespace, part.query_key, part.filters, part.query_text,
           sum(part.searches), sum(part.failed), sum(part.empty), sum(part.won),
           sum(part.scored), sum(part.confidence_sum)
      FROM public.audit_query_parts AS part
     WHERE (since IS NULL OR part.position > since)
       AND (part.position IS NULL OR part.position <= until)
       AND (day IS NULL OR part.event_date = day AND part.namespace = wanted_namespace
                           AND part.event_timestamp >= begins AND part.event_timestamp < ends)
     GROUP BY part.event_date, part.namespace, part.query_key, part.filters, part.query_text
        ON CONFLICT ON CONSTRAINT audit_query_days_pkey DO UPDATE
       SET searches = known.searches + excluded.searches,
           failed = known.failed + excluded.failed,
           empty = known.empty + excluded.empty,
           won = known.won + excluded.won,
           scored = known.scored + excluded.scored,
           confidence_sum = coalesce(known.confidence_sum + excluded.confidence_sum,
                                     known.confidence_sum, excluded.confidence_sum);
END
$function$;

COMMENT ON FUNCTION public.audit_add_up(bigint, bigint, date, text) IS
    'Adds events to the sums by day';

-- Adds what was recorded since the last time, at most so many events at once.
-- Gives how many positions it went on; 0 when there is nothing new.
CREATE FUNCTION public.audit_sum_up(most integer) RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_custom_plan
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
$function$;

COMMENT ON FUNCTION public.audit_sum_up(integer) IS
    'Brings the sums by day up to date, at most so many events at once';


-- What is removed leaves the sums.

-- Days from which events were removed are counted anew.
CREATE FUNCTION public.audit_count_anew() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    summed   bigint;
    affected record;
BEGIN
    SELECT position INTO STRICT summed FROM public.audit_summed_up FOR UPDATE;
    FOR affected IN
        SELECT DISTINCT removed.event_date, removed.namespace FROM removed
         WHERE removed.namespace IS NOT NULL
           AND (removed.position IS NULL OR removed.position <= summed)
    LOOP
        DELETE FROM public.audit_workflow_days AS known
         WHERE known.event_date = affected.event_date AND known.namespace = affected.namespace;
        DELETE FROM public.audit_query_days AS known
         WHERE known.event_date = affected.event_date AND known.namespace = affected.namespace;
        PERFORM public.audit_add_up(NULL, summed, affected.event_date, affected.namespace);
    END LOOP;
    RETURN NULL;
END
$function$;

CREATE TRIGGER audit_count_anew
    AFTER DELETE ON public.audit_events
    REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION public.audit_count_anew();
ALTER TABLE public.audit_events ENABLE ALWAYS TRIGGER audit_count_anew;

-- A partition that is dropped meets no trigger, but its line in the trace is written with it.
CREATE FUNCTION public.audit_forget_month() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    next_month constant date := (NEW.month + interval '1 month')::date;
BEGIN
    PERFORM FROM public.audit_summed_up FOR UPDATE;
    DELETE FROM public.audit_workflow_days AS known
     WHERE known.event_date >= NEW.month AND known.event_date < next_month;
    DELETE FROM public.audit_query_days AS known
     WHERE known.event_date >= NEW.month AND known.event_date < next_month;
    RETURN NULL;
END
$function$;

CREATE TRIGGER audit_forget_month
    AFTER INSERT ON public.retention_operations
    FOR EACH ROW WHEN (NEW.operation = 'drop_partition')
    EXECUTE FUNCTION public.audit_forget_month();
ALTER TABLE public.retention_operations ENABLE ALWAYS TRIGGER audit_forget_month;


-- For readers: the sums and what is not in them yet, in one snapshot. The functions are STABLE, so they
-- see what the query sees that calls them; and they plan with the position itself, so that an index
-- gives the few events behind it, where a view would guess a third of all.

CREATE FUNCTION public.audit_recent_workflows() RETURNS SETOF public.audit_workflow_days
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_custom_plan
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
$function$;

CREATE FUNCTION public.audit_recent_queries() RETURNS SETOF public.audit_query_days
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_custom_plan
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
$function$;

CREATE VIEW public.audit_workflow_statistics WITH (security_invoker = true) AS
SELECT * FROM public.audit_workflow_days
UNION ALL
SELECT * FROM public.audit_recent_workflows();

CREATE VIEW public.audit_query_statistics WITH (security_invoker = true) AS
SELECT * FROM public.audit_query_days
UNION ALL
SELECT * FROM public.audit_recent_queries();

COMMENT ON VIEW public.audit_workflow_statistics IS
    'What searches say of workflows, by day; several lines of a day have to be added';
COMMENT ON VIEW public.audit_query_statistics IS
    'What was asked and how it went, by day; several lines of a day have to be added';


-- What was recorded before positions were kept.
SELECT public.audit_add_up(NULL, 0, NULL, NULL);


REVOKE ALL ON TABLE
    public.audit_workflow_parts, public.audit_query_parts,
    public.audit_workflow_days, public.audit_query_days, public.audit_summed_up,
    public.audit_workflow_statistics, public.audit_query_statistics
  FROM PUBLIC, workflow_audit_writer, workflow_audit_reader, workflow_audit_retention;
REVOKE ALL ON FUNCTION
    public.audit_number(jsonb),
    public.audit_add_up(bigint, bigint, date, text),
    public.audit_sum_up(integer),
    public.audit_count_anew(),
    public.audit_forget_month(),
    public.audit_recent_workflows(),
    public.audit_recent_queries()
  FROM PUBLIC;
GRANT SELECT ON
    public.audit_workflow_parts, public.audit_query_parts,
    public.audit_workflow_days, public.audit_query_days, public.audit_summed_up,
    public.audit_workflow_statistics, public.audit_query_statistics
   TO workflow_audit_reader;
GRANT EXECUTE ON FUNCTION
    public.audit_number(jsonb), public.audit_recent_workflows(), public.audit_recent_queries()
   TO workflow_audit_reader;
GRANT EXECUTE ON FUNCTION public.audit_sum_up(integer) TO workflow_audit_writer;
