-- The schema as text that does not depend on PostgreSQL's version; each part sorted.
-- A partition is shown for one fixed month (2024-02), which the test makes.
WITH relations AS (
    SELECT class.oid, class.relname, class.relkind, class.relacl, class.reloptions,
           pg_get_userbyid(class.relowner) AS owner
      FROM pg_class AS class
     WHERE class.relnamespace = 'public'::regnamespace
       AND class.relkind IN ('r', 'p', 'v')
), lines (part, place, line) AS (
    SELECT 1, row(relname, 0)::text,
           format('table %s: %s, owner %s%s', relname,
                  CASE relkind WHEN 'p' THEN 'partitioned by ' || pg_get_partkeydef(oid)
                               WHEN 'v' THEN 'view with ' || reloptions::text
                               ELSE coalesce((SELECT 'partition ' || pg_get_expr(relpartbound, oid)
                                                FROM pg_class AS c WHERE c.oid = relations.oid
                                                 AND c.relispartition), 'plain') END,
                  owner,
                  coalesce(', ' || obj_description(oid), ''))
      FROM relations
    UNION ALL
    SELECT 2, format('%s %s', relname, lpad(attnum::text, 3, '0')),
           format('column %s.%s %s%s%s', relname, attname, format_type(atttypid, atttypmod),
                  CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END,
                  coalesce(' DEFAULT ' || pg_get_expr(adbin, adrelid), ''))
      FROM relations
      JOIN pg_attribute ON attrelid = relations.oid AND attnum > 0 AND NOT attisdropped
      LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    UNION ALL
    -- Type n: PostgreSQL 18 lists NOT NULL here too; the columns show it.
    SELECT 3, relname || conname, format('constraint %s.%s %s', relname, conname, pg_get_constraintdef(c.oid))
      FROM relations JOIN pg_constraint AS c ON conrelid = relations.oid WHERE contype <> 'n'
    UNION ALL
    SELECT 4, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL
    SELECT 5, relname || tgname, format('trigger %s (%s)', pg_get_triggerdef(t.oid),
           CASE tgenabled WHEN 'A' THEN 'always' ELSE 'NOT ALWAYS' END)
      FROM relations JOIN pg_trigger AS t ON tgrelid = relations.oid
    UNION ALL
    SELECT 6, proname, format(E'function, owner %s\n%s', pg_get_userbyid(proowner),
                              pg_get_functiondef(oid))
      FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT 7, relname || attname, format('grant %s on %s.%s to %s', privileges, relname, attname, grantee)
      FROM (SELECT relname, attname, coalesce(rolname::text, 'PUBLIC') AS grantee,
                   string_agg(privilege_type, ', ' ORDER BY privilege_type) AS privileges
              FROM (SELECT relname, '*' AS attname, relacl AS acl FROM relations
                    UNION ALL
                    SELECT relname, attname, attacl FROM relations
                      JOIN pg_attribute ON attrelid = relations.oid AND attacl IS NOT NULL) AS held,
                   aclexplode(acl) AS item
              LEFT JOIN pg_roles ON pg_roles.oid = item.grantee
             -- The owner's own rights are implied, and PostgreSQL 17 adds MAINTAIN to them.
             WHERE rolname IS DISTINCT FROM 'workflow_audit_owner'
             GROUP BY 1, 2, 3) AS by_grantee
    UNION ALL
    SELECT 8, proname || privilege_type || coalesce(rolname::text, 'PUBLIC'),
           format('grant %s on function %s to %s', privilege_type, proname, coalesce(rolname, 'PUBLIC'))
      FROM pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner))) AS item
      LEFT JOIN pg_roles ON pg_roles.oid = item.grantee
     WHERE pronamespace = 'public'::regnamespace AND item.grantee <> proowner
    UNION ALL
    SELECT 9, kind || privilege_type || coalesce(rolname::text, 'PUBLIC'),
           format('grant %s on %s to %s', privilege_type, kind, coalesce(rolname, 'PUBLIC'))
      FROM (SELECT 'schema public' AS kind, nspacl AS acl, nspowner AS owner FROM pg_namespace
             WHERE nspname = 'public'
            UNION ALL
            SELECT 'database', datacl, datdba FROM pg_database WHERE datname = current_database()) AS held,
           aclexplode(acl) AS item
      LEFT JOIN pg_roles ON pg_roles.oid = item.grantee
     WHERE item.grantee <> held.owner
)
SELECT line FROM lines ORDER BY part, place COLLATE "C", line COLLATE "C";
