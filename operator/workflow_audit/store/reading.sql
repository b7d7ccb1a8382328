-- Statements of readers. All run as workflow_audit_reader, in autocommit. {where} and {order} are
-- put in from fixed pieces by store/filters.py; values are always bound.

-- name: newest_position
-- Gives: the position of the event that was recorded last; 0 before the first.
-- All events up to it are visible from now on, because positions are in the order of COMMIT.
SELECT coalesce(max(position), 0) FROM public.audit_events;

-- name: events
-- Gives: what readers see of some events, JSON as text.
-- The page is found first: JSON becomes text for its rows only, and not for all that are skipped.
SELECT event_id, event_version, event_timestamp, event_date, event_type, event_category,
       event_action, event_outcome, actor_type, actor_id, host(actor_ip) AS actor_ip, resource_type,
       resource_id, resource_name, correlation_id, parent_event_id, parent_event_date, trace_id,
       span_id, namespace, cluster_id, severity, duration_ms, error_code, error_message,
       retention_days, is_sensitive, legal_hold, recorded_at, top_workflow_id, top_confidence,
       event_data::text, event_metadata::text, coalesce(position, 0)
  FROM (SELECT * FROM public.audit_events
         WHERE {where}
         ORDER BY {order}
         LIMIT {most} OFFSET {offset}) AS page
 ORDER BY {order};

-- name: count_events
-- Gives: how many events there are, counted up to {most}.
SELECT count(*)
  FROM (SELECT FROM public.audit_events
         WHERE {where}
         LIMIT {most}) AS found;

-- name: skip
-- Where a list is behind some of its events, found by an index alone: they are not looked at.
-- Gives: the time of the event behind {offset} others, and how many of those are later than it.
-- (rank() says the latter in one pass, and takes twice as long.)
SELECT event_timestamp,
       (SELECT count(*) FROM public.audit_events
         WHERE {where} AND event_timestamp > reached.event_timestamp)
  FROM (SELECT event_timestamp FROM public.audit_events
         WHERE {where}
         ORDER BY event_timestamp DESC
         LIMIT 1 OFFSET {offset}) AS reached;

-- name: new_positions
-- What was recorded since a position, in the order of recording.
-- Gives: the newest position, and the earliest date of an event; NULL twice without any.
SELECT max(position), min(event_date)
  FROM (SELECT position, event_date FROM public.audit_events
         WHERE position > %(since)s
         ORDER BY position
         LIMIT %(most)s) AS recorded;
