-- Prepare a database for Workflow Audit: its roles, and what they may do in this database.
--
-- `workflow-audit migrate` runs this itself when its login may. Where it may not, an administrator
-- runs it once in that database (`psql -f prepare.sql`) and then, for the login that migrates:
--   GRANT workflow_audit_owner TO <login>;
-- Can be run again at any time. The database is meant for Workflow Audit alone: PUBLIC, which is
-- everybody who can connect to the server, loses its rights in it.

DO $roles$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['workflow_audit_owner', 'workflow_audit_writer',
                                  'workflow_audit_reader', 'workflow_audit_retention'] LOOP
        CONTINUE WHEN to_regrole(wanted) IS NOT NULL;
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;  -- roles belong to the server: a migration of another database was quicker
        END;
    END LOOP;
END
$roles$;

-- A login that created the roles (CREATEROLE) administers them, but does not hold them yet.
DO $member$
BEGIN
    IF NOT pg_has_role(current_user, 'workflow_audit_owner', 'SET') THEN
        EXECUTE format('GRANT workflow_audit_owner TO %I', current_user);
    END IF;
END
$member$;

DO $database$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO workflow_audit_owner, workflow_audit_writer, '
                   'workflow_audit_reader, workflow_audit_retention', current_database());
END
$database$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO workflow_audit_owner;
GRANT USAGE ON SCHEMA public
    TO workflow_audit_writer, workflow_audit_reader, workflow_audit_retention;
