-- Statistics of searches. All run as workflow_audit_reader, in autocommit, without a prepared plan:
-- one that fits every period would read a month by an index, row by row. {bucket}, {namespace} and
-- {workflow} are fixed pieces of store/analytics.py, {where} is made by store/filters.py; values are
-- always bound. Each reads every event of the period once or twice, in parallel where PostgreSQL
-- thinks it worth while.
--
-- The rows are the same whatever was recorded: what event_data lacks is left out, and what is no
-- number or text there is no error (jsonpath is lax, and casts come behind a look at the type).

-- name: enough_memory
-- For the transaction that it stands in: with the usual 4 MB, what is counted by hour or by text is
-- sorted on disk, which takes five times as long.
SELECT set_config('work_mem', '64MB', true);

-- name: answer
-- One snapshot for both. Gives: the totals with each row; without rows, one of NULLs beside them.
WITH {grouped} totals AS ({totals}),
     found AS ({rows})
SELECT totals.totals, found.*
  FROM totals LEFT JOIN found ON true
 ORDER BY place;

-- name: totals
SELECT jsonb_build_object(
           'searches', count(*),
           'with_winner', count(top_workflow_id),
           'empty', count(*) FILTER (WHERE top_workflow_id IS NULL AND event_outcome = 'success'),
           'failed', count(*) FILTER (WHERE event_outcome = 'failure')) AS totals
  FROM public.audit_events
 WHERE {where}

-- name: no_totals
SELECT NULL::jsonb AS totals

-- name: selection_rate
SELECT row_number() OVER (ORDER BY bucket DESC, listed DESC, won DESC, workflow_id, version,
                                   namespace) AS place,
       bucket, namespace, workflow_id, version, listed, won, round(won::numeric / listed, 6) AS rate
  FROM (SELECT {bucket} AS bucket, {namespace} AS namespace,
               workflow ->> 'workflow_id' AS workflow_id, workflow ->> 'version' AS version,
               count(*) AS listed, count(*) FILTER (WHERE workflow -> 'rank' = '1') AS won
          FROM public.audit_events
         CROSS JOIN LATERAL jsonb_path_query(event_data, '$.results.workflows[*]') AS workflow
         WHERE {where}
         GROUP BY 1, 2, 3, 4) AS counted
 WHERE workflow_id IS NOT NULL AND {workflow}
 ORDER BY place
 LIMIT {most}

-- name: low_confidence
SELECT row_number() OVER (ORDER BY event_timestamp DESC, event_id DESC) AS place, newest.*
  FROM (SELECT event_id, event_timestamp, namespace, correlation_id,
               event_data -> 'query' ->> 'text' AS text, top_workflow_id AS workflow_id,
               top_confidence AS confidence
          FROM public.audit_events
         WHERE {where} AND top_confidence < {threshold} AND {workflow}
         ORDER BY event_timestamp DESC, event_id DESC
         LIMIT {most}) AS newest

-- name: patterns
-- A search without filters has the empty set of them; what is no search has neither set nor text.
-- CASE, because of a plain comparison PostgreSQL expects that it holds for one event in 200.
SELECT row_number() OVER (ORDER BY kind, place_of_kind) AS place,
       bucket, namespace, kind, pattern, searches, empty, failed, average_confidence
  FROM (SELECT row_number() OVER (PARTITION BY kind
                                  ORDER BY bucket DESC, searches DESC, pattern, namespace)
               AS place_of_kind, *
          FROM (SELECT 'filters' AS kind, {bucket} AS bucket, {namespace} AS namespace,
                       CASE jsonb_typeof(event_data -> 'query' -> 'filters')
                            WHEN 'object' THEN (event_data -> 'query' -> 'filters')::text
                            ELSE '{{}}' END AS pattern,
                       {pattern_counts}
                  FROM public.audit_events
                 WHERE {where}
                   AND CASE jsonb_typeof(event_data -> 'query') WHEN 'object' THEN 1 END IS NOT NULL
                 GROUP BY 1, 2, 3, 4
                 UNION ALL
                SELECT 'text', {bucket}, {namespace}, event_data -> 'query' ->> 'text',
                       {pattern_counts}
                  FROM public.audit_events
                 WHERE {where} AND event_data -> 'query' ->> 'text' IS NOT NULL
                 GROUP BY 1, 2, 3, 4) AS counted) AS placed
 WHERE place_of_kind <= {most}

-- name: pattern_counts
count(*) AS searches,
count(*) FILTER (WHERE top_workflow_id IS NULL AND event_outcome = 'success') AS empty,
count(*) FILTER (WHERE event_outcome = 'failure') AS failed,
round(avg(top_confidence)::numeric, 6) AS average_confidence

-- name: most_selected_grouped
-- Searches without a winner are a group too, so that one look gives the totals as well.
grouped AS MATERIALIZED (
    SELECT {bucket} AS bucket, {namespace} AS namespace, top_workflow_id AS workflow_id,
           count(*) AS searches,
           count(*) FILTER (WHERE event_outcome = 'success') AS successful,
           count(*) FILTER (WHERE event_outcome = 'failure') AS failed,
           round(avg(top_confidence)::numeric, 6) AS average_confidence,
           min(top_confidence) AS least_confidence, max(top_confidence) AS greatest_confidence,
           min(event_timestamp) AS first_won, max(event_timestamp) AS last_won
      FROM public.audit_events
     WHERE {where}
     GROUP BY 1, 2, 3),

-- name: most_selected_totals
SELECT jsonb_build_object(
           'searches', coalesce(sum(searches), 0),
           'with_winner', coalesce(sum(searches) FILTER (WHERE workflow_id IS NOT NULL), 0),
           'empty', coalesce(sum(successful) FILTER (WHERE workflow_id IS NULL), 0),
           'failed', coalesce(sum(failed), 0)) AS totals
  FROM grouped

-- name: most_selected
-- The share is one of all winners, also when one workflow is asked for.
SELECT row_number() OVER (ORDER BY bucket DESC, won DESC, workflow_id, namespace) AS place,
       bucket, namespace, workflow_id, won, share, average_confidence, least_confidence,
       greatest_confidence, first_won, last_won
  FROM (SELECT *, searches AS won,
               round(searches / sum(searches) OVER (PARTITION BY bucket, namespace), 6) AS share
          FROM grouped
         WHERE workflow_id IS NOT NULL) AS shared
 WHERE {workflow}
 ORDER BY place
 LIMIT {most}

-- name: unattributed
SELECT row_number() OVER (ORDER BY bucket DESC, scorings DESC, workflow_id, side, namespace)
       AS place,
       bucket, namespace, workflow_id, side, scorings, sum, least, greatest
  FROM (SELECT {bucket} AS bucket, {namespace} AS namespace,
               workflow ->> 'workflow_id' AS workflow_id, side, count(*) AS scorings,
               sum(amount::numeric) AS sum, min(amount::numeric) AS least,
               max(amount::numeric) AS greatest
          FROM public.audit_events
         CROSS JOIN LATERAL jsonb_path_query(event_data, '$.results.workflows[*]
                    ? (@.scoring.unattributed.boost != 0 || @.scoring.unattributed.penalty != 0)')
               AS workflow
         CROSS JOIN LATERAL (VALUES
                    ('boost', workflow -> 'scoring' -> 'unattributed' -> 'boost'),
                    ('penalty', workflow -> 'scoring' -> 'unattributed' -> 'penalty'))
               AS part (side, amount)
         WHERE {where} AND jsonb_typeof(amount) = 'number' AND amount <> '0'
         GROUP BY 1, 2, 3, 4) AS counted
 WHERE workflow_id IS NOT NULL AND {workflow}
 ORDER BY place
 LIMIT {most}
