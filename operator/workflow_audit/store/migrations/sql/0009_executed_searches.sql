-- Revision 0009: the operator looks up what is recorded of a search that it ran itself, so that it does
-- not run it again, and status says what the event says. Runs as workflow_audit_owner.
--
-- A function, because the writer may not read what events say. It gives one event at a time, and only
-- one that the operator made of an answer which it got itself: those have a catalogue in their
-- metadata, and the operator has just shown the same in status.

CREATE FUNCTION public.audit_executed_event(id uuid, day date)
    RETURNS SETOF public.audit_events
    LANGUAGE sql
    STABLE
    SECURITY DEFINER
    ROWS 1
    SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT *
      FROM public.audit_events
     WHERE event_id = id
       AND event_date = day
       AND event_metadata ? 'catalogue'
$function$;

COMMENT ON FUNCTION public.audit_executed_event(uuid, date) IS
    'Gives the event of a search that the operator ran itself';

REVOKE ALL ON FUNCTION public.audit_executed_event(uuid, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.audit_executed_event(uuid, date) TO workflow_audit_writer;
