-- Revision 0008: counting without looking at events. Runs as workflow_audit_owner.
--
-- A list says how many events there are, up to a thousand. Each was looked at, on a page of its own
-- at worst, only to see that it has a namespace. Where an index has nothing but events with one, it
-- answers alone. Events without a namespace are no reader's, and retention finds them by the index
-- on the namespace, which stays as it is.
--
-- The new ones are made before the old ones go: readers read on meanwhile, and writers wait.
CREATE INDEX audit_events_time_idx8
    ON public.audit_events (event_timestamp) WHERE namespace IS NOT NULL;
CREATE INDEX audit_events_type_idx8
    ON public.audit_events (event_type, event_timestamp) WHERE namespace IS NOT NULL;
CREATE INDEX audit_events_top_workflow_idx8
    ON public.audit_events (top_workflow_id, event_timestamp) WHERE namespace IS NOT NULL;

DROP INDEX public.audit_events_time_idx, public.audit_events_type_idx,
           public.audit_events_top_workflow_idx;
ALTER INDEX public.audit_events_time_idx8 RENAME TO audit_events_time_idx;
ALTER INDEX public.audit_events_type_idx8 RENAME TO audit_events_type_idx;
ALTER INDEX public.audit_events_top_workflow_idx8 RENAME TO audit_events_top_workflow_idx;
