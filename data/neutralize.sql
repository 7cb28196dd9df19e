-- A copied database talks to no pharmacy app: not out, and not in.
UPDATE sync_backend
   SET paused = true, api_key_secret = NULL, webhook_secret_secret = NULL,
       url = 'http://neutralized.invalid';

-- And nothing of what is tried in it is noted; an update of the addon undoes that.
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT proname FROM pg_proc
                 WHERE starts_with(proname, 'sync_touched_')
                   AND pronamespace = current_schema()::regnamespace
    LOOP
        EXECUTE format('DROP FUNCTION %I() CASCADE', name);
    END LOOP;
END $$;
DELETE FROM sync_touched;
