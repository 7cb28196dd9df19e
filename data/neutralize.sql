-- A copied database talks to no pharmacy app: not out, and not in.
DELETE FROM res_users_apikeys
 WHERE user_id IN (SELECT user_id FROM sync_backend);
UPDATE sync_backend
   SET paused = true, user_id = NULL,
       api_key_secret = NULL, api_key_next_secret = NULL,
       webhook_secret_secret = NULL, webhook_secret_next_secret = NULL,
       internal_host = NULL, url = 'http://neutralized.invalid';
DELETE FROM sync_backend_connect;
DELETE FROM sync_webhook;
DELETE FROM sync_webhook_refusal;
