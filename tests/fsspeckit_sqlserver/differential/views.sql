BEGIN
DECLARE c CURSOR FOR SELECT 1
DECLARE d SCROLL CURSOR WITH HOLD FOR SELECT 2
SELECT name, statement, is_holdable, is_binary, is_scrollable, creation_time IS NOT NULL FROM pg_cursors WHERE name <> '' ORDER BY 1
CLOSE c
SELECT count(*) FROM pg_catalog.pg_cursors WHERE name <> ''
COMMIT
SELECT name FROM pg_cursors WHERE name <> ''
CLOSE d
PREPARE p (int, text) AS SELECT $1, $2
SELECT name, statement, from_sql, prepare_time IS NOT NULL, parameter_types::text FROM pg_prepared_statements ORDER BY 1
DEALLOCATE p
SELECT count(*) FROM pg_prepared_statements
SELECT pg_advisory_lock(5)
SELECT pg_advisory_lock_shared(7, 8)
SELECT pg_try_advisory_lock(-1)
SELECT locktype, classid, objid, objsubid, mode, granted, pid = pg_backend_pid() AS mine FROM pg_locks WHERE locktype = 'advisory' ORDER BY classid, objid
SELECT pg_advisory_unlock(5)
SELECT pg_advisory_unlock_all()
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
SET application_name = 'me'
SELECT current_schemas(true), current_schemas(false), current_schema()
SET search_path = nope, public
SELECT current_schemas(true), current_schemas(false), current_schema(), current_schema
SET search_path = nope
SET search_path = pg_catalog, public
SELECT current_schemas(true), current_schemas(false), current_schema()
SET search_path = "$user", public
SELECT current_schemas(false)
RESET search_path
SELECT has_parameter_privilege('work_mem', 'SET')
SELECT has_parameter_privilege('nope', 'SET')
SELECT has_parameter_privilege('work_mem', 'NOPE')
SELECT has_table_privilege('pg_class', 'SELECT')
SELECT has_table_privilege('pg_class', 'NOPE')
SELECT has_table_privilege('nope', 'SELECT')
SELECT has_table_privilege('nobody', 'pg_class', 'SELECT')
SELECT has_table_privilege(999999, 'SELECT')
SELECT has_any_column_privilege('pg_class', 'SELECT')
SELECT has_column_privilege('pg_class', 'oid', 'SELECT')
SELECT has_column_privilege('pg_class', 'nope', 'SELECT')
SELECT has_column_privilege('pg_class', 1::int2, 'SELECT')
SELECT has_database_privilege('nope', 'CONNECT')
SELECT has_schema_privilege('public', 'USAGE')
SELECT has_schema_privilege('nope', 'USAGE')
SELECT has_function_privilege('lower(text)', 'EXECUTE')
SELECT has_function_privilege('nope(text)', 'EXECUTE')
SELECT has_language_privilege('sql', 'USAGE')
SELECT has_language_privilege('nope', 'USAGE')
SELECT has_type_privilege('int4', 'USAGE')
SELECT has_type_privilege('nope', 'USAGE')
SELECT has_tablespace_privilege('nope', 'CREATE')
SELECT has_foreign_data_wrapper_privilege('nope', 'USAGE')
SELECT has_server_privilege('nope', 'USAGE')
SELECT has_sequence_privilege('pg_class', 'USAGE')
SELECT has_sequence_privilege('nope', 'USAGE')
SELECT pg_has_role('nope', 'MEMBER')
SELECT row_security_active('pg_class')
