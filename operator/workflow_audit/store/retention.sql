-- Statements of retention. All run as workflow_audit_retention, in autocommit: each removal is one
-- transaction with its trace. What the functions check themselves stands in migration 0002.

-- name: lock_retention
-- One run at a time for each cluster, across operators; the lock is the session's and ends with it.
-- Gives: whether it is ours.
SELECT pg_try_advisory_lock(hashtextextended('workflow_audit.retention ' || %(cluster)s, 0));

-- name: unlock_retention
-- Give the lock back.
SELECT pg_advisory_unlock(hashtextextended('workflow_audit.retention ' || %(cluster)s, 0));

-- name: server_time
-- Gives: the instant by the clock that decides what is old enough.
SELECT clock_timestamp();

-- name: partitions
-- Gives: first day and first day after it of every partition that is one month, the oldest first.
SELECT first_day, next_month FROM public.audit_partitions() ORDER BY first_day;

-- name: namespaces_of_month
-- Which namespaces have events in a month; '' stands for events without one.
-- A loose index scan: from one namespace the index on (namespace, event_timestamp) leads to the next
-- one, past all events in between. SELECT DISTINCT would read every event of years. The bounds are
-- values, not columns, so that the planner leaves all other partitions out.
-- Takes: first_day, next_month: of a partition.
WITH RECURSIVE found (namespace) AS (
    SELECT min(namespace) FROM public.audit_events
     WHERE event_date >= %(first_day)s AND event_date < %(next_month)s
    UNION ALL
    SELECT (SELECT min(namespace) FROM public.audit_events
             WHERE event_date >= %(first_day)s AND event_date < %(next_month)s
               AND namespace > found.namespace)
      FROM found WHERE found.namespace IS NOT NULL
)
SELECT namespace FROM found WHERE namespace IS NOT NULL
UNION ALL
SELECT '' WHERE EXISTS (SELECT FROM public.audit_events
                         WHERE event_date >= %(first_day)s AND event_date < %(next_month)s
                           AND namespace IS NULL);

-- name: drop_partition
-- Drop the partition of a month if every event in it may go.
-- Takes: rules: jsonb, see audit_candidates in migration 0002.
-- Gives: whether it is gone, and how many events with it. Raises 55P03 when somebody works with it.
SELECT dropped, removed FROM public.audit_drop_partition(
    %(run)s, %(cluster)s, %(month)s, %(rules)s);

-- name: remove_events
-- Look at the next events of a namespace and month, and remove those that may go.
-- Takes: since, since_id: where the batch before has ended, NULL for the first; most: how many.
-- Gives: how many it looked at and removed, and where it has ended.
SELECT seen, removed, reached, reached_id FROM public.audit_remove_events(
    %(run)s, %(cluster)s, %(month)s, %(namespace)s, %(rules)s, %(since)s, %(since_id)s, %(most)s);

-- name: count_expired
-- Count what the rules would let go in a month.
-- Gives: by policy and its namespace: events, bytes without indexes, oldest, further ones on hold.
SELECT policy, policy_namespace, events, bytes, oldest, held
  FROM public.audit_count_expired(%(cluster)s, %(month)s, %(rules)s);

-- name: removed_by_run
-- Gives: events that a run has removed, by policy and its namespace.
SELECT policy, policy_namespace, sum(removed_rows)::bigint
  FROM public.retention_operations
 WHERE run_id = %(run)s AND cluster_id = %(cluster)s AND policy IS NOT NULL
 GROUP BY policy, policy_namespace;

-- name: note_previews
-- Note what was counted for dryRun.
-- Takes: details: jsonb, what last_operation gives back.
-- Gives: the instant.
SELECT public.audit_note_previews(%(run)s, %(cluster)s, %(details)s);

-- name: finish_run
-- Note that a run has come to its end.
-- Takes: details: jsonb, what last_operation gives back.
-- Gives: the instant.
SELECT public.audit_finish_run(%(run)s, %(cluster)s, %(details)s);

-- name: last_operation
-- Takes: operation: of which there is one line for all policies: finish_run, preview.
-- Gives: time and details of the last one; no row before the first.
SELECT happened_at, details
  FROM public.retention_operations
 WHERE cluster_id = %(cluster)s AND operation = %(operation)s
 ORDER BY happened_at DESC
 LIMIT 1;

-- name: placed_holds
-- Gives: all holds of the cluster that are in force.
SELECT hold_id, policy, policy_namespace, policy_uid, policy_generation, name, reason,
       correlation_ids, workflow_ids, held_from, held_to
  FROM public.legal_holds
 WHERE cluster_id = %(cluster)s;

-- name: place_hold
-- Place a hold or change it.
-- Gives: whether anything changed.
SELECT public.audit_place_hold(
    %(cluster)s, %(policy)s, %(policy_namespace)s, %(uid)s, %(generation)s, %(name)s, %(reason)s,
    %(correlation_ids)s::text[], %(workflow_ids)s::text[], %(held_from)s, %(held_to)s);

-- name: release_hold
-- Release a hold.
-- Takes: uid, generation: of its policy as it is now; NULL when it is gone.
-- Gives: whether it was released; not when a later generation has placed it.
SELECT public.audit_release_hold(%(hold_id)s, %(uid)s, %(generation)s, %(why)s);
