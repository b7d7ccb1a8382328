-- Statistics of searches. All run as workflow_audit_reader, in one snapshot, without a prepared plan:
-- one that fits every period would read a month by an index, row by row. {workflows} and {queries}
-- are the sums by day, those of all namespaces where none is told apart (migrations 0006 and 0007), or
-- for anything finer than a day the events themselves, which have the same columns; {bucket}, {namespace} and {workflow} are fixed pieces of
-- store/analytics.py, {where} is made there too; values are always bound.

-- name: enough_memory
-- For the transaction that it stands in: with the usual 4 MB, what is counted by hour or by text is
-- sorted on disk.
SELECT set_config('work_mem', '64MB', true);

-- name: answer
-- One snapshot for both. Gives: the totals with each row; without rows, one of NULLs beside them.
WITH totals AS ({totals}),
     found AS ({rows})
SELECT totals.totals, found.*
  FROM totals LEFT JOIN found ON true
 ORDER BY place;

-- name: totals
SELECT jsonb_build_object(
           'searches', coalesce(sum(searches), 0),
           'with_winner', coalesce(sum(won), 0),
           'empty', coalesce(sum(empty), 0),
           'failed', coalesce(sum(failed), 0)) AS totals
  FROM {queries}
 WHERE {where}

-- name: no_totals
SELECT NULL::jsonb AS totals

-- name: selection_rate
SELECT row_number() OVER (ORDER BY bucket DESC, listed DESC, won DESC, workflow_id, version,
                                   namespace) AS place,
       bucket, namespace, workflow_id, nullif(version, '') AS version, listed, won,
       round(won::numeric / listed, 6) AS rate
  FROM (SELECT {bucket} AS bucket, {namespace} AS namespace, workflow_id, version,
               sum(listed)::bigint AS listed, sum(won)::bigint AS won
          FROM {workflows}
         WHERE {where} AND {workflow}
         GROUP BY 1, 2, 3, 4) AS counted
 ORDER BY place
 LIMIT {most}

-- name: low_confidence
SELECT row_number() OVER (ORDER BY event_timestamp DESC, event_id DESC) AS place, newest.*
  FROM (SELECT event_id, event_timestamp, namespace, correlation_id,
               event_data -> 'query' ->> 'text' AS text, top_workflow_id AS workflow_id,
               top_confidence AS confidence
          FROM public.audit_events
         WHERE {events} AND top_confidence < {threshold} AND {workflow}
         ORDER BY event_timestamp DESC, event_id DESC
         LIMIT {most}) AS newest

-- name: patterns
-- First by what was asked, whose key is short, then by its filters and by its text. A search without
-- filters has the empty set of them; what is no search has neither set nor text.
SELECT row_number() OVER (ORDER BY kind, place_of_kind) AS place,
       bucket, namespace, kind, pattern, searches, empty, failed,
       round(confidence / nullif(scored, 0), 6) AS average_confidence
  FROM (SELECT row_number() OVER (PARTITION BY kind
                                  ORDER BY bucket DESC, searches DESC, pattern, namespace)
               AS place_of_kind, *
          FROM (SELECT kind, bucket, namespace, pattern,
                       sum(searches)::bigint AS searches, sum(empty)::bigint AS empty,
                       sum(failed)::bigint AS failed, sum(scored) AS scored,
                       sum(confidence) AS confidence
                  FROM (SELECT {bucket} AS bucket, {namespace} AS namespace,
                               any_value(filters)::text AS filters, any_value(query_text) AS text,
                               sum(searches) AS searches, sum(empty) AS empty,
                               sum(failed) AS failed, sum(scored) AS scored,
                               sum(confidence_sum) AS confidence
                          FROM {queries}
                         WHERE {where}
                         GROUP BY 1, 2, query_key) AS asked
                 CROSS JOIN LATERAL (VALUES ('filters', filters), ('text', text))
                       AS each (kind, pattern)
                 WHERE pattern IS NOT NULL
                 GROUP BY 1, 2, 3, 4) AS counted) AS placed
 WHERE place_of_kind <= {most}

-- name: most_selected
-- The share is one of all winners, also when one workflow is asked for.
SELECT row_number() OVER (ORDER BY bucket DESC, won DESC, workflow_id, namespace) AS place,
       bucket, namespace, workflow_id, won, share, average_confidence, least_confidence,
       greatest_confidence, first_won, last_won
  FROM (SELECT {bucket} AS bucket, {namespace} AS namespace, workflow_id,
               sum(won)::bigint AS won,
               round(sum(won) / sum(sum(won)) OVER (PARTITION BY {bucket}, {namespace}), 6) AS share,
               round(sum(confidence_sum) / nullif(sum(scored), 0), 6) AS average_confidence,
               min(confidence_least) AS least_confidence,
               max(confidence_greatest) AS greatest_confidence,
               min(first_won) AS first_won, max(last_won) AS last_won
          FROM {workflows}
         WHERE {where} AND won > 0
         GROUP BY 1, 2, 3) AS counted
 WHERE {workflow}
 ORDER BY place
 LIMIT {most}

-- name: unattributed
SELECT row_number() OVER (ORDER BY bucket DESC, scorings DESC, workflow_id, side, namespace)
       AS place,
       bucket, namespace, workflow_id, side, scorings, sum, least, greatest
  FROM (SELECT {bucket} AS bucket, {namespace} AS namespace, workflow_id, side,
               sum(scorings)::bigint AS scorings, sum(amount) AS sum,
               min(least) AS least, max(greatest) AS greatest
          FROM {workflows}
         CROSS JOIN LATERAL (VALUES
                    ('boost', boost_unattributed, boost_sum, boost_least, boost_greatest),
                    ('penalty', penalty_unattributed, penalty_sum, penalty_least,
                     penalty_greatest)) AS part (side, scorings, amount, least, greatest)
         WHERE {where} AND {workflow} AND scorings > 0
         GROUP BY 1, 2, 3, 4) AS counted
 ORDER BY place
 LIMIT {most}
