-- Revision 0007: sums of all namespaces together. Runs as workflow_audit_owner.
--
-- Most questions are about the whole cluster. Adding the lines of all its namespaces for that means
-- reading hundreds of thousands: at 27,000 events a day nearly each search has a line of its own.
-- So what is added to the sums of a namespace is added to those of its day as well. What always
-- holds: audit_*_days_everywhere are audit_*_days, added up without the namespace.

-- Who removes events right now would go on with the functions of 0006 and leave these sums as they
-- were; so recording and removing wait until this is done (seconds at ten million events).
LOCK TABLE public.audit_events, public.retention_operations IN SHARE ROW EXCLUSIVE MODE;
SELECT FROM public.audit_summed_up FOR UPDATE;

CREATE TABLE public.audit_workflow_days_everywhere (
    event_date           date   NOT NULL,
    workflow_id          text   NOT NULL,
    version              text   NOT NULL,
    listed               bigint NOT NULL,
    won                  bigint NOT NULL,
    scored               bigint NOT NULL,
    confidence_sum       numeric,
    confidence_least     numeric,
    confidence_greatest  numeric,
    first_won            timestamp with time zone,
    last_won             timestamp with time zone,
    boost_unattributed   bigint NOT NULL,
    boost_sum            numeric,
    boost_least          numeric,
    boost_greatest       numeric,
    penalty_unattributed bigint NOT NULL,
    penalty_sum          numeric,
    penalty_least        numeric,
    penalty_greatest     numeric,
    CONSTRAINT audit_workflow_days_everywhere_pkey PRIMARY KEY (event_date, workflow_id, version)
);

COMMENT ON TABLE public.audit_workflow_days_everywhere IS
    'What searches of all namespaces say of workflows, by day; read audit_workflow_statistics_everywhere';

CREATE TABLE public.audit_query_days_everywhere (
    event_date     date   NOT NULL,
    query_key      bytea  NOT NULL,
    filters        jsonb,
    query_text     text,
    searches       bigint NOT NULL,
    failed         bigint NOT NULL,
    empty          bigint NOT NULL,
    won            bigint NOT NULL,
    scored         bigint NOT NULL,
    confidence_sum numeric,
    CONSTRAINT audit_query_days_everywhere_pkey PRIMARY KEY (event_date, query_key)
);

COMMENT ON TABLE public.audit_query_days_everywhere IS
    'What was asked in all namespaces, by day; read audit_query_statistics_everywhere';


-- As in 0006, and where all namespaces are added, to the sums of their days too. With a day and a
-- namespace it is called where something was removed; audit_count_everywhere follows then.
CREATE OR REPLACE FUNCTION public.audit_add_up(
    since bigint, until bigint, day date, wanted_namespace text)
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
$function$;


-- Makes the sums of a day anew from those of its namespaces; NULL is all days. A least and a greatest
-- value cannot be taken off again, so what was removed cannot be either.
CREATE FUNCTION public.audit_count_everywhere(day date) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_custom_plan
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
$function$;

COMMENT ON FUNCTION public.audit_count_everywhere(date) IS
    'Makes the sums of all namespaces of a day anew from those of each';

CREATE OR REPLACE FUNCTION public.audit_count_anew() RETURNS trigger
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
$function$;

CREATE OR REPLACE FUNCTION public.audit_forget_month() RETURNS trigger
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
    DELETE FROM public.audit_workflow_days_everywhere AS known
     WHERE known.event_date >= NEW.month AND known.event_date < next_month;
    DELETE FROM public.audit_query_days_everywhere AS known
     WHERE known.event_date >= NEW.month AND known.event_date < next_month;
    RETURN NULL;
END
$function$;


-- For readers, as in 0006.

CREATE VIEW public.audit_workflow_statistics_everywhere WITH (security_invoker = true) AS
SELECT * FROM public.audit_workflow_days_everywhere
UNION ALL
SELECT event_date, workflow_id, version, listed, won, scored,
       confidence_sum, confidence_least, confidence_greatest, first_won, last_won,
       boost_unattributed, boost_sum, boost_least, boost_greatest,
       penalty_unattributed, penalty_sum, penalty_least, penalty_greatest
  FROM public.audit_recent_workflows();

CREATE VIEW public.audit_query_statistics_everywhere WITH (security_invoker = true) AS
SELECT * FROM public.audit_query_days_everywhere
UNION ALL
SELECT event_date, query_key, filters, query_text, searches, failed, empty, won, scored,
       confidence_sum
  FROM public.audit_recent_queries();

COMMENT ON VIEW public.audit_workflow_statistics_everywhere IS
    'What searches of all namespaces say of workflows, by day; several lines of a day have to be added';
COMMENT ON VIEW public.audit_query_statistics_everywhere IS
    'What was asked in all namespaces and how it went, by day; several lines of a day have to be added';


-- What is in the sums already.
SELECT public.audit_count_everywhere(NULL);


REVOKE ALL ON TABLE
    public.audit_workflow_days_everywhere, public.audit_query_days_everywhere,
    public.audit_workflow_statistics_everywhere, public.audit_query_statistics_everywhere
  FROM PUBLIC, workflow_audit_writer, workflow_audit_reader, workflow_audit_retention;
REVOKE ALL ON FUNCTION public.audit_count_everywhere(date) FROM PUBLIC;
GRANT SELECT ON
    public.audit_workflow_days_everywhere, public.audit_query_days_everywhere,
    public.audit_workflow_statistics_everywhere, public.audit_query_statistics_everywhere
   TO workflow_audit_reader;
