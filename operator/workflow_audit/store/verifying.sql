-- Statements that compare. They only read, and each looks at one page.

-- name: verify_rights
-- What may this login do here?
-- Gives: its name; whether it reads the names of rows, all of them, writes them, and reads the trace
-- of retention.
SELECT current_user,
       coalesce((SELECT bool_and(has_column_privilege('public.audit_events', name, 'SELECT'))
                   FROM unnest(ARRAY['event_id', 'event_date', 'recorded_at', 'correlation_id',
                                     'resource_id', 'resource_name']) AS name), false),
       has_table_privilege('public.audit_events', 'SELECT'),
       has_column_privilege('public.audit_events', 'event_id', 'INSERT'),
       has_table_privilege('public.retention_operations', 'SELECT');

-- name: verify_names
-- The rows of some events, by the names that every login of ours may read.
-- Takes: event_id: an array; first, last: dates between which they are looked for. The days around
-- those of the searches show a row that stands on the wrong day.
-- Gives: a line for each row.
-- Runs as: workflow_audit_writer.
SELECT event_id, event_date, recorded_at, correlation_id, resource_id, resource_name
  FROM public.audit_events
 WHERE event_id = ANY (%(event_id)b::uuid[])
   AND event_date BETWEEN %(first)b AND %(last)b;

-- name: verify_content
-- The same, with what is compared besides.
-- Runs as: workflow_audit_reader.
SELECT event_id, event_date, recorded_at, correlation_id, resource_id, resource_name,
       namespace, cluster_id, resource_type, event_outcome, top_workflow_id, top_confidence
  FROM public.audit_events
 WHERE event_id = ANY (%(event_id)b::uuid[])
   AND event_date BETWEEN %(first)b AND %(last)b;

-- name: verify_rows_names
-- The next rows of a month, in the order of the primary key, which leads to them without a sort.
-- Takes: first, next: first day of what is looked at, and first day after it, within one month;
-- after: the event id that the page before has ended with, the least one for the first page; most.
-- An id has two rows only where something is wrong, and then it has them on one page.
-- Runs as: workflow_audit_writer.
SELECT event_id, event_date, recorded_at, correlation_id, resource_id, resource_name
  FROM public.audit_events
 WHERE event_date >= %(first)s AND event_date < %(next)s
   AND event_id > %(after)s
 ORDER BY event_id
 FETCH FIRST (%(most)s) ROWS WITH TIES;

-- name: verify_rows_content
-- The same, with what is compared besides.
-- Runs as: workflow_audit_reader.
SELECT event_id, event_date, recorded_at, correlation_id, resource_id, resource_name,
       namespace, cluster_id, resource_type, event_outcome, top_workflow_id, top_confidence
  FROM public.audit_events
 WHERE event_date >= %(first)s AND event_date < %(next)s
   AND event_id > %(after)s
 ORDER BY event_id
 FETCH FIRST (%(most)s) ROWS WITH TIES;

-- name: verify_removed
-- Which of some searches are of a time and namespace from which retention has removed events?
-- Takes: uids, namespaces, times: arrays of equal length; cluster.
-- Gives: their uids.
-- Runs as: workflow_audit_reader or workflow_audit_retention.
SELECT search.uid
  FROM unnest(%(uids)b::uuid[], %(namespaces)b::text[], %(times)b::timestamptz[])
       AS search (uid, namespace, created)
 WHERE EXISTS (SELECT FROM public.retention_operations AS operation
                WHERE operation.cluster_id = %(cluster)s
                  AND operation.operation IN ('drop_partition', 'remove_events')
                  AND operation.namespace = search.namespace
                  AND search.created BETWEEN operation.oldest AND operation.newest);

-- name: verify_moment
-- Gives: the instant by the clock that dates rows.
SELECT clock_timestamp();
