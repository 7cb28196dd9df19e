-- A copied database talks to no pharmacy app: not out, and not in.
DELETE FROM res_users_apikeys
 WHERE user_id IN (SELECT user_id FROM sync_backend);
UPDATE sync_backend
   SET paused = true, user_id = NULL,
       api_key_secret = NULL, api_key_next_secret = NULL,
       webhook_secret_secret = NULL, webhook_secret_next_secret = NULL,
       token_secret = NULL, token_internal_host = NULL,
       token_url = CASE WHEN token_url IS NULL THEN NULL
                        ELSE 'http://neutralized.invalid' END,
       internal_host = NULL, url = 'http://neutralized.invalid';
UPDATE sync_subscription
   SET active = false, internal_host = NULL, address_secret = NULL,
       secret_secret = NULL, secret_previous_secret = NULL;
-- Nobody is called; what is shown in Odoo itself stays.
UPDATE sync_alert_channel
   SET active = (kind = 'in_app'), from_settings = false, internal_host = NULL,
       emails = NULL, phones = NULL, address_secret = NULL, secret_secret = NULL,
       secret_previous_secret = NULL;
UPDATE sync_delivery SET state = 'cancelled', eta = NULL, lease = NULL
 WHERE state IN ('waiting', 'sending');
-- What other addons call is not called.
UPDATE sync_service SET active = false;
DELETE FROM sync_backend_connect;
DELETE FROM sync_webhook;
DELETE FROM sync_webhook_refusal;
-- No service is asked for a fix, and no connection is reset.
DELETE FROM ir_config_parameter
 WHERE key IN ('pharmacy_sync.feature_automated_fix', 'pharmacy_sync.feature_reset');
UPDATE sync_escalation SET state = 'failed' WHERE state = 'running';

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
