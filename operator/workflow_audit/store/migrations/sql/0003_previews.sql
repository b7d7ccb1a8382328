-- Revision 0003: what was counted for dryRun has lines of its own in the trace, so that it can be
-- counted when a policy changes, and not at the next run only. Runs as workflow_audit_owner.

ALTER TABLE public.retention_operations
    DROP CONSTRAINT retention_operations_operation_check,
    ADD CONSTRAINT retention_operations_operation_check
        CHECK (operation IN ('drop_partition', 'remove_events', 'place_hold', 'release_hold',
                             'preview', 'finish_run'));

CREATE FUNCTION public.audit_note_previews(run uuid, cluster text, details jsonb)
    RETURNS timestamp with time zone
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
    INSERT INTO public.retention_operations (operation, cluster_id, run_id, reason, details)
    VALUES ('preview', cluster, run, 'counted for dryRun; nothing was touched', details)
    RETURNING happened_at
$function$;

COMMENT ON FUNCTION public.audit_note_previews(uuid, text, jsonb) IS
    'Notes what retention would remove of the policies with dryRun';

REVOKE ALL ON FUNCTION public.audit_note_previews(uuid, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.audit_note_previews(uuid, text, jsonb)
   TO workflow_audit_retention;
