-- Revision 0010: an idempotency key that comes again with another search is no replay. The name of the
-- resource tells them apart; of what an event says, the writer still reads nothing. Runs as
-- workflow_audit_owner.

GRANT SELECT (resource_name) ON public.audit_events TO workflow_audit_writer;
