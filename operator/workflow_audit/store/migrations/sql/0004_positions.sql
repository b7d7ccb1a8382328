-- Revision 0004: the order of recording, so that a watch can go on where a list or another watch
-- has ended, on any replica. Runs as workflow_audit_owner.
--
-- What always holds: when an event is visible, every event with a smaller position is visible too.
-- A sequence alone does not give that: who took a number first may commit last, and whoever has
-- read the later number would never see the earlier one. So writers take turns: the lock is held
-- from the first number to the end of COMMIT. It costs one writer nothing, and several of them
-- wait for each other's disk write (docs/decisions/0013-the-order-of-recording.md).

CREATE SEQUENCE public.audit_positions AS bigint;

-- Without rows: it is there to be locked, by nobody but the trigger below. An advisory lock would
-- do as well, but anybody who may log in could hold it and stop all recording.
CREATE TABLE public.audit_turn ();

COMMENT ON TABLE public.audit_turn IS
    'Locked by whoever records, so that positions are in the order of COMMIT; without rows';

CREATE FUNCTION public.audit_take_turn() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    LOCK TABLE public.audit_turn IN EXCLUSIVE MODE;
    RETURN NULL;
END
$function$;

CREATE TRIGGER audit_take_turn
    BEFORE INSERT ON public.audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION public.audit_take_turn();
ALTER TABLE public.audit_events ENABLE ALWAYS TRIGGER audit_take_turn;

-- Events from before have none: a list gives them, a watch has no need to.
ALTER TABLE public.audit_events ADD COLUMN position bigint;
ALTER TABLE public.audit_events
    ALTER COLUMN position SET DEFAULT nextval('public.audit_positions');

CREATE INDEX audit_events_position_idx
    ON public.audit_events (position) WHERE position IS NOT NULL;

REVOKE ALL ON TABLE public.audit_turn FROM PUBLIC;
REVOKE ALL ON SEQUENCE public.audit_positions FROM PUBLIC;
REVOKE ALL ON FUNCTION public.audit_take_turn() FROM PUBLIC;
GRANT USAGE ON SEQUENCE public.audit_positions TO workflow_audit_writer;
